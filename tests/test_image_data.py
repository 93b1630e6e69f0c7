"""Pictures of any kind, depth and shape are read, and bad files are named with what to do."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from jaxtyping import Shaped
from PIL import Image as Pillow

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.probing import SAMPLE
from gestalt.core.pictures.reading import size_of
from gestalt.modalities.image import MODALITY, Image, ImageDataset, ImageFiles, collate, data
from gestalt.modalities.image.data import picture_of
from gestalt.modalities.image.reading import LUMINANCE, decode
from tests.counting import Counted

RNG = np.random.default_rng(0)
HEIGHT, WIDTH = 20, 30
Ramp = Shaped[np.ndarray, "height width channels"]


def ramp(channels: int, most: int) -> Ramp:
    """Values that encode the place and the channel: down in the first channel, across in the second, both in others."""
    down, across = np.linspace(0, most, HEIGHT)[:, None], np.linspace(0, most, WIDTH)[None]
    planes = [down + 0 * across, across + 0 * down, (down + across) / 2, np.full((HEIGHT, WIDTH), most)]
    return np.stack([planes[number % 4] for number in range(channels)], axis=-1).round().astype(int)


def write(path: Path, kind: str) -> torch.Tensor:
    """A picture of that kind, and what a reader must find in it with its own channels."""
    expected = ramp(3, 255) / 255
    match kind:
        case "grey.png":
            Pillow.fromarray(ramp(1, 255)[..., 0].astype(np.uint8)).save(path)
            expected = ramp(1, 255) / 255
        case "rgb.png" | "rgb.bmp" | "rgb.ppm" | "rgb.webp" | "rgb.tif":
            lossless: dict[str, Any] = {"lossless": True} if kind.endswith("webp") else {}
            Pillow.fromarray(ramp(3, 255).astype(np.uint8)).save(path, **lossless)
        case "rgba.png":
            Pillow.fromarray(ramp(4, 255).astype(np.uint8)).save(path)
            expected = ramp(4, 255) / 255
        case "grey16.png":
            Pillow.fromarray(ramp(1, 65535)[..., 0].astype(np.uint16)).save(path)
            expected = ramp(1, 65535) / 65535
        case "rgb16.png":
            save_deep_png(path, ramp(3, 65535))
            expected = ramp(3, 65535) / 65535
        case "palette.png" | "palette.gif":
            few = (ramp(3, 3) * 85).astype(np.uint8)
            Pillow.fromarray(few).quantize(64, dither=Pillow.Dither.NONE).save(path)
            expected = few / 255
        case "bits.png":
            Pillow.fromarray(ramp(1, 255)[..., 0] > 100).save(path)
            expected = (ramp(1, 255) > 100).astype(float)
        case "rgb16.tif" | "seven.tif" | "planes.tif":
            count = 3 if kind == "rgb16.tif" else 7
            values = ramp(count, 65535).astype(np.uint16)
            plain = kind == "planes.tif"
            tifffile.imwrite(
                path,
                values.transpose(2, 0, 1) if plain else values,
                photometric="rgb" if count == 3 else "minisblack",
                planarconfig="separate" if plain else "contig",
            )
            expected = ramp(count, 65535) / 65535
        case "float.tif":
            tifffile.imwrite(path, (ramp(1, 100)[..., 0] / 100).astype(np.float32))
            expected = ramp(1, 100) / 100
        case "white.tif" | "white16.tif":
            most = 255 if kind == "white.tif" else 65535
            dark = (most - ramp(1, most)[..., 0]).astype(np.uint8 if most == 255 else np.uint16)
            tifffile.imwrite(path, dark, photometric="miniswhite")
            expected = ramp(1, most) / most
        case "counts.tif":
            tifffile.imwrite(path, ramp(1, 90_000)[..., 0].astype(np.uint32))
            expected = ramp(1, 90_000) / 90_000
        case "imagej.tif" | "five.ome.tif":
            channels = ramp(5, 65535).astype(np.uint16).transpose(2, 0, 1)
            tifffile.imwrite(path, channels, imagej=kind == "imagej.tif", metadata={"axes": "CYX"})
            expected = ramp(5, 65535) / 65535
        case "pages.tif":
            pages = ramp(5, 255).astype(np.uint8).transpose(2, 0, 1)
            tifffile.imwrite(path, pages, photometric="minisblack")
            expected = ramp(1, 255) / 255
        case "lzw.tif":
            Pillow.fromarray(ramp(3, 255).astype(np.uint8)).save(path, compression="tiff_lzw")
        case "stack.npy":
            np.save(path, ramp(5, 255).astype(np.uint8))
            expected = ramp(5, 255) / 255
        case "jpeg.jpg":
            Pillow.fromarray(ramp(3, 255).astype(np.uint8)).save(path, quality=98)
    return torch.from_numpy(expected).float().permute(2, 0, 1)


def save_deep_png(path: Path, values: Ramp, exif: bytes = b"") -> None:
    """16 bits of three colours: written by hand, as Pillow cannot."""
    import struct
    import zlib

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + (chunk(b"eXIf", exif) if exif else b"")
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


KINDS = [
    "grey.png", "rgb.png", "rgb.bmp", "rgb.ppm", "rgb.webp", "rgb.tif", "rgba.png", "grey16.png", "rgb16.png",
    "palette.png", "palette.gif", "bits.png", "rgb16.tif", "seven.tif", "planes.tif", "float.tif", "lzw.tif",
    "white.tif", "white16.tif", "counts.tif", "imagej.tif", "five.ome.tif", "pages.tif", "stack.npy", "jpeg.jpg",
]  # fmt: skip


@pytest.mark.parametrize("count", [1, 3, 4])
def test_arrays_whose_channels_come_first_are_the_same_pictures(tmp_path: Path, count: int) -> None:
    values = ramp(count, 255).astype(np.uint8)
    np.save(tmp_path / "last.npy", values)
    np.save(tmp_path / "first.npy", values.transpose(2, 0, 1))
    modality = Image(channels=None)
    last, first = (modality.read([tmp_path / f"{name}.npy"]).items.read(0, RNG) for name in ("last", "first"))
    assert torch.equal(first, last)
    assert size_of(tmp_path / "first.npy") == values.shape[:2]
    kinds = [values, values.transpose(2, 0, 1), torch.from_numpy(values), torch.from_numpy(values).permute(2, 0, 1)]
    assert all(torch.equal(picture_of(one, None, None), last) for one in kinds)


def test_an_array_with_other_channels_first_is_refused_with_what_to_do(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ramp(7, 255).astype(np.uint8).transpose(2, 0, 1))
    with pytest.raises(
        BadItemError, match=r"height × width × channels.*if these come first.*moveaxis\(values, 0, -1\)"
    ):
        Image(channels=None).read([tmp_path / "a.npy"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_is_read_with_its_own_values_and_channels(tmp_path: Path, kind: str) -> None:
    expected = write(tmp_path / kind, kind)
    item = Image(channels=None).read([tmp_path / kind]).items.read(0, RNG)
    assert item.shape == expected.shape
    assert item.dtype == torch.float32
    assert float((item - expected).abs().max()) < (0.03 if kind.endswith("jpg") else 1e-4)
    assert size_of(tmp_path / kind) == (HEIGHT, WIDTH)


@pytest.mark.parametrize("kind", ["grey.png", "rgb.png", "rgba.png", "grey16.png", "palette.png", "bits.png"])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_are_converted_into_each_other_and_opacity_is_laid_on_white(
    tmp_path: Path, kind: str, channels: int
) -> None:
    own = write(tmp_path / kind, kind)
    if len(own) == 4:
        own = own[:3] * own[3:] + 1 - own[3:]
    grey = (own * torch.tensor(LUMINANCE)[:, None, None]).sum(0, keepdim=True) if len(own) == 3 else own
    expected = grey if channels == 1 else (own if len(own) == 3 else own.expand(3, -1, -1))
    item = Image(channels=channels).read([tmp_path / kind]).items.read(0, RNG)
    assert torch.allclose(item, expected, atol=1e-4)


def test_other_channels_are_not_guessed(tmp_path: Path) -> None:
    write(tmp_path / "seven.tif", "seven.tif")
    with pytest.raises(BadItemError, match=r"has 7 channels, and 3 are wanted.*Image\(channels=7\)"):
        MODALITY.read([tmp_path])


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_upright_whatever_way_the_camera_was_held(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    upright = ramp(3, 255).astype(np.uint8)
    undo = {1: lambda x: x, 2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1], 4: lambda x: x[::-1],
            5: lambda x: x.swapaxes(0, 1), 6: lambda x: np.rot90(x), 7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
            8: lambda x: np.rot90(x, -1)}  # fmt: skip
    held, path = np.ascontiguousarray(undo[orientation](upright)), tmp_path / f"a.{suffix}"
    if suffix == "tif":
        tifffile.imwrite(path, held, photometric="rgb", extratags=[(0x0112, "H", 1, orientation, True)])
    else:
        exif = Pillow.Exif()
        exif[0x0112] = orientation
        Pillow.fromarray(held).save(path, exif=exif, quality=98)
    item = MODALITY.read([tmp_path]).items.read(0, RNG)
    assert item.shape == (3, HEIGHT, WIDTH)
    assert float((item - torch.from_numpy(upright).permute(2, 0, 1) / 255).abs().max()) < 0.05
    assert size_of(path) == (HEIGHT, WIDTH)


def bad(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    match path.stem:
        case "zero":
            path.write_bytes(b"")
        case "text":
            path.write_text("dear diary " * 100)
        case "small":
            Pillow.fromarray(noise[:9, :40]).save(path)
        case "cut":
            Pillow.fromarray(noise).save(path)
            path.write_bytes(path.read_bytes()[:3000])
        case "nan":
            np.save(path.with_suffix(""), np.full((32, 32), np.nan))
            path.with_suffix(".npy").rename(path)
        case "objects":
            np.save(path.with_suffix(""), np.array([{}], dtype=object))
            path.with_suffix(".npy").rename(path)


BAD = {
    "zero.png": "no bytes", "zero.jpg": "no bytes", "text.png": "cannot be read as a picture",
    "text.tif": "cannot be read as a picture", "text.npy": "cannot be read as a picture",
    "small.png": "too small: 40 × 9 pixels", "cut.png": "cannot be read as a picture",
    "cut.jpg": "cannot be read as a picture", "cut.tif": "cannot be read as a picture",
    "nan.npy": "NaN or infinite", "objects.npy": "cannot be read as a picture",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_the_reason_and_what_to_do(tmp_path: Path, name: str) -> None:
    bad(tmp_path / name)
    with pytest.raises(BadItemError, match=BAD[name]) as caught:
        MODALITY.read([tmp_path / name])
    assert str(caught.value).count(str(tmp_path / name)) == 1
    assert "--skip-bad" in str(caught.value)


def test_bad_files_are_skipped_and_listed_and_names_may_have_any_letters(tmp_path: Path) -> None:
    for name in BAD:
        bad(tmp_path / name)
    (tmp_path / "Vögel 鳥").mkdir()
    write(tmp_path / "Vögel 鳥" / "amsel – früh ☀.PNG", "rgb.png")
    (tmp_path / "._amsel.png").write_bytes(b"\0" * 100)
    (tmp_path / "notes.txt").write_text("no picture")
    reading = MODALITY.read([tmp_path], skip_bad=True)
    assert sorted(Path(skipped.name).name for skipped in reading.skipped) == sorted(BAD)
    assert [reading.items.name(index) for index in range(len(reading.items))] == [
        f"{tmp_path}/Vögel 鳥/amsel – früh ☀.PNG"
    ]


def test_paths_without_pictures_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.png does not exist"):
        MODALITY.read([tmp_path / "gone.png"])
    with pytest.raises(ValueError, match="no pictures in"):
        MODALITY.read([tmp_path])
    bad(tmp_path / "zero.png")
    with pytest.raises(ValueError, match="none of 1 pictures"):
        MODALITY.read([tmp_path], skip_bad=True)


def test_a_file_that_breaks_after_it_was_listed_is_bad_when_read(tmp_path: Path) -> None:
    write(tmp_path / "a.png", "rgb.png")
    items = pickle.loads(pickle.dumps(MODALITY.read([tmp_path]).items))
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(BadItemError, match="no bytes"):
        items.read(0, RNG)


def test_files_come_sorted_and_once_and_large_ones_are_shrunk(tmp_path: Path) -> None:
    for name in ("b.png", "a.png"):
        write(tmp_path / name, "rgb.png")
    reading = Image(longest=15).read([tmp_path, tmp_path / "b.png"])
    assert isinstance(reading.items, ImageFiles)
    assert [path.name for path in reading.items.paths] == ["a.png", "b.png"]
    assert reading.items.read(0, RNG).shape == (3, 10, 15)


def test_data_sets_of_torchvision_and_lists_of_any_pictures_are_items() -> None:
    from torchvision.datasets import FakeData

    fake = ImageDataset(FakeData(size=3, image_size=(3, 24, 32)))
    assert len(fake) == 3
    assert fake.read(2, RNG).shape == (3, 24, 32)
    assert fake.name(2) == "FakeData[2]"
    byte, deep = np.full((20, 20, 3), 255, np.uint8), torch.full((20, 20), 65535, dtype=torch.uint16)
    mixed = ImageDataset([byte, (deep, "label"), torch.ones(1, 20, 20), Pillow.new("RGBA", (20, 20), (9, 9, 9, 0))])
    for index in range(4):
        assert torch.equal(mixed.read(index, RNG), torch.ones(3, 20, 20))
    with pytest.raises(BadItemError, match=r"list\[0\]: has 20 × 4 pixels"):
        ImageDataset([np.zeros((4, 20))]).read(0, RNG)
    with pytest.raises(BadItemError, match=r"list\[0\]: is no picture: .*, got str"):
        ImageDataset(["a word"]).read(0, RNG)
    with pytest.raises(TypeError, match="got generator"):
        ImageDataset(number for number in range(3))


@pytest.mark.parametrize("mode", ["1", "L", "P", "PA", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16", "F"])
def test_pictures_in_memory_of_any_mode_are_what_they_are_in_a_file(mode: str) -> None:
    grey = ramp(1, 255)[..., 0]
    values: dict[str, np.ndarray] = {
        "I;16": grey.astype(np.uint16) * 257,
        "F": grey.astype(np.float32),
        "1": grey > 127,
    }
    byte = Pillow.fromarray(values.get(mode, grey.astype(np.uint8)))
    picture = byte if mode in values else byte.convert(mode)
    item = ImageDataset([picture]).read(0, RNG)
    expected = torch.from_numpy((grey > 127) if mode == "1" else grey / 255).float()
    close = 0.004 if mode == "I" else 0.02  # 8 bits in a mode of 16 are taken for 12: nobody says how bright white is
    expected = expected * 255 / 4095 if mode == "I" else expected
    assert float((item - expected).abs().max()) < close


def test_pictures_of_different_channels_make_no_batch() -> None:
    with pytest.raises(ValueError, match="one number of channels"):
        collate([torch.zeros(3, 20, 20), torch.zeros(1, 20, 20)])


def test_of_many_pictures_a_sample_is_decoded_and_what_is_damaged_elsewhere_shows_when_its_turn_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2 * SAMPLE):
        write(tmp_path / f"{number:03}.png", "rgb.png")
    (tmp_path / "001.png").write_bytes(b"no picture")
    decoded = Counted(decode)
    monkeypatch.setattr(data, "decode", decoded)
    items = MODALITY.read([tmp_path]).items
    assert len(items) == 2 * SAMPLE
    assert len(decoded.paths) == len(set(decoded.paths)) == SAMPLE
    with pytest.raises(BadItemError, match=r"001\.png: cannot be read as a picture"):
        items.read(1, RNG)
    (tmp_path / "000.png").write_bytes(b"no picture")
    reading = MODALITY.read([tmp_path], skip_bad=True)
    assert [Path(entry.name).name for entry in reading.skipped] == ["000.png"]
