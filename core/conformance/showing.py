"""Laws of reading and rendering. Each gives its counterexamples one by one."""

import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import final

import torch

from ..items import BadItemError
from .bench import Bench

HOSTILE = '<script>alert("&")</script>'


def missing(bench: Bench) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "missing-file"
        try:
            bench.modality.read([path])
        except (BadItemError, FileNotFoundError) as error:
            if path.name not in str(error):
                yield f"read() of a missing path must name the path in its error, got {error}"
        else:
            yield "read() of a missing path must raise BadItemError or FileNotFoundError, it passed in silence"


def rendered(bench: Bench) -> Iterator[str]:
    for number, specimen in enumerate(bench.specimens):
        features = bench.encode("raw", [specimen.item])
        found = torch.full(features.valid.shape[1:], -1)
        found[features.valid[0]] = specimen.labels
        hostile = [(f"{HOSTILE}{place}", extent) for place, (_, extent) in enumerate(specimen.truth)]
        page = bench.modality.render(specimen.item, found, features.grid, hostile)
        if not page.lstrip().startswith("<"):
            yield f"render() of specimen {number} must give an HTML fragment, got {page[:40]!r}"
        if HOSTILE in page:
            yield f"render() of specimen {number} lets the text {HOSTILE!r} through as HTML; use html.escape"
        problem = Tags().problem(page)
        if problem:
            yield f"render() of specimen {number}: {problem}"


@final
class Tags(HTMLParser):
    VOID = frozenset(("area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._problem = ""

    def problem(self, page: str) -> str:
        """What is wrong with a fragment: tags that do not match, a page within a page, a file from elsewhere."""
        self.feed(page)
        return self._problem or (f"<{self._open[-1]}> is never closed" if self._open else "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("html", "body"):
            self._problem = f"a fragment holds no <{tag}>: it becomes part of a page"
        for name, value in attrs:
            if name in ("src", "href") and value is not None and not value.startswith(("data:", "#")):
                self._problem = f"{name}={value[:40]!r} lies outside the page; embed it as a data: URI"
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self._problem = self._problem or f"</{tag}> closes what is not open"
