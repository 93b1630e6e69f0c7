"""Series of many channels, read in windows from files of any length, and the batches made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.modality.base import Reading
from gestalt.core.modality.files import find_files
from gestalt.core.modality.in_time import WindowsInTime
from gestalt.core.modality.labelled_events import LabelledEvent
from gestalt.core.modality.probing import none_usable, probe, sample
from gestalt.core.modality.windows import InContext, Sight
from gestalt.core.storage.naming import counted
from gestalt.core.tables.clock import interval_said

from .annotations import annotations_of, label_within
from .channels import How
from .hypnograms import hypnogram_of_each, hypnograms_beside, without_hypnograms
from .reading import ADVICE, EDF, SUFFIXES, Header, read_header, read_stretch

SHORTEST = 16
"""Samples of the shortest window, where the series has more of them."""
SLOWER = 1000
"""So many times as slow as it is to be read, a file would be nothing but repeated samples."""
NAMED = 12
"""Channels that are named one by one."""
CONTEXT = 128
"""Samples that a network sees before and after a window; or as many as it says it sees."""


@final
@dataclass(frozen=True)
class Series:
    """A stretch of a series, and where it begins in its file (seconds); `names` are those of its channels."""

    values: Float[Tensor, "time channels"]
    sample_rate: float
    start: float = 0.0
    names: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the stretch."""
        return len(self.values) / self.sample_rate


@final
@dataclass(frozen=True)
class SeriesBatch:
    """A batch of series, padded with zeros; `lengths` counts each one's own samples.

    Example:
        >>> batch = collate([Series(torch.ones(3, 2), 10.0), Series(torch.ones(2, 2), 10.0)])
        >>> batch.values.shape, batch.lengths.tolist()
        (torch.Size([2, 3, 2]), [3, 2])
    """

    values: Float[Tensor, "batch time channels"]
    lengths: Int[Tensor, " batch"]
    sample_rate: float

    def __post_init__(self) -> None:
        if self.lengths.shape != self.values.shape[:1]:
            raise ValueError(f"{len(self.values)} series need as many lengths, got {tuple(self.lengths.shape)}")

    def to(self, device: torch.device | str, /) -> "SeriesBatch":
        """The same batch on another device."""
        return SeriesBatch(
            self.values.to(device, non_blocking=True), self.lengths.to(device, non_blocking=True), self.sample_rate
        )

    def elements(self, step: int) -> tuple[int, Bool[Tensor, "batch elements"]]:
        """How many elements of `step` samples the longest series has, and which of them are each one's own.

        Samples that make no whole element at the end are left out; what is shorter than one is one.
        """
        counts = (self.lengths // step).clamp(min=1)
        most = max(1, self.values.shape[1] // step)
        return most, torch.arange(most, device=counts.device) < counts[:, None]


def collate(items: Sequence[Series]) -> SeriesBatch:
    """Series as one batch.

    Raises:
        ValueError: if there are none, or their rates or channels differ.
    """
    rates = sorted({item.sample_rate for item in items})
    if len(rates) != 1:
        raise ValueError(f"a batch needs series of one sample rate, got {rates or 'no series'}; resample them")
    channels = sorted({item.values.shape[1] for item in items})
    if len(channels) != 1:
        raise ValueError(f"a batch needs series of the same channels, got {channels} channels; name them (columns=…)")
    padded = torch.nn.utils.rnn.pad_sequence([item.values for item in items], batch_first=True)
    return SeriesBatch(padded, torch.tensor([len(item.values) for item in items]), rates[0])


@final
class SensorFiles(AbstractItems[Series]):
    """Files cut into windows of `seconds`; only the window asked for is ever in memory.

    With `jitter`, for training, `read` begins up to half a window earlier or later; otherwise windows tile each file
    exactly. `stretches` says between which seconds from its first sample each file is cut into windows; None: all.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        headers: Sequence[Header],
        how: How,
        sample_rate: float,
        seconds: float,
        jitter: bool = False,
        stretches: Sequence[tuple[float, float]] | None = None,
    ) -> None:
        if len(paths) != len(headers):
            raise ValueError(f"every file needs a header, got {len(paths)} files and {len(headers)} headers")
        self.paths = tuple(paths)
        self.headers = tuple(headers)
        self.how = how
        self.sample_rate = sample_rate
        self.seconds = seconds
        self.jitter = jitter
        whole = [(0.0, header.seconds) for header in self.headers]
        self.stretches = tuple(whole if stretches is None else stretches)
        shortest = min(SHORTEST / sample_rate, seconds)
        self._windows = WindowsInTime(self.paths, self.stretches, seconds, shortest)

    def __len__(self) -> int:
        """Windows of all files together."""
        return len(self._windows)

    def place(self, index: int) -> tuple[int, int]:
        """The number of the file of window `index`, and that of the window in it."""
        return self._windows.place(index)

    def path(self, index: int) -> Path:
        """The file of window `index`."""
        return self._windows.path(index)

    def start(self, index: int) -> float:
        """Where window `index` begins in its file, in seconds (without jitter)."""
        return self._windows.start(index)

    def name(self, index: int) -> str:
        """The file, and the seconds of the window in it."""
        return self._windows.name(index)

    def whole(self, index: int) -> range:
        """The windows of the file of window `index`."""
        return self._windows.whole(index)

    def with_jitter(self, jitter: bool) -> "SensorFiles":
        """The same files, read for training (`True`) or exactly."""
        return SensorFiles(self.paths, self.headers, self.how, self.sample_rate, self.seconds, jitter, self.stretches)

    @property
    def extents(self) -> Mapping[Path, tuple[float, float]]:
        """Seconds of every file are counted from its first sample."""
        return {path: (0.0, header.seconds) for path, header in zip(self.paths, self.headers, strict=True)}

    def between(self, moments: Mapping[Path, tuple[float, float]]) -> "SensorFiles":
        """The same files; of those that are named, windows between two moments alone."""
        stretches = self._windows.between(moments, [0.0] * len(self.paths))
        return SensorFiles(self.paths, self.headers, self.how, self.sample_rate, self.seconds, self.jitter, stretches)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is read, for the reader of a log: the channels with the rate, and the columns that are none."""
        if not self.headers:
            return ()
        names, other = self.headers[0].names, sorted({name for one in self.headers for name in one.other})
        said = [f"{counted(len(names), 'channel')}, {interval_said(self.sample_rate)}: {_listed(names)}"]
        clocks = sorted({one.table.told for one in self.headers if one.table is not None and one.table.told})
        said.extend(f"the clock is {clock}" for clock in clocks[:NAMED])
        if self._hypnograms:
            said.append(f"{counted(len(self._hypnograms), 'hypnogram')} beside the recordings{self._taken()}")
        return tuple([*said, f"no channel: {_listed(other)} (named otherwise, or no numbers)"] if other else said)

    @cached_property
    def _hypnograms(self) -> tuple[Path, ...]:
        return hypnograms_beside(self.paths)

    def _taken(self) -> str:
        """By what hypnograms are taken, or why not."""
        try:
            hypnogram_of_each(self._hypnograms, self.paths)
        except ValueError as error:
            return f", which cannot be taken: {error}"
        return ": --labels annotations, or --masks, takes them"

    def annotations(self) -> list[str | None]:
        """What EDF+ files, or hypnograms beside them, say of more than half of every window; None for nothing.

        Raises:
            BadItemError: if a file cannot be read.
            ValueError: if it is not clear which hypnogram is of which recording.
        """
        said, scored = dict[int, Sequence[LabelledEvent]](), hypnogram_of_each(self._hypnograms, self.paths)
        found = list[str | None]()
        for index in range(len(self)):
            number, begin = self.place(index)[0], self.start(index)
            if number not in said:
                seconds = self.headers[number].seconds
                own = scored.get(self.paths[number], self.paths[number])
                said[number] = annotations_of(own, seconds) if own.suffix.lower() in EDF else ()
            found.append(label_within(said[number], begin, begin + self._windows.seconds_of(index, begin)))
        return found

    def read(self, index: int, rng: np.random.Generator) -> Series:
        """One window at the rate of all.

        Raises:
            BadItemError: if it cannot be read, or values are missing.
        """
        begin = self._windows.moved(index, rng) if self.jitter else self.start(index)
        first = round(begin * self.sample_rate)
        series = self._stretch(index, first, max(1, round(self._windows.seconds_of(index, begin) * self.sample_rate)))
        if not len(series.values):
            raise BadItemError(self.name(index), f"holds no sample at {self.sample_rate:g} per second; {ADVICE}")
        return series

    def read_in_context(self, index: int, sight: Sight) -> InContext[Series]:
        """Window `index` without jitter, and the stretch that a network sees of its file around it.

        Raises:
            BadItemError: if the window itself cannot be read; context that cannot is left out.
        """
        begin, rate = self.start(index), self.sample_rate
        window = self.with_jitter(False).read(index, np.random.default_rng(0))
        first, seconds = self._windows.around(index, rate, sight, CONTEXT / rate)
        before = round(begin * rate) - first
        try:
            around = self._stretch(index, first, max(round(seconds * rate), before + len(window.values)))
        except BadItemError:
            around, before = window, 0
        return InContext(window, around, (before / rate, (before + len(window.values)) / rate))

    def _stretch(self, index: int, first: int, count: int) -> Series:
        file = self.place(index)[0]
        header = self.headers[file]
        values = read_stretch(self.paths[file], header, self.how, self.sample_rate, first, count)
        tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
        return Series(tensor, self.sample_rate, first / self.sample_rate, header.names)


def read_series(
    paths: Sequence[Path], how: How, sample_rate: float, seconds: float, skip_bad: bool = False
) -> Reading[Series]:
    """The windows of all files: every header is read, and a sample of the files (`probing.sample`) in three places.

    All files have the channels of the first one that can be read; their order may differ.

    Raises:
        BadItemError: for the first file that cannot be used, unless `skip_bad`.
        ValueError: if no file is left.
    """
    found = without_hypnograms(find_files(paths, SUFFIXES, "series"))
    looked_at = sample(found)
    channels = list[tuple[str, ...]]()

    def examine(path: Path) -> Header:
        header = read_header(path, how)
        if channels and sorted(header.names) != sorted(channels[0]):
            raise BadItemError(
                str(path),
                f"has the channels {', '.join(header.names)}, the first file has {', '.join(channels[0])}; name those "
                f"that all have (columns=…), or {ADVICE}",
            )
        if header.rate * SLOWER < sample_rate:
            raise BadItemError(
                str(path),
                f"has {interval_said(header.rate)}, and is to be read at {interval_said(sample_rate)}: give such "
                f"files a run of their own, say a lower rate (--sample-rate), or {ADVICE}",
            )
        if path in looked_at:
            _look(path, header, how)
        if not channels:
            channels.append(header.names)
        return header if header.names == channels[0] else read_header(path, _ordered(how, channels[0]))

    skipped: list[Skipped] = []
    good = probe(found, examine, skipped if skip_bad else None)
    if not good:
        raise none_usable(skipped, f"{len(skipped)} series")
    files = SensorFiles([path for path, _ in good], [header for _, header in good], how, sample_rate, seconds)
    return Reading(files, tuple(skipped))


def _listed(names: Sequence[str]) -> str:
    said = ", ".join(map(repr, names[:NAMED]))
    return said if len(names) <= NAMED else f"{said} and {len(names) - NAMED} others"


def _ordered(how: How, names: tuple[str, ...]) -> How:
    return replace(how, columns=names)


def _look(path: Path, header: Header, how: How) -> None:
    """Read a few samples at the begin, in the middle and at the end."""
    for first in sorted({0, header.samples // 2, max(0, header.samples - SHORTEST)}):
        read_stretch(path, header, how, header.rate, first, SHORTEST)


def common_rate(paths: Sequence[Path], how: How, most: int = 1000) -> float | None:
    """The rate of most files, of those that have a rate, which are the same to four digits; None if there is none.

    Of these, the one that most have to six digits (of slow ones, the interval): no file is resampled without need.
    """
    rates: dict[float, list[float]] = {}
    for path in find_files(paths, SUFFIXES, "series")[:most]:
        try:
            rate = read_header(path, how).rate
        except BadItemError:
            continue
        rates.setdefault(float(f"{rate:.4g}"), []).append(
            float(f"{rate:.6g}") if rate >= 1 else 1 / float(f"{1 / rate:.6g}")
        )
    alike = max(rates.values(), key=len, default=[])
    return max(alike, key=alike.count) if alike else None


def _even(rate: float) -> float:
    return float(f"{rate:.6g}") if rate >= 1 else 1 / float(f"{1 / rate:.6g}")


def channels_of(paths: Sequence[Path], how: How) -> tuple[str, ...]:
    """The channels of the first file that can be read; none if there is none."""
    for path in find_files(paths, SUFFIXES, "series"):
        try:
            return read_header(path, how).names
        except BadItemError:
            continue
    return ()
