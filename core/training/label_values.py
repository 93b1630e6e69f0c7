"""Values as people write them: with a point or a comma, with nothing where nothing was measured."""

import math
import re
from collections.abc import Callable, Sequence

from ..tables.numbers import plain_float

NOTHING = frozenset({"", "-", "?", "na", "n/a", "nan", "null", "none"})
COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def values_of(
    texts: Sequence[str | None], source: str, place: Callable[[int], str] | None = None
) -> list[float | None]:
    """The numbers that texts are; None for texts that say that there is none.

    A comma is taken for a decimal point where no text has a point, and at least one cannot be a number of thousands.

    Args:
        texts: as they are written.
        source: where they stand.
        place: where the one with a number stands.

    Raises:
        ValueError: for a text that is no finite number, or may be two different ones.

    Example:
        >>> values_of(["1,5", "-2,25", "NA"], "a.csv")
        [1.5, -2.25, None]
    """
    known = [text for text in texts if text is not None and text.lower() not in NOTHING]
    commas = [text for text in known if COMMA.fullmatch(text)]
    points = next((text for text in known if "." in text), None)
    if commas and points is not None:
        raise ValueError(f"{source}: the values {commas[0]!r} and {points!r} have a comma and a point; write all alike")
    if commas and all(THOUSANDS.fullmatch(text) for text in commas):
        raise ValueError(
            f"{source}: the value {commas[0]!r} may be one of thousands, or a decimal; write it without its comma, or "
            "with a point"
        )
    return [
        None if text is None or text.lower() in NOTHING else _number(text, source, number, place)
        for number, text in enumerate(texts)
    ]


def _number(text: str, source: str, number: int, place: Callable[[int], str] | None) -> float:
    try:
        value = plain_float(text.replace(",", ".") if COMMA.fullmatch(text) else text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        at = source if place is None else f"{place(number)}, {source}"
        raise ValueError(f"{at}: the value {text!r} is no finite number; correct it, or read classes")
    return value
