"""What all recipes share: looking, the table over seeds, vectors on disk, and a run of a recipe made of toys."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.evaluation import Column, Table
from gestalt.core.experiment import (
    AbstractRecipe,
    Batches,
    Captions,
    ExperimentData,
    Finder,
    Learning,
    Predictions,
    Running,
    readable,
    run,
    write_vectors,
)
from gestalt.core.experiment.predictions import PredictedBatch
from gestalt.core.experiment.seeds import Seeds, run_seeds
from gestalt.core.modality.base import Reading
from gestalt.core.networks.encoder import Network
from gestalt.core.training import Training
from tests.toy import toy


@final
class Numbered(AbstractItems[Tensor]):
    """Toy items; those whose numbers are bad cannot be read."""

    def __init__(self, items: list[Tensor], bad: frozenset[int] = frozenset()) -> None:
        self.items = items
        self.bad = bad

    def __len__(self) -> int:
        return len(self.items)

    def read(self, index: int, rng: np.random.Generator) -> Tensor:  # noqa: ARG002
        """The item."""
        if index in self.bad:
            raise BadItemError(self.name(index), "is torn")
        return self.items[index]

    def name(self, index: int) -> str:
        """Its number."""
        return f"item {index}"


def points(count: int) -> list[Tensor]:
    """Toy items of unequal sizes."""
    generator = torch.Generator().manual_seed(count)
    return [torch.randn(6 + number % 3, 2, generator=generator) for number in range(count)]


@final
@dataclass(frozen=True)
class ToyOptions:
    """The shared options alone."""

    running: Running
    learning: Learning = field(default_factory=lambda: Learning(encoder="small", hidden=8, projection=4, hand_over=0))
    training: Training = field(
        default_factory=lambda: Training(
            steps=4, batch=4, warmup=1, workers=0, threads=1, accelerator="cpu", log_every=1, checkpoint_every=2
        )
    )


@final
class ToyStudy(AbstractRecipe[Tensor, int]):
    """Twelve toy items; the metric counts objects."""

    modality = toy("points")
    words = Captions("toy", "Toys", "shipped toys", "own toys", "groups", "Colours are groups.", "points → vectors")
    columns = (Column("objects", higher_is_better=None), Column("seed", higher_is_better=None))
    note = "A note."
    ceilings = frozenset({"nothing"})

    def __init__(self, options: ToyOptions) -> None:
        self.options = options
        self.details = {"clusters": 2}

    def material(self) -> ExperimentData[Tensor, int]:
        """Items to train on, and five to try."""
        tried = points(5)
        names = [f"tried {number}" for number in range(5)]
        return ExperimentData(Numbered(points(12)), self.modality.views, tried, names, truth=self.options.training.seed)

    def finder(self) -> Finder:
        """Two clusters."""
        return Finder(KMeans(2))

    def measure(self, looked: Predictions, truth: int) -> dict[str, float]:
        """How many objects there are, and the truth itself."""
        return {"objects": float(looked.objects()), "seed": float(truth)}

    def baselines(
        self, random: Network, material: ExperimentData[Tensor, int], truth: int
    ) -> dict[str, dict[str, float]]:
        """One that finds nothing."""
        assert len(material.tried) == 5
        assert random.projector is not None
        return {"nothing": {"objects": 0.0, "seed": float(truth)}}


def run_toy(options: Any) -> int:
    """A run of the toy recipe."""
    return run(ToyStudy(options))


def test_a_recipe_of_toys_trains_compares_and_reports(tmp_path: Path) -> None:
    options = ToyOptions(Running(tmp_path / "run", compare=("byol",)))
    assert run_toy(options) == 0
    table = Table.from_json((tmp_path / "run" / "table.json").read_text())
    assert [row.method for row in table.rows] == ["nothing", "BYOL", "Odin"]
    assert [row.ceiling for row in table.rows] == [True, False, False]
    assert table.cell(2, 0).mean == 10  # five items of two clusters each
    report = (tmp_path / "run" / "report.html").read_text()
    assert "Odin learned from 12 shipped toys, without labels." in report
    assert "it finds 10 groups, 2.0 each" in report
    assert "A note." in report
    saved = json.loads((tmp_path / "run" / "config.json").read_text())
    assert saved["details"] == {"recipe": "toy", "clusters": 2}
    assert (tmp_path / "run" / "byol" / "metrics.csv").is_file()


def test_a_finished_run_is_not_begun_again_by_mistake(tmp_path: Path) -> None:
    options = ToyOptions(Running(tmp_path / "run"))
    assert run_toy(options) == 0
    with pytest.raises(FileExistsError, match="already holds a run; go on with it by --resume"):
        run_toy(options)
    changed = replace(options, running=replace(options.running, resume=True), learning=Learning(encoder="small"))
    with pytest.raises(ValueError, match=r"learning\.hidden was 8 and is now 256"):
        run_toy(changed)


def test_a_mistaken_encoder_is_named_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no encoder 'smal'; did you mean 'small'"):
        run_toy(ToyOptions(Running(tmp_path / "run"), learning=Learning(encoder="smal")))
    assert not (tmp_path / "run").exists()


def test_the_table_over_seeds_has_one_value_per_seed_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    base, seeds = ToyOptions(Running(tmp_path / "unused")), Seeds(tmp_path / "table", seeds=3, steps=2)
    begun: list[int] = []

    def fails_at_the_third(options: ToyOptions) -> int:
        begun.append(options.training.seed)
        return run_toy(options) if options.training.seed < 2 else 130

    assert run_seeds(base, fails_at_the_third, seeds) == 130
    assert not (tmp_path / "table" / "table.json").exists()
    assert run_seeds(base, run_toy, seeds) == 0
    assert begun == [0, 1, 2]
    table = Table.from_json((tmp_path / "table" / "table.json").read_text())
    assert table.rows[0].values[1] == (0.0, 1.0, 2.0)
    assert [row.method for row in table.rows] == ["nothing", "BYOL", "Odin"]
    assert "3 seeds" in table.title
    assert table.note == "A note."
    assert (tmp_path / "table" / "table.md").read_text().count("\n") == 5


def seen(found: list[list[int]], axes: int = 1) -> PredictedBatch:
    """What was seen in items of so many elements."""
    labels = torch.tensor(found)
    shape = (labels.shape[1],) + (1,) * (axes - 1)
    grid = Grid.uniform(shape, (1.0,) * axes)
    return PredictedBatch(FeatureMap(torch.ones(*labels.shape, 2), labels > -2, grid), labels)


def test_what_was_seen_is_had_item_by_item_and_as_one_batch() -> None:
    looked = Predictions((seen([[0, 0, 1], [-1, 0, 0]]), seen([[2, -1, 5, 5]])))
    assert looked.objects() == 2 + 1 + 2
    found, grid = looked.item(2)
    assert found.tolist() == [2, -1, 5, 5]
    assert grid is not None
    assert grid.shape == (4,)
    joined = looked.joined()
    assert joined.found.tolist() == [[0, 0, 1, -1], [-1, 0, 0, -1], [2, -1, 5, 5]]
    assert joined.features.valid.sum(dim=1).tolist() == [3, 3, 4]
    with pytest.raises(IndexError, match="no item"):
        looked.item(3)
    with pytest.raises(ValueError, match="lattices of different shapes"):
        Predictions((seen([[0, 0, 1]], axes=2), seen([[0, 1]], axes=2))).joined()


def test_items_to_show_come_from_all_over_and_pass_over_those_that_cannot_be_read() -> None:
    items = Numbered(points(9), bad=frozenset({4}))
    skipped: list[Skipped] = []
    assert list(readable(items, skipped)) == [0, 5, 8]
    assert skipped == [Skipped("item 4", "is torn")]
    with pytest.raises(BadItemError, match="item 4: is torn"):
        readable(items, None)
    with pytest.raises(BadItemError, match="no item can be read"):
        readable(Numbered(points(2), bad=frozenset({0, 1})), [])


def test_vectors_on_disk_are_those_of_the_network_and_items_are_their_means(tmp_path: Path) -> None:
    modality = toy("points")
    network = Network(modality.encoders["raw"]())
    items = points(5)
    skipped: list[Skipped] = []
    batches = Batches(modality, network, Reading(Numbered(items, frozenset({3})), ()), skipped, size=2)
    # Items 0 and 1 are two windows of one file.
    files = ["a", "a", "b", "c", "d"]
    write_vectors(
        tmp_path, batches, files.__getitem__, lambda batch, _: {"number": np.arange(batch.features.valid.shape[1])}
    )
    arrays = np.load(tmp_path / "vectors.npz")
    assert arrays["files"].tolist() == ["a", "b", "d"]
    assert skipped == [Skipped("item 3", "is torn")]
    every = [network.encode(modality.collate([item])).values[0].numpy() for item in items]
    expected = [np.concatenate(every[:2]), every[2], every[4]]
    assert np.array_equal(arrays["elements"], np.concatenate(expected))
    assert np.allclose(arrays["items"], [rows.mean(axis=0) for rows in expected], atol=1e-6)
    assert arrays["number"][: len(items[0])].tolist() == list(range(len(items[0])))
    assert "item 3: is torn" in (tmp_path / "skipped.txt").read_text()


def test_the_users_own_data_have_no_truth_to_compare_with() -> None:
    own = Running(Path("out"), (Path("data"),))
    with pytest.raises(ValueError, match="need data whose truth is known"):
        replace(own, compare=("byol",))
    with pytest.raises(ValueError, match="need data whose truth is known"):
        replace(own, validate=True)
