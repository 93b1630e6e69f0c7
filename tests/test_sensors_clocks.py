"""Clocks of slow measurements: dates in every writing, units by their names, and rates said in words."""

from datetime import datetime, timedelta
from pathlib import Path

import h5py
import numpy as np
import pytest

from gestalt.core.data.items import BadItemError
from gestalt.core.tables.clock import clock_column, unit_of
from gestalt.modalities.sensors import Sensors
from gestalt.modalities.sensors.channels import How
from gestalt.modalities.sensors.reading import read_header, read_stretch

STEPS = {"minute": 60, "15 min": 900, "hour": 3600, "day": 86_400}
WRITINGS = (
    *(
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y/%m/%d %H:%M",
        "%d.%m.%Y %H:%M",
        "%d.%m.%Y, %H:%M:%S",
        "%Y.%m.%d %H:%M",
    ),
    *("%Y%m%d%H%M", "%Y%m%d%H%M%S"),
    *("%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%Y-%m-%d %I:%M %p"),
)


def table(path: Path, moments: list[str], name: str = "time") -> Path:
    rows = (f"{moment};{np.sin(place / 9):.4f}" for place, moment in enumerate(moments))
    path.write_text("\n".join([f"{name};x", *rows]) + "\n")
    return path


def dates(writing: str, step: float, count: int = 400) -> list[str]:
    begin = datetime(2024, 1, 28, 22, 0)
    return [(begin + timedelta(seconds=step * place)).strftime(writing) for place in range(count)]


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("said", STEPS)
def test_dates_in_every_writing_have_their_rate_and_say_it(writing: str, said: str, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", dates(writing, STEPS[said]))
    found = Sensors().at_rate(None, "conv", [path])
    assert found.sample_rate == 1 / STEPS[said]
    items = found.read([path]).items
    assert items.remarks[0] == f"1 channel, a sample every {said}: 'x'"  # type: ignore[attr-defined]
    assert "the clock is 'time', in dates" in items.remarks[1]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("writing", "step"), [("%Y%m%d", 86_400), ("%Y%m%d%H", 3600), ("%d.%m.%Y", 86_400)])
def test_dates_without_minutes_are_dates(writing: str, step: int, tmp_path: Path) -> None:
    assert read_header(table(tmp_path / "a.csv", dates(writing, step)), How()).rate == pytest.approx(1 / step)


@pytest.mark.parametrize(("first", "writing"), [("month", "%m/%d/%Y"), ("day", "%d/%m/%Y")])
@pytest.mark.parametrize("hours", ["%H:%M:%S", "%I:%M:%S %p"])
def test_the_clock_says_whether_the_month_comes_first(first: str, writing: str, hours: str, tmp_path: Path) -> None:
    moments = [datetime(2024, 5, 1, 22) + timedelta(minutes=10 * place) for place in range(100)]  # 1 and 2 May
    header = read_header(table(tmp_path / "a.csv", [one.strftime(f"{writing} {hours}") for one in moments]), How())
    assert header.rate == pytest.approx(1 / 600)
    assert header.table is not None
    assert header.table.told.endswith(f"dates or hours, minutes and seconds, the {first} first")
    uneven = [one.strftime(f"{writing} {hours}") for place, one in enumerate(moments) if place % 7]
    path = table(tmp_path / "b.csv", [*uneven, f"{'6/30' if first == 'month' else '30/6'}/2024 0:00:00"])
    how = How(irregular=True)
    found = read_stretch(path, read_header(path, how), how, 1 / 600, 3, 2)
    assert np.allclose(found[:, 0], [np.sin(place / 9) for place in (3, 4)], atol=2e-3)


def test_dates_that_may_be_read_in_two_ways_are_refused(tmp_path: Path) -> None:
    days = [f"{place + 1}/{place + 1}/2024" for place in range(12)]
    path = table(tmp_path / "a.csv", [f"01/{place + 1:02d}/2024" for place in range(12)])
    with pytest.raises(BadItemError, match=r"dates such as '01/01/2024'.*month may come first as well as the day"):
        read_header(path, How())
    assert read_header(path, How(rate=1.0)).rate == 1
    assert read_header(table(tmp_path / "a.csv", days), How()).rate > 0  # the same in both
    with pytest.raises(BadItemError, match=r"a\.csv:3: '01/32/2024' is no time"):
        read_header(table(tmp_path / "a.csv", ["01/31/2024", "01/32/2024"]), How())


def test_halves_of_a_day_go_on_at_noon_and_midnight(tmp_path: Path) -> None:
    begin = datetime(2024, 5, 1, 0, 59)
    hours = [f"{begin + timedelta(minutes=place):%I:%M %p}" for place in range(1380)]
    assert read_header(table(tmp_path / "a.csv", hours), How()).rate == pytest.approx(1 / 60)
    with pytest.raises(BadItemError, match=r"begin anew at midnight: write dates and hours in"):
        read_header(table(tmp_path / "a.csv", [*hours, "12:00 AM"]), How())


def test_a_number_that_is_no_date_among_dates_in_digits_is_named(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [*dates("%Y%m%d", 86_400, 3), "20240131", "20240132"])
    with pytest.raises(BadItemError, match=r"a\.csv:6: 20240132 is no date in digits.*'time \(s\)'"):
        read_header(path, How())
    path = table(tmp_path / "a.csv", [str(20240101 + place) for place in range(400)], "time (s)")
    assert read_header(path, How()).rate == 1


@pytest.mark.parametrize("first", [738_960.5, 2_460_000.5])
@pytest.mark.parametrize("step", [600, 900, 3600])
def test_days_that_are_more_than_a_day_has_seconds_are_no_seconds(first: float, step: int, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [repr(first + place * step / 86_400) for place in range(400)])
    with pytest.raises(BadItemError, match=r"likely days.*time \(days\)"):
        read_header(path, How())


@pytest.mark.parametrize("days", [1, 1 / 24])
def test_years_are_no_seconds(days: float, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [repr(2020 + place * days / 365.25) for place in range(400)])
    with pytest.raises(BadItemError, match=r"likely years.*write dates"):
        read_header(path, How())


@pytest.mark.parametrize(
    ("name", "scale"),
    [("time (hours)", 3600), ("elapsed_minutes", 60), ("time [hr]", 3600), ("t msec", 1e-3), ("Time (day)", 86_400)],
)
def test_units_are_known_in_words(name: str, scale: float) -> None:
    assert unit_of(name)[1] == scale
    assert clock_column(("x", name)) == 1


def test_the_zone_of_a_clock_is_no_part_of_its_name() -> None:
    assert clock_column(("x", "time_utc", "timestamp (UTC)")) == 1
    assert clock_column(("x", "Datetime (local)")) == 1


def test_the_unit_of_a_clock_is_said(tmp_path: Path) -> None:
    for name, moments, said in (
        ("time", range(9), "seconds, for its name says no unit (if it counts days, call it 'time (days)')"),
        ("time (h)", range(9), "hours, as its name says"),
        ("time", range(1_700_000_000_000, 1_700_000_009_000, 1000), "milliseconds since 1970, by their size"),
        ("ts", range(1_700_000_000, 1_700_000_009), "seconds since 1970, by their size"),
    ):
        header = read_header(table(tmp_path / "a.csv", list(map(str, moments)), name), How())
        assert header.table is not None
        assert header.table.told == f"{name!r}, in {said}"


def test_hours_since_a_date_are_hours_in_hdf5_and_an_unknown_unit_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["time"] = np.arange(50.0), 1_043_148 + np.arange(50)
        file["time"].attrs["units"] = "hours since 1900-01-01 00:00:00.0"
    assert read_header(tmp_path / "a.h5", How()).rate == pytest.approx(1 / 3600)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["time"].attrs["units"] = "fortnights"
    with pytest.raises(BadItemError, match=r"a clock 'time' in 'fortnights', a unit that is not known.*rate"):
        read_header(tmp_path / "a.h5", How())


def test_the_rate_of_most_files_is_theirs_to_the_last_digit_that_counts(tmp_path: Path) -> None:
    import soundfile

    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, np.sin(np.arange(5000.0)), 11_025)
    assert Sensors().at_rate(None, "conv", [tmp_path]).sample_rate == 11_025


def test_a_clock_that_does_not_go_on_is_named_with_what_to_do(tmp_path: Path) -> None:
    hours = [f"{(22 + place // 60) % 24:02d}:{place % 60:02d}:00" for place in range(300)]
    with pytest.raises(BadItemError, match=r"goes back at line 122.*begin anew at midnight: write dates and hours in"):
        read_header(table(tmp_path / "a.csv", hours), How())
    with pytest.raises(BadItemError, match=r"stands still at line 4.*keep one of the rows of one moment"):
        read_header(table(tmp_path / "a.csv", ["0", "1", "1", "2"]), How())
    with pytest.raises(BadItemError, match=r"goes back at line 4 \(-1 s\); sort the rows"):
        read_header(table(tmp_path / "a.csv", ["0", "2", "1", "3"]), How())


def test_columns_that_are_no_channels_are_named_where_none_is(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,volts\n" + "".join(f"{place},{place} V\n" for place in range(20)))
    with pytest.raises(BadItemError, match=r"20 samples of 0 channels.*the columns 'volts' hold other than numbers"):
        read_header(tmp_path / "a.csv", How())


@pytest.mark.parametrize("ending", ["bdf", "npz", "mat", "xlsx", "parquet"])
def test_forms_that_are_not_read_are_named(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"a.{ending}").write_bytes(b"\xffBIOSEMI" + bytes(300))
    with pytest.raises(BadItemError, match=rf"a\.{ending}: is .*, which is not read; "):
        Sensors().read([tmp_path / f"a.{ending}"])


def test_months_are_said_in_days(tmp_path: Path) -> None:
    months = [f"{2000 + place // 12}-{place % 12 + 1:02d}-01" for place in range(60)]
    modality = Sensors().at_rate(None, "conv", [table(tmp_path / "a.csv", months)])
    assert modality.read([tmp_path]).items.remarks[0].startswith("1 channel, a sample every 30.4")  # type: ignore[attr-defined]


def test_a_file_that_is_much_slower_than_the_rate_is_named(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", dates("%Y-%m-%d %H:%M", 86_400))
    with pytest.raises(BadItemError, match=r"a sample every day, and is to be read at 100 samples per second"):
        Sensors().read([path])
    assert len(Sensors(1 / 86_400).read([path]).items) == 1


def test_a_temperature_beside_dates_is_no_clock() -> None:
    assert clock_column(("T", "datetime", "RH")) == 1
    assert clock_column(("T", "x")) == 0
