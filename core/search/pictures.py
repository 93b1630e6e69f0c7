"""What rows of an index look like: their items are read again, and drawn by their modality."""

import html
from typing import Any, final

from markupsafe import Markup

from ..data.items import BadItemError
from ..modality.base import AbstractModality
from ..modality.joint.item import JointItem
from ..storage.damage import first_line
from .again import Again
from .entries import OBJECT, PART
from .index import Index, Indexed
from .queries import Query


@final
class Pictures:
    """Pictures of rows and queries.

    Args:
        index: that the rows are of.
        modality: of its run.
    """

    def __init__(self, index: Index, modality: AbstractModality[Any]) -> None:
        self.index = index
        self._again = Again(index, modality)
        self.modality = self._again.modality

    def of_query(self, query: Query) -> Markup:
        """The item, with the objects that are asked for."""
        drawn = query.drawn
        return Markup(self.modality.render(query.shown, drawn.labels, drawn.places))

    def of_row(self, row: Indexed) -> Markup:
        """The item with its objects, or with the one that the row is of; if it fails, a line that says why."""
        try:
            item, drawn = self._again.item(row.row), self.index.drawn(row.row)
            if row.of == OBJECT:
                drawn = drawn.only(row.object)
            elif row.of.startswith(PART) and isinstance(item, JointItem):
                item = item.only([row.of.removeprefix(PART)])
            return Markup(self.modality.render(item, drawn.labels, drawn.places))
        except (BadItemError, ValueError, OSError, IndexError, KeyError) as error:
            return Markup(f'<p class="note">{html.escape(f"It cannot be shown: {first_line(error)}")}</p>')
