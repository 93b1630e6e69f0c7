"""All formats, by their names."""

from collections.abc import Mapping
from functools import cache

from . import graphs, joined, kept, own, pictures, rows, scans, series, sounds, texts
from .formats import Format

GROUPS = (
    *(texts.FORMATS, graphs.FORMATS, own.FORMATS, kept.FORMATS, pictures.FORMATS),
    *(sounds.FORMATS, series.FORMATS, scans.FORMATS, rows.FORMATS, joined.FORMATS),
)
FORMATS: Mapping[str, Format] = {one.name: one for group in GROUPS for one in group}


@cache
def others(name: str) -> tuple[bytes, ...]:
    """Valid files of the formats listed around one, for files that are of two formats."""
    group = next(group for group in GROUPS if any(one.name == name for one in group))
    return tuple(one.content[one.targets[0]] for one in group if one.name != name)


@cache
def endings(name: str) -> tuple[str, ...]:
    """Endings of the formats of its group: a file may have the wrong one."""
    group = next(group for group in GROUPS if any(one.name == name for one in group))
    return tuple(sorted({one.main.rpartition(".")[2] for one in group if one.main.count("/") == 0}))
