"""Whoever listens to the page gives names by what was shown to them, labels hold what was named, and cells are kept."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.experiment.kept import keep
from gestalt.core.runs.inputs import InMemory
from gestalt.core.runs.types.members import Members
from gestalt.modalities.audio import Recording
from gestalt.recipes.audio_events.rules import Rules, segment
from gestalt.recipes.named_events.archive import Archive
from gestalt.recipes.named_events.hearing import heard_on_the_page, sounds_of_objects
from gestalt.recipes.named_events.labels import labels_of_objects
from gestalt.recipes.named_events.recipe import SCORES, NamedEvents, Options, digest_of
from gestalt.recipes.named_events.remembered import Remembered
from gestalt.recipes.named_events.rows import ROWS, STORY
from gestalt.recipes.named_events.rule import EnergyAndFlux

OBJECTS = torch.tensor([[0, 0, 1, 1, -1, -1], [2, 2, 2, -1, 0, 0]])
"""Of two windows of six frames; the second has no object 1."""
TRUTH = (["owl", "owl", "fox", "", "", ""], ["owl", "rain", "", "", "rain", "rain"])


class Truth(AbstractMasks[Recording]):
    """What sounds in them."""

    unused = ()

    def has(self, index: int) -> bool:  # noqa: ARG002
        return True

    def of_item(self, index: int, item: Recording) -> ItemMasks:  # noqa: ARG002
        names = [name for name in dict.fromkeys(TRUTH[index]) if name]
        labels = torch.tensor([names.index(name) if name else -1 for name in TRUTH[index]])
        return ItemMasks(labels, Grid.uniform((6,), (0.5,)), tuple(names))


@pytest.fixture
def seen() -> Remembered:
    """Two windows that are encoded already."""
    grid = Grid.uniform((6,), (0.5,))
    features = FeatureMap(torch.zeros(2, 6, 3), torch.ones(2, 6, dtype=torch.bool), grid)
    recordings = (Recording(torch.zeros(48_000), 16_000),) * 2
    found = object.__new__(Remembered)
    found.items = InMemory(recordings)
    found.batches = [FoundBatch((0, 1), recordings, features, Segmentation.from_labels(OBJECTS, 3, grid))]
    return found


def test_an_object_is_what_fills_half_of_it(seen: Remembered) -> None:
    assert sounds_of_objects(seen, Truth()) == ["owl", "fox", "rain", None]


def test_elements_have_the_names_of_their_objects_and_the_rest_is_none_or_not_known(seen: Remembered) -> None:
    def names(rest: bool, whole: bool = False) -> list[list[str | None]]:
        labels = labels_of_objects(seen, {1: "fox"}, rest, whole)
        names = [*labels.target.columns, None]
        return [[names[number] for number in row] for row in labels.known.tolist()]

    nothing = [None] * 6
    assert names(rest=False) == [[None, None, "fox", "fox", None, None], nothing]
    assert names(rest=True) == [["none", "none", "fox", "fox", "none", "none"], nothing]
    assert names(rest=True, whole=True)[1] == ["none"] * 6


def members_of(kinds: list[int]) -> Members:
    count = len(kinds)
    distance = torch.arange(count).float()
    zeros = torch.zeros(count, dtype=torch.long)
    return Members(zeros, torch.arange(count), distance, torch.tensor(kinds), distance)


def test_types_are_named_by_the_members_that_are_shown_the_clearest_first() -> None:
    """Nine members each: all owl; six owl and three fox; nine rain; five fox and four nothing; four rain."""
    heard: list[tuple[str | None, int]] = [
        ("owl", 9),
        ("owl", 6),
        ("fox", 3),
        ("rain", 9),
        ("fox", 5),
        (None, 4),
        ("rain", 4),
    ]
    sounds = [name for name, count in [*heard, (None, 5)] for _ in range(count)]
    members = members_of([kind for kind in range(5) for _ in range(9)])
    found = heard_on_the_page(members, 5, sounds)
    assert found.names == {0: "owl", 1: "owl", 2: "rain", 3: "fox"}
    assert found.wrong == {15, 16, 17, 32, 33, 34, 35}
    assert found.shown == {place: name for place, name in enumerate(sounds[:32]) if place not in found.wrong}
    assert heard_on_the_page(members, 5, sounds, count=2).names == {0: "owl", 1: "owl", 2: "rain"}


def test_members_that_are_not_shown_are_not_heard() -> None:
    """Of thirty, nine are on the page: those in the middle and beyond the fourth are others."""
    sounds = ["owl"] * 4 + ["fox"] * 26
    found = heard_on_the_page(members_of([0] * 30), 1, sounds)
    assert found.names == {0: "fox"}
    assert found.wrong == {0, 1, 2, 3}
    assert len(found.shown) == 5


def test_the_rule_as_a_grouper_finds_what_the_rule_finds() -> None:
    rng = np.random.default_rng(0)
    loud = np.where((np.arange(200) // 40) % 2, 0.0, -1.5)[:, None]
    log_mel = (loud + 0.05 * rng.standard_normal((200, 8))).astype(np.float32)
    features = FeatureMap(
        torch.from_numpy(log_mel)[None], torch.ones(1, 200, dtype=torch.bool), Grid.uniform((200,), (0.032,))
    )
    found = EnergyAndFlux()(features, torch.Generator())
    expected = segment(log_mel * math.log(100.0), Rules(hop=0.032)) - 1
    assert int(expected.max()) >= 1
    assert found.labels()[0].tolist() == expected.tolist()


def test_recordings_are_those_of_their_seed_and_stay_once_they_are_there(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "a", minutes=1, held_out=1)
    archive.write()
    again = replace(archive, folder=tmp_path / "b")
    again.write()
    for name in ("archive/000.wav", "held-out/000.wav", "archive.tsv", "held-out.tsv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert soundfile.info(tmp_path / "a" / "archive" / "000.wav").duration == 60
    assert (tmp_path / "a" / "archive.tsv").read_text() != (tmp_path / "a" / "held-out.tsv").read_text()
    before = (tmp_path / "a" / "archive" / "000.wav").stat().st_mtime_ns
    archive.write()
    assert (tmp_path / "a" / "archive" / "000.wav").stat().st_mtime_ns == before
    items = archive.items("archive")
    masks = archive.truth("archive", items)
    named = {masks.of_item(0, items.read(0, np.random.default_rng(0))).name(0)}  # type: ignore[union-attr]
    assert named <= {row.split("\t")[3] for row in (tmp_path / "a" / "archive.tsv").read_text().splitlines()}
    other = {row.split("\t")[3] for row in (tmp_path / "a" / "held-out.tsv").read_text().splitlines()[1:]}
    validation = Archive(tmp_path / "c", "validation", 1, 1)
    validation.write()
    assert not other & {row.split("\t")[3] for row in (tmp_path / "c" / "archive.tsv").read_text().splitlines()[1:]}


def test_the_table_is_made_of_kept_cells_and_classes_stand_beside_it(tmp_path: Path) -> None:
    options = Options(out=tmp_path, seeds=2, minutes=1, held_out=1, steps=2)
    for seed in range(2):
        for row in ROWS:
            cells = tmp_path / f"test-1-1-{seed}" / "run-2" / "cells" / digest_of(options.types)
            scores = dict.fromkeys(SCORES, 0.25 + 0.5 * seed)
            keep(cells / row.folder, scores | ({"f1 of owl": 0.5} if row.told != "own types" else {"f1 of fox": 1.0}))
    assert NamedEvents(options).run() == 0
    table = (tmp_path / "table.md").read_text()
    assert f"| {STORY} | 0.50 ± 0.35 " in table.replace("**", "")
    classes = (tmp_path / "classes.md").read_text()
    assert classes.count("| owl |") == 2
    assert "| fox |" not in classes


def test_a_row_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no row 'magic'; rows are 'named types: the run'"):
        Options(rows=("magic",))
