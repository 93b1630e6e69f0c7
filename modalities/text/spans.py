"""Found objects as spans of words, and the forms in which they leave: JSON Lines, CoNLL's BIO columns."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from jaxtyping import Int
from torch import Tensor

from gestalt.core.discovery.found import Named

from .data import Passage


@final
@dataclass(frozen=True)
class Span:
    """Words `first` … `last` (the one after) of a passage; `begin` … `end` are its characters in the file.

    `object` is the number of the object; an object whose words lie apart has several spans. A span that goes on behind
    its passage has its last word there, and its last character and its text where it ends. `name` is what a model calls
    the object, `score` how sure that is.
    """

    first: int
    last: int
    begin: int
    end: int
    object: int
    text: str
    name: str = ""
    score: float = 1.0

    @property
    def called(self) -> str | int:
        """Its name; the number of the object where it has none."""
        return self.name or self.object


def spans_of(item: Passage, found: Int[Tensor, " elements"], named: Named | None = None, row: int = 0) -> list[Span]:
    """Runs of neighbouring words of one object, in order; −1 and what lies beyond the last word is in none.

    `named` says what objects are called, and how sure of every word; the passage is its row `row`.

    Raises:
        ValueError: if `found` names fewer elements than the passage has words.

    Example:
        >>> import torch
        >>> [span.text for span in spans_of(Passage.of("The old man saw it."), torch.tensor([4, 4, 4, -1, 0, -1]))]
        ['The old man', 'it']
    """
    if len(found) < len(item.words):
        raise ValueError(f"found names {len(found)} elements, the passage has {len(item.words)} words")
    labels, characters, text = [*found[: len(item.words)].tolist(), None], item.spans, item.text
    spans: list[Span] = []
    first = 0
    for place in range(1, len(labels)):
        if labels[place] == labels[first]:
            continue
        if labels[first] >= 0:
            begin, end = characters[first][0], characters[place - 1][1]
            within = text[begin - item.start : end - item.start]
            name, score = "", 1.0
            if named is not None:
                name, score = named.name(labels[first]), float(named.scores[row, first:place].mean())
            spans.append(Span(first, place, begin, end, labels[first], within, name, score))
        first = place
    return spans


def json_line(item: Passage, spans: Sequence[Span], file: str, line: int, called: str = "") -> str:
    """One passage with its spans as a line of JSON; characters are counted in the file (in the field of a record).

    `called` is what its record is called there, its `id`; a passage without one has none.
    """
    found = [
        {"begin": s.begin, "end": s.end, "object": s.object, "text": s.text}
        | ({"label": s.name, "score": round(s.score, 4)} if s.name else {})
        for s in spans
    ]
    fields = {"file": file, "line": line} | ({"id": called} if called else {})
    fields |= {"begin": item.start, "text": item.text, "spans": found}
    return json.dumps(fields, ensure_ascii=False) + "\n"


def bio_lines(item: Passage, spans: Sequence[Span], continued: bool = False, goes_on: bool = False) -> str:
    """One passage in CoNLL's form: a word, a tab and its tag on every line, an empty line at the end.

    `B-2` begins a span of object 2, `I-2` goes on with it, `O` is in none.

    Args:
        item: the passage.
        spans: its spans, in order.
        continued: the first span began in the window before, so that it only goes on here.
        goes_on: the last span goes on in the next window; there is no empty line then.

    Example:
        >>> import torch
        >>> item = Passage.of("old men saw it")
        >>> print(bio_lines(item, spans_of(item, torch.tensor([2, 2, -1, 0]))), end="")
        old	B-2
        men	I-2
        saw	O
        it	B-0
        <BLANKLINE>
    """
    tags = tags_of(item, spans, continued)
    # A word that a table of synonyms put in may hold a space, which ends a column.
    rows = ["\t".join((" ".join(word.split()), tag)) for word, tag in zip(item.words, tags, strict=True)]
    return "\n".join([*rows, ""] if goes_on else [*rows, "", ""])


def tags_of(item: Passage, spans: Sequence[Span], continued: bool = False) -> list[str]:
    """For every word `B-2` where a span of object 2 begins, `I-2` where it goes on, `O` where there is none.

    `continued` says that the first span began before the passage.
    """
    tags = ["O"] * len(item.words)
    for number, span in enumerate(spans):
        begin = "I" if continued and number == 0 else "B"
        name = "_".join(str(span.called).split())  # white space ends a column
        tags[span.first : span.last] = [f"{begin}-{name}", *[f"I-{name}"] * (span.last - span.first - 1)]
    return tags
