"""Numbers with their units as one says them: 3.2 h, 1.5 million pixels."""

SCALES = ((1e9, " billion"), (1e6, " million"), (1e3, " thousand"))
TIMES = ((86_400.0, "days"), (3600.0, "h"), (60.0, "min"))


def amount(value: float | int, unit: str) -> str:
    """A number with its unit, a noun in the plural; seconds as a duration.

    Example:
        >>> amount(1_530_000, "pixels"), amount(7, "words"), amount(1, "atoms"), amount(5400, "seconds")
        ('1.5 million pixels', '7 words', '1 atom', '1.5 h')
    """
    if unit == "seconds":
        return duration(value)
    for scale, word in SCALES:
        if value >= 10 * scale or value >= scale >= 1e6:
            return f"{_short(value / scale)}{word} {unit}"
    return f"{value:.0f} {unit.removesuffix('s') if round(value) == 1 else unit}"


def duration(seconds: float | int) -> str:
    """A time as one says it.

    Example:
        >>> duration(0.3), duration(95), duration(720), duration(11_700)
        ('under a second', '1.6 min', '12 min', '3.2 h')
    """
    if seconds < 1:
        return "under a second"
    for size, word in TIMES:
        if seconds >= size:
            return f"{_short(seconds / size)} {word}"
    return f"{seconds:.0f} s"


def _short(value: float) -> str:
    """Two digits that matter.

    Example:
        >>> _short(1.549), _short(2.0), _short(37.6)
        ('1.5', '2', '38')
    """
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")
