"""Days as spreadsheets, MATLAB and astronomers number them, which look like seconds."""

DAYS = ((20_000, 80_000), (700_000, 760_000), (2_434_000, 2_490_000))
"""The days of our time, counted from 1900, from the year 0, and Julian ones."""
DAY = 86_400
STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
"""Seconds that are likely to pass from one moment to the next; as days they are no step of a sample rate."""
DATES = ("date", "datetime", "date_time")


def refuse_day_numbers(name: str, first: float, step: float) -> None:
    """Refuse numbers that are likely days, where they would be read as seconds.

    They are numbers of days of our time, and in a column of dates, or a step of a clock apart: an hour is 0.0416667
    days, a second 0.0000116. What lies nearer together is as likely a fraction of a second in days.

    Args:
        name: of the column, which says no unit.
        first: the first number.
        step: the usual one from one number to the next.

    Raises:
        ValueError: saying what to call the column.

    Example:
        >>> refuse_day_numbers("time", 45000.5, 0.01)
        >>> refuse_day_numbers("time", 45000.5, 1 / 24)
        Traceback (most recent call last):
        ValueError: has times from 45000.5 on in steps of 0.0416667, likely days of a spreadsheet, and they would be ...
    """
    seconds = step * DAY
    stepped = seconds < 1 or any(abs(seconds - own) < 0.01 * own for own in STEPS)
    if any(begin <= first < end for begin, end in DAYS) and (stepped or name in DATES):
        raise ValueError(
            f"has times from {first:.10g} on in steps of {step:.6g}, likely days of a spreadsheet, and they would be "
            f"read as seconds; call the column '{name} (days)', or '{name} (s)' if they are seconds"
        )
