"""Clips, read in windows from files and folders of any length, and the batches made of them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from gestalt.core.data.items import AbstractItems, BadItemError
from gestalt.core.modality.in_time import WindowsInTime
from gestalt.core.modality.windows import InContext, Sight, beginning_before
from gestalt.core.storage.naming import counted

from . import folders, reading
from .reading import ADVICE, Header, Stretch

SHORTEST = 0.25  # seconds; a shorter rest of a video is left out
NAMED = 8  # folders whose gaps are said one by one
NEAR = 1e-4  # seconds: times of one frame in two clocks differ by rounding


@final
@dataclass(frozen=True)
class Clip:
    """Some seconds of moving picture: frame `i` is shown from `edges[i]` to `edges[i + 1]`, in seconds.

    `edges` begin at 0; `start` is where the clip begins in its file. The rate of frames may vary. The first frame of a
    window may be on show since before the window began (`continued`): whoever counts frames has seen it already.

    Example:
        >>> clip = Clip(torch.zeros(2, 3, 4, 6, dtype=torch.uint8), torch.tensor([0.0, 0.04, 0.2]), start=7.0)
        >>> clip.size, round(clip.seconds, 2)
        ((2, 4, 6), 0.2)
    """

    frames: UInt8[Tensor, "time 3 height width"]
    edges: Float[Tensor, " edges"]
    start: float = 0.0
    continued: bool = False

    def __post_init__(self) -> None:
        if len(self.edges) != len(self.frames) + 1 or not bool((self.edges.diff() > 0).all()):
            raise ValueError(
                f"a clip of {len(self.frames)} frames needs {len(self.frames) + 1} increasing edges in seconds, "
                f"got {self.edges.tolist()}"
            )

    @property
    def size(self) -> tuple[int, int, int]:
        """Frames, height and width."""
        return len(self.frames), self.frames.shape[2], self.frames.shape[3]

    def part(self, begin: float, end: float) -> "Clip":
        """What is on show from `begin` to `end`, in seconds of the clip's own clock; at least one frame.

        Example:
            >>> clip = Clip(torch.zeros(3, 3, 2, 2, dtype=torch.uint8), torch.tensor([0.0, 0.5, 1.0, 1.5]), start=7.0)
            >>> part = clip.part(0.75, 1.5)
            >>> part.edges.tolist(), part.start, part.continued
            ([0.0, 0.25, 0.75], 7.75, True)
        """
        edges = self.edges.double()
        first = int((edges[1:-1] <= begin + NEAR).sum())
        last = max(first + 1, int((edges[:-1] < end - NEAR).sum()))
        own = edges[first : last + 1].clamp(min=begin, max=max(end, float(edges[first]) + NEAR))
        began = float(edges[first]) < begin - NEAR or (self.continued and first == 0)
        return Clip(self.frames[first:last], (own - own[0]).to(self.edges.dtype), self.start + float(own[0]), began)

    def whole_frames(self, begin: float, end: float) -> tuple[float, float]:
        """Where the first frame that begins in a stretch of the clip begins, and where the last of these ends.

        If none does, the stretch itself, as far as the clip goes: a frame is on show all the while.
        """
        begins = self.edges[:-1].double()
        inside = ((begins >= begin - NEAR) & (begins < end - NEAR)).nonzero()[:, 0]
        if self.continued:
            inside = inside[inside > 0]
        if not len(inside):
            return max(0.0, begin), min(end, self.seconds)
        return float(self.edges[inside[0]]), float(self.edges[inside[-1] + 1])

    def begun(self) -> "Clip":
        """The clip without a first frame that was on show before it; whole if that is its only one."""
        return self.part(float(self.edges[1]), self.seconds) if self.continued and len(self.frames) > 1 else self

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return float(self.edges[-1] - self.edges[0])

    @property
    def times(self) -> list[float]:
        """When each frame begins, in seconds of its file."""
        return [self.start + time for time in self.edges[:-1].tolist()]


@final
@dataclass(frozen=True)
class Clips:
    """A batch of clips, padded in time, height and width; `sizes` has each one's own frames, height and width.

    Example:
        >>> clip = Clip(torch.zeros(2, 3, 4, 6, dtype=torch.uint8), torch.tensor([0.0, 0.5, 1.0]))
        >>> small = Clip(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.tensor([0.0, 0.5]))
        >>> batch = collate([clip, small])
        >>> batch.frames.shape, batch.sizes.tolist(), batch.edges.tolist()
        (torch.Size([2, 2, 3, 4, 6]), [[2, 4, 6], [1, 2, 2]], [[0.0, 0.5, 1.0], [0.0, 0.5, 1.0]])
    """

    frames: UInt8[Tensor, "batch time 3 height width"]
    sizes: Int[Tensor, "batch 3"]
    edges: Float[Tensor, "batch edges"]

    def __post_init__(self) -> None:
        batch, time = self.frames.shape[:2]
        if self.sizes.shape != (batch, 3) or self.edges.shape != (batch, time + 1):
            raise ValueError(
                f"{batch} clips of {time} frames need sizes {(batch, 3)} and edges {(batch, time + 1)}, "
                f"got {tuple(self.sizes.shape)} and {tuple(self.edges.shape)}"
            )

    def to(self, device: torch.device | str, /) -> "Clips":
        """The same batch on another device; sizes and edges are small and stay."""
        return Clips(self.frames.to(device, non_blocking=True), self.sizes, self.edges)


def collate(items: Sequence[Clip]) -> Clips:
    """Clips as one batch; the edges of padding go on in steps of the clip's last frame.

    Raises:
        ValueError: if there are none.
    """
    if not items:
        raise ValueError("a batch needs at least one clip, got none")
    sizes = torch.tensor([item.size for item in items])
    time, height, width = sizes.amax(dim=0).tolist()
    frames = torch.zeros(len(items), time, 3, height, width, dtype=torch.uint8)
    edges = torch.empty(len(items), time + 1)
    for row, item in enumerate(items):
        t, h, w = item.size
        frames[row, :t, :, :h, :w] = item.frames
        edges[row, : t + 1] = item.edges
        edges[row, t + 1 :] = item.edges[-1] + (item.edges[-1] - item.edges[-2]) * torch.arange(1, time - t + 1)
    return Clips(frames, sizes, edges)


@final
class VideoFiles(AbstractItems[Clip]):
    """Files and folders of frames cut into windows of `seconds`; only the window asked for is ever in memory.

    Args:
        paths, headers: what is read, and what each says of itself.
        seconds: length of a window; the last window of a video is shorter, and left out below 0.25 s unless it is the
            only one.
        rate: at most so many frames per second, each kept at its own time; None keeps all.
        size: the shorter side is brought to so many pixels if it is longer; None never scales.
        jitter: for training, begin up to half a window earlier or later; otherwise windows tile each video exactly.
        margin: seconds before and behind a window that the network sees beside it, where its video has them.
        stretches: between which seconds from its first frame each video is cut into windows; None: all of each.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        headers: Sequence[Header],
        seconds: float = 2.0,
        rate: float | None = 8.0,
        size: int | None = 112,
        jitter: bool = False,
        margin: float = 0.0,
        stretches: Sequence[tuple[float, float]] | None = None,
    ) -> None:
        if len(paths) != len(headers):
            raise ValueError(f"every video needs a header, got {len(paths)} videos and {len(headers)} headers")
        if seconds <= 0 or (rate is not None and rate <= 0) or (size is not None and size < 1):
            raise ValueError(f"seconds, rate and size must be positive, got {seconds}, {rate} and {size}")
        self.paths = tuple(paths)
        self.headers = tuple(headers)
        self.seconds = seconds
        self.rate = rate
        self.size = size
        self.jitter = jitter
        self.margin = margin
        whole = [(0.0, header.seconds) for header in self.headers]
        self.stretches = tuple(whole if stretches is None else stretches)
        self._windows = WindowsInTime(self.paths, self.stretches, seconds, min(SHORTEST, seconds), "videos")

    def __len__(self) -> int:
        """Windows of all videos together."""
        return len(self._windows)

    def place(self, index: int) -> tuple[int, int]:
        """The number of the video of window `index`, and that of the window in it."""
        return self._windows.place(index)

    def path(self, index: int) -> Path:
        """The file or folder of window `index`."""
        return self._windows.path(index)

    def start(self, index: int) -> float:
        """Where window `index` begins in its video, in seconds (without jitter)."""
        return self._windows.start(index)

    def name(self, index: int) -> str:
        """The video, and the seconds of the window in it."""
        return self._windows.name(index)

    def windows(self, path: Path) -> range:
        """The numbers of one video's windows, in order of time.

        Raises:
            ValueError: if the video is not among these.
        """
        return self._windows.of_file(path)

    def with_jitter(self, jitter: bool) -> "VideoFiles":
        """The same videos, read for training (`True`) or exactly."""
        return self._with(jitter, self.stretches)

    def _with(self, jitter: bool, stretches: Sequence[tuple[float, float]]) -> "VideoFiles":
        settings = (self.seconds, self.rate, self.size, jitter, self.margin, stretches)
        return VideoFiles(self.paths, self.headers, *settings)

    @property
    def extents(self) -> Mapping[Path, tuple[float, float]]:
        """When the first frame of every video is shown and its last one ends, in the clock of its file."""
        return {
            path: (header.begin, header.begin + header.seconds)
            for path, header in zip(self.paths, self.headers, strict=True)
        }

    @property
    def remarks(self) -> tuple[str, ...]:
        """Folders of images whose numbers have gaps, for the reader of a log: their frames follow one another. Images
        without a number are none of the frames.
        """
        gaps = [(path, *folders.missing_in(folders.frames_of(path))) for path in self.paths if path.is_dir()]
        said = [
            f"{path}: {counted(lost, 'number')} of frames not there, first {where}; the others follow one another"
            for path, lost, where in gaps
            if lost
        ]
        more = [f"{counted(len(said), 'folder')} of frames with gaps in all"] if len(said) > NAMED else []
        beside = [(path, folders.unnumbered_in(path)) for path in self.paths if path.is_dir()]
        count, some = sum(len(own) for _, own in beside), next((own[0] for _, own in beside if own), None)
        if some is not None:
            more.append(
                f"{counted(count, 'image')} beside frames, such as {some}, {'has' if count == 1 else 'have'} no number "
                f"at the end of {'its name' if count == 1 else 'their names'} and {'is' if count == 1 else 'are'} not "
                "read"
            )
        return (*said[:NAMED], *more)

    def between(self, moments: Mapping[Path, tuple[float, float]]) -> "VideoFiles":
        """The same videos; of those that are named, windows between two moments in the clock of the file alone."""
        return self._with(self.jitter, self._windows.between(moments, [header.begin for header in self.headers]))

    def read(self, index: int, rng: np.random.Generator) -> Clip:
        """One window.

        Raises:
            BadItemError: if it cannot be decoded.
        """
        if self.jitter:
            begin = self._windows.moved(index, rng)
            return self._clip(index, begin, self._windows.seconds_of(index, begin))
        begin = self.start(index)
        return self._clip(index, begin, self._end(index) - begin)

    def whole(self, index: int) -> range:
        """The windows of the video that window `index` is of."""
        return self._windows.whole(index)

    def read_in_context(self, index: int, sight: Sight) -> InContext[Clip]:
        """The frames that begin in a window, with at least `margin` seconds on either side, where there are.

        Context that cannot be decoded is left out.

        Raises:
            BadItemError: if the window itself cannot be decoded.
        """
        header = self.headers[self.place(index)[0]]
        begin, end = self.start(index), self._end(index)
        last = end >= header.seconds - NEAR
        rate = header.rate if self.rate is None else min(header.rate, self.rate)
        first = min(begin, beginning_before(begin, self.margin, rate, sight.steps) / rate)
        try:
            around = self._clip(index, first, end + self.margin - first)
        except BadItemError:
            around = self._clip(index, begin, end - begin)
        own = around.whole_frames(begin - around.start, math.inf if last else end - around.start)
        if own[1] <= own[0]:
            raise BadItemError(self.name(index), f"the video ends before its header says; {ADVICE}")
        return InContext(around.part(*own), around, own)

    def _end(self, index: int) -> float:
        """Where a window ends: the last one takes what is too short for a window of its own."""
        last = index == self.whole(index)[-1]
        end = self.start(index) + self.seconds
        return max(end, self.stretches[self.place(index)[0]][1]) if last else end

    def _clip(self, index: int, begin: float, seconds: float) -> Clip:
        file = self.place(index)[0]
        try:
            stretch = decode(self.paths[file], self.headers[file], begin, seconds, self.rate, self.size)
        except BadItemError as error:
            named = error.name if self.paths[file].is_dir() else self.name(index)  # an image of a folder says enough
            raise BadItemError(named, error.reason) from error
        if len(stretch.frames) == 0:
            raise BadItemError(self.name(index), f"the video ends before its header says; {ADVICE}")
        times = torch.tensor([time - stretch.times[0] for time in stretch.times])
        return Clip(stretch.frames, times, stretch.times[0], stretch.continued)


def each_window(files: VideoFiles, path: Path) -> Iterator[Clip]:
    """One video's windows in order, each read when it is asked for."""
    exact = files.with_jitter(False)
    rng = np.random.default_rng(0)
    return (exact.read(index, rng) for index in exact.windows(path))


def decode(path: Path, header: Header, start: float, seconds: float, rate: float | None, size: int | None) -> Stretch:
    """The frames of a file or a folder that are shown from `start` on, as `reading.decode` gives them."""
    if path.is_dir():
        return folders.decode(path, header, start, seconds, rate, size)
    return reading.decode(path, start, seconds, rate, size)
