"""Formats of series of many channels, without HDF5: its library may search a damaged heap of strings without end."""

from pathlib import Path

import edfio
import numpy as np

from gestalt.modalities.sensors import Sensors
from tests.series_files import NAMES, RATE, stretches, write_table

from .formats import Format, written
from .law import read_whole

MODALITY = Sensors(100.0, seconds=1.0)
VALUES, _ = stretches(elements=16)


def _table() -> bytes:
    return written("a.csv", lambda path: write_table(path, elements=16))


def _signals(path: Path) -> None:
    values = VALUES[:200]
    signals = [
        edfio.EdfSignal(values[:, number], RATE, label=name, physical_range=(-2e5, 2e5))
        for number, name in enumerate(NAMES)
    ]
    edfio.Edf(signals).write(path)


def read(path: Path, skip_bad: bool) -> int:
    """All windows of a file."""
    return read_whole(MODALITY, path, skip_bad)


FORMATS = [
    Format("series: table", lambda: {"a.csv": _table()}, read, "a.csv", is_text=True),
    Format("series: edf", lambda: {"a.edf": written("a.edf", _signals)}, read, "a.edf"),
    Format("series: npy", lambda: {"a.npy": written("a.npy", lambda path: np.save(path, VALUES))}, read, "a.npy"),
]
