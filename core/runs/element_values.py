"""Values of elements, such as depth, as a table with where each element lies."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, final

import torch

from ..discovery.found import FoundBatch
from ..fitting.fitted import Fitted, Said
from ..storage.csv_file import TableWriter
from ..storage.text_file import open_text
from .answering import decoded_of
from .element_places import ElementPlaces


def margin_name(value: str) -> str:
    """The column that says by how much a value may be off.

    Example:
        >>> margin_name("depth")
        'depth_margin'
    """
    return f"{value}_margin"


@final
class ElementValues:
    """A row for every element (or object): its item, where it lies (its number), its values, and their margins.

    Args:
        path: of the table.
        places: say where elements lie.
    """

    def __init__(self, path: Path, places: ElementPlaces) -> None:
        self.path, self.places, self.count = path, places, 0
        self.table: TableWriter | None = None

    def __enter__(self) -> "ElementValues":
        """Open the table."""
        self.files = ExitStack()
        self.sheet = self.files.enter_context(open_text(self.path))
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.files.close()

    def add(self, batch: FoundBatch[Any], fitted: Fitted, said: Said) -> None:
        """What is said of a batch."""
        decoded = decoded_of(fitted, said)
        for row, index in enumerate(batch.index):
            there = said.asked[row]
            where = (
                {"object": batch.object_numbers()[row, : len(there)][there].tolist()}
                if fitted.of.of_found
                else {name: column.tolist() for name, column in self.places.of_item(batch, row).items()}
            )
            columns, shown_values = fitted.target.columns, decoded[row, there]
            if fitted.has_margins:
                columns = (*columns, *map(margin_name, columns))
                shown_values = torch.cat([shown_values, fitted.margins_at(said.distance[row, there])], dim=1)
            if self.table is None:
                self.table = TableWriter(self.sheet, ("item", *where, *columns))
            for place, values in enumerate(shown_values.tolist()):
                cells = [*(column[place] for column in where.values()), *values]
                shown = (f"{cell:.6g}" if isinstance(cell, float) else cell for cell in cells)
                self.table.row((self.places.items.name(index), *shown))
                self.count += 1
