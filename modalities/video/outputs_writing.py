"""One video's objects on their way to its files, a few frames at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import Grid

from .data import Clip
from .masks import on_pixels
from .outputs_formats import Part, write_index_masks

NUMBERS = 254
"""Index masks hold so many objects, since DAVIS calls 255 what nobody looks at; further ones take up the first numbers
again."""
AT_ONCE = 4_000_000
"""Pixels that are coloured and written at once: large pictures go through memory a few frames at a time."""


@final
@dataclass(frozen=True)
class FoundClip:
    """A window of a video with its objects.

    Attributes:
        index: its number among all windows.
        clip: at the resolution to write in.
        labels: the object of every element, by its number in the video.
        grid: where the elements lie, in seconds and the pixels that the network saw.
        seen: height and width of what the network saw.
        called: what a model calls the objects by their numbers, and how sure that is.
    """

    index: int
    clip: Clip
    labels: Int[Tensor, " elements"]
    grid: Grid
    seen: tuple[int, int]
    called: Mapping[int, tuple[str, float]] = field(default_factory=dict)


@final
@dataclass
class VideoWriting:
    """Index masks of one video, and what is said of its objects, as its windows go by.

    Attributes:
        folder: of the index masks.
        window: the number of the video's first window, later of the one that comes next.
        rate: frames per second. Where windows are missing that cannot be read, the numbers of the masks go on as if
            they had so many; in all others every frame counts.
        names: of the frames, where they are files: each mask has the name of its frame.
        frames: how many have gone by: the number of the next.
        called: of every object its name, and its scores in all windows.
        own: the number in the masks of every object that has a name.
        seen: of every object when it was first and last seen, in how many frames, and the sum of its shares of them.
    """

    folder: Path
    window: int
    rate: float
    names: Sequence[str] = ()
    frames: int = 0
    seen: dict[int, list[float]] = field(default_factory=dict)
    called: dict[int, tuple[str, list[float]]] = field(default_factory=dict)
    own: dict[int, int] = field(default_factory=dict)

    def parts(self, clips: Iterable[FoundClip]) -> Iterator[Part]:
        """The frames of all windows, each once, with the object of every pixel, when their masks are written."""
        for found in clips:
            size = (found.clip.size[0], *found.seen)
            numbers = on_pixels(self._own(found), found.grid, size, found.clip.edges)
            missing, self.window = found.index != self.window, found.index + 1
            if missing:
                self.frames = max(self.frames, round(found.clip.times[0] * self.rate))
            numbers = torch.where(numbers >= 0, numbers % NUMBERS, -1)
            for number, (name, score) in found.called.items():
                self.called.setdefault(self._number(number, name), (name, []))[1].append(score)
            yield from self._written(found.clip, numbers, found.clip.continued and not missing)

    def _own(self, found: FoundClip) -> Int[Tensor, " elements"]:
        """The labels of a window; objects that have names are numbered as they come, so that few numbers are needed."""
        labels = found.labels.clone()
        for number, (name, _) in found.called.items():
            labels[found.labels == number] = self._number(number, name)
        return labels

    def _number(self, number: int, name: str) -> int:
        """A number of its own for an object with a name; where none is left, that of another one of the name."""
        if number not in self.own:
            alike = (own for own, (other, _) in self.called.items() if other == name)
            taken = len(self.own)
            self.own[number] = taken if taken < NUMBERS else next(alike, number % NUMBERS)
        return self.own[number]

    def _written(self, clip: Clip, numbers: Int[Tensor, "time height width"], begun: bool) -> Iterator[Part]:
        """Numbers at the clip's own resolution, so many frames at a time as memory should hold.

        `begun` says that the first frame was there in the window before.
        """
        _, height, width = clip.size
        rows = torch.arange(height) * numbers.shape[1] // height
        columns = torch.arange(width) * numbers.shape[2] // width
        few = max(1, AT_ONCE // (height * width))
        for first in range(int(begun), len(clip.frames), few):
            part = slice(first, first + few)
            large, times = numbers[part][:, rows][:, :, columns], clip.times[part]
            write_index_masks(self.folder, large, self.frames, self.names)
            self.frames += len(large)
            for frame, time in zip(large, times, strict=True):
                self._note(frame, time)
            yield clip.frames[part], large, times

    def _note(self, frame: Int[Tensor, "height width"], time: float) -> None:
        areas = torch.bincount(frame[frame >= 0].flatten())
        for number in areas.nonzero()[:, 0].tolist():
            onset, _, shown, area = self.seen.get(number, [time, time, 0.0, 0.0])
            self.seen[number] = [onset, time, shown + 1, area + float(areas[number]) / frame.numel()]

    def records(self) -> list[dict[str, Any]]:
        """For every object when it is first and last seen, in how many frames, and its mean share of their area."""
        return [
            {
                "object": number + 1,
                "first": round(onset, 3),
                "last": round(last, 3),
                "frames": int(shown),
                "area": round(area / shown, 4),
            }
            | self._called(number)
            for number, (onset, last, shown, area) in sorted(self.seen.items())
        ]

    def _called(self, number: int) -> dict[str, Any]:
        """What a model calls an object, and the mean of its scores; nothing where no model says it."""
        if number not in self.called:
            return {}
        name, scores = self.called[number]
        return {"label": name, "score": round(sum(scores) / len(scores), 4)}
