"""A recipe made of toys: trained, compared, reported, resumed, refused; every method in it; the table over seeds."""

import json
import multiprocessing
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import pytest
import torch
from torch import Tensor

import gestalt
from gestalt.core.components.registry import METHODS
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.evaluation import Column, Table
from gestalt.core.experiment import seeds as seeds_module
from gestalt.core.experiment.first_segments import plain_segments
from gestalt.core.experiment.labelling import labels_of
from gestalt.core.experiment.options import EncoderChoice, Labelling, Running, ViewOptions
from gestalt.core.experiment.own_data import own_data, readable
from gestalt.core.experiment.predictions import PredictedBatch, Predictions
from gestalt.core.experiment.recipe import AbstractRecipe, Captions, ExperimentData
from gestalt.core.experiment.run import run
from gestalt.core.experiment.seeds import Seeds, run_seeds
from gestalt.core.experiment.views import chosen_views
from gestalt.core.methods.method import AbstractMethod, ComparesParts, LearnsFromRun, wants_labels
from gestalt.core.modality.transform import Chain, Views
from gestalt.core.networks.encoder import Network
from gestalt.core.training.folder import LOCK
from gestalt.core.training.metrics_log import read_metrics
from gestalt.core.training.options import Training
from tests.implementations import small
from tests.test_labels import Named
from tests.toy import toy

TRAINING = Training(
    steps=4, batch=4, warmup=1, workers=0, threads=1, accelerator="cpu", log_every=1, checkpoint_every=2
)


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

    running: Running = Running(Path("unused"))  # noqa: RUF009 - frozen
    method: AbstractMethod = gestalt.OdinWarmStart(heads=gestalt.Heads(8, 4), switch=0)  # noqa: RUF009 - frozen
    encoder: EncoderChoice = EncoderChoice("small")  # noqa: RUF009 - frozen
    views: ViewOptions = ViewOptions()  # noqa: RUF009 - frozen
    labelling: Labelling = Labelling(label_share=0.5)  # noqa: RUF009 - frozen
    training: Training = TRAINING


@final
class ToyRecipe(AbstractRecipe[Tensor, int]):
    """Twelve toy items of two classes; the metric counts objects."""

    name: ClassVar[str] = "toy"
    summary: ClassVar[str] = "toys"
    options_type = ToyOptions
    modality = toy("points")
    captions = Captions(
        "Toys", "shipped toys", "own toys", "groups", "Colours are groups.", "Bars are true.", "points → vectors"
    )
    columns = (Column("objects", higher_is_better=None), Column("seed", higher_is_better=None))
    note = "A note."
    ceilings = frozenset({"nothing"})

    def __init__(self, options: ToyOptions, labelled: bool = True, items: list[Tensor] | None = None) -> None:
        self.options = options
        self.finder = gestalt.ObjectFinder(KMeans(2))
        self.labelled = labelled
        self.items = points(12) if items is None else items

    def data(self) -> ExperimentData[Tensor, int]:
        """Items to train on, and five to evaluate on."""
        names = [f"evaluated {number}" for number in range(5)]
        raw = self.modality.encoders["raw"]()
        return ExperimentData(
            Numbered(self.items),
            self.modality.views,
            points(5),
            names,
            truth=self.options.training.seed,
            label=(lambda index: ("a", "b")[index % 2]) if self.labelled else None,
            first_segments=plain_segments(raw, gestalt.ObjectFinder(KMeans(2), "hidden")),
        )

    def measure(self, predictions: Predictions, truth: int) -> dict[str, float]:
        """How many objects there are, and the truth itself."""
        return {"objects": float(predictions.objects()), "seed": float(truth)}

    def baselines(self, random: Network, data: ExperimentData[Tensor, int], truth: int) -> dict[str, dict[str, float]]:
        """One that finds nothing."""
        assert len(data.evaluated) == 5
        assert random.projector is not None
        return {"nothing": {"objects": 0.0, "seed": float(truth)}}


def options(folder: Path, **changes: Any) -> ToyOptions:
    """Options of a run in a folder."""
    running = {name: changes.pop(name) for name in ("compare", "resume") if name in changes}
    return replace(ToyOptions(Running(folder, **running)), **changes)


def test_a_recipe_of_toys_trains_compares_and_reports(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert run(ToyRecipe(options(folder, compare=("byol-small",)))) == 0
    table = Table.from_json((folder / "table.json").read_text())
    assert [row.method for row in table.rows] == ["nothing", "BYOL, small heads", "Odin, warm start"]
    assert [row.ceiling for row in table.rows] == [True, False, False]
    assert table.cell(2, 0).mean == 10  # five items of two clusters each
    report = (folder / "report.html").read_text()
    assert "Odin, warm start learned from 12 shipped toys, without labels." in report
    assert "it finds 10 groups, 2.0 each" in report
    assert "A note." in report
    assert "Bars are true." not in report  # no evaluated item has its true objects drawn
    saved = json.loads((folder / "config.json").read_text())
    assert (saved["recipe"], saved["method"]["type"]) == ("toy", "method:odin-warm-start")
    assert saved["finder"]["grouper"]["objects"] == 2
    assert (folder / "byol-small" / "metrics.csv").is_file()
    assert not (folder / LOCK).exists()


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_and_preset_runs_in_a_recipe_from_its_options_to_its_report(name: str, tmp_path: Path) -> None:
    method = small(name)
    training = replace(TRAINING, steps=2, labelled=0.5)
    if isinstance(method, ComparesParts):  # the toy's items have no parts
        with pytest.raises(ValueError, match="compares the parts of an item"):
            run(ToyRecipe(options(tmp_path / "run", method=method, training=training)))
        return
    if isinstance(method, LearnsFromRun):
        assert run(ToyRecipe(options(tmp_path / "teacher", training=training))) == 0
        learning: Any = method
        method = replace(learning, run=tmp_path / "teacher")
    assert run(ToyRecipe(options(tmp_path / "run", method=method, training=training))) == 0
    assert Table.from_json((tmp_path / "run" / "table.json").read_text()).rows
    rows = read_metrics(tmp_path / "run" / "metrics.csv")
    assert [row["step"] for row in rows] == ["1", "2"]
    if "semantic" in rows[-1]:
        assert float(rows[-1]["semantic"]) > 0
        assert 0 < float(rows[-1]["labelled_positives"]) < 1
    without = "without labels" in (tmp_path / "run" / "report.html").read_text()
    assert without != wants_labels(method)


def test_a_finished_run_is_not_begun_again_by_mistake(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert run(ToyRecipe(options(folder))) == 0
    with pytest.raises(FileExistsError, match="already holds a run; go on with it by --resume"):
        run(ToyRecipe(options(folder)))
    other = options(folder, resume=True, method=gestalt.OdinWarmStart(heads=gestalt.Heads(16, 4), switch=0))
    with pytest.raises(ValueError, match=r"method\.heads\.hidden was 8 and is now 16"):
        run(ToyRecipe(other))
    with pytest.raises(ValueError, match=r"method\.type was 'odin-warm-start' and is now 'byol'"):
        run(ToyRecipe(options(folder, resume=True, method=gestalt.BYOL(heads=gestalt.Heads(8, 4)))))


def test_a_failed_start_leaves_nothing_that_refuses_the_corrected_command(tmp_path: Path) -> None:
    """Mistaken names, labels that are missing, data that cannot be read: nothing is written before they are checked."""
    folder = tmp_path / "run"
    with pytest.raises(ValueError, match="there is no encoder 'smal'; did you mean 'small'"):
        run(ToyRecipe(options(folder, encoder=EncoderChoice("smal"))))
    with pytest.raises(ValueError, match="there is no method 'byl'; did you mean 'byol'"):
        run(ToyRecipe(options(folder, compare=("byl",))))
    with pytest.raises(ValueError, match="the method SemPPL learns from classes of some items, and there are none"):
        run(ToyRecipe(options(folder, method=gestalt.SemPPL()), labelled=False))
    with pytest.raises(ValueError, match="there are no items"):
        run(ToyRecipe(options(folder), items=[]))
    assert not folder.exists()
    assert run(ToyRecipe(options(folder))) == 0


def test_a_folder_with_options_alone_is_no_run(tmp_path: Path) -> None:
    """A process that was killed before its first checkpoint leaves options, which nobody resumes."""
    (tmp_path / "options.json").write_text("{}")
    assert run(ToyRecipe(options(tmp_path))) == 0
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file; choose a folder by --out"):
        run(ToyRecipe(options(tmp_path / "file")))


def hold(folder: Path, ready: Any, done: Any) -> None:
    """Another process that trains in the folder."""
    from gestalt.core.training.folder import RunFolder
    from gestalt.core.training.loop import launch

    with RunFolder(folder, ToyOptions(), resume=True).claimed(launch(TRAINING)):
        ready.set()
        done.wait(60)


def test_a_second_process_in_the_same_folder_is_refused_and_the_lock_of_a_killed_one_is_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, ready, done))
    other.start()
    try:
        assert ready.wait(60)
        with pytest.raises(RuntimeError, match=f"another process is training in {tmp_path}; wait until it ends"):
            run(ToyRecipe(options(tmp_path, resume=True)))
        assert not (tmp_path / "metrics.csv").exists()
    finally:
        other.kill()
        other.join()
    time.sleep(0.1)
    assert run(ToyRecipe(options(tmp_path, resume=True))) == 0


def test_the_table_over_seeds_has_one_value_per_seed_and_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = Seeds(tmp_path / "table", seeds=3, steps=2)
    begun: list[int] = []

    def fails_at_the_third(recipe: ToyRecipe) -> int:
        begun.append(recipe.options.training.seed)
        return run(recipe) if recipe.options.training.seed < 2 else 130

    monkeypatch.setattr(seeds_module, "run", fails_at_the_third)
    assert run_seeds(ToyRecipe, seeds) == 130
    assert not (tmp_path / "table" / "table.json").exists()
    monkeypatch.setattr(seeds_module, "run", run)
    assert run_seeds(ToyRecipe, seeds) == 0
    assert begun == [0, 1, 2]
    table = Table.from_json((tmp_path / "table" / "table.json").read_text())
    assert table.rows[0].values[1] == (0.0, 1.0, 2.0)
    assert [row.method for row in table.rows] == ["nothing", "BYOL, small heads", "Odin, warm start"]
    assert "3 seeds" in table.title
    assert table.note.startswith("A note. Two seeds agree by ")
    assert table.note.removeprefix("A note. ") in capsys.readouterr().out
    assert (tmp_path / "table" / "table.md").read_text().count("\n") == 5


def test_labels_come_from_a_table_or_folders_and_a_share_of_them_is_hidden(tmp_path: Path) -> None:
    data = ToyRecipe(ToyOptions()).data()
    table = tmp_path / "labels.csv"
    names = [data.items.name(index) for index in range(12)]
    table.write_text("name,label\n" + "".join(f"{name},{i % 3}\n" for i, name in enumerate(names)), encoding="utf-8")
    whole = labels_of(data, Labelling(labels=table), seed=0)
    assert whole is not None
    assert whole.known.tolist() == [0, 1, 2] * 4  # all of one's own labels, unless a share is asked for
    half = labels_of(data, Labelling(labels=table, label_share=0.5), seed=0)
    assert half is not None
    assert torch.bincount(half.known[half.known_items()]).tolist() == [2, 2, 2]
    values = labels_of(data, Labelling(labels=table, label_kind="value", label_share=0.5), seed=0)
    assert values is not None
    assert 6 <= len(values.known_items()) < 12
    for share, shown in ((None, 2), (0.25, 3), (1.0, 12)):  # a tenth of the recipe's own, rounded up
        own = labels_of(data, Labelling(label_share=share), seed=0)
        assert own is not None
        assert len(own.known_items()) == shown
    folders = Named("/d/cat/1", "/d/dog/1", "/d/dog/2")
    assert labels_of(replace(data, items=folders), Labelling(labels=Path("folders")), 0) is not None
    with pytest.raises(ValueError, match=r"label_share \(--label-share\) must lie in \(0, 1\], got 0"):
        Labelling(label_share=0.0)


def chains() -> Views[Tensor]:
    """The views of toy points as chains of transforms."""
    views = toy("points").views
    identity = toy("points").views.source
    return Views(
        views.source,
        tuple(Chain(lambda item: identity(item, np.random.default_rng(0))[1], [(1.0, one)]) for one in views.views),
    )


def test_views_are_those_of_the_recipe_or_of_the_options() -> None:
    modality, recipe = toy("points"), chains()
    assert chosen_views(ViewOptions(), recipe, modality) == recipe
    assert chosen_views(ViewOptions(large=3), recipe, modality).views == (*recipe.views, recipe.views[0])
    chosen = chosen_views(ViewOptions(large=2, transforms=("jitter=0.5", "drop")), recipe, modality).views
    assert len(chosen) == 2
    assert isinstance(chosen[0], Chain)
    assert chosen[0].steps == ((0.5, modality.transforms["jitter"]), (1.0, modality.transforms["drop"]))
    with pytest.raises(ValueError, match="no transform 'jiter'; did you mean 'jitter'"):
        chosen_views(ViewOptions(transforms=("jiter",)), recipe, modality)
    with pytest.raises(ValueError, match="takes name=chance with a chance from 0 to 1, got 'jitter=2'"):
        chosen_views(ViewOptions(transforms=("jitter=2",)), recipe, modality)
    with pytest.raises(ValueError, match="there is no transform 'small_crop'"):
        chosen_views(ViewOptions(small=2), recipe, modality)
    cropped = toy("points", transforms={**modality.transforms, "small_crop": modality.transforms["drop"]})
    assert len(chosen_views(ViewOptions(small=2), recipe, cropped).views) == 4


def predicted(found: list[list[int]], axes: int = 1) -> PredictedBatch:
    """What was found in items of so many elements."""
    labels = torch.tensor(found)
    shape = (labels.shape[1],) + (1,) * (axes - 1)
    grid = Grid.uniform(shape, (1.0,) * axes)
    return PredictedBatch(FeatureMap(torch.ones(*labels.shape, 2), labels > -2, grid), labels)


def test_predictions_are_had_item_by_item_and_as_one_batch() -> None:
    predictions = Predictions((predicted([[0, 0, 1], [-1, 0, 0]]), predicted([[2, -1, 5, 5]])))
    assert predictions.objects() == 2 + 1 + 2
    found, grid = predictions.item(2)
    assert found.tolist() == [2, -1, 5, 5]
    assert grid is not None
    assert grid.shape == (4,)
    joined = predictions.joined()
    assert joined.found.tolist() == [[0, 0, 1, -1], [-1, 0, 0, -1], [2, -1, 5, 5]]
    assert joined.features.valid.sum(dim=1).tolist() == [3, 3, 4]
    with pytest.raises(IndexError, match="no item"):
        predictions.item(3)
    with pytest.raises(ValueError, match="lattices of different shapes"):
        Predictions((predicted([[0, 0, 1]], axes=2), predicted([[0, 1]], axes=2))).joined()


def test_items_to_show_come_from_all_over_and_pass_over_those_that_cannot_be_read() -> None:
    items = Numbered(points(9), bad=frozenset({4}))
    skipped: list[Skipped] = []
    assert list(readable(items, skipped)) == [0, 5, 8]
    assert skipped == [Skipped("item 4", "is torn")]
    with pytest.raises(BadItemError, match="item 4: is torn"):
        readable(items, None)
    with pytest.raises(BadItemError, match="no item can be read"):
        readable(Numbered(points(2), bad=frozenset({0, 1})), [])
    data = own_data(
        toy("points"),
        Running(Path("o"), (Path("d"),), skip_bad=True),
        toy("points").views,
        reading=gestalt.Reading(items, ()),
    )
    assert data.skipped == (Skipped("item 4", "is torn"),)
    assert data.truth is None


def test_the_users_own_data_have_no_truth_to_compare_with() -> None:
    own = Running(Path("out"), (Path("data"),))
    with pytest.raises(ValueError, match="need data whose truth is known"):
        replace(own, compare=("byol",))
    with pytest.raises(ValueError, match="need data whose truth is known"):
        replace(own, validate=True)
    with pytest.raises(ValueError, match="--masks are those of your own data"):
        Running(Path("out"), masks=Path("masks"))
