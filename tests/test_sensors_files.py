"""Series in files of every form: what is read is what was written."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.windows import Sight
from gestalt.core.tables.series import BLOCK
from gestalt.modalities.sensors import SensorFiles, Sensors, Series
from gestalt.modalities.sensors.channels import How
from gestalt.modalities.sensors.reading import read_header, read_stretch
from tests.series_files import NAMES, RATE, write_table
from tests.series_forms import (
    SMALL,
    VALUES,
    array,
    beside,
    dates,
    edf,
    flat,
    hdf5,
    named_rows,
    nwb,
    rows,
    sound,
    table,
    two,
    wide,
)

RNG = np.random.default_rng(0)
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


@pytest.mark.parametrize("fill", ["last", "linear"])
def test_what_is_filled_in_depends_on_no_window(fill: str, tmp_path: Path) -> None:
    gaps = {*range(20, 25), *range(60, 64), 0, 99}
    (tmp_path / "a.csv").write_text(
        "time,x\n" + "".join(f"{place},{'' if place in gaps else place}\n" for place in range(100))
    )
    how = How(fill=fill)
    header = read_header(tmp_path / "a.csv", how)
    expected = read_stretch(tmp_path / "a.csv", header, how, 1.0, 0, 100)[:, 0]
    assert expected[20:25].tolist() == ([19] * 5 if fill == "last" else list(range(20, 25)))
    for first in range(0, 94):
        found = read_stretch(tmp_path / "a.csv", header, how, 1.0, first, 6)[:, 0]
        assert found.tolist() == expected[first : first + 6].tolist()
