"""Series in files of every form: what is read is what was written, and what cannot be read is named with its place."""

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import edfio
import h5py
import numpy as np
import pytest
import soundfile
import torch

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.windows import Sight
from gestalt.core.tables.series import BLOCK
from gestalt.modalities.sensors import SensorFiles, Sensors, Series
from tests.series_files import NAMES, RATE, stretches, write_table

RNG = np.random.default_rng(0)
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


TIMES = np.arange(len(VALUES)) / RATE
FORMS: dict[str, tuple[Callable[[Path], Path], dict[str, Any], np.ndarray, float]] = {
    "seconds": (table(rows(VALUES, TIMES)), {}, VALUES, 1e-6),
    "milliseconds, semicolons": (
        table(rows(VALUES, (TIMES * 1000).round().astype(int), ";", "t (ms),x,y,pressure")), {}, VALUES, 1e-6,
    ),
    "decimal commas": (table(rows(VALUES, TIMES, ";").replace(".", ",")), {}, VALUES, 1e-6),
    "dates, tabs": (table(rows(VALUES, dates(), "\t", "timestamp,x,y,pressure"), "a.tsv"), {}, VALUES, 1e-6),
    "milliseconds since 1970": (
        table(rows(VALUES, (1_714_564_800_000 + TIMES * 1000).round().astype(int))), {}, VALUES, 1e-6,
    ),
    "a column that is named": (
        table(rows(VALUES, TIMES, head="when,x,y,pressure")), {"time": "when"}, VALUES, 1e-6,
    ),
    "a rate that is said": (table(rows(VALUES, range(len(VALUES)), head="x0,x,y,pressure")), {
        "rate": 100.0, "columns": NAMES}, VALUES, 1e-6),
    "some columns": (table(rows(VALUES, TIMES)), {"columns": ("pressure", "x")}, VALUES[:, [2, 0]], 1e-6),
    "hdf5, one array": (hdf5(wide), {}, VALUES, 1e-6),
    "hdf5, a data set per channel": (hdf5(flat), {"columns": NAMES}, VALUES, 1e-6),
    "hdf5, named": (hdf5(two), {
        "dataset": "run 1/acceleration"}, VALUES, 1e-6),
    "hdf5, beside what is no series": (hdf5(beside), {}, VALUES, 1e-6),
    "hdf5, rows with names": (hdf5(named_rows), {"columns": tuple(f"run/{name}" for name in NAMES)}, VALUES, 1e-6),
    "hdf5, as NWB has it": (hdf5(nwb), {}, VALUES, 1e-6),
    "edf": (edf, {"columns": NAMES}, VALUES[:700], 1e-3),
    "wav": (sound("a.wav"), {}, SMALL, 3e-4),
    "flac": (sound("a.flac"), {}, SMALL, 3e-4),
    "npy": (array(VALUES), {"rate": 100.0}, VALUES, 1e-6),
    "npy, time last": (array(VALUES.T), {"rate": 100.0}, VALUES, 1e-6),
    "npy, one channel": (array(VALUES[:, 0]), {"rate": 100.0}, VALUES[:, :1], 1e-6),
}  # fmt: skip
every_form = pytest.mark.parametrize("form", FORMS)


def whole(items: Any) -> torch.Tensor:
    """All windows in a row."""
    return torch.cat([items.read(number, RNG).values for number in range(len(items))])


@every_form
def test_what_is_read_is_what_was_written_whatever_the_form_and_the_window(form: str, tmp_path: Path) -> None:
    write, settings, expected, tolerance = FORMS[form]
    path = write(tmp_path)
    for seconds in (None, 1.0):
        items = Sensors(100.0, seconds=seconds, **settings).read([path]).items
        assert isinstance(items, SensorFiles)
        assert items.headers[0].rate == pytest.approx(RATE)
        found = whole(items).double().numpy()
        assert found.shape == expected.shape
        scale = np.abs(expected).max(axis=0)
        assert np.abs((found - expected) / scale).max() < tolerance
        assert items.read(len(items) - 1, RNG).start == pytest.approx(items.start(len(items) - 1))


@every_form
def test_the_rate_and_the_channels_of_files_become_settings_of_the_modality(form: str, tmp_path: Path) -> None:
    write, settings, expected, _ = FORMS[form]
    found = Sensors(50.0, **settings).at_rate(None, "conv", [write(tmp_path)])
    assert found.sample_rate == 100.0
    assert len(found.columns) == expected.shape[1]
    assert found.window == 10.24


def test_of_files_of_several_rates_each_sample_is_the_mean_over_its_own_time(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(rows(VALUES, TIMES))
    exact = whole(Sensors(100.0).read([tmp_path]).items).double()
    coarse = whole(Sensors(25.0, seconds=1.6).read([tmp_path]).items).double()
    assert torch.allclose(coarse, exact.unflatten(0, (-1, 4)).mean(dim=1), rtol=1e-6, atol=1e-5)
    odd = whole(Sensors(30.0).read([tmp_path]).items).double()
    edges = np.arange(len(odd) + 1) * 100 / 30
    for number in (0, 1, 57, len(odd) - 1):  # by hand: every sample lasts a hundredth of a second
        begin, end = np.arange(len(exact)), np.arange(1, len(exact) + 1)
        weights = np.clip(np.minimum(edges[number + 1], end) - np.maximum(edges[number], begin), 0, None)
        assert np.allclose(odd[number], weights @ exact.numpy() / weights.sum(), rtol=1e-5, atol=1e-5)
    windows = whole(Sensors(30.0, seconds=0.9).read([tmp_path]).items)
    assert torch.allclose(windows.double(), odd[: len(windows)], rtol=1e-5, atol=1e-5), "whatever the windows"


def test_a_table_of_many_blocks_is_read_anywhere(tmp_path: Path) -> None:
    values = np.random.default_rng(1).standard_normal((2 * BLOCK + 100, 3)).round(4)
    (tmp_path / "a.csv").write_text(rows(values, np.arange(len(values)) / RATE))
    items = Sensors(100.0, seconds=3.0).read([tmp_path]).items
    assert np.allclose(whole(items).numpy(), values, atol=1e-6)


def test_irregular_clocks_are_interpolated_where_that_is_asked_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.uniform(0.002, 0.018, 3 * BLOCK))
    values = np.stack([np.sin(times), times, 2 - times], axis=1)
    (tmp_path / "a.csv").write_text(rows(values, times))
    with pytest.raises(BadItemError, match=r"a\.csv:\d+: its clock is irregular: .*irregular=true"):
        Sensors().read([tmp_path])
    items = Sensors(50.0, seconds=2.0, irregular=True).read([tmp_path]).items
    found = whole(items).double().numpy()
    even = np.arange(len(found)) / 50 + 0.01  # every sample is a mean over its own 20 ms
    assert np.abs(found[:-50, 1] - (times[0] + even[:-50])).max() < 0.02
    assert np.abs(found[:-50, 0] - np.sin(times[0] + even[:-50])).max() < 0.02


def torn_hdf5(folder: Path) -> Path:
    path = hdf5(wide)(folder)
    path.write_bytes(path.read_bytes()[:500])
    return path


BAD: dict[str, tuple[Callable[[Path], Path], dict[str, Any], str]] = {
    "a clock that stands still": (
        table("time,x\n0,1\n0.1,2\n0.1,3\n"), {}, r"a\.csv:4: its clock stands still at line 4 \(0 s\)",
    ),
    "a clock that goes back": (table("time,x\n0,1\n2,2\n1,3\n"), {}, r"a\.csv:4: its clock goes back .*\(-1 s\)"),
    "a gap": (
        table("time,x\n" + "".join(f"{number},1\n" for number in [*range(20), *range(50, 60)])), {},
        "its clock is irregular: 31 s pass before line 22, and usually 1 s",
    ),
    "a time that is none": (table("time,x\n0,1\nsoon,2\n"), {}, r"a\.csv:3: 'soon' is no time"),
    "no clock": (table("a,b\n1,2\n3,4\n"), {}, "has no column of time among 'a', 'b'; name it .*rate="),
    "no header": (table("0,2\n1,4\n"), {}, "has no header: its first line holds numbers"),
    "a missing value": (
        table("time,x\n0,1\n1,\n2,3\n3,4\n"), {}, r"a\.csv: has no value of 'x' at 1\.000 s \(sample 2\); fill it",
    ),
    "a word among numbers": (
        table("time,x\n" + "".join(f"{number},1\n" for number in range(600)) + "600,oops\n601,1\n"), {},
        r"a\.csv, row 601: 'oops' in the column 'x' is no number",
    ),
    "a column that is not there": (table("time,x\n0,1\n1,2\n"), {"columns": ("q",)}, "has no column 'q', it has"),
    "a clock that is not there": (table("time,x\n0,1\n1,2\n"), {"time": "q"}, "'q', .*name the column of time"),
    "one row": (table("time,x\n0,1\n"), {}, "fewer than two moments"),
    "a row that is short": (table("time,x,y\n0,1,2\n1,2\n"), {}, r"a\.csv:3: has 2 cells, the header has 3"),
    "a cube": (array(np.ones((4, 4, 4))), {}, r"holds float64 of shape \(4, 4, 4\)"),
    "nothing but words": (table("time,x\n0,a\n1,b\n"), {}, "of 0 channels of numbers"),
    "hdf5 without a rate": (hdf5(lambda file: file.create_dataset("a", data=VALUES)), {}, "says no rate: say .*rate="),
    "hdf5 of several": (
        hdf5(lambda file: [file.create_dataset(name, data=VALUES) for name in "ab"]), {"rate": 1.0},
        r"holds 'a' \(768, 3\), 'b' \(768, 3\): name the data set that is the series \(dataset=",
    ),
    "hdf5 that is cut": (torn_hdf5, {}, r"a\.h5: cannot be read \(OSError: "),
    "hdf5 whose numbers lie in another file": (
        hdf5(outside), {"rate": 1.0}, "has the numbers of 'a' in another file, '/etc/passwd', which is not opened",
    ),
    "hdf5 whose attribute is made of lists": (hdf5(lists), {}, "has an attribute 'channels' that is neither text nor"),
    "hdf5 that is put together from others": (
        hdf5(virtual), {"rate": 1.0}, "has the numbers of 'a' in another file, 'there.h5', which is not opened",
    ),
    "hdf5 that was never written": (
        claimed((10**12, 3), chunks=(1000, 3)), {}, "has a 'a' that claims 24000000000000 bytes, of which 0 were",
    ),
    "hdf5 in one huge part": (
        hdf5(lambda file: file.create_dataset("a", data=VALUES, chunks=(10**8, 3), maxshape=(None, 3))), {"rate": 1.0},
        "has 'a' in parts of 2288 MiB, each of which is unfolded as a whole",
    ),
    "an array of too many channels": (
        sparse, {}, r"has the shape \(70000, 70000\): at most 65536 channels are read, the shorter axis",
    ),
    "hdf5 with a heap of no length": (
        heap(lambda rest: bytes(8) + rest[8:]), {}, "its heap of strings at byte .* is damaged: object 0 claims 0 b",
    ),
    "hdf5 with a heap that leads back": (
        heap(lambda rest: b"\xf0" + b"\xff" * 7 + rest[8:]), {}, "its heap of strings .* claims 18446744073709551600",
    ),
    "sound that is none": (table("RIFF", "a.wav"), {}, r"a\.wav: cannot be read"),
    "edf that is none": (table("0       " * 4, "a.edf"), {}, r"a\.edf: "),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_named_with_its_place_and_left_out_on_demand(case: str, tmp_path: Path) -> None:
    write, settings, said = BAD[case]
    write(tmp_path)
    with pytest.raises(BadItemError, match=said):
        Sensors(**settings).read([tmp_path])
    write_table(tmp_path / "z.csv")
    if settings:
        return  # they do not fit the good file
    reading = Sensors().read([tmp_path], skip_bad=True)
    assert [Path(re.split(r"[:,]", one.name)[0]).stem for one in reading.skipped] == ["a"]
    assert len(reading.items) == 1


@pytest.mark.parametrize(("fill", "expected"), [("last", [1, 1, 3, 3, 5]), ("linear", [1, 2, 3, 4, 5])])
def test_missing_values_are_filled_where_that_is_asked_for(fill: str, expected: list[float], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,x,y\n0,1,1\n1,NaN,2\n2,3,2\n3,,2\n4,5,2\n")
    assert whole(Sensors(1.0, fill=fill).read([tmp_path]).items)[:, 0].tolist() == expected


def test_files_of_other_channels_are_refused_and_another_order_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,x,y\n0,1,2\n1,3,4\n")
    (tmp_path / "b.csv").write_text("y,time,x\n2,0,1\n4,1,3\n")
    items = Sensors(1.0).read([tmp_path]).items
    assert [items.read(number, RNG).values.tolist() for number in (0, 1)] == [[[1, 2], [3, 4]]] * 2
    (tmp_path / "c.csv").write_text("time,x\n0,1\n1,3\n")
    with pytest.raises(BadItemError, match=r"c\.csv: has the channels x, the first file has x, y; name those"):
        Sensors(1.0).read([tmp_path])


def test_a_window_in_its_context_is_the_window_and_what_lies_around_it(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv")
    items: Any = Sensors(100.0, seconds=2.0).read([tmp_path]).items
    exact = whole(items)
    for index in range(len(items)):
        found = items.read_in_context(index, Sight(steps=(0.16,)))
        begin, end = (round(edge * RATE) for edge in found.own)
        assert torch.equal(found.around.values[begin:end], found.item.values)
        first = round(found.around.start * RATE)
        assert torch.equal(found.around.values, exact[first : first + len(found.around.values)])
        assert first % 16 == 0, "elements lie on one lattice over the file"


def test_a_library_that_is_missing_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = hdf5(wide)(tmp_path)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"need the library h5py: pip install 'gestalt-ssl\[sensors\]'"):
        Sensors().read([path])


def test_series_come_from_python_too() -> None:
    items = Sensors(100.0).of_objects
    from gestalt.core.modality.in_python import Things

    things = [VALUES, torch.from_numpy(VALUES), Series(torch.zeros(4, 3), 100.0), np.full((3, 2), np.nan)]
    found = items(Things(things.__getitem__, 4, "series"))
    assert torch.equal(found.read(0, RNG).values, found.read(1, RNG).values)
    assert found.read(2, RNG).values.shape == (4, 3)
    with pytest.raises(BadItemError, match="series 4: holds NaN or infinity"):
        found.read(3, RNG)
