"""Formats of pictures and clips, and their masks: 20 × 24 pixels, a third of a second."""

import io
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image as Pillow

from gestalt.modalities.image import Image
from gestalt.modalities.video import Video
from tests.pictures import png_of
from tests.video_files import write

from .formats import Format, written
from .law import lay_masks, read_whole

IMAGE, VIDEO = Image(longest=64), Video(seconds=0.25, rate=None, size=32, folder_rate=16.0)
HEIGHT, WIDTH = 20, 24


def ramp() -> np.ndarray:
    """Colours that tell the place."""
    down, across = np.arange(HEIGHT)[:, None], np.arange(WIDTH)[None]
    return np.stack([down * 10 + 0 * across, across * 9 + 0 * down, down + across], axis=-1).astype(np.uint8)


def saved(kind: str, image: Any = None, **options: Any) -> bytes:
    """A picture as Pillow writes it."""
    buffer = io.BytesIO()
    (Pillow.fromarray(ramp()) if image is None else image).save(buffer, kind, **options)
    return buffer.getvalue()


def _tiff(**options: Any) -> bytes:
    return written("a.tif", lambda path: tifffile.imwrite(path, ramp(), photometric="rgb", **options))


def _array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, ramp())
    return buffer.getvalue()


def _exif() -> Any:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    return exif


def _turned() -> bytes:
    return saved("JPEG", exif=_exif())


def _animation() -> bytes:
    frames = [Pillow.fromarray(np.roll(ramp(), shift, axis=1)) for shift in range(4)]
    return saved("GIF", frames[0], save_all=True, append_images=frames[1:], duration=60)


PICTURES: Mapping[str, tuple[str, Any]] = {
    "png": ("png", lambda: saved("PNG")),
    "png 16 bits": ("png", lambda: png_of(ramp().astype(np.uint16) * 257)),
    "png palette": ("png", lambda: saved("PNG", Pillow.fromarray(ramp()).quantize(16), transparency=3)),
    "jpeg": ("jpg", _turned),
    "tiff": ("tif", _tiff),
    "tiff lzw": ("tif", lambda: saved("TIFF", compression="tiff_lzw")),
    "tiff tiles": ("tif", lambda: _tiff(tile=(16, 16), compression="zlib")),
    "tiff palette": ("tif", lambda: saved("TIFF", Pillow.fromarray(ramp()).quantize(16))),
    "tiff ImageJ": (
        "tif", lambda: written("a.tif", lambda path: tifffile.imwrite(
            path, ramp().transpose(2, 0, 1), imagej=True, metadata={"axes": "CYX"}
        )),
    ),
    "bmp": ("bmp", lambda: saved("BMP")),
    "gif": ("gif", _animation),
    "webp": ("webp", lambda: saved("WEBP", lossless=True, exif=_exif())),
    "avif": ("avif", lambda: saved("AVIF")),
    "ppm": ("ppm", lambda: saved("PPM")),
    "npy": ("npy", _array),
}  # fmt: skip

VIDEOS: Mapping[str, tuple[str, str, str | None]] = {
    "mp4": ("mp4", "libx264", None), "webm": ("webm", "libvpx", None), "avi": ("avi", "mpeg4", None),
    "mkv": ("mkv", "libx264", "matroska"), "mov": ("mov", "mpeg4", "mov"), "mpg": ("mpg", "mpeg2video", "mpeg"),
    "mts": ("mts", "mpeg2video", "mpegts"), "flv": ("flv", "libx264", "flv"), "3gp": ("3gp", "mpeg4", "3gp"),
}  # fmt: skip
"""The ending, the codec and the container."""


def _one(ending: str, make: Any) -> dict[str, bytes]:
    return {f"a.{ending}": make()}


def _video(name: str) -> dict[str, bytes]:
    ending, codec, form = VIDEOS[name]
    # 24 frames a second, since MPEG's own containers take no other of these.
    times = [number / 24 for number in range(8)]
    return {f"a.{ending}": written(f"a.{ending}", lambda path: write(path, times, keys=4, codec=codec, form=form))}


FORMATS = [
    *(
        Format(name, partial(_one, ending, make), partial(read_whole, IMAGE), f"a.{ending}")
        for name, (ending, make) in PICTURES.items()
    ),
    *(
        Format(f"{name} video", partial(_video, name), partial(read_whole, VIDEO), f"a.{VIDEOS[name][0]}")
        for name in VIDEOS
    ),
    Format("gif video", lambda: {"a.gif": _animation()}, partial(read_whole, VIDEO), "a.gif"),
    Format(
        "frames", lambda: {f"clip/{number:05d}.png": saved("PNG") for number in range(6)},
        lambda path, skip: read_whole(VIDEO, path.parent, skip), "clip/00002.png", ("clip/00002.png",),
    ),
]  # fmt: skip


def _index() -> bytes:
    numbers = np.zeros((HEIGHT, WIDTH), np.uint8)
    numbers[4:9, 4:9], numbers[10:15, 8:20] = 1, 7
    return saved("PNG", Pillow.fromarray(numbers))


def _coco() -> bytes:
    said = {
        "images": [{"id": 1, "file_name": "a.png", "height": HEIGHT, "width": WIDTH}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "segmentation": [[1, 1, 9, 1, 9, 9, 1, 9]], "iscrowd": 0},
            {"id": 2, "image_id": 1, "category_id": 3,
             "segmentation": {"size": [HEIGHT, WIDTH], "counts": [100, 30, 350]}},
            {"id": 3, "image_id": 1, "category_id": 4, "segmentation": {"size": [HEIGHT, WIDTH], "counts": "T3n0n:"}},
        ],
        "categories": [{"id": 3, "name": "cat"}, {"id": 4, "name": "dog"}],
    }  # fmt: skip
    return json.dumps(said, indent=1).encode()


MASKS = partial(lay_masks, IMAGE)


def _clip_masks(path: Path, skip_bad: bool) -> None:
    del skip_bad
    masks = path.parents[1]
    items = VIDEO.read([masks.parent / "data" / "clip"]).items
    found = VIDEO.read_masks(masks, items)
    for index in range(len(items)):
        found.of_item(index, items.read(index, np.random.default_rng(0)))


FORMATS += [
    Format(
        "index PNG", lambda: {"data/a.png": saved("PNG"), "masks/a.png": _index()},
        lambda path, skip: _masked_folder(path, skip), "masks/a.png",
    ),
    Format("COCO", lambda: {"data/a.png": saved("PNG"), "m.json": _coco()}, MASKS, "m.json", is_text=True),
    Format(
        "DAVIS", lambda: {
            **{f"data/clip/{number:05d}.png": saved("PNG") for number in range(3)},
            **{f"masks/clip/{number:05d}.png": _index() for number in range(3)},
        }, _clip_masks, "masks/clip/00001.png",
    ),
]  # fmt: skip


def _masked_folder(path: Path, skip_bad: bool) -> None:
    del skip_bad
    items = IMAGE.read([path.parents[1] / "data"]).items
    found = IMAGE.read_masks(path.parent, items)
    found.of_item(0, items.read(0, np.random.default_rng(0)))
