"""Where an object lies, in words."""

import json

from ..runs.types.table import ENDS


def place_text(place: str) -> str:
    """Of the JSON of an index: the begin of the first element and the end of the last, or the least and the greatest.

    Example:
        >>> place_text('{"onset": [1.0, 1.5], "offset": [1.5, 2.0], "y": [3.0, 9.0]}'), place_text("")
        ('onset 1, offset 2, y 3–9', '')
    """
    spans = json.loads(place) if place else {}
    ends = {_until(name) for name in spans} & spans.keys()
    said = []
    for name, (least, greatest) in spans.items():
        if name in ends:
            said.append(f"{name} {greatest:g}")
        elif _until(name) in spans:
            said.append(f"{name} {least:g}")
        else:
            said.append(f"{name} {least:g}" if least == greatest else f"{name} {least:g}–{greatest:g}")
    return ", ".join(said)


def _until(name: str) -> str:
    part, space, column = name.rpartition(" ")
    return f"{part}{space}{ENDS.get(column, '')}"
