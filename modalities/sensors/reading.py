"""Series in files: their rate, their channels, and any stretch of them, of tables, HDF5, EDF, WAV and NumPy files."""

import importlib
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float

from gestalt.core.data.items import BadItemError
from gestalt.core.data.reasons import reason_of
from gestalt.core.shards.files import at_hand, bytes_of
from gestalt.core.tables.clock import Clock, clock_column, unit_of
from gestalt.core.tables.series import SeriesTable

HDF5, EDF, SOUND = (".h5", ".hdf5", ".hdf"), (".edf",), (".wav", ".wave", ".flac", ".w64")
SUFFIXES = frozenset((".csv", ".tsv", ".npy", *HDF5, *EDF, *SOUND))
ADVICE = "fix it, remove it, or leave it out with --skip-bad"
RATES = ("sample_rate", "sampling_rate", "samplerate", "sampling_frequency", "fs", "rate")
"""Attributes of HDF5 in which samples per second stand."""
STARTS = ("starting_time",)
"""Data sets of HDF5 beside a series, as NWB has them, whose attributes say its rate."""
LARGEST = 1e30
"""Larger values are none: their squares are not finite."""
FILLS = ("refuse", "last", "linear")
Values = Float[np.ndarray, "time channels"]


@final
@dataclass(frozen=True)
class How:
    """What the user says of files that they do not say themselves; see the arguments of the modality."""

    time: str | None = None
    columns: tuple[str, ...] = ()
    rate: float | None = None
    fill: str = "refuse"
    irregular: bool = False
    dataset: str | None = None


@final
@dataclass(frozen=True)
class Header:
    """What a file holds: samples per second, how many, and the names of its channels; of text, where its rows lie."""

    rate: float
    samples: int
    names: tuple[str, ...]
    table: SeriesTable | None = None

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
        if _is_text(path):
            table = SeriesTable.of(path, how.time, how.columns, how.rate, how.irregular)
            found = Header(table.rate, table.samples, table.names, table)
        else:
            with _opened(path, how) as channels:
                found = Header(channels.rate, channels.samples, channels.chosen(how.columns))
        if found.samples < 2 or not found.names:
            raise ValueError(f"holds {found.samples} samples of {len(found.names)} channels of numbers")
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
    """Samples at the file's own rate, none of them missing."""
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
    missing = np.isnan(values)
    if not missing.any():
        return values
    sample, channel = np.argwhere(missing)[0].tolist()
    where = f"{header.names[channel]!r} at {(first + sample) / header.rate:.3f} s (sample {first + sample + 1})"
    if how.fill == "refuse":
        raise BadItemError(str(path), f"has no value of {where}; fill it (fill=last, fill=linear), or {ADVICE}")
    place = np.arange(len(values))
    for number in np.flatnonzero(missing.any(axis=0)):
        known = place[~missing[:, number]]
        if not len(known):
            raise BadItemError(str(path), f"has no value of {where} and around it; name the channels (columns=…)")
        if how.fill == "linear":
            values[:, number] = np.interp(place, known, values[known, number])
        else:
            before = np.maximum(np.searchsorted(known, place, side="right") - 1, 0)
            values[:, number] = values[known[before], number]
    return values


def _is_text(path: Path) -> bool:
    return path.suffix.lower() not in (".npy", *HDF5, *EDF, *SOUND)


@final
@dataclass(frozen=True)
class _Channels:
    """Channels of one rate in an open file; `stretch(first, count)` gives time × channels."""

    rate: float
    samples: int
    names: tuple[str, ...]
    stretch: Callable[[int, int], Any]

    def chosen(self, columns: Sequence[str]) -> tuple[str, ...]:
        missing = [name for name in columns if name not in self.names]
        if missing:
            raise ValueError(f"has no channel {missing[0]!r}, it has {', '.join(map(repr, self.names))}; name others")
        return tuple(columns) or self.names

    def read(self, first: int, count: int, names: Sequence[str]) -> Values:
        return np.array(self.stretch(first, count), dtype=np.float64)[:, [self.names.index(name) for name in names]]


@contextmanager
def _opened(path: Path, how: How) -> Iterator[_Channels]:
    suffix = path.suffix.lower()
    with at_hand(path) as file:
        if suffix in SOUND:
            with _library("soundfile").SoundFile(file) as sound:
                rate = float(how.rate or sound.samplerate)
                yield _Channels(
                    rate, sound.frames, _numbered(sound.channels), lambda first, count: _frames(sound, first, count)
                )
        elif suffix in EDF:
            yield _edf(edf_of(file), how)
        elif suffix in HDF5:
            with _library("h5py").File(file, "r") as opened:
                yield _hdf5(opened, how)
        else:
            yield _array(np.load(file, mmap_mode="r", allow_pickle=False), how.rate or 1.0)


def edf_of(file: Any) -> Any:
    """An EDF file, whose signals are read when they are asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what is torn is said by a warning alone
        return _library("edfio").read_edf(file, lazy_load_data=True)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(f"such files need the library {name}: pip install 'gestalt-ssl[sensors]'") from error


def _numbered(channels: int) -> tuple[str, ...]:
    return tuple(f"channel {number + 1}" for number in range(channels))


def _frames(sound: Any, first: int, count: int) -> Any:
    sound.seek(first)
    return sound.read(count, always_2d=True)


def _edf(edf: Any, how: How) -> _Channels:
    """All signals at the rate of the fastest one; a slower one keeps its value until the next."""
    if not edf.is_continuous:
        raise ValueError("is EDF+D, with gaps in its time; write it as EDF+C, or cut it where it has gaps")
    signals = {str(signal.label): signal for signal in edf.signals}
    if len(signals) < len(edf.signals):
        raise ValueError("has several signals of one name; give them different ones")
    rates = {
        name: float(signal.sampling_frequency)
        for name, signal in signals.items()
        if name in how.columns or not how.columns
    }
    rate = max(rates.values(), default=0.0)

    def stretch(first: int, count: int) -> Any:
        found = []
        for name, signal in signals.items():
            own = rates.get(name)
            if own is None:
                found.append(np.zeros(count))
                continue
            place = ((first + np.arange(count)) * (own / rate) + 1e-6).astype(int)
            data = signal.get_data_slice(place[0] / own, (place[-1] + 1) / own)
            found.append(data[np.minimum(place - place[0], len(data) - 1)])
        return np.stack(found, axis=1)

    return _Channels(rate, round(float(edf.duration) * rate), tuple(signals), stretch)


def _array(values: Any, rate: float, names: tuple[str, ...] = ()) -> _Channels:
    """An array whose longer axis is time; one axis is one channel."""
    if values.ndim not in (1, 2) or values.dtype.kind not in "iuf" or not values.size:
        raise ValueError(f"holds {values.dtype} of shape {tuple(values.shape)}, expected numbers: time × channels")
    turned = values.ndim == 2 and values.shape[0] < values.shape[1]
    channels = 1 if values.ndim == 1 else min(values.shape)

    def stretch(first: int, count: int) -> Any:
        part = np.asarray(values[:, first : first + count]).T if turned else np.asarray(values[first : first + count])
        return part[:, None] if values.ndim == 1 else part

    return _Channels(rate, max(values.shape), names or _numbered(channels), stretch)


def _hdf5(file: Any, how: How) -> _Channels:
    """The data set that is named, the only one of two axes, or all of one axis and one length; beside it a clock."""
    found: dict[str, Any] = {}

    def visit(name: str, one: Any) -> None:
        """Data sets of numbers; of rows with names, every name that holds numbers is one."""
        kind = getattr(one, "dtype", None)
        if kind is None:
            return
        if kind.names is None:
            found.update({name: one} if kind.kind in "iuf" else {})
        elif one.ndim == 1:
            numbers = [own for own in kind.names if kind[own].kind in "iuf" and not kind[own].shape]
            found.update({f"{name}/{own}": _Field(one, own) for own in numbers})

    file.visititems(visit)
    clocks = {name: one for name, one in found.items() if one.ndim == 1 and _is_clock(name, how)}
    wide = {name: one for name, one in found.items() if one.ndim == 2}
    flat = {name: one for name, one in found.items() if one.ndim == 1 and name not in clocks and one.size > 1}
    if how.dataset is not None and how.dataset.strip("/") not in found:
        raise ValueError(f"has no data set {how.dataset!r} of numbers, it has {', '.join(map(repr, found)) or 'none'}")
    if how.dataset is not None or len(wide) == 1:
        name = how.dataset.strip("/") if how.dataset is not None else next(iter(wide))
        data, beside = found[name], found[name].parent
        attributes = [data.attrs, *(beside[own].attrs for own in STARTS if own in beside), beside.attrs, file.attrs]
        samples = max(data.shape, default=0)
        rate = _hdf5_rate(attributes, clocks, samples, how)
        said = data.attrs.get("channels", data.attrs.get("columns", ()))
        names = tuple(one.decode() if isinstance(one, bytes) else str(one) for one in said)
        return _array(data, rate, names if len(names) == min(data.shape) and data.ndim == 2 else ())
    lengths = {len(one) for one in flat.values()}
    if wide or len(lengths) != 1:
        listed = ", ".join(f"{name!r} {one.shape}" for name, one in list(found.items())[:12]) or "no numbers"
        raise ValueError(f"holds {listed}: name the data set that is the series (dataset=…)")
    samples = lengths.pop()
    rate = _hdf5_rate([*(one.attrs for one in flat.values()), file.attrs], clocks, samples, how)
    return _Channels(
        rate,
        samples,
        tuple(flat),
        lambda first, count: np.stack([one[first : first + count] for one in flat.values()], axis=1),
    )


@final
class _Field:
    """One name of a data set whose rows have names, as a data set of one axis."""

    ndim = 1

    def __init__(self, data: Any, name: str) -> None:
        self.data = data
        self.name = name
        self.attrs, self.parent = data.attrs, data.parent
        self.shape, self.size, self.dtype = data.shape, data.size, data.dtype[name]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, part: Any) -> Any:
        return self.data[part][self.name]


def _is_clock(name: str, how: How) -> bool:
    if how.time is not None:
        return name == how.time.strip("/")
    return clock_column((name.rsplit("/", 1)[-1],)) is not None


def _hdf5_rate(attributes: Sequence[Any], clocks: Any, samples: int, how: How) -> float:
    """What the user says, what an attribute says, or what a clock of the same length does."""
    if how.rate is not None:
        return how.rate
    for one in attributes:
        said = next((one[name] for name in RATES if name in one), None)
        if said is not None:
            return float(np.asarray(said).reshape(-1)[0])
    name = next((name for name, one in clocks.items() if len(one) == samples), None)
    if name is None:
        raise ValueError(f"says no rate: say the samples per second (rate=…), or write an attribute {RATES[0]!r}")
    clock = Clock(name=unit_name(name, clocks[name]))
    for begin in range(0, samples, 1 << 16):
        for place, moment in enumerate(clocks[name][begin : begin + (1 << 16)].tolist()):
            clock.tick(moment, f"sample {begin + place + 1}")
    return clock.rate()


def unit_name(name: str, clock: Any) -> str:
    """The name of a clock with its unit, which an attribute may say."""
    plain = name.rsplit("/", 1)[-1]
    said = clock.attrs.get("units", clock.attrs.get("unit", ""))
    unit = said.decode() if isinstance(said, bytes) else str(said)
    return f"{plain} {unit}" if unit_of(f"t {unit}")[0] == "t" else plain
