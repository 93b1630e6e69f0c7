"""The results of a search: a table on the terminal, CSV, JSON Lines, and a page with pictures."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, final

from ..data.items import in_one_line
from ..modality.base import AbstractModality
from ..report import Exhibit, Page, Panel, write_report
from ..search.entries import OBJECT, PART
from ..search.index import Index, Indexed
from ..search.pictures import Pictures
from ..search.places import place_text
from ..search.searching import Found, Hit, shown_name
from ..storage.csv_file import TableWriter
from ..storage.naming import counted
from ..storage.text_file import open_text

COLUMNS = ("query", "rank", "similarity", "file", "record", "id", "of", "object", "place")
DRAWN = 20
"""So many queries are drawn on the page."""
DRAWN_HITS = 10
"""And so many hits of each."""


@final
class SearchFiles:
    """What is written as the queries are answered.

    Args:
        folder: to write to.
        index: that was searched.
        modality: draws what was found.
    """

    def __init__(self, folder: Path, index: Index, modality: AbstractModality[Any]) -> None:
        self.folder, self.index = folder, index
        self.queries = self.hits = 0
        self._pictures = Pictures(index, modality)
        self._exhibits: list[Exhibit] = []
        self._stack = ExitStack()

    def __enter__(self) -> "SearchFiles":
        self._table = TableWriter(self._stack.enter_context(open_text(self.folder / "results.csv")), COLUMNS)
        self._lines = self._stack.enter_context(open_text(self.folder / "results.jsonl"))
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stack.close()
        if kind is None:
            write_report(self.folder / "search.html", self._page())

    @property
    def said(self) -> str:
        """What was found, in a few words."""
        return f"{counted(self.hits, 'hit')} of {counted(self.queries, 'query', 'queries')}"

    def add(self, found: Found) -> None:
        """A query with its hits."""
        self.queries += 1
        self.hits += len(found.hits)
        name = found.query.name()
        print(in_one_line(name))
        for rank, hit in enumerate(found.hits, 1):
            row = hit.row
            print(f"  {rank:>3}  {hit.similarity:.4f}  {words_of(row)}")
            of, number = kind_of(row), row.object if row.of == OBJECT else ""
            place = place_text(row.place)
            cells = name, rank, f"{hit.similarity:.6f}", row.path, row.record, row.id, of, number, place
            self._table.row(cells)
        self._lines.write(json.dumps(as_json(found), ensure_ascii=False) + "\n")
        if len(self._exhibits) < DRAWN:
            self._exhibits.append(self._drawn(found))

    def _drawn(self, found: Found) -> Exhibit:
        panels = [Panel("Query", self._pictures.of_query(found.query))]
        panels += [
            Panel(f"{rank}. {hit.similarity:.3f} · {words_of(hit.row)}", self._pictures.of_row(hit.row))
            for rank, hit in enumerate(found.hits[:DRAWN_HITS], 1)
        ]
        return Exhibit(found.query.name(), tuple(panels))

    def _page(self) -> Page:
        more = "The first queries and hits are shown; all are in results.csv." if self.queries > DRAWN else ""
        return Page(
            title=f"Search in {self.index.folder.name}",
            summary=f"{self.said} among {counted(len(self.index), 'vector')}.",
            exhibits=tuple(self._exhibits),
            exhibits_note=f"Numbers are cosine similarities: 1 is the same direction. {more}".strip(),
            exhibits_title="Queries and hits",
            kicker="Gestalt search",
        )


def as_json(found: Found) -> dict[str, Any]:
    """A query and its hits, places as numbers."""
    entry = found.query.entry
    return {
        "query": found.query.name(),
        "object": entry.number if entry.of == OBJECT else None,
        "hits": [_hit(hit) for hit in found.hits],
    }


def _hit(hit: Hit) -> dict[str, Any]:
    row = hit.row
    return {
        "similarity": round(hit.similarity, 6),
        "file": str(row.path),
        "record": row.record,
        "id": row.id,
        "of": kind_of(row),
        "object": row.object if row.of == OBJECT else None,
        "place": json.loads(row.place) if row.place else {},
    }


def kind_of(row: Indexed) -> str:
    """`item`, `object`, or the name of a part."""
    return row.of.removeprefix(PART)


def words_of(row: Indexed) -> str:
    """A row in a line."""
    said = shown_name(row)
    if row.of == OBJECT:
        said += f", object {row.object}"
    elif row.of.startswith(PART):
        said += f", {kind_of(row)}"
    place = place_text(row.place)
    return in_one_line(f"{said} ({place})" if place else said)
