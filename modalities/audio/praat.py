"""TextGrids as Praat writes them, long or short: the intervals of all tiers that have a text."""

import re
from collections.abc import Iterator
from pathlib import Path

from gestalt.core.modality.labelled_events import LabelledEvent, event_of, text_lines

TOKEN = re.compile(r'"((?:[^"]|"")*)"|<(\w+)>|([-+]?(?:\d[\d.]*(?:[eE][-+]?\d+)?|\.\d+))(?=[\s]|$)')
LABEL = re.compile(r"\b(?:item|intervals|points) *\[\d*\] *:?|\b[A-Za-z]\w*\??(?: size| \w+\?)? *[=:]")
"""What the long form writes before a value: `intervals [3]:`, `xmin =`; it says nothing that the order does not."""

TIME = re.compile(r"[-+]?\d*\.?\d*(?:[eE][-+]?\d+)?")
LATE = 0.01
"""Seconds by which a TextGrid may begin later than its recording."""

Token = tuple[str, bool, int]
"""A value, whether it is a text, and its line."""


def events_of_praat(path: Path) -> list[LabelledEvent]:
    """The intervals of a TextGrid that have a text; tiers of points have no extent, and say nothing.

    Raises:
        ValueError: if it is no TextGrid, ends too early, or has no tier of intervals.
    """
    tokens = _tokens(path)
    last = 1

    def next_one(text: bool, what: str) -> tuple[str, int]:
        nonlocal last
        value, is_text, line = next(tokens, ("", text, 0))
        if not line:
            raise ValueError(f"{path}:{last} ends where {what} should follow; save the TextGrid again in Praat")
        last = line
        if is_text != text:
            raise ValueError(f"{path}:{line} has {value!r} where {what} should be; save the TextGrid again in Praat")
        return value, line

    head = [next_one(True, "the type of the file")[0], next_one(True, "the class of the object")[0]]
    if head[1] != "TextGrid":
        raise ValueError(f"{path}:{last} holds an object {head[1]!r} of Praat, and no TextGrid")
    begin, line = next_one(False, "the begin")
    if not TIME.fullmatch(begin) or abs(float(begin)) > LATE:
        raise ValueError(
            f"{path}:{line} begins at {begin} s, and a recording begins at 0 (was it cut out of a longer one?); shift "
            "its times in Praat (Modify, Shift times to…), and save it again"
        )
    next_one(False, "the end")
    value, is_text, line = next(tokens, ("", True, 0))
    count = _count(path, "0" if is_text and value != "exists" else next_one(False, "the number of tiers")[0], line)
    events, tiers = list[LabelledEvent](), 0
    for _ in range(count):
        kind, at = next_one(True, "the class of a tier")
        next_one(True, "the name of a tier")
        for what in ("the begin of a tier", "the end of a tier"):
            next_one(False, what)
        size, line = next_one(False, "the size of a tier")
        if kind not in ("IntervalTier", "TextTier"):
            raise ValueError(f"{path}:{at} has a tier of class {kind!r}; a TextGrid has IntervalTier and TextTier")
        tiers += kind == "IntervalTier"
        for _ in range(_count(path, size, line)):
            begin, line = next_one(False, "a time")
            end = next_one(False, "the end of an interval")[0] if kind == "IntervalTier" else begin
            text, _ = next_one(True, "a text")
            if kind == "IntervalTier" and text.strip():
                events.append(event_of(begin, end, " ".join(text.split()), f"{path}:{line}"))
    if not tiers:
        raise ValueError(f"{path} has no tier of intervals; points have no extent, and are no events")
    return events


def _tokens(path: Path) -> Iterator[Token]:
    """Texts, numbers and flags, in order; what stands before values in the long form is left out."""
    pending, begun = "", 0
    for line in text_lines(path):
        text = line.text.rstrip("\r\n")
        if pending:
            text, start = f"{pending}\n{text}", begun
        else:
            start = line.number
        if text.count('"') % 2:  # a text goes on in the next line
            pending, begun = text, start
            continue
        pending = ""
        parts = re.split(r'("(?:[^"]|"")*")', text)
        for part in parts:
            if part.startswith('"'):
                yield part[1:-1].replace('""', '"'), True, start
                continue
            for found in TOKEN.finditer(LABEL.sub(" ", part)):
                yield (found[2], True, start) if found[2] else (found[3], False, start)
    if pending:
        raise ValueError(f"{path}:{begun} begins a text that does not end; save the TextGrid again in Praat")


def _count(path: Path, text: str, line: int) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise ValueError(f"{path}:{line} has {text!r} where a number of tiers or intervals should be")
    return int(text)
