"""The law of rendering. It gives its counterexamples one by one."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import final

import torch

from .bench import Bench

HOSTILE = (
    """<script>alert("&")</script>"><img src=x onerror="alert(1)">' onmouseover='alert(1)</svg></figure>\u202e語"""
)
"""A name that data of unknown origin may hold."""

LOADING = ("src", "href", "xlink:href", "srcset", "poster", "data", "action", "background")
"""Attributes whose value a browser goes and fetches."""


def rendered(bench: Bench) -> Iterator[str]:
    """Fragments that are not self-contained, or let a text through as HTML."""
    for number, specimen in enumerate(bench.specimens):
        features = bench.source(number)
        valid = features.valid[0]
        found = torch.full((len(valid),), -1)
        found[valid] = specimen.labels
        cases = [("", found)]
        if number == 0:
            cases.append((" without any object", torch.full_like(found, -1)))
            cases.append((" with every element an object", torch.where(valid, torch.arange(len(valid)), -1)))
        for case, labels in cases:
            hostile = [(f"{HOSTILE}{place}", extent) for place, (_, extent) in enumerate(specimen.truth)]
            page = bench.modality.render(specimen.item, labels, features.places, hostile)
            if not page.lstrip().startswith("<"):
                yield f"render() of specimen {number}{case} must give an HTML fragment, got {page[:40]!r}"
            if HOSTILE in page:
                yield f"render() of specimen {number}{case} lets the text {HOSTILE!r} through as HTML; use html.escape"
            problem = Tags().problem(page)
            if problem:
                yield f"render() of specimen {number}{case}: {problem}; is every text escaped, its quotes too?"


@final
class Tags(HTMLParser):
    """Reads a fragment; see `problem`."""

    VOID = frozenset(("area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._problem = ""

    def problem(self, page: str) -> str:
        """What is wrong with a fragment: tags that do not match, a page in a page, scripts, a file from elsewhere."""
        self.feed(page)
        self.close()
        return self._problem or (f"<{self._open[-1]}> is never closed" if self._open else "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("html", "body"):
            self._problem = f"a fragment holds no <{tag}>: it becomes part of a page"
        if tag == "script":
            self._problem = "a report holds no scripts"
        for name, value in attrs:
            if name.startswith("on"):
                self._problem = f"the attribute {name} is a script"
            if name in LOADING and value is not None and not value.startswith(("data:", "#")):
                self._problem = f"{name}={value[:40]!r} lies outside the page; embed it as a data: URI"
            if name == "style" and value is not None:
                self._style(value)
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self._problem = self._problem or f"</{tag}> closes what is not open"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self._style(data)

    def _style(self, text: str) -> None:
        if re.search(r"@import|url\(\s*['\"]?(?!data:|#)", text):
            self._problem = "a style loads a file from outside the page; embed it as a data: URI"
