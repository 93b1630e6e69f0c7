"""Large pictures are reduced as they are read: the same picture, for a part of the memory."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Picture

from gestalt.core.data.items import BadItemError
from gestalt.core.pictures import pillow, pixels, tiff
from gestalt.core.pictures.pixels import bits_of
from gestalt.core.pictures.reading import read_picture, size_of
from gestalt.core.pictures.reducing import BlockMeans, reduced, reduction
from gestalt.modalities.image.reading import decode

HEIGHT, WIDTH = 360, 500
LONGEST = 80  # a fourth of the pixels a side are read


def smooth(channels: int = 3, most: float = 255.0) -> NDArray[np.float64]:
    """A picture without edges, of other numbers in every channel."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    waves = [np.sin(rows / 70 + channel) * np.cos(columns / (60 + 20 * channel)) for channel in range(channels)]
    return (np.stack(waves, axis=2) + 1) / 2 * most


def naive(values: NDArray[np.generic], by: int) -> NDArray[np.float64]:
    height, width, channels = values.shape
    found = np.zeros((-(-height // by), -(-width // by), channels))
    for row in range(found.shape[0]):
        for column in range(found.shape[1]):
            block = values[row * by : (row + 1) * by, column * by : (column + 1) * by]
            found[row, column] = block.reshape(-1, channels).astype(np.float64).mean(axis=0)
    return found


@given(st.integers(1, 23), st.integers(1, 23), st.integers(1, 6), st.integers(1, 9), st.integers(0, 99))
def test_parts_in_any_order_give_the_means_of_all_blocks(
    height: int, width: int, by: int, side: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    whole = generator.standard_normal((height, width, 2)).astype(np.float32)
    means = BlockMeans(height, width, 2, by)
    places = [(row, column) for row in range(0, height, side) for column in range(0, width, side)]
    for number in generator.permutation(len(places)):
        row, column = places[number]
        tile = np.full((side, side, 2), 9e9, np.float32)  # tiles hang over the border, with anything in what hangs over
        part = whole[row : row + side, column : column + side]
        tile[: part.shape[0], : part.shape[1]] = part
        means.add(tile, row, column)
    np.testing.assert_allclose(means.values(), naive(whole, by), atol=1e-5)
    assert means.greatest == pytest.approx(float(whole.max()))


def test_numbers_keep_their_type() -> None:
    assert reduced(np.array([[[1], [2]]], np.uint8), 2).dtype == np.uint8
    assert reduced(np.array([[[1], [2]]], np.uint16), 2).tolist() == [[[2]]]
    shares = reduced(np.array([[[True], [False]]]), 2)
    assert shares.dtype == np.float32
    assert shares.tolist() == [[[0.5]]]
    with pytest.raises(ValueError, match="no pixel of it is in the file"):
        BlockMeans(2, 2, 1, 2).values()


def jpeg(path: Path) -> Path:
    Picture.fromarray(smooth().astype(np.uint8)).save(path / "one.jpg", quality=98)
    return path / "one.jpg"


def lying_jpeg(path: Path) -> Path:
    exif = Picture.Exif()
    exif[0x0112] = 6
    Picture.fromarray(smooth().astype(np.uint8)).save(path / "one.jpg", quality=98, exif=exif)
    return path / "one.jpg"


def png(path: Path) -> Path:
    Picture.fromarray(smooth().astype(np.uint8)).save(path / "one.png")
    return path / "one.png"


def array(path: Path) -> Path:
    np.save(path / "one.npy", smooth(most=1.0).astype(np.float32))
    return path / "one.npy"


def tiff_of(values: NDArray[np.generic], **options: Any) -> Callable[[Path], Path]:
    def written(path: Path) -> Path:
        tifffile.imwrite(path / "one.tif", values, **options)
        return path / "one.tif"

    return written


COLOUR = smooth().astype(np.uint8)
FILES: dict[str, Callable[[Path], Path]] = {
    "jpeg": jpeg,
    "jpeg on its side": lying_jpeg,
    "png": png,
    "array": array,
    "tiles": tiff_of(COLOUR, photometric="rgb", tile=(64, 64), compression="zlib"),
    "strips": tiff_of(COLOUR, photometric="rgb", rowsperstrip=7, compression="zlib"),
    "as it lies on disk": tiff_of(COLOUR, photometric="rgb"),
    "plane by plane": tiff_of(COLOUR.transpose(2, 0, 1), photometric="rgb", planarconfig="separate", tile=(64, 96)),
    "planes as they lie": tiff_of(COLOUR.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
    "on its side": tiff_of(COLOUR, photometric="rgb", extratags=[(274, 3, 1, 6, True)]),
    "channels of ImageJ": tiff_of(
        smooth(3, 60_000).astype(np.uint16).transpose(2, 0, 1), imagej=True, metadata={"axes": "CYX"}
    ),
    "twelve bits": tiff_of(smooth(1, 4095)[..., 0].astype(np.uint16), tile=(64, 64)),
    "white is zero": tiff_of(smooth(1)[..., 0].astype(np.uint8), photometric="miniswhite", tile=(64, 64)),
    "floats": tiff_of(smooth(1, 1.0)[..., 0].astype(np.float32), tile=(64, 64)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_reduced_picture_is_the_picture(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = FILES[name](tmp_path)
    small, raw = decode(path, 3, LONGEST), read_picture(path, LONGEST)
    lies = "side" in name
    assert raw.whole == size_of(path) == ((WIDTH, HEIGHT) if lies else (HEIGHT, WIDTH))
    assert max(raw.values.shape[:2]) in (125, 250), "a fourth of the pixels a side, or by a power of two"
    monkeypatch.setattr("gestalt.core.pictures.reducing.GAP", 1e9)
    whole = decode(path, 3, LONGEST)
    assert small.shape == whole.shape == ((3, 80, 58) if lies else (3, 58, 80))
    assert float((small - whole).abs().max()) < 0.03
    assert float((small - whole).abs().mean()) < 0.005
    assert float(whole.max() - whole.min()) > 0.5


def test_bits_that_count_are_those_of_the_whole(tmp_path: Path) -> None:
    """One bright pixel says that sixteen bits are in use, although its block is dark."""
    values = np.full((HEIGHT, WIDTH), 2000, np.uint16)
    values[7, 9] = 5000
    for name, written in {"one.tif": tiff_of(values, tile=(64, 64)), "one.npy": None, "one.png": None}.items():
        if written is not None:
            written(tmp_path)
        elif name.endswith("npy"):
            np.save(tmp_path / name, values)
        else:
            Picture.fromarray(values).save(tmp_path / name)
        assert float(decode(tmp_path / name, 1, LONGEST).median()) == pytest.approx(2000 / 65535, abs=1e-4), name


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    side = 6144

    def tiles() -> Iterator[NDArray[np.uint8]]:
        for number in range((side // 256) ** 2):
            yield np.full((256, 256), number % 251, np.uint8)

    with tifffile.TiffWriter(tmp_path / "large.tif") as file:
        file.write(tiles(), shape=(side, side), dtype=np.uint8, tile=(256, 256), compression="zlib")
    decode(FILES["tiles"](tmp_path), 1, LONGEST)  # what is imported now is not counted later
    tracemalloc.start()
    small = decode(tmp_path / "large.tif", 1, 256)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert small.shape == (1, 256, 256)
    assert peak < side * side / 4
    assert float(small[0, 0, 0]) == pytest.approx(0.0, abs=0.01)
    assert float(small[0, 0, 15]) == pytest.approx(1 / 251, abs=0.01)


def test_what_is_too_large_even_so_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = FILES["tiles"](tmp_path)
    monkeypatch.setattr(tiff, "MOST_STREAMED", 1000)
    with pytest.raises(BadItemError, match=r"claims 500 × 360 pixels of 3 channels, and at most 1000 values.*tiles"):
        read_picture(path, LONGEST)
    monkeypatch.setattr(tiff, "MOST_STREAMED", 10**9)
    monkeypatch.setattr(pixels, "MOST_VALUES", 100_000)
    assert read_picture(path, LONGEST).values.shape == (90, 125, 3), "the whole is beyond the bound"
    with pytest.raises(BadItemError, match="at most 100000 values are read"):
        read_picture(path)


def test_little_larger_pictures_are_read_whole() -> None:
    assert [reduction(100, side, 100) for side in (100, 150, 299, 300, 1000)] == [1, 1, 1, 2, 6]
    values = torch.rand(4, 4, 1).numpy()
    assert reduced(values, 1) is values


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "I;16", "CMYK"])
@pytest.mark.parametrize("turned", [1, 6])
def test_strips_of_a_decoded_picture_are_reduced_as_all_of_it_at_once(
    mode: str, turned: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = {"CMYK": "tif", "I;16": "png"}.get(mode, "png")
    pixels = np.random.default_rng(0).integers(0, 256, (67, 50, 3), dtype=np.uint8)
    image = Picture.fromarray(pixels)
    image = Picture.fromarray(pixels[..., 0].astype(np.uint16) * 9) if mode == "I;16" else image.convert(mode)
    exif = Picture.Exif()
    exif[0x0112] = turned
    image.save(tmp_path / f"a.{kind}", exif=exif, transparency=3 if mode == "P" else None)
    whole = pillow.from_pillow(tmp_path / f"a.{kind}")
    monkeypatch.setattr(pillow, "STRIP", 400)
    found = pillow.from_pillow(tmp_path / f"a.{kind}", longest=8)
    by = reduction(67, 50, 8)
    assert by > 1
    assert np.array_equal(found.values, reduced(whole.values, by))
    assert found.values.dtype == reduced(whole.values, by).dtype
    assert (found.alpha, found.whole) == (whole.alpha, whole.values.shape[:2])
    assert found.bits == (bits_of(whole.values, whole.bits) if whole.values.dtype.kind == "u" else None)
