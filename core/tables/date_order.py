"""What comes first in a column of dates such as 02/01/2024, the month or the day: that by which its clock runs."""

from collections.abc import Iterable

from .clock import Clock
from .moments import has_slashes

ORDERS = ("month", "day")


def what_comes_first(cells: Iterable[str | float], irregular: bool = False) -> str:
    """ "month" or "day" if the first cell is such a date, and nothing otherwise.

    Both are tried, moment by moment, until one is no date, or lets the clock stand still, go back or run unevenly. No
    more is read than that takes. Where neither is possible, it is the one that was so for longer.

    Args:
        cells: of the column, in their order.
        irregular: take uneven intervals.

    Raises:
        ValueError: if both are possible and do not give the same rate.

    Example:
        >>> what_comes_first(["01/31/2024 23:00", "02/01/2024 00:00"]), what_comes_first(["2024-01-31"])
        ('month', '')
        >>> what_comes_first(["1/2/2024", "1/3/2024"])
        Traceback (most recent call last):
        ValueError: has dates such as '1/2/2024', and the month may come first as well as the day; write the year first
    """
    clocks = {first: Clock(irregular, first=first) for first in ORDERS}
    example: str | float | None = None
    for cell in cells:
        if example is None:
            example = cell
            if not has_slashes(cell):
                return ""
        going = {first: clock for first, clock in clocks.items() if _goes_on(clock, cell)}
        if len(going) < 2:
            return next(iter(going or clocks))
    if example is None:
        return ""
    rates = {first: rate for first, clock in clocks.items() if (rate := _rate(clock))}
    if len(rates) == 2 and abs(rates["month"] / rates["day"] - 1) > 1e-6:
        raise ValueError(
            f"has dates such as {example!r}, and the month may come first as well as the day; write the year first"
        )
    return next(iter(rates or clocks))


def _goes_on(clock: Clock, cell: str | float) -> bool:
    try:
        clock.tick(cell, "")
    except ValueError:
        return False
    return True


def _rate(clock: Clock) -> float | None:
    try:
        return clock.rate()
    except ValueError:
        return None
