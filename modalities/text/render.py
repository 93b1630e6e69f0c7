"""A passage with its spans in colour, and the true ones underneath, as one HTML fragment."""

import html
from collections.abc import Sequence
from typing import Any

from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.modality.colours import COLOURS
from gestalt.core.report.direction import isolated, reads_leftwards

from .data import Passage
from .spans import Span, spans_of

TRUE = "#57606a"
BLOCK = "display:inline-block;vertical-align:top;line-height:1.5;margin-bottom:0.2em;"

True_ = tuple[str, int, int]
"""Name of a true object, its first word and the one after its last."""


def render(
    item: Passage,
    found: Int[Tensor, " elements"],
    grid: Grid | None,  # noqa: ARG001
    truth: Sequence[tuple[str, Any]] = (),
    by_number: bool = False,
) -> str:
    """The words on their object's colour, every span a block, true spans as named bars under the words.

    A true object is `(name, (begin, end))` in characters of the file, as `Passage.spans` has them.

    With `by_number`, objects are called and coloured by the numbers that are given; otherwise by their order here.
    """
    spans, known = spans_of(item, found), true_words(item, truth)
    numbers = dict.fromkeys(span.object for span in spans)
    rows = {number: number if by_number else row for row, number in enumerate(numbers)}
    # A paragraph whose words all have a direction of their own has none: browsers look past them.
    way = "rtl" if reads_leftwards(item.text) else "ltr"
    words = "".join(_word(item, place, spans, rows, known, bool(truth)) for place in range(len(item.words)))
    return (
        '<figure class="gestalt-text" style="margin:0 0 1.25rem;max-width:900px">'
        f'<p dir="{way}" style="margin:0;font-size:1.05rem">{words}</p>'
        '<figcaption style="font-size:0.85rem;opacity:0.75">'
        f"{html.escape(_totals(len(rows), spans, known))}</figcaption></figure>"
    )


def true_words(item: Passage, truth: Sequence[tuple[str, Any]]) -> list[True_]:
    """True objects by the words that lie in them, in order; those without a word are left out."""
    known: list[True_] = []
    for name, (begin, end) in truth:
        inside = [place for place, (a, b) in enumerate(item.spans) if begin <= a and b <= end]
        if inside:
            known.append((name, inside[0], inside[-1] + 1))
    return sorted(known, key=lambda one: one[1:])


def _word(
    item: Passage, place: int, spans: Sequence[Span], rows: dict[int, int], known: Sequence[True_], bars: bool
) -> str:
    span = next((span for span in spans if span.first <= place < span.last), None)
    name = next((one for one in known if one[1] <= place < one[2]), None)
    inner = span is not None and place + 1 < span.last
    style, title = "padding:0 0.15em;", ""
    if span is not None:
        colour = COLOURS[rows[span.object] % len(COLOURS)]
        begin = "4px" if place == span.first else "0"
        end = "0" if inner else "4px"
        style += f"background:{colour}40;border-bottom:3px solid {colour};"
        style += f"border-start-start-radius:{begin};border-end-start-radius:{begin};"
        style += f"border-start-end-radius:{end};border-end-end-radius:{end};"
        title = f' title="object {rows[span.object] + 1}"'
    else:
        style += "border-bottom:3px solid transparent;"
    bar = _bar(name, place) if bars else ""
    # White space stays what it is between words, and a place to break the line; within a span it would be a hole.
    gap = item.gaps[place + 1]
    after = "<br>" * min(gap.count("\n"), 2) if "\n" in gap else "<wbr>" if inner or not gap else " "
    space = "margin-inline-end:0.25em;" if gap and not inner else ""
    text = html.escape(item.words[place])
    shown = f'<span dir="auto" style="{style}display:block"{title}>{text}</span>'
    return f'<span style="{BLOCK}{space}">{shown}{bar}</span>{after}'


def _bar(name: True_ | None, place: int) -> str:
    size = "display:block;font-size:0.65rem;height:1.4em;margin-top:2px;white-space:nowrap;"
    if name is None:
        return f'<span style="{size}"></span>'
    label = isolated(name[0]) if place == name[1] else ""
    begin = "3px" if place == name[1] else "0"
    return f'<span style="{size}border-top:3px solid {TRUE};color:{TRUE};margin-inline-start:{begin}">{label}</span>'


def _totals(objects: int, spans: Sequence[Span], known: Sequence[True_]) -> str:
    text = f"{objects} object{'' if objects == 1 else 's'} in {len(spans)} span{'' if len(spans) == 1 else 's'}"
    return f"{text}; {len(known)} true span{'' if len(known) == 1 else 's'}, named below" if known else text
