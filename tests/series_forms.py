"""Writers of series in every form in which people have them, and in some in which nobody should."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import edfio
import h5py
import numpy as np
import soundfile

from tests.series_files import NAMES, RATE, stretches

VALUES, _ = stretches()
SMALL = VALUES[:, :2] * 0.4
"""Two channels within full scale, for sound files."""


def rows(values: np.ndarray, times: Any, delimiter: str = ",", head: str = "time,x,y,pressure") -> str:
    """A table."""
    lines = [delimiter.join([str(time), *map(repr, row)]) for time, row in zip(times, values.tolist(), strict=True)]
    return "\n".join([head.replace(",", delimiter), *lines]) + "\n"


def table(text: str, name: str = "a.csv") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_text(text, encoding="utf-8")
        return folder / name

    return write


def dates() -> list[str]:
    begin = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
    return [(begin + timedelta(seconds=number / RATE)).isoformat() for number in range(len(VALUES))]


def hdf5(layout: Callable[[Any], object]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        with h5py.File(folder / "a.h5", "w") as file:
            layout(file)
        return folder / "a.h5"

    return write


def wide(file: Any) -> None:
    data = file.create_dataset("run 1/acceleration", data=VALUES)
    data.attrs["sample_rate"] = RATE
    data.attrs["channels"] = list(NAMES)


def two(file: Any) -> None:
    wide(file)
    file["b"] = SMALL


def flat(file: Any) -> None:
    for number, name in enumerate(NAMES):
        file[name] = VALUES[:, number]
    file["time"] = np.arange(len(VALUES)) * 10.0
    file["time"].attrs["units"] = "ms"


def beside(file: Any) -> None:
    """A type, a data set of nothing, a single number and a link that leads nowhere are no channels."""
    wide(file)
    file["a type"] = np.dtype("f8")
    file["nothing"] = h5py.Empty("f4")
    file["one"] = np.float32(3)
    file["gone"] = h5py.SoftLink("/there/is/none")


def lists(file: Any) -> None:
    wide(file)
    said = file["run 1/acceleration"].attrs
    del said["channels"]
    said.create("channels", [np.arange(2), np.arange(3)], shape=(2,), dtype=h5py.vlen_dtype("i4"))


def outside(file: Any) -> None:
    file.create_dataset("a", shape=(600, 2), dtype="u1", external=[("/etc/passwd", 0, 1200)])


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((600, 2), "f4")
    layout[:] = h5py.VirtualSource("there.h5", "x", shape=(600, 2))
    file.create_virtual_dataset("a", layout)


def claimed(shape: tuple[int, int], **how: Any) -> Callable[[Path], Path]:
    return hdf5(lambda file: file.create_dataset("a", shape=shape, dtype="f8", **how).attrs.update(fs=100.0))


def heap(change: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    """HDF5 whose heap of strings is changed behind the head of its free space."""

    def write(folder: Path) -> Path:
        path = hdf5(wide)(folder)
        content = path.read_bytes()
        at = content.rindex(b"GCOL") + 16
        while content[at : at + 2] != b"\0\0":
            at += 16 + -(-int.from_bytes(content[at + 8 : at + 16], "little") // 8) * 8
        path.write_bytes(content[: at + 8] + change(content[at + 8 :]))
        return path

    return write


def sparse(folder: Path) -> Path:
    np.lib.format.open_memmap(folder / "a.npy", mode="w+", dtype="u1", shape=(70_000, 70_000))
    return folder / "a.npy"


def named_rows(file: Any) -> None:
    table = np.zeros(len(VALUES), [("time", "f8"), *((name, "f8") for name in NAMES), ("word", "S4")])
    table["time"] = np.arange(len(VALUES)) / RATE
    for number, name in enumerate(NAMES):
        table[name] = VALUES[:, number]
    file["run"] = table


def nwb(file: Any) -> None:
    file["acquisition/acc/data"] = VALUES
    file["acquisition/acc/starting_time"] = 12.5
    file["acquisition/acc/starting_time"].attrs["rate"] = float(RATE)


def edf(folder: Path) -> Path:
    signals = [
        edfio.EdfSignal(VALUES[:700, number], RATE, label=name, physical_range=(low, high))
        for number, (name, low, high) in enumerate(zip(NAMES, (-2, -2, 99_000), (2, 2, 101_000), strict=True))
    ]
    slow = edfio.EdfSignal(np.arange(7.0), 1, label="beat", physical_range=(0, 10))
    edfio.Edf([*signals, slow]).write(folder / "a.edf")
    return folder / "a.edf"


def sound(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        soundfile.write(folder / name, SMALL, RATE)
        return folder / name

    return write


def array(values: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.save(folder / "a.npy", values)
        return folder / "a.npy"

    return write
