"""The folder that results are written to: replaced as a whole, and nothing else in it."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from gestalt.core.runs.output_folder import LOCK, PARTIAL, OutputFolder
from gestalt.core.storage.listing import listed
from gestalt.core.storage.own_folders import MARKER, is_own
from gestalt.core.training.lock import locked


def write(out: Path, files: dict[str, str], inputs: list[Path] | None = None) -> None:
    """A call that writes some files."""
    with OutputFolder(out, inputs or []).writing() as folder:
        assert not list(folder.iterdir())
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)


def content(out: Path) -> dict[str, str]:
    """The files of a folder but for the list of what was written."""
    files = (path for path in out.rglob("*") if path.is_file() and path.name != MARKER)
    return {path.relative_to(out).as_posix(): path.read_text() for path in files}


def test_what_a_call_writes_replaces_what_an_earlier_one_wrote(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    write(out, {"a.txt": "1", "masks/00000.png": "1", "masks/00001.png": "1", "gone/b": "1"})
    write(out, {"a.txt": "2", "masks/00000.png": "2", "gone": "a file now", ".hidden": "2"})
    assert content(out) == {"a.txt": "2", "masks/00000.png": "2", "gone": "a file now", ".hidden": "2"}
    write(out, {"b.txt": "3", "gone/again": "3"})
    assert content(out) == {"b.txt": "3", "gone/again": "3"}
    assert json.loads((out / MARKER).read_text())["files"] == ["b.txt", "gone/again"]
    assert sorted(path.name for path in out.iterdir()) == [MARKER, "b.txt", "gone"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_call_that_fails_leaves_the_earlier_results_and_nothing_of_its_own(
    error: type[BaseException], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "out"

    def fail() -> None:
        with OutputFolder(out, []).writing() as folder:
            (folder / "a.txt").write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert not list(tmp_path.iterdir())
    write(out, {"a.txt": "1"})
    with pytest.raises(error):
        fail()
    assert content(out) == {"a.txt": "1"}
    assert sorted(path.name for path in out.iterdir()) == [MARKER, "a.txt"]


def test_what_a_killed_call_left_goes_with_the_next(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from gestalt.core.runs.output_folder import OutputFolder\n"
        "with OutputFolder(Path(sys.argv[1]), []).writing() as folder:\n"
        "    (folder / 'a.txt').write_text('half'); os.kill(os.getpid(), 9)"
    )
    write(tmp_path / "out", {"a.txt": "1"})
    for out in (tmp_path / "out", tmp_path / "first"):
        killed = subprocess.run([sys.executable, "-c", script, str(out)], check=False)
        assert killed.returncode == -9
        assert is_own(out), "whoever searches the data passes it by"
        assert (out / PARTIAL / "a.txt").is_file()
    assert (tmp_path / "out" / "a.txt").read_text() == "1"
    for out in (tmp_path / "out", tmp_path / "first"):
        write(out, {"b.txt": "2"})
        assert content(out) == {"b.txt": "2"}


def test_a_call_that_is_stopped_while_results_take_their_place_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"a.txt": "1", "b.txt": "1", "c.txt": "1"})
    replace = Path.replace

    def stopped(self: Path, target: Path) -> Path:
        if target.name == "b.txt":
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, {"a.txt": "2", "after.txt": "2", "b.txt": "2", "d.txt": "2"})
    assert json.loads((tmp_path / MARKER).read_text())["complete"] is False
    write(tmp_path, {"a.txt": "3"})
    assert content(tmp_path) == {"a.txt": "3"}
    assert json.loads((tmp_path / MARKER).read_text())["complete"] is True


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_and_loses_nothing(error: int, tmp_path: Path) -> None:
    write(tmp_path / "out", {"a.txt": "1"})

    def fill() -> None:
        with OutputFolder(tmp_path / "out", []).writing() as folder:
            (folder / "a.txt").write_text("half")
            raise OSError(error, os.strerror(error))

    with pytest.raises(OSError, match=r"out: the disk is full .*untouched, and nothing of this call stays.*--out"):
        fill()
    assert content(tmp_path / "out") == {"a.txt": "1"}


def test_a_link_in_the_folder_never_leads_what_is_written_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    write(tmp_path / "out", {"a.txt": "1"})
    (tmp_path / "out" / "masks").symlink_to(tmp_path / "theirs")
    with pytest.raises(FileExistsError, match="out holds masks, which no earlier call wrote"):
        write(tmp_path / "out", {"masks/a.png": "2"})
    assert not list((tmp_path / "theirs").iterdir())
    (tmp_path / "out" / "masks").unlink()
    (tmp_path / "precious.txt").write_text("precious")
    (tmp_path / "out" / "a.txt").unlink()
    (tmp_path / "out" / "a.txt").symlink_to(tmp_path / "precious.txt")
    write(tmp_path / "out", {"a.txt": "2"})
    assert (tmp_path / "precious.txt").read_text() == "precious"


def test_the_file_of_a_lock_goes_before_the_lock_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there, release = [], FileLock.release

    def releasing(self: FileLock, force: bool = False) -> None:
        there.append(Path(self.lock_file).exists())
        release(self, force)

    monkeypatch.setattr(FileLock, "release", releasing)
    with locked(tmp_path / "lock", "taken"):
        with pytest.raises(RuntimeError, match="taken"), locked(tmp_path / "lock", "taken"):
            pass
        there.clear()
    assert there[0] is False, "else the file of whoever takes it next would go"


def test_other_files_are_neither_harmed_nor_mixed_with_results(tmp_path: Path) -> None:
    write(tmp_path / "out", {"a.txt": "1"})
    (tmp_path / "out" / ".DS_Store").write_text("theirs")
    write(tmp_path / "out", {"a.txt": "2"})
    assert content(tmp_path / "out") == {"a.txt": "2", ".DS_Store": "theirs"}
    (tmp_path / "out" / "sub").mkdir()
    (tmp_path / "out" / "sub" / "mine.txt").write_text("mine")
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(
        FileExistsError, match=r"out holds sub/mine\.txt and 1 more, which no earlier call wrote; .*--out"
    ):
        write(tmp_path / "out", {"a.txt": "3"})
    assert content(tmp_path / "out")["a.txt"] == "2"


def test_a_list_of_files_never_leads_elsewhere(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    write(tmp_path / "out", {"a.txt": "1"})
    (tmp_path / "out" / MARKER).write_text(json.dumps({"files": ["../victim.txt", str(victim), "a.txt"]}))
    write(tmp_path / "out", {"b.txt": "2"})
    assert victim.read_text() == "precious"
    for damaged in ("{", '{"files": 3}', "[]"):
        (tmp_path / "out" / MARKER).write_text(damaged)
        with pytest.raises(ValueError, match="is damaged"):
            write(tmp_path / "out", {"b.txt": "2"})


def test_a_folder_that_cannot_be_used_is_refused_before_any_work(tmp_path: Path) -> None:
    file, data = tmp_path / "file", tmp_path / "data"
    file.touch()
    (data / "found").mkdir(parents=True)
    (data / "a.wav").touch()
    with pytest.raises(NotADirectoryError, match="file is a file; choose a folder by --out"):
        write(file, {})
    with pytest.raises(OSError, match=r"file/below cannot be written to \(.*\); choose another folder by --out"):
        write(file / "below", {})
    for out, read in ((data, data), (tmp_path, data), (data, data / "a.wav"), (data / "found" / "..", data)):
        with pytest.raises(ValueError, match=r"is to be read and lies in .*--out"):
            write(out, {}, [read])
    write(data / "found", {"a.txt": "1"}, [data])  # it is passed by when the data are searched
    with pytest.raises(ValueError, match="is to be read and lies in"):
        write(data / "found", {}, [data / "found"])


def test_two_calls_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "out", []).writing() as folder:
        (folder / "a.txt").write_text("1")
        with pytest.raises(RuntimeError, match="another call is writing to"):
            write(tmp_path / "out", {"a.txt": "2"})
    assert content(tmp_path / "out") == {"a.txt": "1"}
    assert not (tmp_path / "out" / LOCK).exists()


def test_what_the_package_wrote_is_not_found_as_data(tmp_path: Path) -> None:
    signs = {
        "run": ["config.json", "model.safetensors", "curves.txt"],
        "unfinished": ["options.json", "metrics.csv"],
        "killed": ["options.json", "checkpoint.pt"],
        "table": ["table.json", "table.md", "seed-0/a.txt"],
        "mine": ["options.json", "config.json", "a.txt"],
    }
    for folder, names in signs.items():
        for name in names:
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).touch()
    write(tmp_path / "mine" / "found", {"deep/a.txt": "1"})
    found = [path.relative_to(tmp_path).as_posix() for path in listed(tmp_path).paths]
    assert found == ["mine", "mine/a.txt", "mine/config.json", "mine/options.json"]
    assert [path.name for path in listed(tmp_path / "run").paths] == ["config.json", "curves.txt", "model.safetensors"]
    with OutputFolder(tmp_path / "mine" / "new", []).writing() as writing:
        (writing / "a.txt").touch()
        assert [path.relative_to(tmp_path).as_posix() for path in listed(tmp_path).paths] == found, (
            "nor while it is written"
        )


def test_names_that_are_no_utf8_are_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    write(tmp_path / "out", {name: "1"})
    write(tmp_path / "out", {name: "2", "b.txt": "2"})
    write(tmp_path / "out", {"b.txt": "3"})
    assert content(tmp_path / "out") == {"b.txt": "3"}
