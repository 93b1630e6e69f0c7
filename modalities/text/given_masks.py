"""Spans that come with texts, laid on the words of the passages: CoNLL's columns, JSON Lines or BRAT's standoff."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Int

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.modality.pairing import NamedFiles, files_below, must_exist, unreadable_masks, written_form

from .brat import BRAT, read_brat
from .columns import Columns, read_columns
from .data import Passage
from .formats import JSON
from .reading import TextFiles
from .span_records import SpanLine, SpanRecord, read_spans
from .spans import spans_of

COLUMNS = frozenset((".conll", ".bio", ".iob", ".iob2", ".bioes", ".bilou", ".tsv", ".txt"))
ACCEPTED = (
    f"columns as CoNLL has them (a word, and its BIO tag in the last column; {' '.join(sorted(COLUMNS))}), a folder of "
    "such files named like the texts, JSON Lines with spans (.jsonl), or BRAT's standoff (.ann) or a folder of it"
)


def read_masks(path: Path, items: AbstractItems[Passage], skipped: Sequence[Skipped] = ()) -> AbstractMasks[Passage]:
    """The spans of text files.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if it is of no known format, its words are not those of the texts, or it names a text that there is
            not; or if the passages are no parts of files.
    """
    must_exist(path)
    path = written_form(path, "spans.jsonl")
    if not isinstance(items, TextFiles):
        raise ValueError(f"spans belong to texts by the names of files, and these are no files: {items.name(0)}")
    files, words = NamedFiles(items.paths, skipped), WordMasks.empty(items)
    if path.is_dir():
        pairs = files.paired(files_below(path, COLUMNS | {BRAT}), lambda own: f"the file {own}")
        if not pairs:
            raise unreadable_masks(path, ACCEPTED)
        for number, own in pairs.items():
            if own.suffix.lower() == BRAT:
                lay_spans([read_brat(own, number)], items, number, words)
                continue
            lay_columns(read_columns(own), own, items, items.items(items.paths[number]), words)
    elif path.suffix.lower() in COLUMNS:
        lay_columns(read_columns(path), path, items, _named_or_all(path, files, items), words)
    elif path.suffix.lower() == BRAT:
        for number, own in files.paired([(path.stem, path)], lambda own: f"the file {own}").items():
            lay_spans([read_brat(own, number)], items, number, words)
    elif path.suffix.lower() in JSON:
        for number, lines in read_spans(path, files).items():
            lay_spans(lines, items, number, words)
    else:
        raise unreadable_masks(path, ACCEPTED)
    return replace(words, unused=files.unused)


@final
@dataclass(frozen=True)
class WordMasks(AbstractMasks[Passage]):
    """The span of every word of all passages in a row; where some overlap, the shorter is on top.

    Attributes:
        words: the object of every word within its passage, −1 for none.
        ends: the number of words up to the end of every passage.
        known: which passages have spans, be it none.
        names: of the objects of the passages that have some.
    """

    words: Int[np.ndarray, " words"]
    ends: Int[np.ndarray, " items"]
    known: set[int]
    names: dict[int, tuple[str, ...]]
    unused: tuple[str, ...] = ()

    @classmethod
    def empty(cls, items: TextFiles) -> "WordMasks":
        """Nothing is known yet."""
        ends = np.cumsum([len(passage.words) for _, passage in _passages(items, range(len(items)))])
        return cls(np.full(int(ends[-1]), -1, dtype=np.int32), ends, set(), {})

    def own(self, index: int) -> Int[np.ndarray, " words"]:
        """The words of a passage; what is written to them stays."""
        return self.words[int(self.ends[index - 1]) if index else 0 : int(self.ends[index])]

    def has(self, index: int) -> bool:
        """Whether spans of the passage are known."""
        return index in self.known

    def of_item(self, index: int, item: Passage) -> ItemMasks | None:
        """The span of every word."""
        if index not in self.known:
            return None
        words = self.own(index)
        if len(words) != len(item.words):
            raise BadItemError(
                f"passage {index + 1}",
                f"has {len(item.words)} words and had {len(words)}: its file was changed; run again",
            )
        return ItemMasks(torch.from_numpy(words.copy()), None, self.names.get(index, ()))


def _passages(items: TextFiles, numbers: Iterable[int]) -> Iterator[tuple[int, Passage]]:
    rng = np.random.default_rng(0)
    return ((number, items.read(number, rng)) for number in numbers)


def _named_or_all(path: Path, files: NamedFiles, items: TextFiles) -> range:
    """The passages of the text that a file of columns is named after, or those of all texts in a row."""
    try:
        number = files.number(path.stem, str(path))
    except ValueError:
        return range(len(items))
    return range(0) if number is None else items.items(files.paths[number])


def lay_columns(columns: Columns, path: Path, items: TextFiles, numbers: range, words: WordMasks) -> None:
    """Give every word of the passages, in order, the span that most of its characters have.

    Words are cut otherwise there than here, so it is the characters that must agree, all white space left out. The
    columns may end before the passages do: what comes behind has no spans.

    Raises:
        ValueError: if they do not agree, with the first place.
    """
    begin = 0
    for number, passage in _passages(items, numbers):
        if begin == len(columns.text):
            return
        text = "".join(passage.words)
        there = columns.text[begin : begin + len(text)]
        if there != text:
            same = next(
                (at for at, pair in enumerate(zip(there, text, strict=False)) if len(set(pair)) > 1), len(there)
            )
            at = min(begin + same, len(columns.text) - 1)
            raise ValueError(
                f"{path}:{columns.lines[at]} goes on with {columns.text[at : at + 20]!r}, and {items.name(number)} "
                f"with {text[same : same + 20]!r}; the words of the columns must be those of the text, in order"
            )
        _write(words, number, _of_words(columns.spans[begin : begin + len(text)], passage), columns.types)
        begin += len(text)
    if begin < len(columns.text):
        raise ValueError(
            f"{path}:{columns.lines[begin]} goes on with {columns.text[begin : begin + 20]!r}, and the text ends; "
            "the words of the columns must be those of the text, in order"
        )


def _of_words(spans: Int[np.ndarray, " characters"], passage: Passage) -> Int[np.ndarray, " words"]:
    """The span of every word from those of its characters: the commonest, the smaller number of two."""
    ends = np.cumsum([len(word) for word in passage.words])
    begins = np.concatenate([[0], ends[:-1]])
    own: Int[np.ndarray, " words"] = spans[begins].copy()
    for word in (spans[begins] != spans[ends - 1]).nonzero()[0].tolist():
        kinds, counts = np.unique(spans[begins[word] : ends[word]], return_counts=True)
        own[word] = kinds[counts.argmax()]
    return own


def _write(words: WordMasks, number: int, spans: Int[np.ndarray, " words"], names: Sequence[str]) -> None:
    """The spans of a passage, numbered anew from 0."""
    kinds, own = np.unique(spans, return_inverse=True)
    first = int(kinds[0] < 0)
    words.own(number)[:] = own - first
    words.known.add(number)
    if len(kinds) > first:
        words.names[number] = tuple(str(names[int(kind)]) for kind in kinds[first:])


def lay_spans(lines: Sequence[SpanLine], items: TextFiles, file: int, words: WordMasks) -> None:
    """Give the words of a file's passages the spans in which most of their characters lie.

    Raises:
        ValueError: if a span holds no word, or another text than it says.
    """
    path = items.paths[file]
    in_fields = items.sources[file].in_records
    listed = {line.line for line in lines}
    if in_fields and None in listed:
        source = next(line.source for line in lines if line.line is None)
        raise ValueError(f"{source}: spans in records need their line, since characters are counted in each field")
    # Characters of records are counted anew on every line: the line comes first in the order of spans.
    spans = sorted((span for line in lines for span in line.spans), key=lambda s: (_line(s, in_fields), s.begin, s.end))
    begins = [(_line(span, in_fields), span.begin) for span in spans]
    longest = max((span.end - span.begin for span in spans), default=0)
    objects = list(dict.fromkeys(span.object for span in spans))
    number_of = {own: number for number, own in enumerate(objects)}
    names = {span.object: span.name for span in spans}
    met = set[int]()
    for number, passage in _passages(items, items.items(path)):
        bounds, row = np.array(passage.spans), items.line(number) if in_fields else 0
        first = bisect_left(begins, (row, int(bounds[0, 0]) - longest))
        last = bisect_left(begins, (row, int(bounds[-1, 1])))
        labels = np.full(len(bounds), -1)
        for place in sorted(range(first, last), key=lambda at: spans[at].begin - spans[at].end):
            span = spans[place]
            common = np.minimum(bounds[:, 1], span.end) - np.maximum(bounds[:, 0], span.begin)
            inside = 2 * common > bounds[:, 1] - bounds[:, 0]
            if inside.any():
                met.add(place)
                labels[inside] = number_of[span.object]
                _same_text(span, passage, path)
        if (labels >= 0).any() or None in listed or items.line(number) in listed:
            _write(words, number, labels, [names[one] for one in objects])
    lost = [span for place, span in enumerate(spans) if place not in met]
    if lost:
        where = f"{path}:{lost[0].line}" if in_fields else str(path)
        raise ValueError(
            f"{lost[0].source}: no word of {where} lies in the characters {lost[0].begin} … {lost[0].end}; "
            "characters count from 0, without a byte order mark"
        )


def _line(span: SpanRecord, in_fields: bool) -> int:
    return span.line if in_fields and span.line is not None else 0


def _same_text(span: SpanRecord, passage: Passage, path: Path) -> None:
    """Refuse a span that says another text than its characters have; one that leaves the passage is not compared."""
    begin, end = span.begin - passage.start, span.end - passage.start
    if span.text is not None and begin >= 0 and end <= len(passage.text) and passage.text[begin:end] != span.text:
        raise ValueError(
            f"{span.source}: the characters {span.begin} … {span.end} of {path} are {passage.text[begin:end]!r}, not "
            f"{span.text!r}; is the span of another version of the text?"
        )


def shown_masks(item: Passage, masks: ItemMasks) -> list[tuple[str, tuple[int, int]]]:
    """Each span with its first and last character in the file; an object whose words lie apart has several."""
    return [(masks.name(span.object), (span.begin, span.end)) for span in spans_of(item, masks.labels)]
