"""Masks that come with videos: a folder of index PNGs for every clip, one per frame, as DAVIS has them."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool
from numpy.typing import NDArray
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.modality.mask_names import mask_names
from gestalt.core.modality.pairing import NamedFiles, must_exist, unreadable_masks, written_form
from gestalt.core.pictures.reading import read_numbers
from gestalt.core.storage.listing import listed

from .data import Clip, VideoFiles
from .folders import frames_of
from .frames import scaled
from .masks import on_pixels
from .reading import Header

ACCEPTED = (
    "a folder that holds, for every video, a folder of its name with index PNGs (00000.png, … after the numbers of the "
    "frames; one number a pixel, 0 for none)"
)
ADVICE = "correct it, or remove it"
ROUNDING = 0.1
"""Frames by which the clock of a file may be off: some count milliseconds."""


def read_masks(path: Path, items: AbstractItems[Clip], skipped: Sequence[Skipped] = ()) -> AbstractMasks[Clip]:
    """The masks of videos.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if it holds no such folders, or names a video or a frame that there is not; or if the clips are no
            files.
    """
    must_exist(path)
    path = written_form(path, "masks")
    if not isinstance(items, VideoFiles):
        raise ValueError(f"masks belong to videos by the names of files, and these are no files: {items.name(0)}")
    folders = list(_folders(path)) if path.is_dir() else []
    if not folders:
        raise unreadable_masks(path, ACCEPTED)
    files = NamedFiles(items.paths, skipped)
    pairs = files.paired(folders, lambda folder: f"the folder of masks {folder}")
    frames = {number: _numbered(folder, items.paths[number], items.headers[number]) for number, folder in pairs.items()}
    said = mask_names(path)
    names = {number: said.get(folder.relative_to(path).as_posix(), {}) for number, folder in pairs.items()}
    return FrameMasks(items, frames, files.unused, names)


def _folders(path: Path) -> Iterator[tuple[str, Path]]:
    """The folders of masks in a tree, with their names in it; the folder itself goes by its own name."""
    for folder in sorted([path, *(below for below in listed(path).paths if below.is_dir())]):
        if any(True for _ in _masks_in(folder)):
            yield path.name if folder == path else folder.relative_to(path).as_posix(), folder


def _masks_in(folder: Path) -> Iterator[tuple[int, Path]]:
    for path in folder.glob("*.png"):
        number = re.search(r"(\d+)$", path.stem)
        if number and not path.name.startswith("."):
            yield int(number[1]), path


def _numbered(folder: Path, video: Path, header: Header) -> tuple[tuple[int, Path], ...]:
    """The masks of a video by the place of their frame in it, counted from 0, in order."""
    found = sorted(_masks_in(folder))
    for (number, path), (other, again) in pairwise(found):
        if number == other:
            raise ValueError(f"the masks {path} and {again.name} are of the same frame {number}; {ADVICE}")
    if video.is_dir():
        places = {_number(frame): place for place, frame in enumerate(frames_of(video))}
        if found[0][0] not in places and found[-1][0] < len(places):
            return tuple(found)  # counted from 0, as this package writes them, though the images begin elsewhere
        for number, path in found:
            if number not in places:
                raise ValueError(f"the mask {path} is of frame {number}, which {video} does not have; {ADVICE}")
        return tuple(sorted((places[number], path) for number, path in found))
    last = header.seconds * header.rate
    for number, path in found:
        if number > last + 1:
            raise ValueError(
                f"the mask {path} is of frame {number}, and {video} has about {last:.0f} ({header.seconds:.1f} s of "
                f"{header.rate:g} frames, counted from 0); {ADVICE}"
            )
    return tuple(found)


def _number(frame: Path) -> int:
    found = re.search(r"(\d+)$", frame.stem)
    assert found is not None  # `frames_of` lists no others
    return int(found[1])


@final
@dataclass(frozen=True)
class FrameMasks(AbstractMasks[Clip]):
    """Index PNGs by frame: 0 is no object, every other number is one object in all frames of a video.

    Frames of a file are counted from 0 at its mean rate, those of a folder by the numbers of its images, or from 0 if
    the first has no image. Where only
    some frames have a mask (every fifth, say), the others between them have the nearest one's. A window with a frame
    that is further away from any than that has no mask. `names` says what some numbers of a video are called.
    """

    files: VideoFiles
    frames: Mapping[int, tuple[tuple[int, Path], ...]]
    unused: tuple[str, ...] = ()
    names: Mapping[int, Mapping[int, str]] = field(default_factory=dict)

    def has(self, index: int) -> bool:
        """Whether there are masks of the video."""
        return self.files.place(index)[0] in self.frames

    def of_item(self, index: int, item: Clip) -> ItemMasks | None:
        """The object of every pixel of every frame of a window, wherever it begins."""
        number = self.files.place(index)[0]
        if number not in self.frames:
            return None
        chosen = nearest(
            self.frames[number], _places(item, self.files.headers[number], self.files.paths[number].is_dir())
        )
        if chosen is None:
            return None
        _, height, width = item.size
        read = {path: _read(path, (height, width), self.files) for path in dict.fromkeys(chosen)}
        kinds, labels = np.unique(np.stack([read[path] for path in chosen]), return_inverse=True)
        first = int(len(kinds) > 0 and kinds[0] == 0)
        pixels = Grid.uniform((height, width), (1.0, 1.0))
        grid = Grid((item.edges.float()[None], *pixels.edges))
        called = self.names.get(number, {})
        names = tuple(called.get(kind) or f"object {kind}" for kind in kinds[first:].tolist())
        return ItemMasks(torch.from_numpy(labels.reshape(-1).astype(np.int32)) - first, grid, names)


def _places(item: Clip, header: Header, folder: bool) -> list[int]:
    """The frames of a window, counted in its video.

    All begin at their times, but the first may have begun before the window: it is the one that is on show then.
    """
    slack = [ROUNDING] * len(item.times)
    if item.continued:
        slack[0] = 1e-6 if folder else ROUNDING / 5  # what is wrong then is shown for a millisecond
    return [int(time * header.rate + more) for time, more in zip(item.times, slack, strict=True)]


def nearest(masks: Sequence[tuple[int, Path]], frames: Sequence[int]) -> list[Path] | None:
    """For every frame the mask nearest to it, None if one of them is too far away from any.

    Too far is more than half the usual distance between two masks.

    Example:
        >>> every_fifth = [(0, Path("0.png")), (5, Path("5.png")), (10, Path("10.png"))]
        >>> [path.stem for path in nearest(every_fifth, [4, 5, 7])], nearest(every_fifth, [20])
        (['5', '5', '5'], None)
    """
    numbers = [number for number, _ in masks]
    reach = float(np.median(np.diff(numbers))) / 2 if len(numbers) > 1 else 0.5
    chosen = []
    for frame in frames:
        after = bisect_left(numbers, frame)
        place = min(range(max(after - 1, 0), min(after + 1, len(numbers))), key=lambda at: abs(numbers[at] - frame))
        if abs(numbers[place] - frame) > reach:
            return None
        chosen.append(masks[place][1])
    return chosen


def _read(path: Path, size: tuple[int, int], files: VideoFiles) -> NDArray[np.int32]:
    """A mask at the size of the item, which may be smaller than the file: each pixel has the object of its middle.

    Raises:
        BadItemError: if it cannot be read, has colours instead of numbers, or another shape than the frames.
    """
    numbers = read_numbers(path, ADVICE)
    wide, high = scaled(numbers.shape[1], numbers.shape[0], files.size)
    if abs(high - size[0]) > 1 or abs(wide - size[1]) > 1:
        raise BadItemError(
            str(path),
            f"has {numbers.shape[1]} × {numbers.shape[0]} pixels, which would be read as {wide} × {high}, and its "
            f"video is read as {size[1]} × {size[0]}; make the masks of the video's own size",
        )
    rows, columns = (
        ((np.arange(own) + 0.5) * there / own).astype(int) for own, there in zip(size, numbers.shape, strict=True)
    )
    small: NDArray[np.int32] = numbers[rows][:, columns]
    return small


def shown_masks(item: Clip, masks: ItemMasks) -> list[tuple[str, Bool[Tensor, "time height width"]]]:
    """Each object with its mask of the clip's size."""
    if masks.grid is None:
        raise ValueError("masks of a clip lie on a grid of frames and pixels, got those of a set")
    labels: Any = on_pixels(masks.labels, masks.grid, item.size, item.edges)
    return [(masks.name(number), labels == number) for number in masks.objects()]
