"""Of odd pictures every pixel is read as the eye has it, or they are named; and every reader sees the same."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as Pillow

from gestalt.core.data.items import BadItemError
from gestalt.core.pictures.reading import size_of
from gestalt.modalities.image import Image
from tests.pictures import HEIGHT, TURNED, WIDTH, chunk, png, png_of, ramp, save_turned

RNG = np.random.default_rng(0)


def read(path: Path, channels: int | None = 3) -> torch.Tensor:
    return Image(channels=channels).read([path]).items.read(0, RNG)


@pytest.mark.parametrize("how", TURNED)
def test_every_format_is_upright_and_its_size_is_that_of_the_upright_picture(tmp_path: Path, how: str) -> None:
    expected = torch.from_numpy(ramp()).permute(2, 0, 1) / 255
    for orientation in range(1, 9):
        path = tmp_path / f"{orientation}.{how.split('.')[-1]}"
        save_turned(path, ramp(), orientation, how)
        item = read(path)
        assert item.shape == (3, HEIGHT, WIDTH)
        assert size_of(path) == (HEIGHT, WIDTH)
        shown = expected[:1].expand(3, -1, -1) if "grey" in how else expected
        assert float((item - shown).abs().max()) < (0.2 if "LAB" in how else 0.1), f"orientation {orientation}"


TWELVE = np.linspace(0, 4095, HEIGHT * WIDTH).astype(np.uint16).reshape(HEIGHT, WIDTH)
FOURTEEN = TWELVE * 4


@pytest.mark.parametrize(
    ("name", "write", "bits"),
    [
        ("a.png", lambda path: path.write_bytes(png_of(TWELVE)), 12),
        ("a.png", lambda path: path.write_bytes(png_of(np.stack([TWELVE] * 3, axis=2))), 12),
        ("a.png", lambda path: path.write_bytes(png_of(FOURTEEN, chunk(b"sBIT", b"\x0e"))), 14),
        ("a.png", lambda path: path.write_bytes(png_of(FOURTEEN)), 16),
        ("a.tif", lambda path: tifffile.imwrite(path, TWELVE), 12),
        ("a.tif", lambda path: tifffile.imwrite(path, FOURTEEN, extratags=[(281, "H", 1, 16383, True)]), 14),
        ("a.tif", lambda path: tifffile.imwrite(path, 4095 - TWELVE, photometric="miniswhite"), 12),
        ("a.npy", lambda path: np.save(path, TWELVE), 12),
        ("a.pgm", lambda path: path.write_bytes(b"P5 30 20 4095\n" + TWELVE.astype(">u2").tobytes()), None),
    ],
)
def test_the_bits_that_count_make_white(tmp_path: Path, name: str, write: Callable[[Path], None], bits: int) -> None:
    write(tmp_path / name)
    values = FOURTEEN if bits in (14, 16) else TWELVE
    white = 4095 if bits is None else 2**bits - 1
    item = read(tmp_path / name)[0].numpy()
    assert np.abs(item - values / white).max() < 1e-3


def test_what_a_file_says_to_be_transparent_is_white_and_premultiplied_colours_are_told_apart(tmp_path: Path) -> None:
    colours = ramp()
    colours[:4, :4] = (9, 9, 9)
    red = np.array([200, 40, 40], np.uint8)
    half = np.full((HEIGHT, WIDTH), 128, np.uint8)
    plain, dark = np.broadcast_to(red, (HEIGHT, WIDTH, 3)), np.broadcast_to(red // 2, (HEIGHT, WIDTH, 3))
    Pillow.fromarray(colours).save(tmp_path / "key.png", transparency=(9, 9, 9))
    Pillow.fromarray(colours[..., 0]).save(tmp_path / "grey.png", transparency=9)
    Pillow.fromarray(colours).quantize(256).save(tmp_path / "palette.png", transparency=0)
    for name in ("key.png", "grey.png"):
        assert read(tmp_path / name)[:, 0, 0].tolist() == [1.0, 1.0, 1.0]
        assert float(read(tmp_path / name)[:, -1, -1].min()) == pytest.approx(1.0)
        assert len(read(tmp_path / name, channels=None)) == (4 if name == "key.png" else 2)
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([plain, half]), photometric="rgb", extrasamples=["unassalpha"])
    tifffile.imwrite(tmp_path / "b.tif", np.dstack([dark, half]), photometric="rgb", extrasamples=["assocalpha"])
    assert torch.allclose(read(tmp_path / "a.tif"), read(tmp_path / "b.tif"), atol=0.02)


def thumbnail_of_a_raw_file(path: Path) -> None:
    with tifffile.TiffWriter(path) as file:
        file.write(ramp(), photometric="rgb", subfiletype=1, subifds=1)
        file.write(np.zeros((64, 64), np.uint16), photometric=32803)


def sparse(path: Path) -> None:
    """A TIFF of 700 bytes whose one strip stands for ten thousand million pixels."""
    tifffile.imwrite(path, ramp()[..., 0])
    content = bytearray(path.read_bytes())
    for tag in (256, 257):
        place = content.find(struct.pack("<HHI", tag, 4, 1)) if content.find(struct.pack("<HHI", tag, 4, 1)) > 0 else -1
        if place < 0:
            place = content.find(struct.pack("<HHI", tag, 3, 1))
            content[place + 2 : place + 4] = struct.pack("<H", 4)
        content[place + 8 : place + 12] = struct.pack("<I", 100_000)
    path.write_bytes(content)


def claimed_array(path: Path) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(1000))


def cut(path: Path, **how: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    Pillow.fromarray(noise).save(path, **how)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


CLAIMS = "claims .* pixels"
NAMED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a.heic": (lambda path: path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(100)), "is a HEIC photograph, .*export it"),
    "b.jpg": (lambda path: path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(100)), "is a HEIC photograph"),
    "a.jxl": (lambda path: path.write_bytes(b"\xff\x0a" + bytes(100)), "is a JPEG XL picture"),
    "drawing.png": (lambda path: path.write_text("<svg xmlns='x'></svg>"), "is an SVG drawing"),
    "page.png": (lambda path: path.write_bytes(b"%PDF-1.7 ..."), "is a PDF document"),
    "packed.png": (lambda path: path.write_bytes(gzip.compress(b"png")), "is a gzip archive"),
    "scan.png": (lambda path: path.write_bytes(bytes(128) + b"DICM" + bytes(99)), "is a DICOM file"),
    "raw.tif": (thumbnail_of_a_raw_file, "camera's raw file, which is not read; develop it"),
    "raw.nef": (thumbnail_of_a_raw_file, "camera's raw file"),
    "mosaic.tif": (lambda path: tifffile.imwrite(path, ramp()[..., 0], photometric=32803), "camera's raw file"),
    "complex.tif": (lambda path: tifffile.imwrite(path, np.ones((32, 32), np.complex64)), "complex64"),
    "huge.png": (lambda path: path.write_bytes(png(13_000, 13_000, 8, 2, bytes(99))), "claims 13000 × 13000"),
    "deep.png": (lambda path: path.write_bytes(png(10_000, 10_000, 16, 2, bytes(99))), "claims 10000 × 10000"),
    "large.png": (lambda path: path.write_bytes(png(2**31 - 1, 2**31 - 1, 1, 0, bytes(99))), "exceeds limit|claims"),
    "sparse.tif": (sparse, "claims 100000 × 100000"),
    "claims.npy": (claimed_array, "cannot be read as a picture"),
    "wide.gif": (lambda path: path.write_bytes(b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\0;"),
                 "exceeds limit|claims"),
    "plain.ppm": (lambda path: path.write_bytes(b"P6 90000 90000 255\n" + bytes(999)), "exceeds limit|claims"),
    "words.png": (lambda path: path.write_bytes(
        png(WIDTH, HEIGHT, 8, 0, bytes(31 * HEIGHT), chunk(b"zTXt", b"Comment\0\0" + deflated(2**27)))), "too large"),
    "half.jpg": (cut, "truncated"), "half.webp": (cut, "cannot be read as a picture"),
    "half.gif": (cut, "truncated"), "half.bmp": (cut, "truncated"), "half.tif": (cut, "cannot be read as a picture"),
    "half.png": (cut, "truncated"), "half.ppm": (cut, "truncated"),
    "progressive.jpg": (lambda path: cut(path, progressive=True), "truncated"),
}  # fmt: skip


def deflated(length: int) -> bytes:
    import zlib

    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(length // 2**20)) + packer.flush()


@pytest.mark.parametrize("name", NAMED)
def test_what_cannot_be_read_or_would_not_fit_is_named_and_left_out(tmp_path: Path, name: str) -> None:
    make, reason = NAMED[name]
    make(tmp_path / name)
    assert (tmp_path / name).stat().st_size < 2**18
    with pytest.raises(BadItemError, match=reason) as caught:
        Image().read([tmp_path / name])
    assert str(tmp_path / name) in str(caught.value)
    assert "--skip-bad" in str(caught.value)
    Pillow.fromarray(ramp()).save(tmp_path / "good.png")
    reading = Image().read([tmp_path / name, tmp_path / "good.png"], skip_bad=True)
    assert ([skipped.name for skipped in reading.skipped], len(reading.items)) == ([str(tmp_path / name)], 1)


def test_photographs_that_are_not_read_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    Pillow.fromarray(ramp()).save(tmp_path / "a.png")
    NAMED["a.heic"][0](tmp_path / "b.HEIC")
    with pytest.raises(BadItemError, match=r"b\.HEIC: is a HEIC photograph"):
        Image().read([tmp_path])


def test_torn_bytes_anywhere_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for how in TURNED:
        path = tmp_path / f"a.{how.split('.')[-1]}"
        save_turned(path, ramp(), 6, how)
        content = path.read_bytes()
        for trial in range(12):
            torn = bytearray(content)
            for place in rng.integers(0, len(torn) if trial % 2 else min(len(torn), 200), size=12):
                torn[place] = int(rng.integers(256))
            path.write_bytes(torn)
            try:
                assert bool(read(path, channels=None).isfinite().all())
                size_of(path)
            except BadItemError as error:
                assert path.name in str(error)  # noqa: PT017
