"""Archives are read as the folders that they were packed from, whatever became of them."""

import dataclasses
import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch.utils._pytree import tree_flatten

from gestalt.core.data.items import BadItemError, FromFiles
from gestalt.core.modality.named_paths import named_paths
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.pack import pack
from gestalt.core.shards.archive import key_of
from gestalt.core.shards.cache import VARIABLE, cache_folder
from gestalt.core.shards.index import INDEX, INDICES, KEPT
from gestalt.core.training.label_source import labels_at
from tests.packed import WRITTEN

RNG = np.random.default_rng
SMALL = 0.0065
"""Megabytes of an archive that holds two records."""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Every test reads the archives anew, as a process of its own would."""
    INDICES.forget()
    yield
    INDICES.forget()


def folder_of(name: str, parent: Path) -> Path:
    (parent / "plain").mkdir()
    WRITTEN[name](parent / "plain")
    return parent / "plain"


def packed(name: str, parent: Path, **options: Any) -> tuple[Any, Any, Path]:
    """A modality, its items as they lie in a folder, and the archives of them."""
    modality, plain, out = load_modality(name), folder_of(name, parent), parent / "shards"
    pack(modality, [plain], out, **{"shard_size": SMALL, **options})
    return modality, modality.read([plain]).items, out


def _compared(part: Any) -> dict[str, Any]:
    """What an item is, but for where it comes from, which its class does not compare."""
    left_out = (
        {one.name for one in dataclasses.fields(part) if not one.compare} if dataclasses.is_dataclass(part) else set()
    )
    return {name: value for name, value in vars(part).items() if name not in left_out}


def content(item: Any) -> list[Any]:
    """The tensors of an item, or what it is."""
    parts = item.parts.values() if hasattr(item, "parts") else (item,)
    fields = [part if isinstance(part, torch.Tensor) else _compared(part) for part in parts]
    return [entry for entry in tree_flatten(fields)[0] if isinstance(entry, torch.Tensor | str | int | float)]


def same(one: Any, other: Any) -> bool:
    pairs = zip(content(one), content(other), strict=True)
    return all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in pairs)


@pytest.mark.parametrize("name", WRITTEN)
def test_packed_items_are_those_of_the_folder_in_its_order(name: str, tmp_path: Path) -> None:
    modality, plain, out = packed(name, tmp_path)
    reading = modality.read([out])
    assert (len(reading.items), reading.skipped, reading.damaged) == (len(plain), (), ())
    for number in range(len(plain)):
        assert same(plain.read(number, RNG(0)), reading.items.read(number, RNG(0)))
        assert reading.items.name(number).startswith(f"{out}{os.sep}0000")
    assert len(content(plain.read(0, RNG(0)))) > 0


def test_archives_are_those_of_webdataset_and_the_index_says_where_everything_lies(tmp_path: Path) -> None:
    _, _, out = packed("image", tmp_path, labels=Path("folders"))
    table = pq.read_table(out / INDEX).to_pylist()
    assert {row["shard"] for row in table} == {path.name for path in out.glob("*.tar")}
    keys = list[str]()
    for path in sorted(out.glob("*.tar")):
        assert path.stat().st_size <= max(SMALL * 1e6, 10_240) + 10_240  # tar ends in blocks of zeros
        with tarfile.open(path) as archive:
            members = archive.getmembers()
            for member in members:
                (row,) = (one for one in table if (one["shard"], one["name"]) == (path.name, member.name))
                assert (row["offset"], row["size"], row["key"]) == (
                    member.offset_data,
                    member.size,
                    key_of(member.name),
                )
            keys += list(dict.fromkeys(key_of(member.name) for member in members))
            assert [key_of(member.name) for member in members] == sorted(
                (key_of(member.name) for member in members), key=keys.index
            )  # the files of one record follow one another
    assert len(keys) == len(set(keys)) == 6
    assert all("." not in key.rpartition("/")[2] for key in keys)


def test_labels_travel_with_their_files(tmp_path: Path) -> None:
    modality, plain, out = packed("image", tmp_path, labels=Path("folders"))
    items = modality.read([out]).items
    there = labels_at(Path("archives"), items)
    assert there.target == labels_at(Path("folders"), plain).target
    assert there.known.tolist() == labels_at(Path("folders"), plain).known.tolist()
    with pytest.raises(ValueError, match="the data are none"):
        labels_at(Path("archives"), plain)


def test_archives_without_an_index_get_one_by_a_pass_which_is_kept_and_made_again_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    modality, plain, out = packed("image", tmp_path)
    (out / INDEX).unlink()
    INDICES.forget()
    assert len(modality.read([out]).items) == len(plain)
    assert not (out / INDEX).exists()  # in a user's folder nothing is written
    (kept,) = cache_folder().glob(f"*{KEPT}")
    INDICES.forget()
    with monkeypatch.context() as patched:
        patched.setattr("gestalt.core.shards.index.scanned", lambda path: pytest.fail(f"{path} is looked through"))
        assert len(modality.read([out]).items) == len(plain)
    with tarfile.open(out / "000000.tar", "w") as archive:
        archive.add(tmp_path / "plain" / "owl" / "b.png", "new.png")
    INDICES.forget()
    assert str(out / "000000.tar" / "new.png") in {name_of(modality.read([out]).items, 0)}
    kept.write_bytes(b"damaged")
    INDICES.forget()
    assert str(out / "000000.tar" / "new.png") in {name_of(modality.read([out]).items, 0)}


def name_of(items: Any, number: int) -> str:
    assert isinstance(items, FromFiles)
    return str(items.path(number))


def flipped(path: Path) -> None:
    """The same archive with other bytes in its first file."""
    content = bytearray(path.read_bytes())
    content[600:604] = bytes(255 - byte for byte in content[600:604])
    path.write_bytes(content)


BROKEN: dict[str, Callable[[Path], object]] = {
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:700]),
    "damaged": flipped,
    "is not there|No such file|cannot be read": lambda path: path.unlink(),
}


@pytest.mark.parametrize("said", BROKEN)
def test_a_broken_archive_names_itself_and_loses_nothing_else(said: str, tmp_path: Path) -> None:
    modality, plain, out = packed("image", tmp_path, shard_size=0.004)
    victim = sorted(out.glob("*.tar"))[1]
    lost = sum(row["shard"] == victim.name for row in pq.read_table(out / INDEX).to_pylist())
    BROKEN[said](victim)
    with pytest.raises(BadItemError, match=said) as raised:
        modality.read([out])
    assert str(victim) in raised.value.name
    reading = modality.read([out], skip_bad=True)
    assert len(reading.items) == len(plain) - lost
    assert [str(victim) in entry.name for entry in reading.skipped] == [True] * lost
    for number in range(len(reading.items)):
        assert reading.items.read(number, RNG(0)).shape == (3, 24, 20)


def test_a_torn_archive_without_an_index_is_named_and_what_is_there_is_read(tmp_path: Path) -> None:
    modality, plain, out = packed("image", tmp_path, shard_size=1.0)
    (out / INDEX).unlink()
    INDICES.forget()
    whole = (out / "000000.tar").read_bytes()
    (out / "000000.tar").write_bytes(whole[:6000])
    with pytest.raises(BadItemError, match="is cut off within"):
        modality.read([out])
    reading = modality.read([out], skip_bad=True)
    assert 0 < len(reading.items) < len(plain)
    assert [entry.name for entry in reading.skipped] == [str(out / "000000.tar")]
    (out / "000000.tar").write_bytes(b"no archive" * 99)
    INDICES.forget()
    with pytest.raises(BadItemError, match="is no tar archive"):
        modality.read([out])


KILLED = """
import os, signal, sys
from pathlib import Path
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.pack import pack
count, rename = 0, Path.replace
def replace(self, target):
    global count
    count += Path(target).suffix == ".tar"
    if count == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
Path.replace = replace
pack(load_modality("image"), [Path(sys.argv[1])], Path(sys.argv[2]), shard_size=0.004)
"""


def test_a_killed_pack_goes_on_and_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    modality, _, out = packed("image", tmp_path, shard_size=0.004)
    killed = [sys.executable, "-c", KILLED, str(tmp_path / "plain"), str(tmp_path / "again")]
    assert subprocess.run(killed, capture_output=True, check=False, timeout=300).returncode == -signal.SIGKILL
    again = tmp_path / "again"
    assert [path.name for path in again.glob("*.tar")] == ["000000.tar"]
    begun = (again / "000000.tar").stat().st_ino
    with pytest.raises(FileExistsError, match="archives of other files"):
        pack(modality, [tmp_path / "plain"], again, shard_size=0.005)
    pack(modality, [tmp_path / "plain"], again, shard_size=0.004)
    assert (again / "000000.tar").stat().st_ino == begun
    ours, theirs = ({path.name: path.read_bytes() for path in one.glob("*.tar")} for one in (out, again))
    assert ours == theirs
    assert {path.name for path in again.iterdir()} == {path.name for path in out.iterdir()} == {*ours, INDEX}
    with pytest.raises(FileExistsError, match="already"):
        pack(modality, [tmp_path / "plain"], again, shard_size=0.004)


def test_remote_archives_are_read_by_their_index_or_without_one(tmp_path: Path) -> None:
    modality, plain, out = packed("image", tmp_path)
    store = fsspec.filesystem("memory")
    for path in out.iterdir():
        store.pipe(f"/{tmp_path.name}/{path.name}", path.read_bytes())
    address = f"memory://{tmp_path.name}"
    last = len(list(out.glob("*.tar"))) - 1
    for given in ([address], [f"{address}/{{000000..{last:06d}}}.tar"]):
        items = modality.read(named_paths(given)).items
        assert [same(plain.read(n, RNG(0)), items.read(n, RNG(0))) for n in range(len(plain))] == [True] * len(items)
    store.rm(f"/{tmp_path.name}/{INDEX}")
    INDICES.forget()
    assert len(modality.read(named_paths([address])).items) == len(plain)
    store.rm(f"/{tmp_path.name}/000000.tar")
    INDICES.forget()
    with pytest.raises(BadItemError, match=r"000000\.tar"):
        modality.read(named_paths([f"{address}/000000.tar"]))


def test_what_no_record_could_hold_is_refused(tmp_path: Path) -> None:
    modality, plain = load_modality("image"), folder_of("image", tmp_path)
    with pytest.raises(ValueError, match="lies in the data"):
        pack(modality, [plain], plain / "shards")
    (tmp_path / "t.csv").write_text(f"image,text\n{plain / 'owl' / 'b.png'},an owl\n", encoding="utf-8")
    with pytest.raises(ValueError, match="files of several names"):
        pack(load_modality("image+text"), [tmp_path / "t.csv"], tmp_path / "out")
    bare = tmp_path / "bare"
    bare.write_bytes((plain / "owl" / "b.png").read_bytes())
    with pytest.raises(ValueError, match="has no ending"):
        pack(modality, [bare], tmp_path / "out")


def test_files_that_wait_their_turn_take_bounded_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modality, plain, out = packed("image", tmp_path)
    items = modality.read([out]).items
    monkeypatch.setattr("gestalt.core.shards.files.KEPT", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("gestalt.core.shards.files._KEPT._process", -1)
    for number in range(len(plain)):
        items.read(number, RNG(0))
    (folder,) = tmp_path.glob("gestalt-*")
    assert len(list(folder.iterdir())) == 1


def test_a_name_in_an_archive_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"a secret")
    folder_of("image", tmp_path)
    inside = (tmp_path / "plain" / "owl" / "b.png").read_bytes()
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name in ("../secret.png", "/etc/b.png"):
            info = tarfile.TarInfo(name)
            info.size = len(inside)
            archive.addfile(info, io.BytesIO(inside))
    items = load_modality("image").read([tmp_path / "x.tar"]).items
    assert [name_of(items, number) for number in range(2)] == [
        str(tmp_path / "x.tar" / "secret.png"),
        str(tmp_path / "x.tar" / "etc" / "b.png"),
    ]
    assert items.read(0, RNG(0)).shape == (3, 24, 20)
