"""Series in HDF5: which data sets are channels, their rate, and what is not read."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

from gestalt.core.tables.clock import FEW, Clock, clock_column, unit_of

from .channels import Channels, How, array_channels
from .stored_numbers import StoredNumbers, as_meant

RATES = ("sample_rate", "sampling_rate", "samplerate", "sampling_frequency", "fs", "rate")
"""Attributes in which samples per second stand."""
STARTS = ("starting_time",)
"""Data sets beside a series, as NWB has them, whose attributes say its rate."""
RATE = re.compile(r"\s*([+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?)\s*(k)?(?:hz|sps)?\s*", re.IGNORECASE)
"""Samples per second, and the letter of thousands of them."""
DENSEST = 4096
"""Bytes of numbers that a byte of a file may stand for."""
UNFOLDED = 1 << 29
"""Bytes of the largest part of a data set, which is in memory as a whole while a sample of it is read."""


def hdf5_channels(file: Any, how: How) -> Channels:
    """The data set that is named, the only one of two axes, or all of one axis and one length; beside it a clock."""
    _refuse_pandas(file)
    found = _numbers_in(file)
    single = {name: one for name, one in found.items() if one.size == 1}
    found = {name: one for name, one in found.items() if one.size != 1}
    clocks = {name: one for name, one in found.items() if one.ndim == 1 and _is_clock(name, how)}
    wide = {name: one for name, one in found.items() if one.ndim == 2}
    flat = {name: one for name, one in found.items() if one.ndim == 1 and name not in clocks and one.size > 1}
    if how.dataset is not None and how.dataset.strip("/") not in found:
        raise ValueError(f"has no data set {how.dataset!r} of numbers, it has {', '.join(map(repr, found)) or 'none'}")
    if how.dataset is not None or len(wide) == 1:
        name = how.dataset.strip("/") if how.dataset is not None else next(iter(wide))
        data = _readable(name, found[name])
        beside = data.parent
        attributes = [data.attrs, *(beside[own].attrs for own in STARTS if own in beside), beside.attrs, file.attrs]
        samples = max(data.shape, default=0)
        rate = _rate(attributes, single, clocks, samples, how)
        said = next((_said(data.attrs, own) for own in ("channels", "columns") if own in data.attrs), ())
        names = tuple(one.decode() if isinstance(one, bytes) else str(one) for one in said)
        return array_channels(data, rate, names if len(names) == min(data.shape) and data.ndim == 2 else ())
    lengths = {len(one) for one in flat.values()}
    if wide or len(lengths) != 1:
        listed = ", ".join(f"{name!r} {one.shape}" for name, one in list(found.items())[:12]) or "no numbers"
        raise ValueError(f"holds {listed}: name the data set that is the series (dataset=…)")
    samples = lengths.pop()
    for name, one in flat.items():
        _readable(name, one)
    rate = _rate([*(one.attrs for one in flat.values()), file.attrs], single, clocks, samples, how)
    return Channels(
        rate,
        samples,
        tuple(flat),
        lambda first, count: np.stack([one[first : first + count] for one in flat.values()], axis=1),
    )


def _numbers_in(file: Any) -> dict[str, Any]:
    """The data sets of real numbers by their names, as they are meant; a type or a data set without extent is none.

    Of rows with names, every name that holds numbers is one.
    """
    found: dict[str, Any] = {}

    def visit(name: str, one: Any) -> None:
        if getattr(one, "shape", None) is None:
            return
        kind = one.dtype
        if kind.names is None and kind.kind in "iuf":
            found[name] = as_meant(name, one)
        elif kind.names is not None and one.ndim == 1:
            numbers = [own for own in kind.names if kind[own].kind in "iuf" and not kind[own].shape]
            found.update({f"{name}/{own}": _Field(one, own) for own in numbers})

    file.visititems(visit)
    return found


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


def _readable(name: str, field: Any) -> Any:
    """The data set, if it holds its numbers itself, in parts that fit in memory.

    Raises:
        ValueError: otherwise.
    """
    data = field.data if isinstance(field, (_Field, StoredNumbers)) else field
    outside = [*(file for file, _, _ in data.external or ())]
    outside += [one.file_name for one in data.virtual_sources() if one.file_name != "."] if data.is_virtual else []
    if outside:
        raise ValueError(
            f"has the numbers of {name!r} in another file, {outside[0]!r}, which is not opened; copy them into one file"
        )
    there = data.id.get_storage_size()
    if data.nbytes > DENSEST * there:
        raise ValueError(f"has a {name!r} that claims {data.nbytes} bytes, of which {there} were written")
    whole = math.prod(data.chunks or (1,)) * data.dtype.itemsize
    if whole > UNFOLDED:
        raise ValueError(
            f"has {name!r} in parts of {whole >> 20} MiB, each of which is unfolded as a whole; write it in smaller "
            "ones (h5repack -l)"
        )
    return field


def _said(attributes: Any, name: str) -> Any:
    """The value of an attribute.

    Raises:
        ValueError: if it is neither text nor numbers: of lists of other lengths than they claim the library reads on
            behind their end.
    """
    kind = attributes.get_id(name).dtype
    if kind.hasobject and (kind.metadata or {}).get("vlen") not in (str, bytes):
        raise ValueError(f"has an attribute {name!r} that is neither text nor numbers; write it as one of these")
    return attributes[name]


def _is_clock(name: str, how: How) -> bool:
    if how.time is not None:
        return name == how.time.strip("/")
    return clock_column((name.rsplit("/", 1)[-1],)) is not None


def _rate(attributes: Sequence[Any], single: Mapping[str, Any], clocks: Any, samples: int, how: How) -> float:
    """What the user says, what an attribute or a single number says, or what a clock of the same length does."""
    if how.rate is not None:
        return how.rate
    for one in attributes:
        name = next((name for name in RATES if name in one), None)
        if name is not None:
            return _hertz(name, _said(one, name))
    name = next((name for name in single if name.rsplit("/", 1)[-1].lower() in RATES), None)
    if name is not None:
        return _hertz(name, np.asarray(single[name][()]))
    name = next((name for name, one in clocks.items() if len(one) == samples), None)
    if name is None:
        raise ValueError(f"says no rate: say the samples per second (rate=…), or write an attribute {RATES[0]!r}")
    clock = Clock(name=unit_name(name, clocks[name]))
    for begin in range(0, samples, 1 << 16):
        for place, moment in enumerate(clocks[name][begin : begin + (1 << 16)].tolist()):
            clock.tick(moment, f"sample {begin + place + 1}")
    return clock.rate([repr(float(moment)) for moment in clocks[name][:FEW]])


def _hertz(name: str, said: Any) -> float:
    """A rate, which may be written with its unit.

    Raises:
        ValueError: if it is none, or there are several.
    """
    words = [one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in np.ravel(said).tolist()]
    found = {RATE.fullmatch(one) for one in set(words)}
    if len(found) != 1 or None in found:
        listed = ", ".join(words[:8]) or "nothing"
        raise ValueError(f"says {listed} in {name!r}, expected one number of samples per second; say it (rate=…)")
    number, kilo = next(one.groups() for one in found if one)
    return float(number) * (1000.0 if kilo else 1.0)


def _refuse_pandas(file: Any) -> None:
    """Refuse what pandas keeps in HDF5: the names of its columns are pickles, which can run any program.

    Raises:
        ValueError: with what to do.
    """
    tables = [name for name, one in [("/", file), *file.items()] if "pandas_type" in getattr(one, "attrs", ())]
    if tables:
        raise ValueError(
            f"is a store of pandas (to_hdf, HDFStore), which is not read; write {tables[0]!r} anew, as "
            f"pandas.read_hdf(FILE, {tables[0]!r}).to_csv('series.csv')"
        )


def unit_name(name: str, clock: Any) -> str:
    """The name of a clock with its unit, which an attribute may say; of "hours since 1900-01-01", the hours.

    Raises:
        ValueError: for a unit that is not known.
    """
    plain = name.rsplit("/", 1)[-1]
    said = next((_said(clock.attrs, own) for own in ("units", "unit") if own in clock.attrs), "")
    unit = (said.decode() if isinstance(said, bytes) else str(said)).split(" since ")[0].strip()
    if unit and unit_of(f"t {unit}")[0] != "t":
        raise ValueError(
            f"has a clock {name!r} in {unit!r}, a unit that is not known; say the samples per second (rate=…)"
        )
    return f"{plain} {unit}" if unit else plain
