"""The table of methods: which are compared with which, what each cell holds, and what is kept."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from gestalt.core.components.registry import METHODS
from gestalt.core.evaluation import Table
from gestalt.core.experiment.kept import keep, kept
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.experiment.predictions import predictions_of
from gestalt.core.methods.presets import preset_named
from gestalt.core.methods.simclr import SimCLR
from gestalt.core.networks.encoder import Network
from gestalt.core.training.labels import Labels
from gestalt.core.training.loop import Diverged, TrainingResult
from gestalt.core.training.options import Training
from gestalt.recipes.image_objects.recipe import ImageObjects, Options, largest
from gestalt.recipes.methods_table import cells, recipe
from gestalt.recipes.methods_table.cells import CannotError, Trial
from gestalt.recipes.methods_table.classes import KNN, PROBE, KnownClasses
from gestalt.recipes.methods_table.sections import sections_of
from tests.toy import toy

NEXT = preset_named("next-element").title
TINY = Options(
    size=32,
    scenes=10,
    test_scenes=6,
    encoder=EncoderChoice("conv"),
    training=Training(steps=2, batch=4, warmup=1, workers=0, threads=1, accelerator="cpu"),
)


def trial() -> Trial:
    """Small scenes."""
    return Trial(ImageObjects, TINY, known=8)


def test_methods_share_a_section_where_they_train_the_same_encoder() -> None:
    own, two = sections_of(trial(), ["byol-small", "simmim", "next-element"], ["byol-small"])
    assert (own.encoder, list(own.methods)) == ("conv", ["byol-small"])
    assert (two.encoder, list(two.methods)) == ("transformer", ["byol-small", "simmim"])
    assert list(own.cannot) == ["next-element"]
    assert "needs elements that follow one another" in own.cannot["next-element"]
    assert not two.cannot


def test_one_section_is_enough_where_nothing_needs_another_encoder() -> None:
    (own,) = sections_of(trial(), ["byol-small", "simclr"], ["byol-small"])
    assert list(own.methods) == ["byol-small", "simclr"]
    (able,) = sections_of(trial().with_encoder("transformer"), ["byol-small", "simmim"], ["byol-small"])
    assert list(able.methods) == ["byol-small", "simmim"]


def test_all_methods_of_a_seed_begin_with_the_same_encoder_and_another_seed_with_another() -> None:
    one, other = trial(), trial().with_seed(1)

    def first(of: Trial, name: str) -> torch.Tensor:
        return next(iter(of.learner(preset_named(name).method).online.encoder.parameters()))

    assert torch.equal(first(one, "byol-small"), first(one, "simclr"))
    assert not torch.equal(first(one, "byol-small"), first(other, "byol-small"))


def test_fewer_training_items_are_drawn_by_the_seed_and_the_probe_still_asks_all() -> None:
    few = Trial(ImageObjects, TINY, known=8, items=4)
    assert [len(one.factory.data.items) for one in (few, trial())] == [4, 10]
    drawn = few.with_seed(3).factory.data.items
    assert [drawn.name(place) for place in range(4)] != [few.factory.data.items.name(place) for place in range(4)]
    assert few.classes is not None
    assert few.classes.trained == 8
    more = Trial(ImageObjects, TINY, known=8, items=99)
    assert len(more.factory.data.items) == 10


def test_a_cell_holds_the_recipes_own_metrics_with_its_finder_and_the_classes_of_test_items() -> None:
    one = trial()
    network = one.random(preset_named("byol-small").method)
    found = one.measured(network)
    own, data = one.recipe, one.data
    expected = own.measure(predictions_of(network, own.modality, data.evaluated, own.finder), data.truth)
    assert {name: found[name] for name in expected} == pytest.approx(expected, nan_ok=True)
    assert set(found) == {*expected, KNN, PROBE}


def test_neighbours_and_probe_learn_from_training_items_and_are_asked_about_test_items() -> None:
    one = trial()
    classes = one.classes
    assert classes is not None
    names = classes.labels.target.names  # type: ignore[attr-defined]
    assert classes.trained <= 8
    tested = [names[number] for number in classes.labels.known[classes.trained :].tolist()]
    assert tested == [name for scene in one.data.truth or () if (name := largest(scene)) is not None]
    shown = {one.data.label(index) for index in range(len(one.data.items))}  # type: ignore[misc]
    assert {names[number] for number in classes.labels.known[: classes.trained].tolist()} <= shown


def test_vectors_that_are_the_classes_tell_all_that_training_items_have_and_constant_ones_none() -> None:
    labels = Labels.of(["a", "b", "a", "b", "a", "b", "c"])
    told = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])[labels.known]

    def scores(vectors: torch.Tensor) -> dict[str, float]:
        points = toy("points")
        known = KnownClasses(points, lambda number: vectors[number][None], labels, trained=4, seed=0)
        return known.scores(Network(points.encoders["raw"]()))

    assert scores(told) == pytest.approx({KNN: 2 / 3, PROBE: 2 / 3})
    assert max(scores(torch.ones(7, 2)).values()) <= 0.5


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe for pictures with few scenes."""
    monkeypatch.setattr(ImageObjects, "options_type", lambda: TINY)


@pytest.mark.usefixtures("tiny")
def test_the_command_fills_every_cell_once_and_writes_tables_that_say_what_cannot_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = recipe.Options(
        tmp_path,
        ("image-objects",),
        ("byol-small", "simmim", "next-element"),
        beside=("byol-small",),
        seeds=2,
        steps=1,
        known=8,
    )
    assert recipe.MethodsTable(options).run() == 0
    folder = tmp_path / "image-objects"
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("table.json", "two-steps.json")]
    own, two = (Table.from_json(text) for text in texts)
    assert [row.method for row in own.rows] == ["plain features", "random network", "BYOL, small heads", NEXT]
    assert [row.method for row in two.rows] == ["plain features", "random network", "BYOL, small heads", "SimMIM"]
    assert {len(values) for row in own.rows[:3] for values in row.values} == {2}
    assert {len(values) for row in own.rows[3:] for values in row.values} == {0}
    assert f"{NEXT} has no numbers: " in own.note
    assert "needs elements that follow one another" in own.note
    assert [column.name for column in own.columns[:2]] == [KNN, PROBE]
    assert own.rows[0] == two.rows[0], "plain features are measured once"
    both = (folder / "table.md").read_text(encoding="utf-8")
    assert "encoder conv" in both
    assert "encoder transformer" in both
    assert not list(folder.glob("*/*/run")), "checkpoints go once a cell is measured"

    monkeypatch.setattr(Trial, "measured", lambda *_: pytest.fail("a cell that is there is not measured again"))
    assert recipe.MethodsTable(options).run() == 0
    assert (folder / "table.json").read_text(encoding="utf-8") == texts[0]
    shutil.rmtree(next(folder.glob("conv/byol-small-*-1")))
    with pytest.raises(pytest.fail.Exception):
        recipe.MethodsTable(options).run()
    assert "BYOL, small heads" in capsys.readouterr().out


@pytest.mark.usefixtures("tiny")
def test_a_method_that_fails_while_it_trains_leaves_its_cell_empty_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(trial: Trial, method: Any, folder: Path) -> Any:  # noqa: ARG001
        if isinstance(method, SimCLR):
            raise CannotError("the loss is no number")
        return trial.learner(method)

    monkeypatch.setattr(Trial, "trained", failing)
    options = recipe.Options(tmp_path, ("image-objects",), ("simclr", "byol-small"), seeds=1, steps=1, known=8)
    assert recipe.MethodsTable(options).run() == 0
    table = Table.from_json((tmp_path / "image-objects" / "table.json").read_text(encoding="utf-8"))
    values = {row.method: row.values for row in table.rows}
    assert not any(values["SimCLR"])
    assert all(values["BYOL, small heads"])
    assert "SimCLR has no numbers: the loss is no number (seed 0)." in table.note


@pytest.mark.parametrize(("tuned", "steps"), [(False, 0), (True, 200)])
def test_networks_are_fine_tuned_for_the_table_on_request_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tuned: bool, steps: int
) -> None:
    seen: list[int | None] = []

    def measured(this: Trial, _: Network) -> dict[str, float]:
        seen.append(this.options.tuning)
        return {"ARI": 0.5}

    monkeypatch.setattr(Trial, "plain", lambda _: None)
    monkeypatch.setattr(Trial, "random", lambda *_: None)
    monkeypatch.setattr(Trial, "trained", lambda *_: type("", (), {"online": None}))
    monkeypatch.setattr(Trial, "measured", measured)
    options = recipe.Options(tmp_path, ("molecules",), ("simclr",), (), seeds=1, tuned=tuned)
    recipe.MethodsTable(options).run()
    assert set(seen) == {steps}
    table = Table.from_json((tmp_path / "molecules" / "table.json").read_text(encoding="utf-8"))
    assert [column.name for column in table.columns] == ["ARI"], "what no row has is no column"


def test_a_training_that_diverges_is_said_and_one_that_is_stopped_stops_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverged(*_: Any) -> Any:
        raise Diverged("step 3")

    method = preset_named("byol-small").method
    monkeypatch.setattr(cells, "train", diverged)
    with pytest.raises(CannotError, match="step 3"):
        trial().trained(method, tmp_path)
    monkeypatch.setattr(cells, "train", lambda *_: TrainingResult(1, False, 0.0, (), ()))
    with pytest.raises(KeyboardInterrupt):
        trial().trained(method, tmp_path)


def test_training_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    method = preset_named("byol-small").method
    one = trial().trained(method, tmp_path / "one").state_dict()
    again = trial().trained(method, tmp_path / "one").state_dict()
    assert all(torch.equal(value, again[name]) for name, value in one.items())
    assert (tmp_path / "one" / "checkpoint.pt").is_file()


def test_without_names_all_methods_that_see_no_labels_are_compared() -> None:
    chosen = recipe._methods(())
    assert {"odin", "byol", "dino", "mae", "computed"} <= set(chosen)
    assert not {"supervised", "semppl", "semppl-task", "paws"} & set(chosen)
    assert set(chosen) <= set(METHODS.names())


def test_what_cannot_be_compared_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one recipe"):
        recipe.Options(recipes=())
    with pytest.raises(ValueError, match="compares methods that see no labels, and semppl learns from some"):
        recipe.MethodsTable(recipe.Options(tmp_path / "out", ("image-objects",), ("semppl",))).run()
    for name in ("objects", "rounds-table"):
        with pytest.raises(ValueError, match=f"ship items whose truth is known, and {name} ships none"):
            recipe.MethodsTable(recipe.Options(tmp_path / "out", (name,))).run()
    assert not (tmp_path / "out").exists()


def test_a_damaged_cell_is_named(tmp_path: Path) -> None:
    assert kept(tmp_path) is None
    keep(tmp_path, {"ARI": 0.5})
    assert kept(tmp_path) == {"ARI": 0.5}
    for text in ("{", "[1]", '{"ARI": "high"}'):
        (tmp_path / "measured.json").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"measured.json.*damaged.*remove the file, and its cell is made again"):
            kept(tmp_path)
