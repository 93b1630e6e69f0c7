"""Series in files: their rate, their channels, and any stretch of them, of tables, HDF5, EDF, WAV and NumPy files."""

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from gestalt.core.data.items import BadItemError
from gestalt.core.data.reasons import reason_of
from gestalt.core.shards.files import at_hand, bytes_of
from gestalt.core.storage.claims import claimed
from gestalt.core.tables.series import SeriesTable

from .channels import Channels, How, Values, array_channels, numbered
from .edf import edf_channels, edf_of
from .hdf5 import hdf5_channels
from .heaps import WatchedFile
from .libraries import library

HDF5, EDF, SOUND = (".h5", ".hdf5", ".hdf"), (".edf",), (".wav", ".wave", ".flac", ".w64")
SUFFIXES = frozenset((".csv", ".tsv", ".npy", *HDF5, *EDF, *SOUND))
REFUSED = {
    ".bdf": "BDF, with 24 bits a sample, which is not read; convert it to EDF",
    ".npz": "an archive of NumPy, which is not read; save its array as .npy",
    ".mat": "a file of MATLAB, which is not read; save it as -v7.3 and call it .h5, or export CSV",
    ".xlsx": "a spreadsheet, which is not read; save its sheet as CSV in UTF-8",
    ".parquet": "Parquet, which is not read; write it as CSV",
}
"""Forms that are told by their endings, and what to do."""
BEGINS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff", b"fLaC")
"""What files of sound begin with."""
ADVICE = "fix it, remove it, or leave it out with --skip-bad"
LARGEST = 1e30
"""Larger values are none: their squares are not finite."""
FILLS = ("refuse", "last", "linear")
AROUND = 1024
"""Samples before and behind a stretch, at least, among which is looked for what is filled in at its ends."""


@final
@dataclass(frozen=True)
class Header:
    """What a file holds: samples per second, how many, and the names of its channels; of text, where its rows lie.

    `other` are columns of a table that hold other than numbers, and are no channels.
    """

    rate: float
    samples: int
    names: tuple[str, ...]
    table: SeriesTable | None = None
    other: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long the series lasts."""
        return self.samples / self.rate


def read_header(path: Path, how: How) -> Header:
    """What a file holds; of a table, every row is read through once.

    Raises:
        BadItemError: if it is no series, or its clock stands still, goes back or is irregular.
        ImportError: if a library for such files is missing.
    """
    try:
        if bytes_of(path) == 0:
            raise ValueError("the file has no bytes")
        if path.suffix.lower() in REFUSED:
            raise ValueError(f"is {REFUSED[path.suffix.lower()]}")
        if _is_text(path):
            table = SeriesTable.of(path, how.time, how.columns, how.rate, how.irregular, how.encoding)
            found = Header(table.rate, table.samples, table.names, table, table.others(how.time))
        else:
            with _opened(path, how) as channels:
                found = Header(channels.rate, channels.samples, channels.chosen(how.columns))
        if not found.names and path.suffix.lower() in EDF:
            raise ValueError("holds annotations alone, no signals: name it with --masks")
        if found.samples < 2 or not found.names:
            said = (
                f"; the columns {', '.join(map(repr, found.other[:8]))} hold other than numbers" if found.other else ""
            )
            raise ValueError(f"holds {found.samples} samples of {len(found.names)} channels of numbers{said}")
        if not 0 < found.rate < 1e8:
            raise ValueError(f"has {found.rate:g} samples per second; say another (rate=…)")
    except (BadItemError, ImportError):
        raise
    except ValueError as error:
        raise BadItemError(str(path), f"{error}; {ADVICE}") from error
    except Exception as error:  # libraries raise whatever they like at torn bytes
        raise BadItemError(
            str(path), f"cannot be read ({type(error).__name__}: {reason_of(error)}); {ADVICE}"
        ) from error
    return found


def read_stretch(path: Path, header: Header, how: How, rate: float, first: int, count: int) -> Values:
    """Samples `first` … `first + count` of a series at `rate`, as far as there are any.

    A sample at another rate than the file's is the mean of the file's signal over the sample's own time: it depends on
    nothing else, and changes that are too fast for the rate are averaged away.

    Raises:
        BadItemError: for what cannot be read, and for missing values that are not to be filled.
    """
    ratio = header.rate / rate
    count = min(count, int(header.samples / ratio + 1e-6) - first)
    if count <= 0:
        return np.zeros((0, len(header.names)))
    if abs(ratio - 1) * header.samples < 0.5:
        return _whole(path, header, how, first, min(count, header.samples - first))
    edges = np.minimum((first + np.arange(count + 1)) * ratio, header.samples)
    low = int(edges[0])
    own = _whole(path, header, how, low, min(math.ceil(edges[-1]), header.samples) - low)
    sums = np.concatenate([np.zeros((1, own.shape[1])), own.cumsum(axis=0)])
    place = np.minimum((edges - low).astype(int), len(own) - 1)
    integral = sums[place] + (edges - low - place)[:, None] * own[place]
    found: Values = np.diff(integral, axis=0) / np.diff(edges)[:, None]
    return found


def _whole(path: Path, header: Header, how: How, first: int, count: int) -> Values:
    """Samples at the file's own rate, none of them missing: what is filled in depends on no window."""
    values = _stored(path, header, how, first, count)
    missing = np.isnan(values)
    if not missing.any():
        return values
    sample, channel = np.argwhere(missing)[0].tolist()
    where = f"{header.names[channel]!r} at {(first + sample) / header.rate:.3f} s (sample {first + sample + 1})"
    if how.fill == "refuse":
        raise BadItemError(str(path), f"has no value of {where}; fill it (fill=last, fill=linear), or {ADVICE}")
    empty = np.flatnonzero(missing.all(axis=0))
    if len(empty):
        said = f"{header.names[empty[0]]!r} at {first / header.rate:.3f} s (sample {first + 1})"
        raise BadItemError(str(path), f"has no value of {said} and around it; name the channels (columns=…)")
    reach = max(count, AROUND)
    low = max(0, first - reach) if missing[0].any() else first
    high = min(header.samples, first + count + reach) if missing[-1].any() else first + count
    around = _stored(path, header, how, low, high - low) if high - low > count else values
    return _filled(around, how.fill)[first - low : first - low + count]


def _filled(values: Values, fill: str) -> Values:
    """The same; in place of what is missing the last value before, or what lies on the line to the next one."""
    missing, place = np.isnan(values), np.arange(len(values))
    for number in np.flatnonzero(missing.any(axis=0)):
        known = place[~missing[:, number]]
        if fill == "linear":
            values[:, number] = np.interp(place, known, values[known, number])
        else:
            before = np.maximum(np.searchsorted(known, place, side="right") - 1, 0)
            values[:, number] = values[known[before], number]
    return values


def _stored(path: Path, header: Header, how: How, first: int, count: int) -> Values:
    """Samples as the file has them, NaN where one is missing."""
    try:
        if header.table is not None:
            values = header.table.read(first, count)
        else:
            with _opened(path, how) as channels:
                values = channels.read(first, count, header.names)
    except (BadItemError, ImportError):
        raise
    except Exception as error:
        raise BadItemError(
            str(path), f"cannot be read ({type(error).__name__}: {reason_of(error)}); {ADVICE}"
        ) from error
    if len(values) < count:
        raise BadItemError(str(path), f"ends after {first + len(values)} samples, and began with more; {ADVICE}")
    with np.errstate(invalid="ignore"):
        absurd = np.abs(values) > LARGEST
    if absurd.any():
        sample, channel = np.argwhere(absurd)[0].tolist()
        raise BadItemError(
            str(path),
            f"holds {values[sample, channel]:g} in {header.names[channel]!r}, sample {first + sample + 1}; {ADVICE}",
        )
    return values


def _is_text(path: Path) -> bool:
    return path.suffix.lower() not in (".npy", *HDF5, *EDF, *SOUND)


@contextmanager
def _opened(path: Path, how: How) -> Iterator[Channels]:
    suffix = path.suffix.lower()
    with at_hand(path) as file:
        if suffix in SOUND:
            with _sound(file) as sound:
                rate = float(how.rate or sound.samplerate)
                yield Channels(
                    rate, sound.frames, numbered(sound.channels), lambda first, count: _frames(sound, first, count)
                )
        elif suffix in EDF:
            yield edf_channels(edf_of(file), how)
        elif suffix in HDF5:
            with WatchedFile(file) as watched:
                try:
                    with library("h5py").File(watched, "r") as opened:
                        yield hdf5_channels(opened, how)
                finally:
                    if watched.problem:  # what came of it means nothing, an error as little as numbers
                        raise ValueError(watched.problem)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what Python thinks of a torn header
                values = np.load(file, mmap_mode="r", allow_pickle=False)
            yield array_channels(values, how.rate or 1.0)


def _sound(path: Path) -> Any:
    """A file of sound whose samples are as many as its header says.

    Raises:
        ValueError: if it is of another form, or holds more, or less, than its header says.
    """
    with path.open("rb") as file:
        begin = file.read(4)
    if begin not in BEGINS:  # libraries would look for anything that they know, and talk to the screen meanwhile
        raise ValueError(f"is no WAV, FLAC or W64: it begins with {begin!r}")
    said = claimed(path)
    if said.after:
        raise ValueError(
            f"goes on for {said.after} bytes after its end (several recordings in one, or a header that was never "
            "brought up to date); split it, or write its header anew"
        )
    if said.missing:
        raise ValueError("is cut off: its header says more than there is; copy it again")
    name: Any = os.fsencode(path) if os.name == "posix" else path  # whatever bytes its name has
    return library("soundfile").SoundFile(name)


def _frames(sound: Any, first: int, count: int) -> Any:
    sound.seek(first)
    return sound.read(count, always_2d=True)
