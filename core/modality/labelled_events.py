"""Labelled events, and the seconds in which files of all forms write them."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import final

from ..data.items import BadItemError
from ..tables.lines import Line, lines_of
from ..tables.numbers import plain_float

APART = 1e-4
"""Seconds: ends of events that are nearer to each other are one."""


@final
@dataclass(frozen=True)
class LabelledEvent:
    """An event in a file, in seconds from its begin; `source` says where it is written."""

    onset: float
    offset: float
    name: str
    source: str


def event_of(onset: str, offset: str, name: str, source: str) -> LabelledEvent:
    """An event, from what is written of it.

    Raises:
        ValueError: if its times are no seconds, or it has no extent.
    """
    try:
        begin, end = (plain_float(time.replace(",", ".", 1)) for time in (onset, offset))  # some write a decimal comma
    except ValueError:
        begin = end = math.nan
    if not (math.isfinite(begin) and math.isfinite(end)):
        raise ValueError(f"{source}: {onset!r} and {offset!r} are no seconds; write numbers")
    if end - begin <= APART or begin < 0:
        raise ValueError(
            f"{source}: an event from {begin:g} s to {end:g} s has no extent within a recording; give it one, or "
            "remove it (a label of a single moment is no event)"
        )
    return LabelledEvent(begin, end, name, source)


def text_lines(path: Path) -> list[Line]:
    """The lines of a file.

    Raises:
        ValueError: if it is no text in Unicode.
    """
    try:
        return list(lines_of(path))
    except (OSError, BadItemError) as error:
        raise ValueError(f"{path} is no text in Unicode ({error}); save it as UTF-8, or remove it") from error
