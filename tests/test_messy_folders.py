"""Folders as people have them, in every modality: each item is found once, and what is none is named or left out."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image as Pillow

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.pack import pack
from gestalt.core.storage.listing import listed
from gestalt.modalities.points import MODALITY as POINTS
from tests.packed import WRITTEN, pictures
from tests.video_files import coded

SHORT = ("--steps", "1", "--batch", "4", "--warmup", "0", "--workers", "0", "--threads", "1", "--accelerator", "cpu")
BEFORE = 300
"""Seconds after which something is taken to hang: alone on a processor, nothing here takes ten."""


def clouds(folder: Path) -> None:
    """Two point clouds."""
    for number, specimen in enumerate(POINTS.specimens()[:2]):
        np.save(folder / f"{number}.npy", specimen.item.places.numpy() * specimen.item.scale)


def frames(folder: Path) -> None:
    """A folder of numbered images, which is a clip."""
    (folder / "bear").mkdir()
    for number in range(9):
        Pillow.fromarray(coded(number)).save(folder / "bear" / f"{number:05d}.png")


def archives(folder: Path) -> None:
    """Pictures in archives."""
    (folder / "loose").mkdir()
    pictures(folder / "loose")
    pack(load_modality("image"), [folder / "loose"], folder / "packed", shard_size=0.0065)
    shutil.rmtree(folder / "loose")


CASES: Mapping[str, tuple[str, Callable[[Path], None]]] = {
    **{name: (name, write) for name, write in WRITTEN.items()},
    "points": ("points", clouds),
    "frames": ("video", frames),
    "archives": ("image", archives),
}
"""What is read by which modality, and what writes it."""


class Late(BaseException):
    """What no reader takes for a fault of its file."""


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Nothing waits for a pipe that nobody writes."""

    def late(*_: object) -> None:
        raise Late(f"something hangs for {BEFORE} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(BEFORE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is called `locked`, or lies in such a folder, may not be read, whoever runs the tests."""
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "/locked" not in str(path) and access(path, mode))


def messy(parent: Path, write: Callable[[Path], None]) -> tuple[Path, set[str]]:
    """A folder with data, data behind a link, what cannot be read, and what is no data; and the names of the third."""
    data = parent / "data"
    for place in (data / "real", parent / "store", data / ".hidden", data / "found", data / "run"):
        place.mkdir(parents=True)
        write(place)
    (data / "found" / ".gestalt-output.json").write_text("{}")
    for name in ("config.json", "model.safetensors"):
        (data / "run" / name).write_text("{}")
    (data / "linked").symlink_to("../store")
    (data / "linked again").symlink_to(parent / "store")
    (data / "real" / "up").symlink_to("..")
    (data / "real" / "round").symlink_to(".")
    if write is frames:
        for stem, spoil in SPOILT.items():
            write(data)
            (data / "bear").rename(data / stem)
            spoil(data / stem / "00003.png")
        return data, set(SPOILT)
    bad = set[str]()
    for ending in {path.suffix for path in (data / "real").rglob("*") if path.is_file()} - {".parquet"}:
        source = next(path for path in sorted((data / "real").rglob("*")) if path.suffix == ending)
        for stem, spoil in SPOILT.items():  # of files that are read, were they not what they are
            shutil.copy(source, data / f"{stem}{ending}")
            spoil(data / f"{stem}{ending}")
            bad.add(f"{stem}{ending}")
    return data, bad


def dangling(path: Path) -> None:
    """A link that leads nowhere."""
    path.unlink()
    path.symlink_to("nowhere")


def to_itself(path: Path) -> None:
    """A link that leads to itself."""
    path.unlink()
    path.symlink_to(path.name)


def pipe(path: Path) -> None:
    """A pipe that nobody writes to."""
    path.unlink()
    os.mkfifo(path)


SPOILT: Mapping[str, Callable[[Path], None]] = {
    "gone": dangling,
    "itself": to_itself,
    "pipe": pipe,
    "locked": lambda _: None,  # by its name
}
REASONS = {
    "gone": "is a link to nowhere",
    "itself": "cannot be opened (Too many levels of symbolic links)",
    "pipe": "is a pipe, a socket or a device",
    "locked": "may not be read (Permission denied)",
}


def names(items: Any, *moved: tuple[Path, Path]) -> list[str]:
    """Of all items, each of which is read; as they would be called elsewhere."""
    found = list[str]()
    for number in range(len(items)):
        items.read(number, np.random.default_rng(0))
        name = items.name(number)
        for old, new in moved:
            name = name.replace(str(old), str(new))
        found.append(name)
    return sorted(found)


@pytest.mark.parametrize("case", CASES)
def test_every_item_is_found_once_and_what_is_none_is_named_or_left_out(case: str, tmp_path: Path) -> None:
    name, write = CASES[case]
    data, bad = messy(tmp_path, write)
    modality: Any = load_modality(name)
    with pytest.raises(BadItemError, match=r"/(gone|itself|pipe|locked)[./].*--skip-bad"):
        modality.read([data])
    reading = modality.read([data], skip_bad=True)
    real, store = (modality.read([place]).items for place in (data / "real", tmp_path / "store"))
    expected = sorted([*names(real), *names(store, (tmp_path / "store", data / "linked"))])
    assert names(reading.items) == expected
    skipped = {Path(one.name).relative_to(data).parts[0]: one.reason for one in reading.skipped}
    assert set(skipped) == bad
    for one, reason in skipped.items():
        assert reason.startswith(REASONS[Path(one).stem]), (one, reason)
    assert listed(data).left_out() == (
        "1 hidden file or folder, 2 folders of this package's own outputs, 3 links to folders that are listed anyway"
    )


@pytest.mark.parametrize("case", CASES)
def test_training_and_what_follows_take_such_a_folder_and_say_what_was_left_out(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, write = CASES[case]
    data, bad = messy(tmp_path, write)
    run, out = tmp_path / "mine", tmp_path / "vectors"
    asked = ["run", "objects", "--modality", name, "--data", str(data), "--out", str(run), "--skip-bad", *SHORT]
    assert execute(asked) == 0
    said = "".join(capsys.readouterr())
    assert "left out: 1 hidden file or folder, 2 folders of this package's own outputs, 3 links" in said
    report = (run / "report.html").read_text(encoding="utf-8")
    assert all(one in report for one in bad)
    assert execute(["embed", str(run), str(data), "--out", str(out), "--skip-bad"]) == 0
    assert f"{len(bad)} left out" in "".join(capsys.readouterr())
    listed_there = (out / "skipped.txt").read_text(encoding="utf-8").splitlines()
    assert len(listed_there) == len(bad) == len({one for one in bad for line in listed_there if f"/{one}" in line})
    modality = gestalt.load(run).modality
    apart = [modality.read([place]).items for place in (data / "real", tmp_path / "store")]
    assert pyarrow.parquet.read_table(out / "items.parquet").num_rows == sum(map(len, apart))
