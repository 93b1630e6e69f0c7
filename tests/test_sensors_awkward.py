"""Files of series as loggers, spreadsheets and other programs write them."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import edfio
import h5py
import numpy as np
import pytest

from gestalt.core.data.items import BadItemError, Remarked
from gestalt.modalities.sensors import SensorFiles, Sensors
from gestalt.modalities.sensors.channels import How
from gestalt.modalities.sensors.reading import read_header, read_stretch

RNG = np.random.default_rng(0)
VALUES = np.round(np.random.default_rng(1).normal(size=(400, 2)), 4)
RATE = 50.0
HMS = [f"{place // 180_000:d}:{place // 3000 % 60:02d}:{place / 50 % 60:05.2f}" for place in range(400)]
MIDNIGHT = [f"0:00:{place / 50:05.2f}" for place in range(400)]


def table(head: str, times: list[str] | None = None, delimiter: str = ",") -> str:
    said = times or [f"{place / RATE:.2f}" for place in range(400)]
    rows = [delimiter.join([time, *map(str, row)]) for time, row in zip(said, VALUES.tolist(), strict=True)]
    return "\n".join([head, *rows]) + "\n"


def read(path: Path, **settings: Any) -> np.ndarray:
    """The first window of a file."""
    items = Sensors(sample_rate=RATE, **settings).read([path]).items
    assert isinstance(items, SensorFiles)
    return np.asarray(items.read(0, RNG).values)


@pytest.mark.parametrize(
    "text",
    [
        table("# Device: X200, serial 12\n# fs 50\n\ntime,x,y"),
        table("# 2024-05-01, run 7, by me\ntime,x,y"),
        table("# exported\n# time,x,y"),
        table("# time x y", delimiter=" ").replace(" ", "\t").replace("#\t", "# "),
        table("time,x,y", MIDNIGHT),
        table("time,x,y", HMS),
        table("time,x,y", [f" {time.replace('.', ',')}" for time in HMS], ";").replace("time,x,y", "time;x;y"),
    ],
)
def test_remarks_above_the_header_and_clocks_of_hours_are_understood(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert np.allclose(read(tmp_path / "a.csv"), VALUES, atol=1e-6)


def test_a_time_of_two_parts_is_refused_since_nobody_knows_which_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,x\n00:00,1\n00:01,2\n")
    with pytest.raises(BadItemError, match=r"a\.csv:2: '00:00' is no time: write seconds, h:mm:ss, or dates"):
        read(tmp_path / "a.csv")


def test_tables_in_other_encodings_are_read_where_the_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(table("time,x [m/s²],Höhe").encode("cp1252"))
    with pytest.raises(BadItemError, match=r"is not in UTF-8.*encoding=cp1252"):
        read(path)
    items = Sensors(sample_rate=RATE, encoding="cp1252").read([path]).items
    series = items.read(0, RNG)
    assert series.names == ("x [m/s²]", "Höhe")
    assert np.allclose(series.values, VALUES, atol=1e-6)
    with pytest.raises(ValueError, match="no encoding 'klingon'"):
        Sensors(encoding="klingon")


def test_a_compressed_table_is_refused_by_name(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
        file.write(table("time,x,y"))
    with pytest.raises(BadItemError, match=r"is compressed.*unpack it"):
        read(tmp_path / "a.csv.gz")


def said(value: Any) -> Callable[[Any], object]:
    def write(file: Any) -> None:
        file["acc"] = VALUES
        file["acc"].attrs["fs"] = value

    return write


def beside(file: Any) -> None:
    """As MATLAB has it: every number is a matrix."""
    file["acc"], file["fs"], file["gain"] = VALUES.T, np.array([[RATE]]), np.array([[2.0]])


@pytest.mark.parametrize("layout", [said("50 Hz"), said(b"50"), said("0.05 kHz"), said(np.array([50, 50, 50])), beside])
def test_rates_of_hdf5_are_read_as_they_are_written(layout: Callable[[Any], object], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        layout(file)
    assert np.allclose(read(tmp_path / "a.h5"), VALUES, atol=1e-6)


@pytest.mark.parametrize("value", [np.array([50.0, 100.0]), "fast", np.zeros(0)])
def test_a_rate_of_hdf5_that_is_none_is_refused_as_it_is_written(value: Any, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        said(value)(file)
    with pytest.raises(BadItemError, match=r"says (50.0, 100.0|fast|nothing) in 'fs', expected one number"):
        read(tmp_path / "a.h5")


@pytest.mark.parametrize("form", ["frame", "frame_table"])
def test_stores_of_pandas_are_refused_by_name_with_what_to_do(form: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("df")
        group.attrs["pandas_type"] = np.bytes_(form)
        if form == "frame":
            group["block0_values"], group["axis1"] = VALUES, np.arange(400)
        else:
            rows = np.zeros(400, dtype=[("index", "i8"), ("values_block_0", "f8", (2,))])
            group["table"] = rows
    with pytest.raises(BadItemError, match=r"store of pandas.*pandas\.read_hdf\(FILE, 'df'\)\.to_csv"):
        read(tmp_path / "a.h5", rate=RATE)


def test_a_file_of_annotations_alone_is_called_so(tmp_path: Path) -> None:
    edfio.Edf([], annotations=[edfio.EdfAnnotation(0, 30, "awake")]).write(tmp_path / "a.edf")
    with pytest.raises(BadItemError, match=r"holds annotations alone, no signals: name it with --masks"):
        read(tmp_path / "a.edf")


def test_what_is_read_as_channels_and_what_is_not_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,x,note\n0,1,up\n1,2,up\n2,1,down\n")
    items = Sensors(sample_rate=1.0).read([tmp_path]).items
    assert isinstance(items, Remarked)
    assert list(items.remarks) == [
        "1 channel, 1 sample per second: 'x'",
        "the clock is 'time', in seconds, for its name says no unit (if it counts days, call it 'time (days)')",
        "no channel: 'note' (named otherwise, or no numbers)",
    ]


def test_edf_that_is_being_recorded_is_read_up_to_its_last_whole_record(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=3000)
    signals = [edfio.EdfSignal(values, 100, label="a"), edfio.EdfSignal(values[:300], 10, label="b")]
    path, how = tmp_path / "a.edf", How()
    edfio.Edf(signals).write(path)
    whole, before = path.read_bytes(), read_header(path, how)
    for cut, samples in ((0, 3000), (700, 2600)):
        path.write_bytes(whole[:236] + b"-1      " + whole[244 : len(whole) - cut])
        header = read_header(path, how)
        assert header == replace(before, samples=samples)
        assert np.abs(read_stretch(path, header, how, 100.0, 0, samples)[:, 0] - values[:samples]).max() < 1e-3
    for content, said in (
        (whole[:236] + b"-1      " + whole[244:768], r"is being recorded \(-1 records\), and has no whole record"),
        (whole[:-700], r"is cut off: its header says 30 records, and 26\.8 are there \(700 bytes are missing\)"),
        (whole[:-1], r"is cut off: its header says 30 records, .* \(1 byte is missing\)"),
        (whole + b"\0", "goes on after its end: its header says 30 records, and 1 byte follows them"),
        (
            whole[:236] + b"20      " + whole[244:],
            r"goes on after its end: its header says 20 records, and 2200 bytes follow them",
        ),
    ):
        path.write_bytes(content)
        with pytest.raises(BadItemError, match=said):
            read_header(path, how)


def spread(number: float, digits: int) -> str:
    """A number with at most so many digits, as spreadsheets write it: no zeros at the end."""
    return f"{number:.{digits}g}"


@pytest.mark.parametrize(
    ("name", "seconds", "digits"),
    [
        *(("time", seconds, 17) for seconds in (0.1, 1, 10, 60)),
        *(("date", seconds, 17) for seconds in (0.1, 1, 10, 60, 7, 3600)),
        *(("time", seconds, digits) for seconds in (60, 300, 600, 900, 1800, 3600) for digits in (10, 15, 17)),
    ],
)
def test_days_of_a_spreadsheet_are_not_read_as_seconds(tmp_path: Path, seconds: float, name: str, digits: int) -> None:
    days = [spread(45000.5 + place * seconds / 86400, digits) for place in range(400)]
    path = tmp_path / "a.csv"
    path.write_text(table(f"{name},x,y", days))
    with pytest.raises(BadItemError, match=rf"likely days of a spreadsheet.*{name} \(days\).*{name} \(s\)"):
        read_header(path, How())
    path.write_text(table(f"{name} (days),x,y", days))
    assert read_header(path, How()).rate == pytest.approx(1 / seconds, rel=1e-3)
    path.write_text(table(f"{name} (s),x,y", days))
    assert read_header(path, How()).rate == pytest.approx(86400 / seconds, rel=1e-3)
    assert read_header(path, How(rate=5.0)).rate == 5


RATES = (
    *(1, 2, 10, 24, 25, 48, 50, 60, 64, 96, 100, 120, 128, 144, 200, 240, 256, 288, 500, 512, 1000, 4096, 16_000),
    *(44_100, 48_000, 96_000, 176_400, 192_000, 250_000, 384_000, 500_000, 1_000_000, 2_000_000),
)


@pytest.mark.parametrize("form", ["r", ".6f", ".9f"])
def test_seconds_of_a_day_are_no_days(tmp_path: Path, form: str) -> None:
    for first, rate in product((32_400.0, 45_000.5), RATES):
        if form != ".6f" or rate < 5000:
            moments = [first + place / rate for place in range(400)]
            texts = [repr(moment) if form == "r" else f"{moment:{form}}" for moment in moments]
            (tmp_path / "a.csv").write_text(table("time,x,y", texts))
            if form == "r" and rate in (24, 48, 96, 144, 288):  # hours to five minutes in days: the same numbers
                with pytest.raises(BadItemError, match=r"likely days.*'time \(s\)' if they are seconds"):
                    read_header(tmp_path / "a.csv", How())
                (tmp_path / "a.csv").write_text(table("time (s),x,y", texts))
            assert read_header(tmp_path / "a.csv", How()).rate == pytest.approx(rate, rel=1e-3)


def test_days_in_hdf5_are_not_read_as_seconds(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["time"] = VALUES, 45000.5 + np.arange(400) / 24
    with pytest.raises(BadItemError, match=r"likely days of a spreadsheet.*time \(days\)"):
        read_header(tmp_path / "a.h5", How())
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["time"].attrs["units"] = "days"
    assert read_header(tmp_path / "a.h5", How()).rate == pytest.approx(1 / 3600)


@pytest.mark.parametrize("flat", [False, True])
def test_numbers_of_hdf5_are_those_for_which_they_stand(tmp_path: Path, flat: bool) -> None:
    stored = np.round(VALUES * 100).astype(np.int16)
    expected = stored * 0.01 + 20
    stored[7, 1] = -32768
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, values in {"x": stored[:, 0], "y": stored[:, 1]}.items() if flat else [("acc", stored)]:
            file[name] = values
            file[name].attrs.update(scale_factor=0.01, add_offset=[20.0], _FillValue=np.int16(-32768))
            file[name].attrs["fs"] = RATE
    with pytest.raises(BadItemError, match=r"no value of .* at 0\.140 s.*fill=linear"):
        read(tmp_path / "a.h5")
    expected[7, 1] = expected[[6, 8], 1].mean()
    assert np.allclose(read(tmp_path / "a.h5", fill="linear"), expected, atol=1e-5)


def test_an_attribute_that_says_not_in_one_number_what_numbers_stand_for_is_named(tmp_path: Path) -> None:
    for attribute, value in (("scale_factor", [0.1, 0.2]), ("_FillValue", "none"), ("add_offset", b"5")):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["acc"] = VALUES
            file["acc"].attrs["fs"], file["acc"].attrs[attribute] = RATE, value
        with pytest.raises(BadItemError, match=rf"'{attribute}' of 'acc' that is not one number"):
            read(tmp_path / "a.h5")


def test_a_quotation_mark_between_tabs_shifts_no_rows(tmp_path: Path) -> None:
    notes = ['"wet' if place in (5, 9) else '"said ""dry"""' if place == 7 else "dry" for place in range(40)]
    rows = [f"{place / 10}\t{place}\t{note}" for place, note in enumerate(notes)]
    (tmp_path / "a.tsv").write_text("\n".join(["time\tx\tnote", *rows]) + "\n")
    header = read_header(tmp_path / "a.tsv", How())
    assert header.names == ("x",)
    found = read_stretch(tmp_path / "a.tsv", header, How(), header.rate, 0, 20)
    assert found[:, 0].tolist() == list(range(20))


def test_tables_that_were_joined_are_read_across_their_marks(tmp_path: Path) -> None:
    parts = ["\ufeffx,y\n" + "".join(f"{place},{2 * place}\n" for place in own) for own in (range(20), range(20, 40))]
    (tmp_path / "a.csv").write_text("".join(parts), encoding="utf-8")
    how = How(rate=10.0)
    found = read_stretch(tmp_path / "a.csv", read_header(tmp_path / "a.csv", how), how, 10.0, 0, 40)
    assert found.tolist() == [[place, 2 * place] for place in range(40)]


@pytest.mark.parametrize("head", ["time,x,x", "time,x,time"])
def test_two_columns_of_one_name_are_refused(head: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\n".join([head, *(f"{place},{2 * place},{-place}" for place in range(30))]) + "\n")
    with pytest.raises(BadItemError, match=r"a\.csv: has several columns '(x|time)'; rename all but one"):
        read_header(tmp_path / "a.csv", How())
