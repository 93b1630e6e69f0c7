"""Spans of long texts: what the border between two windows cuts is one span."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import final

from jaxtyping import Int
from torch import Tensor

from .data import Passage
from .reading import TextFiles
from .spans import Span

MOST = 64
"""Windows that a span may go on through: they wait for its end."""


@final
@dataclass(frozen=True)
class FoundPassage:
    """A window with its spans.

    Attributes:
        index: its number among all items.
        item: itself.
        labels: the object of every word.
        spans: those that begin in it; the last one may end behind it.
        continued: the words in its front that belong to a span that began before it.
        goes_on: whether its last words belong to a span that goes on behind it.
    """

    index: int
    item: Passage
    labels: Int[Tensor, " words"]
    spans: tuple[Span, ...]
    continued: Span | None = None
    goes_on: bool = False


def joined_spans(
    found: Iterable[tuple[int, Passage, Int[Tensor, " elements"], Sequence[Span]]], files: TextFiles
) -> Iterator[FoundPassage]:
    """Windows in their order with their spans, each span once, with all its words; what is given are those within each.

    Objects have one number in all windows of a text; where the last word of a window and the first word of the next
    one are of one object, they are in one span. A window is given when its last span has ended.
    """
    waiting: list[FoundPassage] = []
    for index, item, labels, spans in found:
        here = FoundPassage(index, item, labels[: len(item.words)], tuple(spans))
        if waiting and _joins(waiting[-1], here, files) and len(waiting) < MOST:
            here = _lengthened(waiting, here, files.between(index))
        else:
            yield from waiting
            waiting = []
        if here.continued is None or here.continued.last < len(here.labels):
            yield from waiting
            waiting = []
        waiting.append(here)
    yield from waiting


def _joins(before: FoundPassage, here: FoundPassage, files: TextFiles) -> bool:
    follows = here.index == before.index + 1 and here.index in files.whole(before.index)
    return follows and int(before.labels[-1]) == int(here.labels[0]) >= 0


def _lengthened(waiting: list[FoundPassage], here: FoundPassage, between: str) -> FoundPassage:
    """Give the first span of `here` to the one that waits; the window in which that began is the first of `waiting`."""
    first, *others = here.spans
    *earlier, last = waiting[0].spans
    words = last.last - last.first
    share = (first.last - first.first) / (words + first.last - first.first)
    score = last.score + share * (first.score - last.score)
    longer = replace(last, end=first.end, text=last.text + between + first.text, score=score)
    waiting[0] = replace(waiting[0], spans=(*earlier, longer))
    waiting[-1] = replace(waiting[-1], goes_on=True)
    return replace(here, spans=tuple(others), continued=first)
