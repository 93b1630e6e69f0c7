"""Joint items in tar archives: read where they lie, whatever an archive says or lacks."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.plugins import load_modality
from gestalt.core.storage.tar_members import members_of


def png(seed: int) -> bytes:
    made = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (20, 20, 3), dtype=np.uint8)).save(made, "PNG")
    return made.getvalue()


def add(archive: tarfile.TarFile, name: str, content: bytes, **said: Any) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in said.items():
        setattr(info, key, value)
    archive.addfile(info, io.BytesIO(content))


def shard(path: Path, first: int, count: int = 3, form: int = tarfile.PAX_FORMAT) -> None:
    """Samples as WebDataset writes them, with a record of each that is no part."""
    with tarfile.open(path, "w", format=form) as archive:
        for number in range(first, first + count):
            add(archive, f"train/{number:04d}.png", png(number))
            add(archive, f"train/{number:04d}.txt", f"picture {number}\nnumber {number}\n".encode())
            add(archive, f"train/{number:04d}.json", json.dumps({"id": number}).encode())


def texts(items: Any, seed: int = 0) -> list[str]:
    return [items.read(number, np.random.default_rng(seed)).parts["text"].text for number in range(len(items))]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_files_of_one_name_in_an_archive_are_the_parts_of_an_item(tmp_path: Path, form: int) -> None:
    shard(tmp_path / "a-000.tar", 0, form=form)
    shard(tmp_path / "a-001.tar", 3, form=form)
    reading = load_modality("image+text").read([tmp_path])
    assert texts(reading.items) == [f"picture {number}" for number in range(6)]
    assert reading.items.name(4) == f"{tmp_path / 'a-001.tar'}: train/0004"
    assert {texts(reading.items.with_jitter(True), seed)[5] for seed in range(12)} == {"picture 5", "number 5"}  # type: ignore[attr-defined]
    (tmp_path / "p.png").write_bytes(png(4))
    (plain,) = [load_modality("image").read([tmp_path / "p.png"]).items.read(0, np.random.default_rng(0))]
    assert bool((reading.items.read(4, np.random.default_rng(0)).parts["image"] == plain).all())
    assert not reading.damaged


def test_nothing_that_an_archive_holds_leads_out_of_it(tmp_path: Path) -> None:
    """Names with dots, links, devices and sparse files: names are never used, and what is no plain file is not read."""
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret\n", encoding="utf-8")
    inside = tmp_path / "data"
    inside.mkdir()
    with tarfile.open(inside / "x.tar", "w") as archive:
        add(archive, "../../evil.png", png(1))
        add(archive, "../../evil.txt", b"harmless\n")
        add(archive, f"/{'n' * 300}/abs.png", png(2))
        add(archive, f"/{'n' * 300}/abs.txt", b"absolute\n")
        add(archive, "link.png", png(3))
        add(archive, "link.txt", b"", type=tarfile.SYMTYPE, linkname=str(secret))
        add(archive, "hard.txt", b"", type=tarfile.LNKTYPE, linkname="link.png")
        add(archive, "device.txt", b"", type=tarfile.CHRTYPE)
    before = sorted(tmp_path.rglob("*"))
    reading = load_modality("image+text").read([inside], skip_bad=True)
    assert texts(reading.items) == ["harmless", "absolute"]
    assert sorted(tmp_path.rglob("*")) == before
    assert [one.name for one in reading.skipped] == [f"{inside / 'x.tar'}: link"]
    assert "needs" in reading.skipped[0].reason or "no text" in reading.skipped[0].reason
    assert "3 links, devices or sparse files" in reading.damaged[0].reason


def test_a_damaged_archive_or_item_is_named(tmp_path: Path) -> None:
    whole, modality = tmp_path / "a.tar", load_modality("image+text")
    shard(whole, 0)
    content = whole.read_bytes()
    third = content.index(b"train/0002.png")
    for cut, kept in ((third + 700, 2), (third, 2)):
        whole.write_bytes(content[:cut])
        reading = modality.read([whole])
        assert len(reading.items) == kept
        assert "is cut off" in reading.damaged[0].reason
    whole.write_bytes(content[:third] + b"\xff" * 600 + content[third + 600 :])
    assert "is damaged at byte" in modality.read([whole]).damaged[0].reason
    for torn, message in ((b"\x1f\x8b" + content, "is compressed"), (b"no archive" * 90, "is no tar archive")):
        whole.write_bytes(torn)
        with pytest.raises(BadItemError, match=message) as raised:
            modality.read([whole])
        assert raised.value.name == str(whole)
    shard(tmp_path / "a.tar", 0)
    with tarfile.open(tmp_path / "b.tar", "w") as archive:
        add(archive, "k.png", b"no picture")
        add(archive, "k.txt", b"words\n")
    with pytest.raises(BadItemError) as raised:
        modality.read([tmp_path])
    assert raised.value.name == f"{tmp_path / 'b.tar'}: k.png"
    assert len(modality.read([tmp_path], skip_bad=True).items) == 3


def test_a_header_that_claims_gigabytes_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    shard(path, 0, 1)
    content = path.read_bytes().rstrip(b"\0")
    content += b"\0" * (-len(content) % 512)
    huge = tarfile.TarInfo("long")
    huge.type, huge.size = tarfile.GNUTYPE_LONGNAME, 2**40
    path.write_bytes(content + huge.tobuf(tarfile.GNU_FORMAT) + b"x" * 512)
    found = members_of(path)
    assert len(found.files) == 3
    assert "is cut off" in found.damage
    huge.size = 2**21
    path.write_bytes(content + huge.tobuf(tarfile.GNU_FORMAT) + b"x" * 2**21)
    assert "a header claims 2097152 bytes" in members_of(path).damage


def test_windows_of_videos_in_archives_are_items_too(tmp_path: Path) -> None:
    from tests.test_joint_clocks import EVEN, filmed

    filmed(tmp_path / "v.mp4", EVEN, (0.5, 6.0))
    with tarfile.open(tmp_path / "v.tar", "w") as archive:
        archive.add(tmp_path / "v.mp4", "v.mp4")
    items = load_modality("audio+video").read([tmp_path / "v.tar"]).items
    assert items.name(2) == f"{tmp_path / 'v.tar'}: v [window 3]"
    assert [round(items.read(n, np.random.default_rng(0)).parts["audio"].start, 2) for n in range(3)] == [0.0, 2.0, 4.0]


def odd(path: Path, names: str, lacking: str = "", torn: str = "") -> None:
    """Three samples, of which one may lack its text, and one's picture be none."""
    with tarfile.open(path, "w") as archive:
        for number in range(3):
            key = f"{number:04d}"
            add(archive, names.format(key, "png"), b"none" if key == torn else png(number))
            if key != lacking:
                add(archive, names.format(key, "txt"), b"words\n")


def test_an_item_of_an_archive_without_a_part_is_named_left_out_or_taken_and_counted(tmp_path: Path) -> None:
    odd(tmp_path / "a.tar", "{}.{}", lacking="0001", torn="0002")
    modality = load_modality("image+text")
    with pytest.raises(
        BadItemError, match=r"has no text: files of one item .* or take it as it is with --allow-missing"
    ):
        modality.read([tmp_path])
    left = modality.read([tmp_path], skip_bad=True)
    assert [one.name.rpartition(": ")[2] for one in left.skipped] == ["0001", "0002.png"]
    lenient = modality.composed_of(modality.modalities, True).read([tmp_path])  # type: ignore[attr-defined]
    assert lenient.items.remarks == tuple(
        f"1 of 3 items without {part}, taken as they are" for part in ("image", "text")
    )
    assert not lenient.damaged
    assert [(one.name, "cannot be read as a picture" in one.reason) for one in lenient.skipped] == [
        (f"{tmp_path / 'a.tar'}: 0002.png", True)
    ]


def test_files_with_two_endings_are_counted_and_said(tmp_path: Path) -> None:
    shard(tmp_path / "a.tar", 0)
    odd(tmp_path / "b.tar", "{}.input.{}")
    reading = load_modality("image+text").read([tmp_path])
    assert len(reading.items) == 3
    (said,) = reading.damaged
    assert said.name == str(tmp_path / "b.tar")
    assert "6 files with more than one ending, such as 0000.input.png, not read" in said.reason
    with pytest.raises(ValueError, match="6 files with more than one ending"):
        load_modality("image+text").read([tmp_path / "b.tar"])
