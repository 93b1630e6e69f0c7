"""What a PNG says beside its pixels loses no picture, whatever is wrong with it, with libvips and without."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from gestalt.core.data.items import BadItemError
from gestalt.core.pictures import png
from gestalt.core.pictures.reading import read_numbers, read_picture, size_of
from tests.pictures import chunk

HEIGHT, WIDTH = 167, 130
PIXELS = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
REMARKS = {
    "tEXt": b"a\0b", "zTXt": b"a\0\0" + zlib.compress(b"b"), "iTXt": b"a\0\0\0\0\0b",
    "iCCP": b"a\0\0b", "gAMA": bytes(4),
    "pHYs": struct.pack(">IIB", 1, 1, 1), "tIME": bytes(7), "sBIT": b"\5\5\5", "prVt": b"any",
}  # fmt: skip


def written(path: Path, before: bytes = b"", after: bytes = b"") -> Path:
    rows = b"".join(b"\0" + row.tobytes() for row in PIXELS)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
    path.write_bytes(png.BEGIN + head + before + chunk(b"IDAT", zlib.compress(rows)) + after + chunk(b"IEND", b""))
    return path


def torn(name: bytes, content: bytes) -> bytes:
    whole = chunk(name, content)
    return whole[:-1] + bytes([whole[-1] ^ 0xFF])


@pytest.fixture(params=["libvips", "Pillow alone"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Pillow alone":
        monkeypatch.setattr(png, "_vips", lambda: None)
    else:
        pytest.importorskip("pyvips", exc_type=ImportError)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("name", REMARKS)
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_wrong_checksum_of_a_remark_loses_no_picture(name: str, where: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.png", **{where: torn(name.encode(), REMARKS[name])})
    assert np.array_equal(read_picture(path).values, PIXELS)
    assert np.array_equal(read_picture(path, 20).values, read_picture(written(tmp_path / "b.png"), 20).values)
    assert size_of(path) == (HEIGHT, WIDTH)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("name", ["zTXt", "iTXt"])
def test_a_long_compressed_text_loses_no_picture(name: str, where: str, tmp_path: Path) -> None:
    begin = b"a\0\0" if name == "zTXt" else b"a\0\1\0\0\0"
    path = written(tmp_path / "a.png", **{where: chunk(name.encode(), begin + zlib.compress(bytes(3 << 20)))})
    assert np.array_equal(read_picture(path).values, PIXELS)
    assert size_of(path) == (HEIGHT, WIDTH)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("longest", [None, 20])
def test_a_text_that_unfolds_without_end_is_named(longest: int | None, tmp_path: Path) -> None:
    path = written(tmp_path / "a.png", chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(70 << 20))))
    with pytest.raises(BadItemError, match=r"a\.png: .*too large"):
        read_picture(path, longest)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(("name", "content"), [("tRNS", bytes(6)), ("eXIf", b"MM\0*\0\0\0\x08\0\0\0\0\0\0")])
@pytest.mark.parametrize("longest", [None, 20])
def test_what_changes_pixels_and_is_torn_is_named(
    name: str, content: bytes, longest: int | None, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.png", torn(name.encode(), content))
    with pytest.raises(BadItemError, match=rf"a\.png: .*the checksum of its chunk {name} is wrong"):
        read_picture(path, longest)


def test_index_pictures_with_torn_remarks_are_read(tmp_path: Path) -> None:
    path, numbers = tmp_path / "a.png", np.arange(400, dtype=np.uint8).reshape(20, 20)
    Picture.fromarray(numbers).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:33] + torn(b"tEXt", b"a\0b") + content[33:])
    assert np.array_equal(read_numbers(path, ""), numbers)
