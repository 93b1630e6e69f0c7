"""Training in float16 with a gradient scaler, on the CPU: overflows are left out, and the scaler's state is kept."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision

from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.checkpoint import load_checkpoint
from gestalt.core.training.loop import TrainingResult, train_learner
from gestalt.core.training.metrics_log import read_metrics
from gestalt.core.training.options import Training
from gestalt.core.training.training_data import TrainingData
from tests.test_stopping import assert_same_numbers, interrupting
from tests.test_training import OPTIONS, SERIES, Few, learner, run

HALF = replace(OPTIONS, steps=12, precision="16-mixed", log_every=1)


def half(
    folder: Path, items: Few, resume: bool = False, scale: float = 2.0**22, options: Training = HALF
) -> TrainingResult:
    """Train as `--precision 16-mixed` does on a GPU; the first scales are far too large."""
    folder.mkdir(exist_ok=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=3)  # type: ignore[attr-defined]
    fabric = Fabric(accelerator="cpu", devices=1, plugins=[MixedPrecision("16-mixed", "cpu", scaler)])
    fabric.launch()
    return train_learner(
        fabric, learner("byol"), TrainingData(items, SERIES.views, SERIES.collate), options, folder, resume
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("half")
    assert half(folder, Few()).finished
    return folder


def test_an_overflow_is_left_out_and_lowers_the_scale_also_where_gradients_are_clipped(whole: Path) -> None:
    saved = load_checkpoint(whole)
    assert saved is not None
    assert HALF.clip is not None
    assert 0 < saved["scaler"]["scale"] < 2.0**22
    rows = read_metrics(whole / METRICS)
    assert all(math.isfinite(float(row["loss"])) for row in rows)
    start = learner("byol").state_dict()
    moved = saved["learner"]["online.projector.layers.0.weight"]
    assert bool(moved.isfinite().all())
    assert not torch.equal(moved, start["online.projector.layers.0.weight"])  # later steps did learn


def test_the_scaler_decides_how_gradients_are_clipped_whatever_the_options_say(tmp_path: Path) -> None:
    assert half(tmp_path, Few(), options=replace(HALF, steps=2, precision="32-true")).finished


@pytest.mark.parametrize("read", [6, 22, 38])
def test_a_run_in_float16_that_was_stopped_and_resumed_gives_the_same_numbers_bit_for_bit(
    whole: Path, tmp_path: Path, read: int
) -> None:
    assert not half(tmp_path, interrupting(read)).finished
    assert half(tmp_path, Few(), resume=True, scale=3.0).finished  # the scale of the checkpoint goes before this one
    assert_same_numbers(whole, tmp_path)


def test_a_checkpoint_of_another_precision_is_refused(tmp_path: Path) -> None:
    run(tmp_path, Few(), learner=learner("byol"))
    with pytest.raises(ValueError, match="belongs to another network or method"):
        half(tmp_path, Few(), resume=True)
