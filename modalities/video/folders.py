"""Folders of numbered images: each is one clip."""

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from gestalt.core.data.items import BadItemError
from gestalt.core.data.reasons import reason_of
from gestalt.core.pictures.pixels import Raw, bits_of
from gestalt.core.pictures.reading import read_picture
from gestalt.core.storage.listing import obstacle

from .frames import scaled
from .reading import NEAR, Header, Stretch

IMAGES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".avif"))
ADVICE = "export the frame again, remove the folder, or leave it out with --skip-bad"
SAMPLED = 5
"""Frames that tell how bright white is, where they have 16 bits."""


@lru_cache(maxsize=64)
def frames_of(folder: Path) -> tuple[Path, ...]:
    """The images of a folder whose names end in a number, in the order of the numbers; whether they can be read, or are
    links that lead nowhere, nobody has looked.
    """
    numbered = [
        (int(found[1]), path.name, path) for path in _images(folder) if (found := re.search(r"(\d+)$", path.stem))
    ]
    return tuple(path for _, _, path in sorted(numbered))


def _images(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.suffix.lower() in IMAGES and not path.name.startswith(".") and not path.is_dir():
            yield path


def unnumbered_in(folder: Path) -> tuple[Path, ...]:
    """The images of a folder whose names do not end in a number, so that they are no frames."""
    return tuple(sorted(path for path in _images(folder) if not re.search(r"\d$", path.stem)))


def read_header(folder: Path, rate: float) -> Header:
    """Length of a clip whose frames are shown for 1 / `rate` seconds each.

    Raises:
        BadItemError: if the images are of several clips, such as those of several cameras, or one cannot be opened.
    """
    frames = frames_of(folder)
    refuse_several(folder, frames)
    for frame in frames:
        reason = obstacle(frame)
        if reason is not None:
            raise BadItemError(str(frame), f"{reason}; {ADVICE}")
    return Header(len(frames) / rate, rate)


def refuse_several(folder: Path, frames: tuple[Path, ...]) -> None:
    """Nothing, for the frames of one clip: their names differ in their last number alone, or are in order by it.

    Raises:
        BadItemError: if they are of several clips, or in an order of which nothing is known.
    """
    clips: dict[str, list[Path]] = {}
    for path in frames:
        clips.setdefault(re.sub(r"\d+$", "", path.stem), []).append(path)
    numbers = [[int(number) for number in re.findall(r"\d+", path.stem)] for path in frames]
    last = [own[-1] for own in numbers]
    one_by_one = all(a < b for a, b in pairwise(last))
    shapes = {re.sub(r"\d+", "#", path.stem) for path in frames}
    if one_by_one and (len(clips) == 1 or (len(shapes) == 1 and numbers == sorted(numbers))):
        return
    if len(clips) == 1:
        twice = next(path for path, (one, other) in zip(frames, pairwise(last), strict=False) if one == other)
        raise BadItemError(
            str(folder),
            f"has two images of one number, {twice.name} and another: are there frames of several cameras or depths? "
            "Give each its folder, or leave it out with --skip-bad",
        )
    listed = sorted(clips.items(), key=lambda one: -len(one[1]))
    shown = ", ".join(f"{len(paths)} like {paths[0].name}" for _, paths in listed[:3])
    raise BadItemError(
        str(folder),
        f"holds frames of {len(clips)} clips, such as those of several cameras ({shown}"
        f"{', …' if len(clips) > 3 else ''}): in what order they follow one another is not known. Give "
        "each clip a folder of its own, with one number that counts its frames, or leave it out with --skip-bad",
    )


def missing_in(frames: tuple[Path, ...]) -> tuple[int, str]:
    """How many numbers of the frames of a clip are not there, and where the first gap is; 0 for an even series.

    The usual step from one number to the next (1, or 5 where every fifth frame was kept) leaves no gap.

    Example:
        >>> missing_in(tuple(Path(f"{number:03d}.png") for number in (0, 5, 10, 25, 30)))
        (2, 'behind 010.png')
        >>> missing_in((Path("7.png"),))
        (0, '')
    """
    numbers = [int(re.findall(r"\d+", path.stem)[-1]) for path in frames]
    steps = [after - before for before, after in pairwise(numbers)]
    usual = int(np.median(steps)) if steps else 1
    missing = [max(0, round(step / usual) - 1) for step in steps]
    where = next((f"behind {path.name}" for path, lost in zip(frames, missing, strict=False) if lost), "")
    return sum(missing), where


@lru_cache(maxsize=64)
def bits_in(folder: Path) -> int:
    """The bits that count in the frames of a folder, from a few of them: 8, or of 16 those of the brightest."""
    frames = frames_of(folder)
    places = sorted({(len(frames) - 1) * number // (SAMPLED - 1) for number in range(SAMPLED)})
    most = 8
    for place in places:
        raw = read_picture(frames[place])
        if raw.values.dtype != np.uint16:
            break
        most = max(most, bits_of(raw.values, raw.bits))
    return most


def decode(folder: Path, header: Header, start: float, seconds: float, rate: float | None, size: int | None) -> Stretch:
    """The frames shown from `start` on, as `reading.decode` gives those of a file.

    Raises:
        BadItemError: if an image cannot be read, or has another size than the first.
    """
    paths = frames_of(folder)
    first = int(start * header.rate + 1e-6)
    last = min(len(paths), max(first + 1, math.ceil((start + seconds) * header.rate - 1e-6)))
    step = 1 if rate is None else max(1, round(header.rate / rate))
    numbers = range(first, last, step)
    pictures = [_picture(paths[number], folder, size) for number in numbers]
    for number, picture in zip(numbers, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise BadItemError(
                str(paths[number]),
                f"is {picture.shape[1]}×{picture.shape[0]} pixels, other frames of its folder are "
                f"{pictures[0].shape[1]}×{pictures[0].shape[0]}; {ADVICE}",
            )
    if not pictures:
        return Stretch(torch.zeros(0, 3, 1, 1, dtype=torch.uint8), (start,))
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    end = min(last / header.rate, start + seconds)
    times = (*(max(start, number / header.rate) for number in numbers), end)
    return Stretch(stacked, times, first / header.rate < start - NEAR)


def colours_of(raw: Raw, bits: int) -> UInt8[np.ndarray, "height width 3"]:
    """Red, green and blue in 8 bits; of 16 bits the upper 8 of those that count, what is transparent lies on white.

    Raises:
        ValueError: for numbers of whose white and black nothing is known, and for other channels than these.
    """
    values = raw.values
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * 255
    elif values.dtype == np.uint16:
        if bits < 16 and int(values.max()) >= 2**bits:
            raise ValueError(f"it is brighter than {bits} bits, which the other frames of its folder have")
        values = (values >> (bits - 8)).astype(np.uint8)
    elif values.dtype != np.uint8:
        raise ValueError(f"its pixels are of type {values.dtype}, not of 8 or 16 bits")
    if raw.alpha:
        opacity = values[..., -1:].astype(np.uint16)
        values = ((values[..., :-1] * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
    if values.shape[2] not in (1, 3):
        raise ValueError(f"it has {values.shape[2]} channels, and grey or red, green and blue are wanted")
    return np.ascontiguousarray(np.broadcast_to(values, (*values.shape[:2], 3)))


def _picture(path: Path, folder: Path, size: int | None) -> UInt8[np.ndarray, "height width 3"]:
    from PIL import Image

    try:
        raw = read_picture(path)
        colours = colours_of(raw, bits_in(folder) if raw.values.dtype == np.uint16 else 8)
    except BadItemError:
        raise
    except Exception as error:
        raise BadItemError(str(path), f"cannot be read as a picture ({reason_of(error)}); {ADVICE}") from error
    wanted = scaled(colours.shape[1], colours.shape[0], size)
    if wanted == (colours.shape[1], colours.shape[0]):
        return colours
    return np.array(Image.fromarray(colours).resize(wanted, Image.Resampling.BOX))
