"""The table of what few labels are worth: every cell, the labels that are shown, and the command."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch

from gestalt.core.evaluation import Table
from gestalt.core.training.options import Training
from gestalt.recipes.labels_table import recipe
from gestalt.recipes.labels_table.cells import object_vectors, score, shown_items
from gestalt.recipes.labels_table.data_sets.by_name import Name, load
from gestalt.recipes.labels_table.labelled_data import LabelledData, padded
from gestalt.recipes.labels_table.rows import ROWS, Row
from tests.toy import point_items, toy

TRAINING = Training(
    steps=12, batch=8, warmup=1, workers=0, threads=1, accelerator="cpu", log_every=12, checkpoint_every=12
)


def toys(elements: bool) -> LabelledData:
    """Small clouds near one place or another; or points of every cloud on one side or the other."""
    items = [item + 5 * (number % 2) for number, item in enumerate(point_items(36))]
    labels = torch.arange(36) % 2
    if elements:
        items = point_items(36)
        labels = padded([(item[:, 0] > 2).long().tolist() for item in items])
    points = toy("points")
    return LabelledData(
        name="toys",
        question="on which side",
        classes=("left", "right"),
        modality=points,
        views=points.views,
        items=items[:24],
        labels=labels[:24],
        test_items=items[24:],
        test_labels=labels[24:],
        encoder="small",
    )


CELLS = [(row, elements) for row in ROWS for elements in (False, True) if not (row.items_only and elements)]


@pytest.mark.parametrize(("row", "elements"), CELLS, ids=[f"{row.name}-{elements}" for row, elements in CELLS])
def test_every_cell_of_the_table_is_a_share_that_beats_chance_on_what_is_easy(
    row: Row, elements: bool, tmp_path: Path
) -> None:
    assert 0.6 < score(row, toys(elements), 0.5, TRAINING, tmp_path) <= 1


GROUPS = tuple(row for row in ROWS if row.folder in ("plain", "random", "supervised", "byol", "semppl-task"))


@pytest.mark.parametrize("row", GROUPS, ids=[row.name for row in GROUPS])
def test_objects_of_several_elements_are_compared_and_tested_as_one(row: Row, tmp_path: Path) -> None:
    """Two objects in every cloud, its left and its right points; some points belong to neither."""
    data = toys(elements=True)
    segments, test_segments = (
        torch.where(torch.arange(labels.shape[1]) == 1, -1, labels) for labels in (data.labels, data.test_labels)
    )
    grouped = replace(data, segments=segments, test_segments=test_segments)
    assert 0.6 < score(row, grouped, 0.5, TRAINING, tmp_path) <= 1


def test_vectors_of_objects_are_means_of_their_elements_with_their_class() -> None:
    data = toys(elements=True)
    encoder = data.fresh_encoder(raw=True)
    vectors, classes = object_vectors(
        encoder, data.modality, data.test_items, data.test_labels, data.test_labels, chunk=5
    )
    expected = []
    for item, labels in zip(data.test_items, data.test_labels, strict=True):
        features = encoder(data.modality.collate([item])).values[0]
        for side in (0, 1):
            inside = labels[: len(item)] == side
            if bool(inside.any()):
                expected.append((side, features[inside].mean(dim=0)))
    assert classes.tolist() == [side for side, _ in expected]
    torch.testing.assert_close(vectors, torch.stack([mean for _, mean in expected]))


@pytest.mark.parametrize("share", [0.05, 1.0])
def test_a_cell_takes_any_share_of_the_labels(share: float, tmp_path: Path) -> None:
    """One label of each class, or all of them, as few and as many as there are."""
    training = replace(TRAINING, steps=3, log_every=3, checkpoint_every=3)
    rows = [row for row in ROWS if row.folder in ("byol", "semppl")]
    assert len(rows) == 2
    for row in rows:
        folder = tmp_path / row.folder
        folder.mkdir()
        assert 0 <= score(row, toys(False), share, training, folder) <= 1


@pytest.mark.parametrize("name", get_args(Name))
def test_the_task_network_names_items_of_every_shipped_data_set(name: Name, tmp_path: Path) -> None:
    """Items are read by the modality of their data set on the way to the task network, so the two must agree."""
    data = load(name, seed=0)
    segments, test_segments = (None if of is None else of[:24] for of in (data.segments, data.test_segments))
    few = replace(
        data,
        items=data.items[:24],
        labels=data.labels[:24],
        segments=segments,
        test_items=data.test_items[:24],
        test_labels=data.test_labels[:24],
        test_segments=test_segments,
    )
    training = replace(TRAINING, steps=2, batch=4, log_every=2, checkpoint_every=2)
    (row,) = (row for row in ROWS if row.folder == "semppl-task")
    assert 0 <= score(row, few, 0.5, training, tmp_path) <= 1


def test_the_labels_that_are_shown_are_a_share_and_another_seed_shows_others() -> None:
    for elements in (False, True):
        data = toys(elements)
        assert len(shown_items(data, 0.25, 0)) == 6
        assert shown_items(data, 0.25, 0).tolist() != shown_items(data, 0.25, 1).tolist()


def test_shipped_pictures_are_split_and_in_grey() -> None:
    data = load("image", seed=0)
    assert (len(data.items), len(data.test_items), len(data.classes)) == (2000, 1000, 10)
    assert data.items[0].shape == (1, 28, 28)
    assert 0.9 < max(float(item.max()) for item in data.items) <= 1
    assert data.labels.unique().tolist() == data.test_labels.unique().tolist() == list(range(10))


def test_groups_of_words_are_objects_with_the_class_of_their_head() -> None:
    data = load("spans", seed=0)
    segments, _ = data.objects()
    assert data.of_elements
    assert segments.shape == data.labels.shape
    inside = segments >= 0
    assert bool((data.labels[~inside] == -1).all())
    for row in range(50):
        for number in segments[row][inside[row]].unique().tolist():
            assert len(data.labels[row][segments[row] == number].unique()) == 1
    words, _ = load("text", seed=0).objects()
    assert words[3].tolist() == list(range(words.shape[1])), "every word is an object of its own"


def test_the_command_fills_every_cell_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(row: Row, data: LabelledData, share: float, training: Training, folder: Path) -> float:  # noqa: ARG001
        asked.append(row.name)
        return 0.25 + 0.5 * training.seed

    monkeypatch.setattr(recipe, "score", counted)
    monkeypatch.setattr(recipe, "load", lambda name, seed: toys(False))  # noqa: ARG005
    table_of = recipe.LabelsTable(recipe.Options(out=tmp_path, data_sets=("audio",), seeds=2))
    assert table_of.run() == 0
    assert table_of.run() == 0
    assert asked == [row.name for row in ROWS] * 2
    some = recipe.Options(out=tmp_path / "some", data_sets=("audio",), rows=("byol", "plain"), seeds=1)
    assert recipe.LabelsTable(some).run() == 0
    few = Table.from_json((tmp_path / "some" / "table.json").read_text())
    assert [row.method for row in few.rows] == ["plain features + probe", "BYOL + probe"]
    table = Table.from_json((tmp_path / "table.json").read_text())
    assert [row.method for row in table.rows] == [row.name for row in ROWS]
    assert table.rows[0].values == ((0.25, 0.75),)
    assert "on which side" in table.note
    assert (tmp_path / "table.md").is_file()


def test_a_method_that_remembers_whole_items_leaves_its_cell_of_elements_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "score", lambda *_: 0.5)
    monkeypatch.setattr(recipe, "load", lambda name, seed: toys(True))  # noqa: ARG005
    assert recipe.LabelsTable(recipe.Options(out=tmp_path, data_sets=("text",), seeds=1)).run() == 0
    table = Table.from_json((tmp_path / "table.json").read_text())
    found = {row.method: row.values[0] for row in table.rows}
    assert not any(value is not None for value in found["SimMatch + probe"] or ())
    assert found["PAWS + probe"] == (0.5,)


def test_senseless_options_are_refused() -> None:
    with pytest.raises(ValueError, match=r"share \(--share\) must lie in \(0, 1\], got 0\.0"):
        recipe.Options(share=0.0)
    with pytest.raises(ValueError, match="must name at least one data set, got none"):
        recipe.Options(data_sets=())
