"""Moments in the cells of tables: numbers, hours, dates in several writings."""

import math
import re
from datetime import UTC, datetime

HOURS = re.compile(r"\s*(\d+):([0-5]?\d):([0-5]?\d(?:[.,]\d*)?)\s*")
"""Hours, minutes and seconds; of two parts nobody knows which they are."""
DAY_FIRST = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})(?:,?[ T]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,6}))?)?)?")
"""Dates with full stops, whose day comes first wherever they are written; with slashes nobody knows."""
YEAR_FIRST = re.compile(r"(\d{4})[/.](\d\d?)[/.](\d\d?)(.*)")
DIGITS = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Dates that are written as one number, by how many digits it has."""


def moment_of(cell: str | float | int) -> float:
    """A number as it is, h:mm:ss in seconds, a date in seconds since 1970 (UTC, unless it says another zone).

    Raises:
        ValueError: if it is none.

    Example:
        >>> moment_of("12.5"), moment_of("1:00:02"), moment_of("1970-01-01T00:01"), moment_of("02.01.1970 0:00")
        (12.5, 3602.0, 60.0, 86400.0)
    """
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    text = str(cell).strip()
    parts = HOURS.fullmatch(text)
    if parts is not None:
        return 3600 * int(parts[1]) + 60 * int(parts[2]) + float(parts[3].replace(",", "."))
    moment = date_of(text)
    if moment is None:
        raise ValueError(f"{cell!r} is no time: write seconds, h:mm:ss, or dates such as 2024-05-01T12:00:00.25")
    return moment.timestamp()


def date_of(text: str) -> datetime | None:
    """A date as ISO 8601 has it, with slashes or full stops and the year first, or with full stops and the day first.

    It is in UTC unless it says another zone; None for anything else.

    Example:
        >>> date_of("05.02.2024") == date_of("2024/2/5") == date_of("2024-02-05T00:00Z"), date_of("soon")
        (True, None)
    """
    try:
        moment = _day_first(text) or datetime.fromisoformat(_with_dashes(text))
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


def _with_dashes(text: str) -> str:
    """A date with slashes or full stops, whose year comes first, as ISO 8601 has it."""
    found = YEAR_FIRST.fullmatch(text)
    return text if found is None else f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}{found[4]}"
