"""Columns of time: which column it is, its unit, and whether it runs evenly."""

import math
from collections.abc import Sequence
from typing import final

import numpy as np

from .day_numbers import DAY, refuse_day_numbers
from .moments import date_in_digits, is_of_day, moment_of
from .numbers import plain_float

CLOCKS = ("time", "timestamp", "datetime", "date_time", "t", "date", "clock", "seconds", "sec", "ts", "elapsed")
"""What columns of time are called, the likelier first: beside dates, `T` is a temperature."""
_NAMED = (
    *((1.0, "s sec secs second seconds"), (1e-3, "ms msec millis millisecond milliseconds")),
    *((1e-6, "us µs μs usec micros microsecond microseconds"), (1e-9, "ns nsec nanos nanosecond nanoseconds")),
    *((60.0, "min mins minute minutes"), (3600.0, "h hr hrs hour hours"), (86_400.0, "d day days")),
)
_NAME = {seconds: words.split()[-1] for seconds, words in _NAMED}
UNITS = {word: seconds for seconds, words in _NAMED for word in words.split()}
"""Seconds of a unit, by the words that say it."""
SINCE_1970 = 1e9
"""Seconds; larger numbers count from 1970, smaller ones from the beginning of the recording or of the day."""
FEW = 256
"""Moments that tell the usual interval of a clock."""
UNEVEN = 0.5
"""An interval that differs from the usual one by more than this share of it makes a clock irregular."""


LONG_UNITS = ((86_400.0, "days", "day"), (3600.0, "h", "hour"), (60.0, "min", "minute"), (1.0, "s", "second"))


def unit_of(name: str) -> tuple[str, float]:
    """A name of a column without its unit, in small letters, and the unit in seconds; 1 where none is named.

    Example:
        >>> unit_of("Time (ms)"), unit_of("time_us"), unit_of("t [s]"), unit_of("Date")
        (('time', 0.001), ('time', 1e-06), ('t', 1.0), ('date', 1.0))
    """
    words = name.lower().lstrip("# ").replace("_", " ")
    for mark in "()[]/":
        words = words.replace(mark, " ")
    parts = words.split()
    if len(parts) > 1 and parts[-1] in UNITS:
        return "_".join(parts[:-1]), UNITS[parts[-1]]
    return "_".join(parts), 1.0


def interval_said(rate: float) -> str:
    """Samples per second, or from one sample to the next where that is longer than a second.

    Example:
        >>> [interval_said(rate) for rate in (100.0, 1.0, 1 / 3600, 1 / 900, 1 / 90)]
        ['100 samples per second', '1 sample per second', 'a sample every hour', 'a sample every 15 min', ...]
    """
    if rate >= 1:
        return f"{rate:g} sample{'s' * (rate != 1)} per second"
    seconds = 1 / rate
    if seconds > 2 * LONG_UNITS[0][0]:
        return f"a sample every {seconds / LONG_UNITS[0][0]:.4g} days"
    whole = [
        pair for pair in LONG_UNITS if abs(seconds / pair[0] - round(seconds / pair[0])) < 1e-4 * seconds / pair[0]
    ]
    unit, name, one = next((pair for pair in whole if seconds > 0.9 * pair[0]), LONG_UNITS[-1])
    return f"a sample every {one}" if round(seconds / unit, 3) == 1 else f"a sample every {seconds / unit:.6g} {name}"


def clock_column(names: Sequence[str], named: str | None = None) -> int | None:
    """The number of the column of time: the one that is named, or the likeliest by its name; None if there is none.

    Raises:
        ValueError: if the one that is named is not there.

    Example:
        >>> clock_column(("x", "Time (ms)")), clock_column(("x", "y")), clock_column(("x", "y"), "y")
        (1, None, 1)
    """
    if named is not None:
        if named not in names:
            raise ValueError(f"has no column {named!r}, it has {', '.join(map(repr, names))}; name the column of time")
        return list(names).index(named)
    plain = [unit_of(name)[0].removesuffix("_utc").removesuffix("_gmt").removesuffix("_local") for name in names]
    return next((plain.index(known) for known in CLOCKS if known in plain), None)


@final
class Clock:
    """Seconds since the first moment; a clock that stands still, goes back or is irregular is refused where it does so.

    Numbers are in the unit that the name of their column says, or, where they count from 1970, in that which their size
    says (seconds, ms, µs, ns), and seconds otherwise, unless they are likely days (`refuse_day_numbers`); hours,
    minutes and seconds are h:mm:ss; everything else is a date with its time, as ISO 8601 has it.

    Args:
        irregular: take uneven intervals.
        name: of the column.
        first: what comes first in dates such as 02/01/1970, "month" or "day"; nothing where that is not known.

    Attributes:
        unit: of its moments in words, and how it is known, when there was one.

    Example:
        >>> clock = Clock(name="time (ms)")
        >>> [clock.tick(moment, "") for moment in ("100", "110", "120")], clock.rate()
        ([0.0, 0.01, 0.02], 100.0)
    """

    def __init__(self, irregular: bool = False, name: str = "", first: str = "") -> None:
        self.irregular, self._first = irregular, first
        self.last = math.nan
        self._name, self._scale = unit_of(name)
        self._told = self._name != unit_of(f"{name} s")[0]  # its unit
        self._column, self._in_digits, self._of_day = name, False, False
        self.unit = ""
        self._start = math.nan
        self._count = 0
        self._early: list[tuple[float, str]] = []
        self._usual = math.nan

    def tick(self, cell: str | float | int, place: str) -> float:
        """The next moment; `place` says where it is written.

        Raises:
            ValueError: if it is none, or does not go on as it should.
        """
        moment = moment_of(cell, self._first)
        if self._count == 0:
            self._begin(moment, isinstance(cell, str) and not _is_number(cell))
            self._of_day = isinstance(cell, str) and is_of_day(cell)
        if self._in_digits:
            moment = self._date(moment)
        if self._count == 0:
            self._start = moment
        second = (moment - self._start) * self._scale
        if self._count:
            self._check(second - self.last, place)
        self.last, self._count = second, self._count + 1
        return second

    def rate(self, written: Sequence[str] = ()) -> float:
        """Moments per second.

        Args:
            written: some of them as a text has them.

        Raises:
            ValueError: if there are fewer than two, they are irregular, or are likely days, not seconds.
        """
        self._judge()
        if self._count < 2:
            raise ValueError("its clock has fewer than two moments; a series has more")
        if not self._told:
            refuse_day_numbers(self._name, self._start, self._usual / self._scale, written)
        return 1 / self._usual if self.irregular else (self._count - 1) / self.last

    def _begin(self, moment: float, written: bool) -> None:
        """What the first moment says of the unit; `written` if it is a date or has colons."""
        self._in_digits = not self._told and not written and date_in_digits(moment) is not None
        epoch = 1.0 if written or self._in_digits or self._told else _epoch(moment)
        if written or self._in_digits:
            self.unit = "dates or hours, minutes and seconds" if written else "dates in digits"
            self.unit += f", the {self._first} first" if self._first else ""
        elif self._told:
            self.unit = f"{_NAME[self._scale]}, as its name says"
        elif moment > SINCE_1970:
            self.unit = f"{_NAME[epoch]} since 1970, by their size"
        else:
            self.unit = f"seconds, for its name says no unit (if it counts days, call it '{self._column} (days)')"
        self._told |= written or self._in_digits
        self._scale *= epoch

    def _date(self, moment: float) -> float:
        date = date_in_digits(moment)
        if date is None:
            raise ValueError(
                f"{moment:.15g} is no date in digits, as what comes before it; if these are seconds, call the column "
                f"'{self._column} (s)'"
            )
        return date

    def _check(self, step: float, place: str) -> None:
        if not step > 0:
            raise ValueError(
                f"its clock {'stands still' if step == 0 else 'goes back'} at {place} ({step:g} s); "
                f"{self._advice(step)}, or leave the clock aside by saying the rate"
            )
        if not math.isnan(self._usual):
            self._even(step, place)
            return
        self._early.append((step, place))
        if len(self._early) == FEW:
            self._judge()

    def _advice(self, step: float) -> str:
        if step == 0:
            return "keep one of the rows of one moment (where clocks are set back in autumn, write UTC), sort the rows"
        if self._of_day and -DAY <= step < -DAY / 2:
            return "hours begin anew at midnight: write dates and hours in one column"
        return "sort the rows"

    def _judge(self) -> None:
        """The usual interval is the median of the first ones."""
        if math.isnan(self._usual) and self._early:
            self._usual = float(np.median([step for step, _ in self._early]))
            for step, place in self._early:
                self._even(step, place)

    def _even(self, step: float, place: str) -> None:
        if not self.irregular and abs(step - self._usual) > UNEVEN * self._usual:
            raise ValueError(
                f"its clock is irregular: {step:g} s pass before {place}, and usually {self._usual:g} s; interpolate "
                "(irregular=true), cut the file where it has gaps, or leave the clock aside by saying the rate"
            )


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(plain_float(cell))
    except ValueError:
        return False


def _epoch(moment: float) -> float:
    """The unit of a moment that counts from 1970, by its size."""
    return next((unit for least, unit in ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3)) if moment > least), 1.0)
