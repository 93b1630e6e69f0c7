"""Every method runs in a recipe: the matrix in small, with labels from the recipe, a table or folders."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final, get_args

import pytest
import torch
from torch import Tensor

from gestalt.core.data.view import Batch
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.discovery.segmenters import EveryElement
from gestalt.core.evaluation import Column, Table
from gestalt.core.experiment import (
    AbstractRecipe,
    Captions,
    ExperimentData,
    Finder,
    Learning,
    Predictions,
    Running,
    run,
)
from gestalt.core.experiment.finder import plain_first
from gestalt.core.experiment.labelling import labels_of
from gestalt.core.experiment.options import Method
from gestalt.core.methods.catalogue import build
from gestalt.core.methods.learner import Learner
from gestalt.core.modality.labels import Labels
from gestalt.core.networks.follower import Follower, Shared
from gestalt.core.runs.inputs import InMemory
from gestalt.core.training import Training, launch, train
from gestalt.core.training.metrics_log import read_metrics
from gestalt.recipes.labels_table.labelled_data import padded
from tests.implementations import SMALL, make_batch, seeded
from tests.test_labels import Named
from tests.toy import point_items, toy

TRAINING = Training(
    steps=2,
    batch=4,
    warmup=1,
    workers=0,
    threads=1,
    accelerator="cpu",
    log_every=1,
    checkpoint_every=2,
    labelled=0.5,
)


@final
@dataclass(frozen=True)
class ToyOptions:
    """The shared options alone."""

    running: Running
    learning: Learning = field(
        default_factory=lambda: Learning(encoder="small", hidden=8, projection=4, hand_over=0, label_share=0.5)
    )
    training: Training = TRAINING


@final
class ToyStudy(AbstractRecipe[Tensor, int]):
    """Twelve toy items of two classes."""

    modality = toy("points")
    words = Captions("toy", "Toys", "shipped toys", "own toys", "groups", "Colours are groups.", "points → vectors")
    columns = (Column("objects", higher_is_better=None),)
    note = "A note."

    def __init__(self, options: ToyOptions, labelled: bool = True) -> None:
        self.options = options
        self.details = dict[str, Any]()
        self.labelled = labelled

    def material(self) -> ExperimentData[Tensor, int]:
        """Items to train on, and two to try."""
        items = InMemory(point_items(12), "/data/toy")
        label = (lambda index: ("a", "b")[index % 2]) if self.labelled else None
        return ExperimentData(items, self.modality.views, point_items(2), ["x", "y"], truth=0, label=label)

    def finder(self) -> Finder:
        """Two clusters, and given ones."""
        return Finder(KMeans(2), first=plain_first(self.modality.encoders["raw"](), KMeans(2)))

    def measure(self, looked: Predictions, truth: int) -> dict[str, float]:  # noqa: ARG002
        """How many objects there are."""
        return {"objects": float(looked.objects())}

    def baselines(self, random: Any, material: Any, truth: int) -> dict[str, dict[str, float]]:  # noqa: ARG002
        """None."""
        return {}


@pytest.mark.parametrize("method", get_args(Method))
def test_every_method_runs_in_a_recipe_from_its_options_to_its_report(method: Method, tmp_path: Path) -> None:
    base = ToyOptions(Running(tmp_path / "run"))
    assert run(ToyStudy(replace(base, learning=replace(base.learning, method=method)))) == 0
    assert Table.from_json((tmp_path / "run" / "table.json").read_text()).rows
    rows = read_metrics(tmp_path / "run" / "metrics.csv")
    assert [row["step"] for row in rows] == ["1", "2"]
    if method.startswith(("semppl", "odin-semantic")):
        assert float(rows[-1]["semantic"]) > 0
        assert 0 < float(rows[-1]["labelled_positives"]) < 1
    without = "without labels" in (tmp_path / "run" / "report.html").read_text()
    assert without == (method not in LABELLED)


LABELLED = {"semppl", "semppl-invariant", "semppl-task", "odin-semantic", "supervised", "supervised-contrastive"}


def test_a_method_that_needs_labels_says_so_where_there_are_none(tmp_path: Path) -> None:
    base = ToyOptions(Running(tmp_path / "run"))
    with pytest.raises(ValueError, match="'semppl' learns from classes of some items, and there are none"):
        run(ToyStudy(replace(base, learning=replace(base.learning, method="semppl")), labelled=False))


def test_labels_come_from_a_table_or_folders_and_a_share_of_them_is_hidden(tmp_path: Path) -> None:
    material = ToyStudy(ToyOptions(Running(tmp_path))).material()
    names = [material.items.name(index) for index in range(12)]
    table = tmp_path / "labels.csv"
    table.write_text("name,label\n" + "".join(f"{name},{i % 3}\n" for i, name in enumerate(names)), encoding="utf-8")
    learning = Learning(labels=table, label_share=1.0)
    whole = labels_of(material, learning, seed=0)
    assert whole is not None
    assert whole.classes.tolist() == [0, 1, 2] * 4
    half = labels_of(material, replace(learning, label_share=0.5), seed=0)
    assert half is not None
    assert torch.bincount(half.classes[half.known()]).tolist() == [2, 2, 2]
    values = labels_of(material, replace(learning, label_kind="value", label_share=0.5), seed=0)
    assert values is not None
    assert len(values.known()) >= 6
    shown = labels_of(material, Learning(label_share=0.25), seed=0)
    assert shown is not None
    assert len(shown.known()) == 3
    folders = Named("/d/cat/1", "/d/dog/1", "/d/dog/2")
    assert labels_of(replace(material, items=folders), Learning(labels=Path("folders"), label_share=1.0), 0) is not None
    with pytest.raises(ValueError, match=r"--label-share must lie in \(0, 1\]"):
        Learning(label_share=0.0)


def test_odin_with_semantic_positives_learns_from_the_classes_of_elements(tmp_path: Path) -> None:
    """Objects are discovered; those that lie in labelled elements have their class, the others get a pseudo-label."""
    items = point_items(12)
    elements = padded([(torch.arange(len(item)) >= len(item) // 2).long().tolist() for item in items])
    torch.manual_seed(0)
    learner = build("odin-semantic", toy("points").encoders["small"](), SMALL)
    labels = Labels(("left", "right"), elements).keeping(torch.arange(6))
    points = toy("points")
    done = train(
        launch(TRAINING),
        learner,
        InMemory(items, "toy"),
        points.views,
        points.collate,
        TRAINING,
        tmp_path,
        labels=labels,
    )
    assert done.finished
    row = read_metrics(tmp_path / "metrics.csv")[-1]
    assert float(row["semantic"]) > 0
    assert 0 <= float(row["pseudo_label_accuracy"]) <= 1
    batch: Batch[Any] = make_batch("points", items[:4])
    outcome = learner(replace(batch, labels=elements[:4]), seeded())
    assert set(outcome.known.labels.flatten().tolist()) >= {0, 1}


def test_a_socket_may_be_filled_anew() -> None:
    torch.manual_seed(0)
    learner: Learner = build("byol", toy("points").encoders["small"](), SMALL)
    learner.segmenter = EveryElement(Follower(learner.online, Shared()))
    outcome = learner(make_batch("points", point_items(3)), seeded())
    assert outcome.segmentation.objects == max(len(item) for item in point_items(3))
