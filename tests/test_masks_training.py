"""Methods learn from masks that come with the data, and a run with masks resumes to the same numbers."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.masks import ItemMasks, ListedMasks
from gestalt.core.discovery.segmenters import GivenMasks
from gestalt.core.methods.learner import Learner
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.metrics_log import read_metrics
from tests.implementations import DATA, method_learner
from tests.test_stopping import assert_same_numbers, interrupting
from tests.test_training import OPTIONS, SERIES, Few, run
from tests.toy import series_items

GIVEN = replace(DATA, first_segments=GivenMasks())
LENGTHS = tuple(len(item) for item in series_items(10))
"""Samples of each series."""


def masks(objects: int = 3) -> ListedMasks[torch.Tensor]:
    """Equal stretches of every series but two: the first has no mask, the second a mask of nothing."""
    found: list[ItemMasks | None] = [
        ItemMasks(torch.arange(length) * objects // length, Grid.uniform((length,), (1.0,))) for length in LENGTHS
    ]
    found[0] = None
    found[1] = ItemMasks(torch.full((LENGTHS[1],), -1), Grid.uniform((LENGTHS[1],), (1.0,)))
    return ListedMasks(found)


def learner(method: str) -> Learner:
    """A small learner of a method that takes given masks, from the same weights every time."""
    torch.manual_seed(0)
    return method_learner(method, SERIES.encoders["small"](), GIVEN)


@pytest.mark.parametrize("method", ["detcon", "detcon-s", "odin-warm-start"])
def test_methods_of_given_segments_train_on_masks(tmp_path: Path, method: str) -> None:
    options = replace(OPTIONS, steps=30, log_every=1, lr=3e-2)
    trained = learner(method)
    before = {name: value.clone() for name, value in trained.online.state_dict().items()}
    assert run(tmp_path, Few(), options, learner=trained, masks=masks()).finished
    rows = read_metrics(tmp_path / METRICS)
    first = sum(float(row["loss"]) for row in rows[:5])
    assert sum(float(row["loss"]) for row in rows[-5:]) < first
    assert any(not torch.equal(value, before[name]) for name, value in trained.online.state_dict().items())
    if method.startswith("detcon"):
        counts = [float(row["objects_per_item"]) for row in rows]
        assert max(counts) == 3  # a batch without the two special series
        assert min(counts) < 3


def test_other_masks_give_other_numbers(tmp_path: Path) -> None:
    for objects in (2, 3):
        run(tmp_path / str(objects), Few(), learner=learner("detcon"), masks=masks(objects))
    assert (tmp_path / "2" / METRICS).read_bytes() != (tmp_path / "3" / METRICS).read_bytes()


def test_a_learner_that_needs_masks_says_so_where_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"needs masks in the batch, but items such as 'series \d' bring none"):
        run(tmp_path, Few(), learner=learner("detcon"))


@pytest.mark.parametrize("method", ["detcon", "odin-warm-start"])
def test_a_stopped_run_with_masks_resumes_bit_for_bit(tmp_path: Path, method: str) -> None:
    options = replace(OPTIONS, workers=0)

    def go(name: str, items: Few, resume: bool = False) -> bool:
        return run(tmp_path / name, items, options, resume, learner=learner(method), masks=masks()).finished

    assert go("whole", Few())
    assert not go("parts", interrupting(22))
    assert go("parts", Few(), resume=True)
    assert_same_numbers(tmp_path / "whole", tmp_path / "parts")
