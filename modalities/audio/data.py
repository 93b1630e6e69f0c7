"""Recordings, read in windows from files of any kind and length, and the batches made of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.modality.base import Reading
from gestalt.core.modality.files import find_files
from gestalt.core.modality.in_time import WindowsInTime
from gestalt.core.modality.probing import none_usable, probe, sample
from gestalt.core.modality.windows import InContext, Sight
from gestalt.core.storage.naming import counted

from .reading import ADVICE, SUFFIXES, Header, decode, read_header
from .silence import refuse_nan, refuse_silent

SHORTEST = 0.25  # seconds; less than that is a click, not a recording
CONTEXT = 1.0
"""Seconds that a network sees before and after a window, where the file has them; or as many as it says it sees."""


@final
@dataclass(frozen=True)
class Recording:
    """A stretch of mono sound, and where it begins in its file (seconds)."""

    samples: Float[Tensor, " time"]
    sample_rate: int
    start: float = 0.0

    @property
    def seconds(self) -> float:
        """Length of the stretch."""
        return len(self.samples) / self.sample_rate


@final
@dataclass(frozen=True)
class Waveforms:
    """A batch of recordings, padded with silence; `lengths` counts each one's own samples.

    `spectrograms` keeps what front ends computed from these samples, by their settings: the online network, the teacher
    and the raw features encode the same batch, and its spectrum is the costliest part of a small network.

    Example:
        >>> batch = collate([Recording(torch.ones(3), 16_000), Recording(torch.ones(2), 16_000)])
        >>> batch.samples.tolist(), batch.lengths.tolist()
        ([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]], [3, 2])
    """

    samples: Float[Tensor, "batch time"]
    lengths: Int[Tensor, " batch"]
    sample_rate: int
    spectrograms: dict[tuple[float, ...], Tensor] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.lengths.shape != self.samples.shape[:1]:
            raise ValueError(f"{len(self.samples)} waveforms need as many lengths, got {tuple(self.lengths.shape)}")

    def to(self, device: torch.device | str, /) -> "Waveforms":
        """The same batch on another device."""
        return Waveforms(
            self.samples.to(device, non_blocking=True), self.lengths.to(device, non_blocking=True), self.sample_rate
        )


def collate(items: Sequence[Recording]) -> Waveforms:
    """Recordings as one batch.

    Raises:
        ValueError: if there are none, or their sample rates differ.
    """
    rates = sorted({item.sample_rate for item in items})
    if len(rates) != 1:
        raise ValueError(f"a batch needs recordings of one sample rate, got {rates or 'no recordings'}; resample them")
    padded = torch.nn.utils.rnn.pad_sequence([item.samples for item in items], batch_first=True)
    return Waveforms(padded, torch.tensor([len(item.samples) for item in items]), rates[0])


@final
class AudioFiles(AbstractItems[Recording]):
    """Files cut into windows of `seconds`; only the window asked for is ever in memory.

    The last window of a file is shorter; it is left out below 0.25 s, unless it is the only one. With `jitter`, for
    training, `read` begins up to half a window earlier or later; otherwise windows tile each file exactly. `stretches`
    says between which seconds from its first sample each file is cut into windows; None: all of each.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        headers: Sequence[Header],
        sample_rate: int = 16_000,
        seconds: float = 4.0,
        jitter: bool = False,
        stretches: Sequence[tuple[float, float]] | None = None,
    ) -> None:
        if len(paths) != len(headers):
            raise ValueError(f"every file needs a header, got {len(paths)} files and {len(headers)} headers")
        if seconds < SHORTEST:
            raise ValueError(f"a window takes at least {SHORTEST} s, got seconds={seconds}")
        self.paths = tuple(paths)
        self.headers = tuple(headers)
        self.sample_rate = sample_rate
        self.seconds = seconds
        self.jitter = jitter
        whole = [(0.0, header.seconds) for header in self.headers]
        self.stretches = tuple(whole if stretches is None else stretches)
        self._windows = WindowsInTime(self.paths, self.stretches, seconds, SHORTEST)

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

    def windows(self, path: Path) -> range:
        """The numbers of one file's windows, in order of time.

        Raises:
            ValueError: if the file is not among these.
        """
        return self._windows.of_file(path)

    def with_jitter(self, jitter: bool) -> "AudioFiles":
        """The same files, read for training (`True`) or exactly."""
        return AudioFiles(self.paths, self.headers, self.sample_rate, self.seconds, jitter, self.stretches)

    @property
    def extents(self) -> Mapping[Path, tuple[float, float]]:
        """When the first sample of every file sounds and its last one ends, in the clock of its file."""
        return {
            path: (header.begin, header.begin + header.seconds)
            for path, header in zip(self.paths, self.headers, strict=True)
        }

    @property
    def remarks(self) -> tuple[str, ...]:
        """A line on the files of which one track of several is read, for people."""
        several = [path for path, header in zip(self.paths, self.headers, strict=True) if header.tracks > 1]
        if not several:
            return ()
        some = f"{len(several)} of {counted(len(self.paths), 'file')}"
        return (f"the first of several tracks of sound alone is read of {some}, such as {several[0]}",)

    def between(self, moments: Mapping[Path, tuple[float, float]]) -> "AudioFiles":
        """The same files; of those that are named, windows between two moments in the clock of the file alone."""
        stretches = self._windows.between(moments, [header.begin for header in self.headers])
        return AudioFiles(self.paths, self.headers, self.sample_rate, self.seconds, self.jitter, stretches)

    def whole(self, index: int) -> range:
        """The windows of the file of window `index`."""
        return self._windows.whole(index)

    def read(self, index: int, rng: np.random.Generator) -> Recording:
        """One window as mono at `sample_rate`.

        Raises:
            BadItemError: if it cannot be decoded, or holds NaN or infinity.
        """
        file = self.place(index)[0]
        begin = self._windows.moved(index, rng) if self.jitter else self.start(index)
        seconds = self._windows.seconds_of(index, begin)
        samples = decode(self.paths[file], self.headers[file], begin, seconds, self.sample_rate)
        if len(samples) == 0:
            raise BadItemError(self.name(index), f"the file ends before its header says; {ADVICE}")
        refuse_nan(self.name(index), samples.numpy())
        return Recording(samples, self.sample_rate, begin)

    def read_in_context(self, index: int, sight: Sight) -> InContext[Recording]:
        """Window `index` without jitter, and the stretch from a second before it to a second after it.

        The file is decoded once. The stretch is shorter where the file begins or ends, and where the network takes no
        more; context that cannot be used is silent, or missing at the end.

        Raises:
            BadItemError: if the window itself cannot be used.
        """
        begin, rate = self.start(index), self.sample_rate
        first, seconds = self._windows.around(index, float(rate), sight, CONTEXT)
        samples = self._stretch(index, first / rate, seconds)
        before, length = round(begin * rate) - first, round(self._windows.seconds_of(index) * rate)
        window = samples[before : before + length]
        if len(window) == 0:
            window = samples = self.with_jitter(False).read(index, np.random.default_rng(0)).samples
            before = 0
        refuse_nan(self.name(index), window.numpy())
        if len(window) < len(samples):  # else the file is one window, and nothing needs to be copied
            window, samples = window.clone(), samples.nan_to_num(0.0, 0.0, 0.0)
        around = Recording(samples, rate, begin - before / rate)
        return InContext(Recording(window, rate, begin), around, (before / rate, (before + length) / rate))

    def _stretch(self, index: int, begin: float, seconds: float) -> Float[Tensor, " time"]:
        """Some of the file of a window; empty where it cannot be decoded, which may be due to the context alone."""
        file = self.place(index)[0]
        try:
            return decode(self.paths[file], self.headers[file], begin, seconds, self.sample_rate)
        except BadItemError:
            return torch.zeros(0)


def read_audio(paths: Sequence[Path], sample_rate: int, seconds: float, skip_bad: bool = False) -> Reading[Recording]:
    """The windows of all files: the header of every file is read, and a sample is decoded (`probing.sample`).

    So silence throughout is noticed in the sample alone; whatever cannot be decoded shows when its turn comes.

    Raises:
        BadItemError: for the first file that cannot be used, unless `skip_bad`.
        ValueError: if no file is left.
    """
    found = find_files(paths, SUFFIXES, "audio")
    decoded = sample(found)

    def examine(path: Path) -> Header:
        header = _long_enough(path)
        if path in decoded:
            refuse_silent(path, header, sample_rate)
        return header

    skipped: list[Skipped] = []
    good = probe(found, examine, skipped if skip_bad else None)
    if not good:
        raise none_usable(skipped, f"{len(skipped)} audio files")
    files = AudioFiles([path for path, _ in good], [header for _, header in good], sample_rate, seconds)
    damaged = tuple(Skipped(str(path), header.damage) for path, header in good if header.damage)
    return Reading(files, tuple(skipped), damaged)


def _long_enough(path: Path) -> Header:
    """The header of a file that is not too short."""
    header = read_header(path)
    if header.seconds < SHORTEST:
        raise BadItemError(
            str(path),
            f"is too short: {header.seconds * 1000:.0f} ms, and at least {SHORTEST * 1000:.0f} ms are needed; "
            "join it to others, remove it, or leave it out with --skip-bad",
        )
    return header


def each_window(files: AudioFiles, path: Path) -> Iterator[Recording]:
    """The windows of one file in order of time, one in memory at a time; `start` is each one's place."""
    rng = np.random.default_rng(0)
    exact = files.with_jitter(False)
    for index in exact.windows(path):
        yield exact.read(index, rng)
