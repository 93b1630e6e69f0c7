"""Dates in the cells of tables."""

from datetime import UTC, datetime

from .moments import date_of

DAY = 86_400.0
"""Seconds."""
FIRST, LAST = -62_135_596_800, 253_402_300_799
"""Seconds from 1970 to the first and to the last moment that a date can say."""


def day_in(text: str) -> float | None:
    """Days since 1970 of a date (`date_of`); None for anything else.

    Example:
        >>> day_in("1970-01-02"), day_in("1970-01-02T12:00:00Z"), day_in("02.01.1970"), day_in("soon")
        (1.0, 1.5, 1.0, None)
    """
    moment = date_of(text)
    return None if moment is None else moment.timestamp() / DAY


def minute_of(days: float) -> str:
    """A date to the minute, as ISO 8601 has it, in UTC; the last minute of all for what rounds to a later one.

    Example:
        >>> minute_of(1.5), minute_of(2_932_896.99999)
        ('1970-01-02T12:00', '9999-12-31T23:59')
    """
    seconds = min(max(60 * round(days * DAY / 60), FIRST), LAST)
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:16]
