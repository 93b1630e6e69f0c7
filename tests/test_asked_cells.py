"""Kept numbers of cells are those of the options that are asked for, or they are refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.experiment.asked import ASKED, RUN
from gestalt.core.experiment.cells import measured
from gestalt.core.experiment.kept import keep
from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.settings import Heads
from gestalt.core.runs.types.clusterings import KMeansTypes
from gestalt.core.training.options import Training
from gestalt.modalities.image.backbones import ResNet
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.recipes.image_objects.recipe import ImageObjects
from gestalt.recipes.labels_table import recipe as labels_table
from gestalt.recipes.methods_table import recipe as methods_table
from gestalt.recipes.methods_table.cells import Trial
from gestalt.recipes.named_events.recipe import NamedEvents, digest_of
from gestalt.recipes.named_events.recipe import Options as NamedOptions
from gestalt.recipes.named_events.rows import ROWS as NAMED_ROWS
from gestalt.recipes.rounds_table import recipe as rounds_table
from gestalt.recipes.rounds_table.rows import ROWS as ROUNDS_ROWS
from gestalt.recipes.sentence_trees import recipe as sentence_trees
from gestalt.recipes.single_item import recipe as single_item
from tests.test_labels_table import toys
from tests.test_rounds_table import TINY

TRAINING = Training(steps=2, batch=4, warmup=0, workers=0, threads=1, accelerator="cpu")
OTHERS: tuple[dict[str, Any], ...] = (
    {"lr": 1.0},
    {"optimizer": "lars"},
    {"warmup": 1},
    {"precision": "bf16-mixed"},
    {"weight_decay": 0.5},
)
SAME: dict[str, Any] = {"threads": 2, "workers": 1, "log_every": 3, "checkpoint_every": 7, "logger": "csv"}


def scored(folder: Path, of: dict[str, Any], value: float = 0.5) -> float:
    return measured(folder, lambda _: {"score": value}, of)["score"]


def test_a_cell_is_measured_once_and_refused_under_other_options_by_name(tmp_path: Path) -> None:
    of = {"training": TRAINING, "method": BYOL()}
    assert scored(tmp_path, of) == 0.5
    assert scored(tmp_path, of, 0.9) == 0.5
    assert scored(tmp_path, of | {"training": replace(TRAINING, **SAME)}, 0.9) == 0.5
    for change in OTHERS:
        with pytest.raises(ValueError, match=rf"measured with other options: training\.{next(iter(change))} was"):
            scored(tmp_path, of | {"training": replace(TRAINING, **change)})
    with pytest.raises(ValueError, match=r"method\.heads\.hidden was 4096 and is now 8, .*\. Choose another folder"):
        scored(tmp_path, of | {"method": BYOL(heads=Heads(8, 4))})
    with pytest.raises(ValueError, match=r"method\.type was"):
        scored(tmp_path, {"training": TRAINING})


def test_a_stopped_run_does_not_go_on_under_other_options(tmp_path: Path) -> None:
    def stopped(run: Path) -> dict[str, float]:
        run.mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured(tmp_path, stopped, {"lr": 0.1})
    with pytest.raises(ValueError, match=r"begun with other options: lr was 0\.1 and is now 0\.2"):
        scored(tmp_path, {"lr": 0.2})
    assert scored(tmp_path, {"lr": 0.1}) == 0.5
    assert not (tmp_path / RUN).exists()


def test_a_cell_that_could_not_be_begun_is_begun_under_any_options(tmp_path: Path) -> None:
    def failing(_: Path) -> dict[str, float]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        measured(tmp_path, failing, {"lr": 0.1})
    assert scored(tmp_path, {"lr": 0.2}) == 0.5
    assert json.loads((tmp_path / ASKED).read_text()) == {"lr": 0.2}


def test_what_was_measured_before_options_were_noted_is_taken_and_a_damaged_note_is_named(tmp_path: Path) -> None:
    keep(tmp_path, {"score": 0.25})
    assert scored(tmp_path, {"lr": 0.1}) == scored(tmp_path, {"lr": 0.2}) == 0.25
    (tmp_path / ASKED).write_text("{")
    with pytest.raises(ValueError, match=ASKED):
        scored(tmp_path, {"lr": 0.1})


def single(folder: Path, training: Training) -> None:
    options = single_item.Options(
        folder, method="byol-small", items=8, known=20, tested=10, validate=True, seeds=1, training=training
    )
    single_item.SingleItem(options).run()


def labels(folder: Path, training: Training) -> None:
    labels_table.LabelsTable(labels_table.Options(folder, data_sets=("audio",), seeds=1, training=training)).run()


def trees(folder: Path, training: Training) -> None:
    options = sentence_trees.Options(folder, items=12, test_items=6, shares=(1.0,), seeds=1, training=training)
    sentence_trees.SentenceTrees(options).run()


@pytest.fixture
def nothing_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes' cells are measured in no time."""
    monkeypatch.setattr(single_item, "trained", lambda *_: ResNet("resnet18", channels=1))
    monkeypatch.setattr(single_item, "by_stage", lambda *_: {f"stage {number}": 0.5 for number in (1, 2, 3, 4)})
    monkeypatch.setattr(labels_table, "load", lambda name, seed: toys(False))  # noqa: ARG005
    monkeypatch.setattr(labels_table, "score", lambda *_: 0.5)
    monkeypatch.setattr(sentence_trees, "pretrained", lambda *_: TEXT.encoders["conv"](width=8))
    monkeypatch.setattr(sentence_trees, "scores", lambda *_: {"las": 0.5, "uas": 0.5})


@pytest.mark.usefixtures("nothing_is_trained")
@pytest.mark.parametrize("table", [single, labels, trees])
def test_tables_refuse_cells_that_were_trained_otherwise(table: Any, tmp_path: Path) -> None:
    table(tmp_path, TRAINING)
    (written,) = tmp_path.rglob("table.json")
    text = written.read_text()
    table(tmp_path, replace(TRAINING, **SAME))
    given = [change for change in OTHERS if table is not labels or "lr" not in change]  # there it is the data set's
    for change in given:
        with pytest.raises(ValueError, match=rf"training\.{next(iter(change))} was .* and is now"):
            table(tmp_path, replace(TRAINING, **change))
    assert written.read_text() == text


def test_tables_of_rounds_refuse_cells_of_other_thresholds_or_another_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageObjects, "options_type", lambda: TINY)
    monkeypatch.setattr(rounds_table, "ROWS", ROUNDS_ROWS[:1])
    names = [column.name for column in ImageObjects.columns]
    monkeypatch.setattr(rounds_table, "first_segments_measured", lambda *_: dict.fromkeys(names, 0.5))
    found = dict.fromkeys([*names, "threshold"], 0.5)
    monkeypatch.setattr(rounds_table.RoundsTable, "_measured", lambda *_: found)
    options = rounds_table.Options(tmp_path, ("image-objects",), seeds=1, every=1, thresholds=(0.4,))
    rounds_table.RoundsTable(options).run()
    rounds_table.RoundsTable(options).run()
    with pytest.raises(ValueError, match="thresholds was"):
        rounds_table.RoundsTable(replace(options, thresholds=(0.5,))).run()
    monkeypatch.setattr(ImageObjects, "options_type", lambda: replace(TINY, training=replace(TINY.training, lr=0.5)))
    with pytest.raises(ValueError, match=r"training\.lr was"):
        rounds_table.RoundsTable(options).run()


def test_tables_of_methods_refuse_cells_of_other_views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageObjects, "options_type", lambda: TINY)
    metrics = [*(column.name for column in methods_table.CLASSES), *(column.name for column in ImageObjects.columns)]
    monkeypatch.setattr(Trial, "plain", lambda _: None)
    monkeypatch.setattr(Trial, "random", lambda *_: None)
    monkeypatch.setattr(Trial, "trained", lambda *_: type("", (), {"online": None}))
    monkeypatch.setattr(Trial, "measured", lambda *_: dict.fromkeys(metrics, 0.5))
    options = methods_table.Options(tmp_path, ("image-objects",), ("simclr",), (), seeds=1, steps=2)
    methods_table.MethodsTable(options).run()
    methods_table.MethodsTable(replace(options, steps=3)).run()
    other = replace(TINY, training=replace(TINY.training, lr=0.5))
    monkeypatch.setattr(ImageObjects, "options_type", lambda: other)
    with pytest.raises(ValueError, match=r"training\.lr was"):
        methods_table.MethodsTable(options).run()
    monkeypatch.setattr(ImageObjects, "options_type", lambda: replace(TINY, finder=ObjectFinder(KMeans(3))))
    with pytest.raises(ValueError, match=r"finder\.\S+ was"):
        methods_table.MethodsTable(options).run()


def test_tables_of_named_events_refuse_cells_of_types_that_were_found_otherwise(tmp_path: Path) -> None:
    options = NamedOptions(tmp_path, seeds=1, minutes=1, held_out=1, steps=2, rows=(NAMED_ROWS[0].name,))
    cell = tmp_path / "test-1-1-0" / "run-2" / "cells" / digest_of(options.types) / NAMED_ROWS[0].folder
    measured(
        cell,
        lambda _: dict.fromkeys(("events", "mean of classes", "within 0.2 s", "seconds"), 0.5),
        {"types": options.types},
    )
    NamedEvents(options).run()
    with pytest.raises(ValueError, match=r"types\.by\.\w+ was"):
        NamedEvents(replace(options, types=replace(options.types, by=KMeansTypes(3)))).run()


@pytest.mark.parametrize(("option", "there"), [("tested", 1500), ("known", 4000)])
def test_more_pieces_of_clothing_than_ship_are_refused_before_anything_is_trained(
    option: str, there: int, tmp_path: Path
) -> None:
    changed: dict[str, Any] = {option: 100_000}
    options = replace(single_item.Options(tmp_path / "out"), **changed)
    with pytest.raises(ValueError, match=rf"{option} \(--{option}\) must be at most {there}, .* got 100000"):
        single_item.SingleItem(options).run()
    assert not (tmp_path / "out").exists()
