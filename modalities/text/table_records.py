"""Texts in a column of a table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

from gestalt.core.data.items import BadItemError
from gestalt.core.tables.layout import Layout
from gestalt.core.tables.rows import table_of

from .data import Passage
from .record_format import AbstractRecordFormat, TextRecord


@final
@dataclass(frozen=True)
class TableRecords(AbstractRecordFormat):
    """The rows of a table."""

    path: Path
    field: str
    encoding: str | None

    @cached_property
    def _layout(self) -> tuple[Layout, int]:
        return self._found(table_of(self.path, self.encoding)[0])

    def _found(self, layout: Layout) -> tuple[Layout, int]:
        try:
            column = layout.column(self.field)
        except ValueError as error:
            raise BadItemError(f"{self.path}:1", f"{error}, or leave the file out with --skip-bad") from error
        if column is None:
            names = ", ".join(map(repr, layout.names[:12]))
            raise BadItemError(f"{self.path}:1", f"has no column {self.field!r}, it has {names}; name the column")
        return layout, column

    def records(self) -> Iterator[TextRecord]:
        """The rows."""
        layout, rows = table_of(self.path, self.encoding)
        self._found(layout)
        for row in rows:
            yield TextRecord(row.begin, row.end, row.line, row.text, row.problem)

    def passage(self, text: str, first: int = 0, last: int | None = None) -> Passage | None:
        """The cell in the column."""
        layout, column = self._layout
        cells = layout.cells(text)
        if len(cells) <= column:
            raise ValueError(f"has {len(cells)} cells, the text is in the {column + 1}th")
        part = cells[column][first:last]
        return Passage.of(part, first) if part.strip() else None

    def fields(self, text: str) -> Mapping[str, str]:
        """All cells."""
        layout, _ = self._layout
        return dict(zip(layout.told_apart, layout.cells(text), strict=False))
