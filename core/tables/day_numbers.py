"""Days as spreadsheets, MATLAB and astronomers number them, which look like seconds."""

from collections.abc import Sequence

DAYS = ((20_000, 80_000), (700_000, 760_000), (2_434_000, 2_490_000))
"""The days of our time, counted from 1900, from the year 0, and Julian ones."""
DAY = 86_400
STEPS = (
    *(0.001, 0.002, 0.004, 0.005, 0.01, 0.02, 0.04, 0.05, 0.1, 0.2, 0.25, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0),
)
"""Seconds that are likely to pass from one moment to the next. Read as seconds, these steps in days would be 720, 1440,
2880 … samples per second, up to 86,400 and many times as many: rates that hardly any recorder has."""
LONG_STEPS = (300.0, 600.0, 900.0, 1800.0, 3600.0)
"""Others, which would be 288, 144, 96, 48 and 24 samples per second, as recorders have them."""
YEARS, YEAR = (1800, 2200), 365.25
"""Years with a part of them, and their days."""
DATES = ("date", "datetime", "date_time")
SHOWN, FULL = 10, 15
"""Digits of the longest number: as a cell of a spreadsheet shows it; all of it, or more, where a program wrote it."""


def refuse_day_numbers(name: str, first: float, step: float, cells: Sequence[str] = ()) -> None:
    """Refuse numbers that are likely days, where they would be read as seconds.

    They are numbers of days of our time, and one of these holds: the column is one of dates; they are a step of a clock
    apart that makes no usual rate (`STEPS`: a minute is 0.000694444 days); or they are one of `LONG_STEPS` apart (an
    hour is 0.0416667 days), and written as spreadsheets do, or with all digits, as programs do. Moments of a day in
    seconds lie in the same range, and 24 of them in a second are the same numbers as hours in days: of all digits
    nobody knows which they are, with fewer, as loggers write them, they are taken for seconds. Days from the year 0
    and Julian ones are more than a day has seconds: how they are written does not matter.

    So are years, a day or an hour apart: 2024.0027.

    Args:
        name: of the column, which says no unit.
        first: the first number.
        step: the usual one from one number to the next.
        cells: some of the numbers as they are written; nothing where they are no text.

    Raises:
        ValueError: saying what to call the column.

    Example:
        >>> refuse_day_numbers("time", 45000.5, 0.01)
        >>> refuse_day_numbers("time", 45000.5, 1 / 24, ("45000.500000", "45000.541667"))
        >>> refuse_day_numbers("time", 45000.5, 1 / 24, ("45000.5", "45000.54167"))
        Traceback (most recent call last):
        ValueError: has times from 45000.5 on in steps of 0.0416667, likely days of a spreadsheet, and they would be ...
    """
    if YEARS[0] <= first < YEARS[1] and any(abs(step * YEAR - days) < 0.005 * days for days in (1, 1 / 24)):
        raise ValueError(
            f"has times from {first:.10g} on in steps of {step:.6g}, likely years, and they would be read as seconds; "
            f"write dates, call the column '{name} (s)' if they are seconds, or say the rate (rate=…)"
        )
    if not any(begin <= first < end for begin, end in DAYS):
        return
    if (
        name in DATES
        or _is_one(step, STEPS)
        or (_is_one(step, LONG_STEPS) and (first > DAY or _as_spreadsheets(cells)))
    ):
        raise ValueError(
            f"has times from {first:.10g} on in steps of {step:.6g}, likely days of a spreadsheet, and they would be "
            f"read as seconds; call the column '{name} (days)', or '{name} (s)' if they are seconds"
        )


def _is_one(step: float, steps: Sequence[float]) -> bool:
    return any(abs(step * DAY - own) < 0.01 * own for own in steps)


def _as_spreadsheets(cells: Sequence[str]) -> bool:
    """Whether the longest number has as many digits as spreadsheets write, or all, and none ends with a zero behind the
    point.

    Example:
        >>> _as_spreadsheets(("45000", "45000.0416666667")), _as_spreadsheets(("45000.00000", "45000.04167"))
        (True, False)
        >>> _as_spreadsheets(("45000.0", repr(45000.5 + 1 / 24)))
        True
    """
    texts = [cell.strip().replace(",", ".").removesuffix(".0") for cell in cells]  # programs write whole numbers so
    longest = max((sum(map(str.isdigit, text)) for text in texts), default=0)
    return (longest == SHOWN or longest >= FULL) and not any("." in text and text.endswith("0") for text in texts)
