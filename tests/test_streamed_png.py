"""Large PNG are reduced as they are read: what Pillow would give of the whole, for a part of the memory."""

import os
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as Picture

from gestalt.core.data.items import BadItemError
from gestalt.core.pictures import pixels, png
from gestalt.core.pictures.pillow import from_pillow
from gestalt.core.pictures.png import Plain, from_png
from gestalt.core.pictures.reading import read_picture, size_of
from gestalt.modalities.image.reading import decode

pytest.importorskip("pyvips", exc_type=ImportError)

HEIGHT, WIDTH, LONGEST = 167, 130, 20
COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def written(path: Path, values: NDArray[Any], *before: bytes, interlaced: int = 0) -> Path:
    """Without filters: every row begins with a 0; numbers of 16 bits are big-endian."""
    height, width, channels = values.shape
    head = struct.pack(">IIBBBBB", width, height, 8 * values.itemsize, COLOUR[channels], 0, 0, interlaced)
    rows = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)
    parts = (chunk(b"IHDR", head), *before, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    path.write_bytes(png.BEGIN + b"".join(parts))
    return path


def drawn(channels: int, of: type[np.unsignedinteger[Any]] = np.uint8, most: int = 255) -> NDArray[Any]:
    return np.random.default_rng(channels).integers(0, most + 1, (HEIGHT, WIDTH, channels), dtype=of)


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("read in strips")

    monkeypatch.setattr(png, "_in_strips", refuse)


@pytest.mark.parametrize("channels", COLOUR)
@pytest.mark.parametrize(("of", "most"), [(np.uint8, 255), (np.uint16, 65535), (np.uint16, 4000)])
def test_strips_give_what_pillow_gives_of_the_whole(
    channels: int, of: type[np.unsignedinteger[Any]], most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "ö one.png", drawn(channels, of, most))
    monkeypatch.setattr(png, "ROWS", 7)
    found, whole = from_png(path, LONGEST), from_pillow(path, LONGEST)
    assert found.values.dtype == whole.values.dtype == of
    assert np.array_equal(found.values, whole.values)
    assert (found.alpha, found.bits, found.whole) == (whole.alpha, whole.bits, (HEIGHT, WIDTH))
    assert torch.equal(decode(path, 3, LONGEST), _by_pillow(path, monkeypatch))


def _by_pillow(path: Path, monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    with monkeypatch.context() as without:
        without.setattr(png, "_vips", lambda: None)
        return decode(path, 3, LONGEST)


def test_bits_that_count_are_those_that_the_file_says(tmp_path: Path) -> None:
    path = written(tmp_path / "one.png", drawn(1, np.uint16, 9000), chunk(b"sBIT", bytes([14])))
    assert from_png(path, LONGEST).bits == from_pillow(path, LONGEST).bits == 14


@pytest.mark.usefixtures("never")
@pytest.mark.parametrize("kind", ["palette", "clear colour", "on its side", "interlaced", "animation", "bits", "small"])
def test_what_is_no_plain_png_is_pillows(kind: str, tmp_path: Path) -> None:
    path, grey = tmp_path / "one.png", drawn(1)
    image = Picture.fromarray(grey[..., 0])
    exif = Picture.Exif()
    exif[0x0112] = 6
    if kind == "palette":
        image.convert("P").save(path)
    elif kind == "clear colour":
        written(path, grey, chunk(b"tRNS", b"\0\7"))
    elif kind == "on its side":
        image.save(path, exif=exif)
    elif kind == "interlaced":
        written(path, grey, interlaced=1)
    elif kind == "animation":
        image.save(path, save_all=True, append_images=[image.transpose(Picture.Transpose.ROTATE_180)])
    elif kind == "bits":
        image.convert("1").save(path)
    else:
        image.resize((LONGEST, LONGEST)).save(path)
    if kind == "interlaced":
        assert Plain.of(path) is None
    else:
        assert np.array_equal(from_png(path, LONGEST).values, from_pillow(path, LONGEST).values)


@pytest.mark.parametrize("harm", ["cut", "flipped", "no end"])
def test_damaged_files_are_named(harm: str, tmp_path: Path) -> None:
    path = written(tmp_path / "one.png", drawn(3))
    content = bytearray(path.read_bytes())
    if harm == "flipped":
        content[len(content) // 2] ^= 0xFF
    path.write_bytes(content[: {"cut": len(content) // 2, "no end": len(content) - 40}.get(harm)])
    with pytest.raises(BadItemError, match=r"one\.png.*cannot be read as a picture \(.*(broken|truncated).*\)"):
        read_picture(path, LONGEST)


@pytest.mark.parametrize("channels", COLOUR)
def test_a_wrong_checksum_of_pixels_is_no_damage_with_libvips_or_without(
    channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "one.png", drawn(channels))
    content = bytearray(path.read_bytes())
    content[-13] ^= 0xFF  # before the twelve bytes of the last chunk
    path.write_bytes(content)
    found = read_picture(path, LONGEST)
    assert np.array_equal(found.values, from_pillow(path, LONGEST).values)
    assert (found.whole, size_of(path)) == ((HEIGHT, WIDTH), (HEIGHT, WIDTH))
    monkeypatch.setattr(pixels, "MOST_VALUES", 10_000)
    with pytest.raises(BadItemError, match=r"one\.png: cannot be read as a picture \(broken data stream of a PNG\)"):
        read_picture(path, LONGEST)


@pytest.mark.parametrize("sides", [(0, 100), (100, 0), (0, 0)])
def test_a_picture_without_pixels_is_none(sides: tuple[int, int], tmp_path: Path) -> None:
    path = written(tmp_path / "one.png", drawn(3))
    content = path.read_bytes()
    path.write_bytes(png.BEGIN + chunk(b"IHDR", struct.pack(">II", *sides) + content[24:29]) + content[33:])
    for read in (size_of, read_picture):
        with pytest.raises(BadItemError, match=r"one\.png: cannot be read as a picture"):
            read(path)


def test_files_that_claim_more_than_they_hold_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "one.png", drawn(3))
    content = path.read_bytes()
    head = struct.pack(">II", 60_000, 40_000) + content[24:29]
    path.write_bytes(png.BEGIN + chunk(b"IHDR", head) + content[33:])
    assert size_of(path) == (40_000, 60_000), "larger than what is read whole"
    with pytest.raises(BadItemError, match=r"claims 60000 × 40000 pixels of 3 channels, more than its bytes unfold"):
        read_picture(path, LONGEST)
    monkeypatch.setattr(png, "MOST_STREAMED", 10_000)
    with pytest.raises(BadItemError, match=r"60000 × 40000 pixels of 3 channels, and at most 10000 values.*tiles"):
        read_picture(path, LONGEST)


def test_a_picture_beyond_what_is_read_whole_is_read_in_strips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "MOST_VALUES", 10_000)
    path = written(tmp_path / "one.png", drawn(3))
    assert size_of(path) == (HEIGHT, WIDTH)
    assert read_picture(path, LONGEST).whole == (HEIGHT, WIDTH)
    with pytest.raises(BadItemError, match="at most 10000 values are read"):
        read_picture(path)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    side = 6144
    values = np.broadcast_to(np.uint8(9), (side, side, 1)).copy()
    values[: side // 2] = 200
    path = written(tmp_path / "large.png", values)
    decode(written(tmp_path / "small.png", drawn(1)), 1, LONGEST)  # what is imported now is not counted later
    tracemalloc.start()
    small = decode(path, 1, 256)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < side * side / 4
    assert small[0, 0, 0] == pytest.approx(200 / 255)
    assert small[0, -1, 0] == pytest.approx(9 / 255)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="workers do not fork on Windows")
@pytest.mark.filterwarnings(
    "ignore:This process:DeprecationWarning"
)  # newer Pythons warn of threads, which libvips has
def test_a_file_that_changed_is_read_anew_in_every_process(tmp_path: Path) -> None:
    path = written(tmp_path / "one.png", drawn(1))
    first = from_png(path, LONGEST).values
    written(path, 255 - drawn(1))
    read, write = os.pipe()
    if (child := os.fork()) == 0:  # as workers begin on Linux
        os.write(write, bytes([int(from_png(path, LONGEST).values[0, 0, 0])]))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(read, 1)[0] == from_png(path, LONGEST).values[0, 0, 0] != first[0, 0, 0]
    os.close(read)
    os.close(write)
