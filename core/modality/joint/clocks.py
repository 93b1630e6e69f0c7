"""Windows of all parts of a file at the same seconds, wherever each part begins in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from ...data.items import AbstractItems, Skipped
from ..base import AbstractModality
from ..optional import ReadsWindows
from ..windows import OnClocks
from .same_name import SameName

SHORTEST = 0.25
"""Seconds; a shorter rest of a file makes no window, and less than that may be left out without a word."""


@final
@dataclass(frozen=True)
class OneClock:
    """The items of all parts after their windows were brought to the same seconds.

    Attributes:
        parts: the items, by the names of the parts.
        apart: files whose parts have no seconds in common, by their key (`SameName.keys`), with the reason.
        left_out: files of which some seconds are left out, since not all parts have them.
    """

    parts: Mapping[str, AbstractItems[Any]]
    apart: Mapping[str, Skipped]
    left_out: tuple[Skipped, ...]


def on_one_clock(
    parts: Mapping[str, AbstractItems[Any]], modalities: Mapping[str, AbstractModality[Any]], same: SameName
) -> OneClock:
    """Windows of every file from where the last of its parts begins to where the first of them ends.

    Parts of one file (the frames and the sound of a video) are laid side by side by the clock of the file. Files that
    differ in their endings alone have clocks of their own: all of them begin together.

    Args:
        parts: the items of every part; those of files in time (`OnClocks`) are cut anew.
        modalities: of the parts; those that are read in windows have windows of one length.
        same: which files belong together.
    """
    timed = {name: items for name, items in parts.items() if isinstance(items, OnClocks)}
    windows = [one.window for one in modalities.values() if isinstance(one, ReadsWindows)]
    if len(timed) < 2 or not windows:
        return OneClock(parts, {}, ())
    extents = dict[str, dict[str, tuple[Path, float, float]]]()
    for name, items in timed.items():
        for path, (begin, end) in items.extents.items():
            for key in same.keys(str(path)):
                extents.setdefault(key, {})[name] = (path, begin, end)
    moments = {name: dict[Path, tuple[float, float]]() for name in timed}
    apart, left_out = dict[str, Skipped](), list[Skipped]()
    for stem, own in extents.items():
        if len(own) < 2:
            continue
        zero = {name: 0.0 if _one_file(own) else begin for name, (_, begin, _) in own.items()}
        first = max(begin - zero[name] for name, (_, begin, _) in own.items())
        last = min(end - zero[name] for name, (_, _, end) in own.items())
        if last - first < SHORTEST:
            reason = f"its parts {' and '.join(own)} have no {SHORTEST} s in common; leave it out with --skip-bad"
            apart[stem] = Skipped(str(next(iter(own.values()))[0]), reason)
            continue
        rest = (last - first) % min(windows)
        used = last - rest if rest < SHORTEST and last - first >= min(windows) else last
        for name, (path, begin, end) in own.items():
            moments[name][path] = (first + zero[name], used + zero[name])
            left_out += _said(path, name, first + zero[name] - begin, end - last - zero[name])
    cut = {name: items.between(moments[name]) for name, items in timed.items()}
    return OneClock({**parts, **cut}, apart, tuple(left_out))


def _one_file(own: Mapping[str, tuple[Path, float, float]]) -> bool:
    return len({path for path, _, _ in own.values()}) == 1


def _said(path: Path, name: str, before: float, after: float) -> list[Skipped]:
    """That some seconds of a part are left out, where they are as many as a window could hold."""
    ends = [f"the {end} {length:.2f} s" for end, length in (("first", before), ("last", after)) if length >= SHORTEST]
    reason = f"{' and '.join(ends)} of its {name} are left out, where another part of the item has nothing"
    return [Skipped(str(path), reason)] if ends else []
