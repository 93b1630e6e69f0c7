"""Transforms made to whole batches on the device: the views of the workers, but for rounding."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import gestalt
from gestalt.core.components.registry import MODALITIES
from gestalt.core.experiment.choices import with_alternatives
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.batch_changes import AbstractBatchChange, BatchChanges
from gestalt.core.modality.transform import Chain, Views
from gestalt.core.runs.inputs import InMemory
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.data import Order, batches
from gestalt.core.training.metrics_log import read_metrics
from gestalt.core.training.options import Training
from gestalt.core.training.source import finished
from gestalt.modalities.image import MODALITY, default_views
from gestalt.modalities.image.batch_colours import within
from gestalt.modalities.image.effects import Blur, ColourJitter, Grey, Noise, Solarise
from gestalt.modalities.image.views import Flip, chain
from tests.test_choices import ASKING


def pictures(count: int, channels: int = 3) -> list[Tensor]:
    """Pictures of many shapes."""
    generator = torch.Generator().manual_seed(0)
    sizes = torch.randint(24, 70, (count, 2), generator=generator).tolist()
    return [torch.rand(channels, height, width, generator=generator) for height, width in sizes]


CHANGES: list[Any] = [ColourJitter(0.8, 0.8, 0.8, 0.5), Grey(), Blur(0.1, 3.0), Solarise(0.3)]


def test_every_change_of_batches_is_one_of_these_or_has_its_law_in_the_suite_for_modalities() -> None:
    """The suite compares all that a modality lists; see the law that begins with batched."""
    listed = {
        type(transform)
        for name in MODALITIES.names()
        for transform in gestalt.load_modality(name).transforms.values()
        if isinstance(transform, AbstractBatchChange)
    }
    assert listed == {type(change) for change in CHANGES}


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_a_batch_of_any_shapes_is_changed_as_its_pictures_one_by_one(change: Any, channels: int) -> None:
    items = pictures(9, channels)
    data = MODALITY.collate(items)
    rows = torch.tensor([8, 0, 3, 4, 7])
    drawn = torch.tensor([list(change.draw(np.random.default_rng(row))) for row in rows.tolist()], dtype=torch.float64)
    found = change.changed(data, rows, drawn.view(5, change.numbers))
    expected = [change(item, np.random.default_rng(row))[0] if row in rows else item for row, item in enumerate(items)]
    torch.testing.assert_close(found.pixels, MODALITY.collate(expected).pixels, rtol=1e-5, atol=5e-6)
    assert torch.equal(data.pixels, MODALITY.collate(items).pixels), "the batch itself stays as it is"
    assert bool((found.pixels * ~within(found.sizes, *found.pixels.shape[2:]) == 0).all())


def two(modality: AbstractModality[Any], items: Sequence[Any], views: Views[Any], workers: int = 0) -> list[Any]:
    """Two batches, with what is still to be done to them done."""
    order = Order(items=len(items), batch=4, steps=2, seed=3)
    made = batches(InMemory(items, "items"), views, modality.collate, order, workers, skip_bad=False)
    return [finished(batch, views.finishing) for batch in made]


@pytest.mark.parametrize("workers", [0, 2])
def test_views_that_are_finished_on_the_device_are_those_of_the_workers(workers: int) -> None:
    whole = default_views(32, large=2, small=1)
    split = whole.on_batches()
    assert all(not isinstance(step, AbstractBatchChange) for view in split.views for _, step in steps_of(view))
    assert [len(changes.steps) for changes in split.finishing] == [4, 4, 4]
    changed = 0
    for one, other in zip(two(MODALITY, pictures(10), whole), two(MODALITY, pictures(10), split, workers), strict=True):
        assert one.names == other.names
        torch.testing.assert_close(one.source.data.pixels, other.source.data.pixels)
        assert other.drawn == ()
        for view, again in zip(one.views, other.views, strict=True):
            torch.testing.assert_close(view.data.pixels, again.data.pixels, rtol=1e-4, atol=1e-5)
            grid = MODALITY.encoders["raw"]()(view.data)
            source = MODALITY.encoders["raw"]()(one.source.data).grid
            assert torch.equal(
                view.correspondence.source_elements(grid, source), again.correspondence.source_elements(grid, source)
            )
    for batch in batches(InMemory(pictures(4), "items"), split, MODALITY.collate, Order(4, 4, 1, 3), 0, skip_bad=False):
        done = finished(batch, split.finishing)
        changed += sum(
            not torch.equal(view.data.pixels, own.data.pixels)
            for view, own in zip(batch.views, done.views, strict=True)
        )
    assert changed == 3, "without these changes views are others"


def steps_of(view: Any) -> Sequence[tuple[float, Any]]:
    """The steps of a chain."""
    assert isinstance(view, Chain)
    return view.steps


def test_only_what_comes_last_is_made_to_batches() -> None:
    """Noise is drawn for every pixel and moved with no batch; what comes before it must come before it."""
    view = chain((0.5, Grey()), (1.0, Noise()), (0.3, Solarise()), (0.6, Blur()))
    split = Views(chain(), (view, chain((1.0, Flip())))).on_batches()
    assert [type(step).__name__ for _, step in steps_of(split.views[0])] == ["Grey", "Noise"]
    assert [[type(step).__name__ for _, step in changes.steps] for changes in split.finishing] == [
        ["Solarise", "Blur"],
        [],
    ]
    assert [probability for probability, _ in split.finishing[0].steps] == [0.3, 0.6]


def test_every_step_is_made_as_often_as_its_probability_says() -> None:
    changes = BatchChanges(((0.0, Grey()), (0.25, Blur()), (1.0, Solarise())))
    rng = np.random.default_rng(0)
    drawn = torch.stack([changes.draw(rng) for _ in range(2000)])
    assert drawn.shape == (2000, 1 + 2 + 1)
    assert float(drawn[:, 0].sum()) == 0
    assert abs(float(drawn[:, 1].mean()) - 0.25) < 0.05
    assert bool(((drawn[:, 2] > 0) == (drawn[:, 1] > 0)).all())
    assert float(drawn[:, 3].mean()) == 1


def test_where_nothing_can_be_made_to_batches_that_is_said() -> None:
    series = gestalt.load_modality("sensors")
    with pytest.raises(ValueError, match=r"no view here ends with.*leave out --batch-transforms"):
        series.views.on_batches()
    with pytest.raises(ValueError, match=r"one of several changes.*leave out --batch-transforms"):
        with_alternatives(ASKING, default_views(32), MODALITY).on_batches()


def test_a_run_learns_the_same_with_it_and_goes_on_with_and_without(tmp_path: Path) -> None:
    options = Training(steps=4, batch=4, workers=0, warmup=1, log_every=1, checkpoint_every=2, logger="csv", threads=1)

    def losses(folder: str, **changes: Any) -> list[float]:
        gestalt.train(
            pictures(8),
            modality="image",
            out=tmp_path / folder,
            method="byol",
            encoder="conv",
            views=default_views(32),
            training=replace(options, **changes),
            resume=(tmp_path / folder).exists(),
        )
        return [float(row["loss"]) for row in read_metrics(tmp_path / folder / METRICS)]

    plain = losses("plain")
    assert losses("batched", batch_transforms=True) == pytest.approx(plain, rel=1e-3)
    assert losses("workers", batch_transforms=True, workers=1) == losses("batched", batch_transforms=True)
    with pytest.raises(ValueError, match="leave out --batch-transforms"):
        gestalt.train(
            [torch.rand(40, 2) for _ in range(8)],
            modality="sensors",
            out=tmp_path / "none",
            training=replace(options, batch_transforms=True),
        )
