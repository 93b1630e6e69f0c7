"""A run that goes on knows whether its data are still those that it was begun with."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import pytest

import gestalt
from gestalt.core.components.registry import RECIPES
from gestalt.core.data.masks import AbstractMasks
from gestalt.core.experiment.masks import MaskedItems
from gestalt.core.experiment.recipe import ExperimentData
from gestalt.core.experiment.report_parts import shown_truth
from gestalt.core.runs.inputs import InMemory
from gestalt.core.storage.names_of_runs import RECORD
from gestalt.core.training.checkpoint import save_checkpoint
from gestalt.core.training.data_record import ENDS, SAMPLE, DataRecord
from gestalt.core.training.folder import RunFolder
from gestalt.core.training.loop import launch
from gestalt.core.training.options import Training
from tests.test_training import OPTIONS


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Some files, one of them large."""
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.wav", "deep/b.wav", "notes.txt"):
        (folder / name).write_text(name)
    (folder / "large.wav").write_bytes(bytes(4 * ENDS))
    return folder


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file more": (lambda data: (data / "c.wav").write_text("new"), "4 files were there and now 5"),
    "a file less": (lambda data: (data / "a.wav").unlink(), "4 files were there and now 3"),
    "another name": (lambda data: (data / "a.wav").rename(data / "z.wav"), "names or sizes of files are others"),
    "a longer file": (lambda data: (data / "a.wav").write_text("longer than it was"), "bytes were there and now"),
    "another content": (lambda data: (data / "a.wav").write_text("b.wav"), "hold something else"),
    "another end": (
        lambda data: (data / "large.wav").write_bytes(bytes(4 * ENDS - 1) + b"1"),
        "files of the same names and sizes hold something else",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_in_the_data_is_said(change: str, data: Path) -> None:
    act, said = CHANGES[change]
    before = DataRecord.of([data], 4)
    act(data)
    assert any(said in words for words in before.changes(DataRecord.of([data], 4)))


def test_data_that_moved_or_were_copied_are_the_same(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = DataRecord.of([data], 4)
    monkeypatch.chdir(data)
    assert before == DataRecord.of([Path()], 4)
    shutil.copytree(data, tmp_path / "copy", copy_function=shutil.copyfile)
    os.utime(tmp_path / "copy" / "a.wav", (1, 1))
    copied = DataRecord.of([tmp_path / "copy"], 4)
    assert not before.changes(copied)
    assert before.times != copied.times
    assert before.changes(DataRecord.of([data], 5)) == ["4 items were there and now 5"]


def test_of_many_files_a_sample_is_opened(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3 * SAMPLE):
        (data / f"{number:03}.wav").write_text("x")
    opened: list[Path] = []
    plain: Any = Path.open

    def noting(path: Path, *mode: str) -> object:
        opened.append(path)
        return plain(path, *mode)

    monkeypatch.setattr(Path, "open", noting)
    DataRecord.of([data], 1)
    assert len(set(opened)) == SAMPLE


def test_a_pipe_among_files_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("So far.\n")
    os.mkfifo(tmp_path / "b.txt")
    assert DataRecord.of([tmp_path], 1).files == 1


def test_what_was_found_and_left_out_is_counted(data: Path) -> None:
    (data / ".trash").mkdir()
    (data / "found").mkdir()
    (data / "found" / ".gestalt-output.json").touch()
    said = DataRecord.of([data, data / "a.wav"], 4).said
    assert said == (
        f"5 files (4 .wav, 1 .txt) in {data}, {data / 'a.wav'}; left out: 1 hidden file or folder, "
        "1 folder of this package's own outputs"
    )


def test_a_run_goes_on_with_changed_data_only_when_it_is_told_to(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fabric, folder = launch(OPTIONS), tmp_path / "run"

    def claim(changed: bool = False) -> str:
        with RunFolder(folder, OPTIONS, resume=True).claimed(fabric, DataRecord.of([data], 4), changed):
            return capsys.readouterr().err

    claim()
    (data / "early.wav").touch()
    claim()  # nothing is learned yet
    save_checkpoint(folder, {"step": 1})
    assert claim() == ""
    os.utime(data / "a.wav", (1, 1))
    assert "names, sizes and a sample agree" in claim()
    (data / "late.wav").touch()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"the data changed .*: 5 files were there and now 6.*--data-changed"):
            claim()
    assert "not looked at" in claim(changed=True)
    assert claim() == "", "what it went on with is what is compared from now on"
    (folder / RECORD).write_text("[]")
    with pytest.raises(ValueError, match=r"data\.json is damaged .*--data-changed"):
        claim()
    (folder / RECORD).unlink()
    assert "what data it was begun with is not known" in claim()


def test_a_run_is_resumed_wherever_its_data_lie_and_not_with_other_data(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (data / "words.txt").write_text("Birds sing in the wide sky.\nThe old man saw the sea.\nNobody knew his name.\n")
    training = Training(steps=1, batch=2, warmup=0, workers=0, log_every=1, accelerator="cpu")

    def train(given: Path, resume: bool = True, changed: bool = False) -> str:
        gestalt.train(given, modality="text", out="run", training=training, resume=resume, data_changed=changed)
        return capsys.readouterr().err

    assert "found 5 files (3 .wav, 2 .txt) in data; read as 4 items, 20 words\n" in train(Path("data"), resume=False)
    train(data.absolute())
    shutil.move(data, tmp_path / "moved")
    train(Path("moved"))
    (tmp_path / "moved" / "more.txt").write_text("One more.\n")
    with pytest.raises(
        ValueError, match=r"the data changed since the run in run was begun: 4 items were there and now 5"
    ):
        train(Path("moved"))
    train(Path("moved"), changed=True)
    with pytest.raises(ValueError, match=r"begun with other options: training\.steps was 1 and is now 3"):
        gestalt.train("moved", modality="text", out="run", training=replace(training, steps=3), resume=True)


@final
class NoMasks(AbstractMasks[Any]):
    """Masks of nothing."""

    def has(self, index: int) -> bool:
        return index < 0

    def of_item(self, index: int, item: Any) -> None:  # noqa: ARG002
        return None


SHIPPED = ["audio-events", "image-objects", "molecules", "sounding-objects", "text-spans", "video-objects"]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_report_says_what_is_called_true_only_where_something_is(name: str) -> None:
    recipe = RECIPES.load(name)
    made, items = recipe(recipe.options_type()), InMemory[Any]([])
    nothing = ExperimentData[Any, Any](items, made.modality.views, (), (), true_objects=[(), ()])
    assert shown_truth(made, replace(nothing, true_objects=())) == shown_truth(made, nothing) == ""
    known = replace(nothing, true_objects=[(), [("noun", (0, 3))]])
    assert shown_truth(made, known) == made.captions.truth
    masked = replace(known, masked=MaskedItems(items, NoMasks(), (), False))
    assert shown_truth(made, masked).startswith("What is called true are the masks that come with the data")


@pytest.mark.parametrize("inside", [".", "below"])
def test_a_run_is_not_written_beside_what_it_reads(data: Path, inside: str) -> None:
    (data / "below").mkdir()
    with pytest.raises(ValueError, match=r"is to be read and lies in .*, where results are to be written"):
        RunFolder(data, OPTIONS, resume=False, inputs=[data / inside]).check()
    RunFolder(data / "below" / "run", OPTIONS, resume=False, inputs=[data]).check()


@pytest.mark.parametrize("name", ["config.json", "metrics.csv", "report.html"])
def test_files_that_no_run_wrote_are_not_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    folder = RunFolder(tmp_path, OPTIONS, resume=False)
    folder.check()
    (tmp_path / name).touch()
    with pytest.raises(FileExistsError, match=f"holds {name}, which no run wrote and this one would replace"):
        folder.check()
    (tmp_path / "options.json").touch()  # of a run that ended before its first checkpoint
    folder.check()
