"""What a folder holds: links are followed once each, and whatever is left out or cannot be read is named or counted."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from gestalt.core.components.registry import MODALITIES
from gestalt.core.data.items import BadItemError
from gestalt.core.modality.files import find_files, read_files
from gestalt.core.modality.optional.encoders import FollowsSampleRate
from gestalt.core.modality.plugins import installed_modality
from gestalt.core.storage.listing import SYSTEM, listed, obstacle

LOCKED = "locked"


def names(folder: Path) -> list[str]:
    """The files of a tree, as paths in it."""
    return [path.relative_to(folder).as_posix() for path in find_files([folder], {".npy"})]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with data beside it that links lead to."""
    for place in (
        "data/real",
        "store/deep",
        "data/.ipynb_checkpoints",
        "data/.Trash-0",
        *(f"data/{n}" for n in SYSTEM),
    ):
        (tmp_path / place).mkdir(parents=True)
    for place in ("data/real/a", "store/b", "store/deep/c", "data/.ipynb_checkpoints/a", "data/.Trash-0/z", "data/.d"):
        np.save(tmp_path / f"{place}.npy", np.arange(3))
    for name in SYSTEM:
        np.save(tmp_path / "data" / name / "x.npy", np.arange(3))
    return tmp_path / "data"


def lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is called `locked` may not be read, whoever runs the tests."""
    scandir, access = os.scandir, os.access

    def refusing(path: str) -> object:
        if Path(path).name == LOCKED:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).stem != LOCKED and access(path, mode))


def test_links_to_folders_are_followed_once_each(data: Path) -> None:
    (data / "linked").symlink_to("../store")
    (data / "again").symlink_to(data.parent / "store")  # the same folder; the first name in order counts
    (data / "deeper").symlink_to("../store/deep")
    (data / "real" / "up").symlink_to("..")
    (data / "round").symlink_to("real")
    (data / "above").symlink_to("../..")
    (data / "file.npy").symlink_to("real/a.npy")
    (data / "itself").symlink_to("itself")
    listing = listed(data)
    files = [path.relative_to(data).as_posix() for path in listing.paths if path.suffix == ".npy"]
    assert files == ["again/b.npy", "again/deep/c.npy", "file.npy", "real/a.npy"]
    assert listing.again == 5
    assert "5 links to folders that are listed anyway" in listing.left_out()


def test_a_linked_folder_of_ours_is_no_data_and_one_that_is_named_is_followed(data: Path) -> None:
    (data / "linked").symlink_to("../store")
    assert names(data / "linked") == ["b.npy", "deep/c.npy"]
    (data.parent / "store" / ".gestalt-output.json").touch()
    assert names(data) == ["real/a.npy"]
    assert listed(data).own == 1


def test_hidden_files_and_folders_and_those_of_systems_are_left_out_unless_they_are_named(data: Path) -> None:
    assert names(data) == ["real/a.npy"]
    assert listed(data).hidden == 3 + len(SYSTEM)
    assert names(data / ".Trash-0") == ["z.npy"]
    assert find_files([data / ".d.npy"], {".npy"}) == [data / ".d.npy"]


def test_what_leads_nowhere_or_may_not_be_read_is_named_and_left_out_on_request(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "gone.npy").symlink_to("moved/gone.npy")
    (data / "moved").symlink_to("/nowhere/at/all")
    (data / "other.txt").symlink_to("nowhere.txt")
    (data / "itself.npy").symlink_to("itself.npy")
    os.mkfifo(data / "pipe.npy")
    (data / LOCKED).mkdir()
    np.save(data / "real" / f"{LOCKED}.npy", np.arange(3))
    lock(monkeypatch)
    with pytest.raises(
        BadItemError, match=r"gone\.npy: is a link to moved/gone\.npy, which is not there; .*--skip-bad"
    ):
        read_files([data], {".npy"}, np.load)
    reading = read_files([data], {".npy"}, np.load, skip_bad=True)
    assert [Path(reading.items.name(place)).name for place in range(len(reading.items))] == ["a.npy"]
    reasons = {Path(entry.name).relative_to(data).as_posix(): entry.reason for entry in reading.skipped}
    for name, reason in {
        "gone.npy": "is a link to moved/gone.npy, which is not there",
        "itself.npy": "cannot be opened (Too many levels of symbolic links)",
        LOCKED: "is a folder that cannot be listed (Permission denied)",
        "moved": "is a link to /nowhere/at/all, which is not there",
        "pipe.npy": "is a pipe, a socket or a device",
        f"real/{LOCKED}.npy": "may not be read (Permission denied)",
    }.items():
        assert reasons.pop(name).startswith(reason)
    assert not reasons


def test_a_link_to_nowhere_that_is_named_says_so(data: Path) -> None:
    (data / "gone").symlink_to("moved")
    with pytest.raises(FileNotFoundError, match="gone is a link to moved, which does not exist; check the spelling"):
        find_files([data / "gone"], {".npy"})


def test_a_path_that_is_named_twice_counts_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    found = find_files([Path("real"), Path("./real/a.npy"), data / "real", Path("real/../real")], {".npy"})
    assert found == [Path("real/a.npy")]


@pytest.mark.parametrize("name", MODALITIES.names())
def test_every_modality_names_links_to_nowhere_and_locked_folders(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modality = installed_modality(name)
    (tmp_path / "moved").symlink_to("/nowhere")
    with pytest.raises(BadItemError, match=r"moved: is a link to /nowhere, which is not there"):
        modality.read([tmp_path])
    (tmp_path / "moved").unlink()
    (tmp_path / LOCKED).mkdir()
    lock(monkeypatch)
    with pytest.raises(BadItemError, match=r"locked: is a folder that cannot be listed \(Permission denied\)"):
        modality.read([tmp_path])


@pytest.mark.parametrize("name", ["audio", "sensors"])
def test_the_rate_of_a_run_passes_over_what_leads_nowhere(name: str, tmp_path: Path) -> None:
    tone = np.sin(np.arange(9000) / 7).astype(np.float32)
    soundfile.write(tmp_path / "real.wav", tone, 22_050)
    for first, last in ("aa", "zz"):
        (tmp_path / f"{first}{last}.wav").symlink_to("nowhere.wav")
        os.mkfifo(tmp_path / f"{first}-pipe.wav")
    modality = installed_modality(name)
    assert isinstance(modality, FollowsSampleRate)
    found: Any = modality.at_rate(None, "conv", [tmp_path])
    assert found.sample_rate == 22_050
    assert len(found.read([tmp_path], skip_bad=True).skipped) == 4


def test_a_file_without_an_obstacle_has_none(data: Path) -> None:
    assert obstacle(data / "real") is obstacle(data / "real" / "a.npy") is None
    assert obstacle(data / "nothing") == "is not there"
