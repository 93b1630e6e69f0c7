"""Moments in the cells of tables: numbers, hours, dates in several writings."""

import math
import re
from datetime import UTC, datetime

from .numbers import plain_float

HOURS = re.compile(r"\s*(\d+):([0-5]?\d):([0-5]?\d(?:[.,]\d*)?)\s*")
"""Hours, minutes and seconds; of two parts nobody knows which they are."""
DAY_FIRST = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})(?:,?[ T]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,6}))?)?)?")
"""Dates with full stops, whose day comes first wherever they are written."""
SLASHES = re.compile(r"(\d\d?)([/-])(\d\d?)\2(\d{4})(?:,?[ T]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,6}))?)?)?")
"""Dates with slashes or dashes and the year last: month first or day first, as one is told."""
TWELVE = re.compile(r"(.*?)(\d\d?):([0-5]\d)(?::([0-5]\d(?:[.,]\d*)?))?\s*([ap])\.?m\.?", re.IGNORECASE)
"""Hours from 1 to 12 before and after noon."""
YEAR_FIRST = re.compile(r"(\d{4})[/.](\d\d?)[/.](\d\d?)(.*)")
DIGITS = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Dates that are written as one number, by how many digits it has."""


def moment_of(cell: str | float | int, first: str = "") -> float:
    """A number as it is, h:mm:ss in seconds, a date in seconds since 1970 (UTC, unless it says another zone).

    Args:
        cell: the moment; hours may be those of two halves of a day (1:00:02 PM, 1:00 p.m.).
        first: what comes first in 02/01/1970, "month" or "day"; nothing where that is not known.

    Raises:
        ValueError: if it is none.

    Example:
        >>> moment_of("12.5"), moment_of("1:00:02"), moment_of("1970-01-01T00:01"), moment_of("02.01.1970 0:00")
        (12.5, 3602.0, 60.0, 86400.0)
        >>> moment_of("12:00:02 am"), moment_of("01/02/1970 1:00 PM", first="month")
        (2.0, 133200.0)
    """
    try:
        number = plain_float(cell) if isinstance(cell, str) else float(cell)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    text = _of_24_hours(str(cell).strip())
    parts = HOURS.fullmatch(text)
    if parts is not None:
        return 3600 * int(parts[1]) + 60 * int(parts[2]) + float(parts[3].replace(",", "."))
    moment = date_of(text, first)
    if moment is None:
        raise ValueError(f"{cell!r} is no time: write seconds, h:mm:ss, or dates such as 2024-05-01T12:00:00.25")
    return moment.timestamp()


def has_slashes(cell: str | float | int) -> bool:
    """Whether a cell is a date of which nobody knows whether the month comes first (02/01/1970, 2-1-1970 13:00)."""
    return SLASHES.fullmatch(_of_24_hours(str(cell).strip())) is not None


def is_of_day(cell: str) -> bool:
    """Whether a cell is a time of a day, without its date.

    Example:
        >>> is_of_day("1:00:02"), is_of_day("1:00 PM"), is_of_day("1970-01-01 1:00 PM")
        (True, True, False)
    """
    return HOURS.fullmatch(_of_24_hours(cell)) is not None


def date_of(text: str, first: str = "") -> datetime | None:
    """A date as ISO 8601 has it, with slashes or full stops and the year first, or with full stops and the day first.

    It is in UTC unless it says another zone; None for anything else.

    Args:
        text: the date.
        first: what comes first in 02/05/2024, "month" or "day"; nothing where that is not known, and it is no date.

    Example:
        >>> date_of("05.02.2024") == date_of("2024/2/5") == date_of("2024-02-05T00:00Z"), date_of("soon")
        (True, None)
        >>> date_of("2/5/2024"), date_of("2/5/2024", first="month") == date_of("05.02.2024")
        (None, True)
    """
    text = _of_24_hours(text)
    try:
        moment = _day_first(text) or _with_slashes(text, first) or datetime.fromisoformat(_with_dashes(text))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment.timestamp()
    except (ValueError, OverflowError):
        return None
    return moment


def date_in_digits(number: float) -> float | None:
    """Seconds since 1970 of a date in digits (20240501, 2024050112, 202405011200, …); None for other numbers.

    Of years from 1900 to 2100; of ten digits, which seconds since 1970 have, too, from 2000 on.

    Example:
        >>> [date_in_digits(number) for number in (19700102.0, 2000010100.0, 1714521600.0, 5.5)]
        [86400.0, 946684800.0, None, None]
    """
    if not 19_000_101 <= number < 1e15 or number != int(number):
        return None
    text = str(int(number))
    if len(text) not in DIGITS or text[:2] not in (("20",) if len(text) == 10 else ("19", "20")):
        return None
    try:
        return datetime.strptime(text, DIGITS[len(text)]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _day_first(text: str) -> datetime | None:
    found = DAY_FIRST.fullmatch(text)
    if found is None:
        return None
    day, month, year, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    return datetime(year, month, day, hour, minute, second, int((found[7] or "0").ljust(6, "0")), tzinfo=UTC)


def _with_slashes(text: str, first: str) -> datetime | None:
    found = SLASHES.fullmatch(text) if first else None
    if found is None:
        return None
    one, other, year, hour, minute, second = (int(found[place] or 0) for place in (1, 3, 4, 5, 6, 7))
    month, day = (one, other) if first == "month" else (other, one)
    return datetime(year, month, day, hour, minute, second, int((found[8] or "0").ljust(6, "0")), tzinfo=UTC)


def _of_24_hours(text: str) -> str:
    """A text that ends with hours of half a day, with those of the whole day; every other text as it is.

    Example:
        >>> _of_24_hours("12:05 AM"), _of_24_hours("2024-05-01 1:05:07.5 p.m."), _of_24_hours("13:05 PM")
        ('00:05:00', '2024-05-01 13:05:07.5', '13:05 PM')
    """
    found = TWELVE.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12:
        return text
    hour = int(found[2]) % 12 + 12 * (found[5].lower() == "p")
    return f"{found[1]}{hour:02d}:{found[3]}:{found[4] or '00'}"


def _with_dashes(text: str) -> str:
    """A date with slashes or full stops, whose year comes first, as ISO 8601 has it."""
    found = YEAR_FIRST.fullmatch(text)
    return text if found is None else f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}{found[4]}"
