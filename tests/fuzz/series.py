"""Formats of series of many channels."""

import io
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import edfio
import h5py
import numpy as np
import soundfile

from gestalt.modalities.sensors import Sensors
from tests.series_files import NAMES, RATE, stretches, write_table

from .formats import Format, written
from .law import lay_masks, read_whole

MODALITY, OF_ARRAYS = Sensors(100.0, seconds=1.0), Sensors(100.0, seconds=1.0, rate=100.0)
VALUES, _ = stretches(elements=16)


def _table() -> bytes:
    return written("a.csv", lambda path: write_table(path, elements=16))


def _array() -> bytes:
    return written("a.npy", lambda path: np.save(path, VALUES))


def _tabs() -> bytes:
    begin = "2024-05-01T12:00:"
    rows = "".join(f"{begin}{n / 10:06.3f}\t{n % 7},5\t{n % 3}\n" for n in range(40))
    return f"timestamp\tx\ty\n{rows}".encode("utf-16")


def _dates() -> bytes:
    """Hours before and after noon, behind dates whose month comes first, over midnight."""
    moments = (datetime(2024, 1, 31, 23, 59, 50) + timedelta(seconds=number / 2) for number in range(40))
    rows = "".join(f"{one:%m/%d/%Y %I:%M:%S.%f %p},{place % 7},{place % 3}\n" for place, one in enumerate(moments))
    return f"time,x,y\n{rows}".encode()


def _signals(path: Path) -> None:
    values = VALUES[:200]
    signals = [
        edfio.EdfSignal(values[:, number], RATE, label=name, physical_range=(-2e5, 2e5))
        for number, name in enumerate(NAMES)
    ]
    edfio.Edf(signals).write(path)


def _hdf5(version: str) -> bytes:
    """One array with names of its channels, or compressed channels and a clock."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=version) as file:
        if version == "earliest":
            data: Any = file.create_dataset("run 1/acceleration", data=VALUES.astype("f4"))
            data.attrs["sample_rate"], data.attrs["channels"] = RATE, list(NAMES)
        else:
            for number, name in enumerate(NAMES):
                file.create_dataset(name, data=VALUES[:, number], chunks=(100,), compression="gzip")
            file["time"] = np.arange(len(VALUES)) * 10.0
            file["time"].attrs["units"] = "ms"
    return buffer.getvalue()


def _stored() -> bytes:
    """Numbers that stand for others, and a clock that does."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["acc"] = np.round(VALUES * 100).astype("i2")
        file["acc"].attrs.update(scale_factor=0.01, add_offset=20.0, _FillValue=np.int16(-32768))
        file["time"] = np.arange(len(VALUES), dtype="i4")
        file["time"].attrs["scale_factor"] = 0.01
    return buffer.getvalue()


def _sound(kind: str) -> bytes:
    return written(f"a.{kind}", lambda path: soundfile.write(path, VALUES[:, :2] * 0.4, RATE))


READ = partial(read_whole, MODALITY)
FORMATS = [
    Format("series: table", lambda: {"a.csv": _table()}, READ, "a.csv", is_text=True),
    Format("series: tabs", lambda: {"a.tsv": _tabs()}, READ, "a.tsv", is_text=True),
    Format("series: edf", lambda: {"a.edf": written("a.edf", _signals)}, READ, "a.edf"),
    Format("series: npy", lambda: {"a.npy": _array()}, partial(read_whole, OF_ARRAYS), "a.npy"),
    Format("series: hdf5", lambda: {"a.h5": _hdf5("earliest")}, READ, "a.h5"),
    Format("series: new hdf5", lambda: {"a.h5": _hdf5("latest")}, READ, "a.h5"),
    Format("series: hdf5 of stored numbers", lambda: {"a.h5": _stored()}, READ, "a.h5"),
    Format(
        "series: dates",
        lambda: {"a.csv": _dates()},
        partial(read_whole, Sensors(2.0, seconds=4.0)),
        "a.csv",
        is_text=True,
    ),
    Format("series: wav", lambda: {"a.wav": _sound("wav")}, READ, "a.wav"),
    Format("series: flac", lambda: {"a.flac": _sound("flac")}, READ, "a.flac"),
]


MASKS = partial(lay_masks, OF_ARRAYS)


EVENTS = "filename\tonset\toffset\tevent_label\na.npy\t0.5\t1.5\twalk\na.npy\t2\t2.25\trun\n"
FORMATS.append(
    Format(
        "series: events",
        lambda: {"data/a.npy": _array(), "e.tsv": EVENTS.encode()},
        MASKS,
        "e.tsv",
        is_text=True,
    )
)
