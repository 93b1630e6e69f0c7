"""What a run says while it runs, what its report opens with, and the report made anew."""

import dataclasses
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import gestalt
from gestalt.cli.commands import execute, recipe_named
from gestalt.core.components.registry import MODALITIES, RECIPES
from gestalt.core.data.items import Skipped
from gestalt.core.evaluation.table import Column, Table
from gestalt.core.experiment.amounts import amounts_of
from gestalt.core.experiment.announced import listed
from gestalt.core.experiment.first_looks import loss_said, objects_said, standing
from gestalt.core.experiment.kept_options import described, restored
from gestalt.core.experiment.recipe import AbstractRecipe
from gestalt.core.modality.joint import JointItem, joint
from gestalt.core.modality.optional import MeasuresItems
from gestalt.core.modality.plugins import load_modality
from gestalt.core.modality.windows import Jittered
from gestalt.core.runs.inputs import InMemory
from gestalt.core.storage.names_of_runs import ENDED
from gestalt.core.training.ended import TrainingResult
from gestalt.core.training.folder import plain
from gestalt.core.training.options import Training
from gestalt.modalities.sensors import Sensors
from tests.test_experiment import Numbered, points
from tests.toy import toy

SHORT = ("--steps", "3", "--batch", "4", "--warmup", "0", "--workers", "0", "--threads", "1", "--accelerator", "cpu")
LINES = (
    "The old man saw the wide sea.",
    "Birds sing in the sky.",
    "She left.",
    "The sea was wide and the sky was old.",
)


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a folder of texts, one of them empty."""
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "texts"
    data.mkdir()
    (data / "a.txt").write_text("\n".join(LINES) + "\n")
    (data / "empty.txt").write_text("")
    return data


def trained(*more: str) -> int:
    """A short run on the texts."""
    return execute(["run", "objects", "--modality", "text", "--data", "texts", "--out", "mine", *SHORT, *more])


UNITS = {
    "audio": {"seconds"},
    "graph": {"atoms", "nodes", "edges"},
    "image": {"pixels"},
    "sensors": {"seconds", "samples"},
    "points": {"points"},
    "table": {"cells"},
    "text": {"words"},
    "video": {"seconds", "frames"},
}


@pytest.mark.parametrize("name", MODALITIES.names())
def test_every_installed_modality_says_how_much_an_item_is(name: str) -> None:
    modality = load_modality(name)
    if name not in UNITS:  # of another package: it may do so
        return
    assert isinstance(modality, MeasuresItems)
    for specimen in modality.specimens():
        amounts = modality.amounts(specimen.item)
        assert set(amounts) <= UNITS[name]
        assert all(value > 0 for value in amounts.values())


def test_amounts_are_sums_of_items_or_estimates_of_them_and_nothing_of_what_cannot_be_read() -> None:
    text = load_modality("text")
    passages = [specimen.item for specimen in text.specimens()]
    words = sum(len(passage.words) for passage in passages)
    assert amounts_of(text, InMemory(passages)) == f"{words} words"
    many = [passages[0]] * 1000
    assert amounts_of(text, InMemory(many)) == f"about {len(passages[0].words)} thousand words"
    assert amounts_of(toy("points"), InMemory(points(4))) == "", "a modality need not say it"
    assert amounts_of(text, Numbered([*points(3)], bad=frozenset({0, 1, 2}))) == ""


@pytest.mark.parametrize("name", ["audio", "sensors"])
def test_hours_are_those_of_the_files_though_windows_move_while_training(name: str, tmp_path: Path) -> None:
    for number in range(3):
        samples = np.random.default_rng(number).normal(0.0, 0.1, 5 * 16_000)
        soundfile.write(tmp_path / f"{number}.wav", samples, 16_000)
    modality = load_modality(name) if name == "audio" else Sensors(sample_rate=16_000.0, seconds=4.0)
    items = modality.read([tmp_path]).items
    assert isinstance(items, Jittered)
    assert len(items) == 6
    assert amounts_of(modality, items.with_jitter(True)) == amounts_of(modality, items.with_jitter(False))
    assert amounts_of(modality, items.with_jitter(True)).startswith("15 s")


def test_parts_that_last_as_long_as_one_another_count_once() -> None:
    audio, video, text = (load_modality(name) for name in ("audio", "video", "text"))
    sound, clip, words = (one.specimens()[0].item for one in (audio, video, text))
    both = joint(audio=audio, video=video).amounts(JointItem({"audio": sound, "video": clip}))
    assert both == {"seconds": max(sound.seconds, clip.seconds), "frames": len(clip.frames)}
    assert joint(audio=audio, text=text).amounts(JointItem({"text": words})) == {"words": len(words.words)}


def test_few_files_that_were_left_out_are_named_and_many_are_counted_by_reason() -> None:
    files = [Skipped(f"{number}.wav", "is silent" if number % 3 else "is torn") for number in range(30)]
    lines = listed(files, "left out")
    assert lines[:2] == ["left out 0.wav: is torn", "left out 1.wav: is silent"]
    assert lines[8:] == ["left out 30 files in all, which the report lists: 20 × is silent; 10 × is torn"]


def test_a_run_says_what_was_found_and_what_will_be_trained_before_its_first_step(
    texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trained("--skip-bad") == 0
    said = re.split(r"[\n\r]+", capsys.readouterr().err)
    first, second, third, fourth = said[:4]
    assert first == "found 2 files (2 .txt) in texts; read as 4 items, 27 words"
    assert re.fullmatch(r"left out .*empty\.txt: .+", second)
    assert re.fullmatch(
        r"training Odin, warm start with the encoder conv \(1\.\d million parameters, 1\.\d million parameters with "
        r"heads\), objects by k-means: 3 steps of 4 items, on the CPU",
        third,
    )
    assert "0 of 3 steps" in fourth
    report = (texts.parent / "mine" / "report.html").read_text()
    assert report.index("One file was left out: is it the one that you expect?") < report.index("<h2")
    assert '<a href="#skipped">' in report
    for command in ("discover", "types", "embed", "index", "fit"):
        assert f"gestalt {command} mine texts" in report, "how to go on, with the paths of the run"
    assert "gestalt report mine" in report


def test_the_report_made_anew_is_the_report_of_the_run_wherever_it_is_asked_for(
    texts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trained("--skip-bad") == 0
    run, checkpoint = texts.parent / "mine", (texts.parent / "mine" / "checkpoint.pt").read_bytes()
    first = (run / "report.html").read_text()
    (run / "report.html").unlink()
    (texts.parent / "elsewhere").mkdir()
    monkeypatch.chdir(texts.parent / "elsewhere")
    assert execute(["report", "../mine"]) == 0
    assert f"report: {run / 'report.html'}" in capsys.readouterr().out
    again = (run / "report.html").read_text()
    assert again.replace(str(run), "mine") == first, "but for the path by which the run is named"
    assert (run / "checkpoint.pt").read_bytes() == checkpoint
    shutil.move(texts, texts.parent / "moved")
    with pytest.raises(FileNotFoundError, match="texts"):
        execute(["report", str(run)])
    (texts.parent / "moved" / "more.txt").write_text("One more.\n")
    assert execute(["report", str(run), "--data", "../moved"]) == 0
    assert "the data changed since the run was begun: 4 items were there and now 5" in capsys.readouterr().err


def test_a_report_is_not_made_of_what_is_not_finished_or_was_given_from_python(texts: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"mine does not say how its report was made .*--resume"):
        execute(["report", "mine"])
    assert trained("--skip-bad") == 0
    kept = texts.parent / "mine" / "recipe.json"
    kept.write_text(kept.read_text().replace('"steps": 3', '"steps": 30'))
    with pytest.raises(ValueError, match=r"not finished \(3 of 30 steps\): go on with the command .* --resume"):
        execute(["report", "mine"])
    kept.write_text("{")
    with pytest.raises(ValueError, match=r"recipe\.json is damaged .*--resume"):
        execute(["report", "mine"])
    few = Training(steps=1, batch=2, warmup=0, workers=0, log_every=1, accelerator="cpu")
    passages = [specimen.item for specimen in load_modality("text").specimens()]
    gestalt.train(passages, modality="text", out="given", training=few)
    with pytest.raises(ValueError, match=r"was given items from Python: call gestalt\.train\(…, resume=True\)"):
        execute(["report", "given"])


@pytest.mark.parametrize("name", RECIPES.names())
def test_the_options_of_every_recipe_come_back_whole(name: str) -> None:
    recipe = recipe_named(name)
    if not issubclass(recipe, AbstractRecipe):
        return
    options: Any = recipe.options_type()
    if "modality" in {one.name for one in dataclasses.fields(options)}:
        running = dataclasses.replace(options.running, data=(Path("a"), Path("b c")), masks=Path("m"))
        options = dataclasses.replace(options, modality="text", running=running)
        encoders = load_modality("text").encoders
    else:
        made: Any = recipe
        encoders = made(options).modality.encoders
    again = restored(recipe.options_type, described(options, encoders), encoders)
    assert type(again) is type(options)
    assert plain(again) == plain(options)
    assert again.running == options.running
    assert again.method == options.method


def test_a_run_that_goes_on_remembers_its_warnings_its_time_and_what_it_left_out(tmp_path: Path) -> None:
    from tests.test_training import OPTIONS, Few, run

    whole = run(tmp_path / "whole", Few())
    run(tmp_path / "parts", Few(), dataclasses.replace(OPTIONS, steps=4))
    left = TrainingResult(4, True, 100.0, (), (Skipped("series 3", "is torn"),))
    left.write(tmp_path / "parts")
    after = run(tmp_path / "parts", Few(), resume=True)
    assert whole.warnings
    assert after.warnings == whole.warnings
    assert after.skipped == left.skipped
    assert after.seconds > 100
    assert TrainingResult.read(tmp_path / "parts") == after
    (tmp_path / "parts" / ENDED).write_text("[]")
    with pytest.raises(ValueError, match=r"training\.json is damaged"):
        TrainingResult.read(tmp_path / "parts")


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ([4.0, 3.0, 2.0, 1.5, 1.2, 1.0, 0.9, 0.8], "still falls"),
        ([4.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], ""),
        ([1.0, 1.0, 1.0, 1.0, 1.1, 1.2, 1.3, 1.4], "no lower at the end"),
        ([3.0, 2.0, 1.0], ""),
        ([float("nan")] * 8, ""),
    ],
)
def test_the_report_says_what_the_loss_says(losses: Sequence[float], said: str) -> None:
    found = loss_said(losses, 100)
    assert said in found
    assert bool(said) == bool(found)


def test_the_report_says_honestly_where_the_method_stands() -> None:
    def table(**rows: float) -> Table:
        columns = (Column("objects", higher_is_better=None), Column("error", higher_is_better=False))
        values = {name: [3.0, value] for name, value in rows.items()}
        return Table.of("", columns, values, ceilings=frozenset({"truth"} & rows.keys()))

    assert standing(table(rule=0.5, plain=0.7, truth=0.0, mine=0.4), "mine").startswith(
        "By error, mine (0.40) is better"
    )
    assert "worse than rule (0.50)" in standing(table(rule=0.5, plain=0.7, mine=0.6), "mine")
    assert "level with rule (0.50)" in standing(table(rule=0.5, mine=0.501), "mine")
    assert standing(table(truth=0.5, mine=0.501), "mine") == ""
    assert "nothing is told apart" in objects_said("events", 1.0)
