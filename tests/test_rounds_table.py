"""The table of rounds: what its rows train, how their threshold is chosen, and what is kept."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gestalt.core.data.transplants import Transplants
from gestalt.core.discovery.groupers import KMeans, MergeAlike
from gestalt.core.evaluation import Table
from gestalt.core.experiment.build import LearnerFactory
from gestalt.core.experiment.kept import kept
from gestalt.core.experiment.predictions import predictions_of
from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.odin_rounds import OdinRounds
from gestalt.core.networks.encoder import Network
from gestalt.core.training.options import Training
from gestalt.recipes.image_objects.recipe import ImageObjects, Options, regions_finder
from gestalt.recipes.image_objects.rules import felzenszwalb
from gestalt.recipes.image_objects.truth import instance_metrics, truth_of
from gestalt.recipes.rounds_table import recipe
from gestalt.recipes.rounds_table.cells import (
    Parts,
    chosen_and_measured,
    first_segments_measured,
    threshold_of,
    trained,
    with_threshold,
)
from gestalt.recipes.rounds_table.rows import ROWS, Row

TINY = Options(
    size=32,
    scenes=8,
    test_scenes=4,
    training=Training(steps=2, batch=4, warmup=1, workers=0, threads=1, accelerator="cpu"),
)
INSTANCES = ["fg-ARI", "ARI", "mBO", "recovery"]


def method_of(row: Row) -> OdinRounds:
    """The recipe's method as a row has it, with rounds of 7 steps."""
    method = TINY.method
    assert isinstance(method, OdinRounds)
    return row.method(method, 7)


@pytest.mark.parametrize("row", ROWS, ids=[row.folder for row in ROWS])
def test_a_row_replaces_what_its_name_says_and_nothing_else(row: Row) -> None:
    changed = method_of(row)
    assert (changed.transplants is None) == ("no transplants" in row.name)
    assert (changed.elements, changed.contrast) == ((0, 1) if "pooled" in row.name else (1, 0))
    assert changed.rounds.first_only == ("throughout" in row.name)
    assert changed.rounds.every == 7
    back = replace(
        changed,
        transplants=TINY.method.transplants,  # type: ignore[attr-defined]
        elements=1.0,
        contrast=0.0,
        rounds=TINY.method.rounds,  # type: ignore[attr-defined]
    )
    assert back == TINY.method


def test_every_row_of_rounds_stands_beside_one_of_first_segments_that_differs_in_them_alone() -> None:
    assert len({row.folder for row in ROWS}) == len(ROWS)
    of_rounds = [row for row in ROWS if row.rounds > 1 and not row.first_only]
    assert len(of_rounds) == 4
    for row in of_rounds:
        twin = replace(method_of(row), rounds=replace(method_of(row).rounds, first_only=True))
        assert [other.rounds for other in ROWS if other.first_only and method_of(other) == twin].count(row.rounds) == 1


def test_a_recipe_without_transplants_gets_them_where_a_row_has_them() -> None:
    assert ROWS[0].method(OdinRounds(transplants=None), 5).transplants == Transplants()


def test_the_threshold_is_that_which_is_best_on_validation_items() -> None:
    parts = Parts.of(ImageObjects, TINY)
    assert parts.validation[1].names[0].startswith("validation scene")
    assert parts.test[1].names[0].startswith("test scene")
    online = _untrained(parts)
    thresholds = (0.0, 0.001, 0.01, 1.9)

    def measured(part: int, at: float) -> dict[str, float]:
        one, data = (parts.validation, parts.test)[part]
        found = predictions_of(online, one.modality, data.evaluated, with_threshold(one.finder, at))
        return one.measure(found, data.truth)

    sums = [sum(measured(0, at)[name] for name in INSTANCES) for at in thresholds]
    assert len(set(sums)) > 1
    best = thresholds[max(range(len(sums)), key=lambda place: sums[place])]
    assert chosen_and_measured(online, parts, thresholds, INSTANCES) == {**measured(1, best), "threshold": best}


def _untrained(parts: Parts) -> Network:
    one, data = parts.test
    online: Network = LearnerFactory(one, data, data.views, None).fresh().online
    return online


def test_the_first_segments_score_as_the_rule_does() -> None:
    parts = Parts.of(ImageObjects, TINY)
    one, data = parts.test
    assert data.truth is not None
    found = torch.cat([felzenszwalb(objects=64)(one.modality.collate([item])).labels() for item in data.evaluated])
    expected = instance_metrics(found, truth_of(data.truth))
    measured = first_segments_measured(parts)
    assert {name: measured[name] for name in INSTANCES} == pytest.approx(expected)


def test_only_a_grouper_with_a_threshold_has_one() -> None:
    assert threshold_of(regions_finder()) == 0.425
    changed = with_threshold(regions_finder(), 0.25)
    assert isinstance(changed.grouper, MergeAlike)
    assert (changed.grouper.threshold, changed.grouper.objects) == (0.25, 64)
    assert changed.regions == regions_finder().regions
    with pytest.raises(ValueError, match="groups by KMeans"):
        threshold_of(replace(regions_finder(), grouper=KMeans(2)))


def test_training_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    parts = Parts.of(ImageObjects, replace(TINY, method=method_of(Row("two", "two", 2))))
    one = trained(*parts.test, tmp_path / "one")
    again = trained(*parts.test, tmp_path / "one")
    for name, value in one.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_the_command_fills_every_cell_once_and_writes_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ImageObjects, "options_type", lambda: TINY)
    monkeypatch.setattr(recipe, "ROWS", ROWS[:3])
    options = recipe.Options(tmp_path, ("image-objects",), seeds=2, every=1, thresholds=(0.4,))
    assert recipe.RoundsTable(options).run() == 0
    folder = tmp_path / "image-objects"
    text = (folder / "table.json").read_text(encoding="utf-8")
    table = Table.from_json(text)
    assert [row.method for row in table.rows] == [recipe.FIRST, *(row.name for row in ROWS[:3])]
    assert {len(values) for row in table.rows[1:] for values in row.values} == {2}
    assert not list(folder.glob("*/run")), "checkpoints and segments go once a cell is measured"
    assert kept(folder / "one-1-0") is not None
    monkeypatch.setattr(recipe, "trained", lambda *_: pytest.fail("a cell that is there is not trained again"))
    assert recipe.RoundsTable(options).run() == 0
    assert (folder / "table.json").read_text(encoding="utf-8") == text
    shutil.rmtree(folder / "two-1-1")
    with pytest.raises(pytest.fail.Exception):
        recipe.RoundsTable(options).run()
    assert "2 rounds" in capsys.readouterr().out


def test_a_recipe_that_learns_otherwise_is_refused_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageObjects, "options_type", lambda: replace(TINY, method=BYOL()))
    with pytest.raises(ValueError, match="rounds-table takes recipes whose method is odin-rounds"):
        recipe.RoundsTable(recipe.Options(tmp_path / "out", ("image-objects",))).run()
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="at least one recipe"):
        recipe.Options(recipes=())
