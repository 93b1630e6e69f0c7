"""Found spans in the formats that the field's tools read, and the characters of words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from html import escape
from pathlib import Path
from typing import IO, final

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems, id_of
from gestalt.core.data.trees import ItemTree
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.storage.naming import OutputNames, counted
from gestalt.core.storage.text_file import open_text

from .brat import BRAT, brat_lines
from .conllu import conllu_lines
from .data import Passage
from .joining import joined_spans
from .reading import TextFiles
from .render import render
from .spans import Span, bio_lines, json_line, spans_of

SHOWN = 500
"""Passages in the page of colours: a browser shows no book at once, and the other files have them all."""


def write_objects(found: Iterable[FoundBatch[Passage]], items: AbstractItems[Passage], out: Path) -> str:
    """`spans.jsonl` with character offsets, `spans.bio` and `spans.conllu` in CoNLL's columns, `spans.html` in colours,
    and in `brat` BRAT's standoff of every text whose characters are those of its file.

    A span that the border between two windows of a line, a record or a joined text cuts is written once, in the window
    in which it begins, with all its characters.

    Raises:
        TypeError: if the passages are no parts of files.
    """
    files = _files(items)
    passages, spans, of = 0, 0, set[Path]()
    with ExitStack() as stack:
        records, columns, universal, page = (
            stack.enter_context(open_text(out / f"spans.{ending}")) for ending in ("jsonl", "bio", "conllu", "html")
        )
        page.write(_HEAD)
        standoff = Standoff(files, out / "brat")
        stack.callback(standoff.close)
        for one in joined_spans(_labelled(found), files):
            item, file, line = one.item, files.path(one.index), files.line(one.index)
            continued = one.continued is not None
            own = [*([one.continued] if one.continued else []), *one.spans]
            called = id_of(files, one.index)
            records.write(json_line(item, one.spans, str(file), line, called))
            columns.write(bio_lines(item, own, continued, one.goes_on))
            standoff.write(one.index, one.spans)
            universal.write(conllu_lines(item, own, passages + 1, f"{file}:{line}", continued, called))
            if passages < SHOWN:
                shown = render(item, one.labels, None, by_number=True)
                page.write(f'<h2 dir="auto">{escape(f"{file}:{line}")}</h2>\n{shown}\n')
            passages, spans = passages + 1, spans + len(one.spans)
            of.add(file)
        if passages > SHOWN:
            page.write(f"<p>{passages - SHOWN} more passages are in the other files.</p>\n")
        page.write("</body></html>\n")
    return f"{counted(spans, 'span')} in {counted(passages, 'passage')} of {counted(len(of), 'file')}"


def write_trees(found: Iterable[tuple[int, Passage, ItemTree]], items: AbstractItems[Passage], out: Path) -> str:
    """`trees.conllu`: every passage as a sentence with HEAD and DEPREL.

    Raises:
        TypeError: if the passages are no parts of files.
    """
    files, passages, of = _files(items), 0, set[Path]()
    with open_text(out / "trees.conllu") as universal:
        for index, item, tree in found:
            passages += 1
            file = files.path(index)
            of.add(file)
            source, called = f"{file}:{files.line(index)}", id_of(files, index)
            universal.write(conllu_lines(item, (), passages, source, called=called, tree=tree))
    return f"{counted(passages, 'tree')} in {counted(len(of), 'file')}"


@final
class Standoff:
    """BRAT's files of texts, one open at a time; records have none, since their characters are counted in a field.

    Args:
        files: the texts.
        out: the folder.
    """

    def __init__(self, files: TextFiles, out: Path) -> None:
        self._files, self._out = files, out
        plain = [path for path, source in zip(files.paths, files.sources, strict=True) if not source.in_records]
        self._plain, self._names = set(plain), OutputNames(plain, BRAT)
        self._open: tuple[Path, IO[str]] | None = None
        self._written = 0

    def write(self, index: int, spans: Sequence[Span]) -> None:
        """The spans of the passage with this number; passages of one file come in a row."""
        path = self._files.path(index)
        if path not in self._plain:
            return
        if self._open is None or self._open[0] != path:
            self.close()
            self._open, self._written = (path, open_text(self._out / self._names.of(path))), 0
        self._open[1].write(brat_lines(spans, self._written + 1))
        self._written += len(spans)

    def close(self) -> None:
        """Close the last one."""
        if self._open is not None:
            self._open[1].close()


def _labelled(
    found: Iterable[FoundBatch[Passage]],
) -> Iterator[tuple[int, Passage, Int[Tensor, " elements"], Sequence[Span]]]:
    for batch in found:
        for row, (index, item, labels) in enumerate(zip(batch.index, batch.items, batch.labels(), strict=True)):
            yield index, item, labels, spans_of(item, labels, batch.named, row)


def element_columns(
    found: FoundBatch[Passage], row: int, items: AbstractItems[Passage]
) -> Mapping[str, Float[np.ndarray, " elements"]]:
    """The line on which the passage begins, and the first character of every word in the file and the one after it."""
    item = found.items[row]
    spans = np.zeros((found.features.valid.shape[1], 2), dtype=np.float64)
    spans[: len(item.words)] = item.spans
    line = np.full(len(spans), float(_files(items).line(found.index[row])))
    return {"line": line, "begin": spans[:, 0], "end": spans[:, 1]}


_HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Spans</title>\n'
    "<style>body{font-family:system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#24292f}"
    "h2{font-size:0.8rem;font-weight:400;color:#57606a;margin:0}</style></head>\n<body>\n"
)


def _files(items: AbstractItems[Passage]) -> TextFiles:
    if not isinstance(items, TextFiles):
        raise TypeError(f"spans are written for passages of files (TextFiles), got {type(items).__name__}")
    return items
