"""What rows of an index look like: their items are read again, and drawn by their modality."""

import html
import os
from pathlib import Path
from typing import Any, final

import numpy as np
from markupsafe import Markup

from ..data.items import AbstractItems, BadItemError, read_item
from ..modality.base import AbstractModality
from ..modality.joint.item import JointItem
from ..modality.optional import ComposesModalities
from ..storage.damage import first_line
from .entries import OBJECT, PART
from .index import Index, Indexed
from .queries import Query
from .units import File, files_of


@final
class Pictures:
    """Pictures of rows and queries. The files of the last row are kept open, as hits of one file follow one another.

    Args:
        index: that the rows are of.
        modality: of its run.
    """

    def __init__(self, index: Index, modality: AbstractModality[Any]) -> None:
        self.index = index
        self.modality = modality
        if isinstance(modality, ComposesModalities):
            self.modality = modality.composed_of(modality.modalities, True)
        self._read: tuple[tuple[bytes, ...], AbstractItems[Any], dict[bytes, File]] | None = None

    def of_query(self, query: Query) -> Markup:
        """The item, with the objects that are asked for."""
        drawn = query.drawn
        return Markup(self.modality.render(query.shown, drawn.labels, drawn.places))

    def of_row(self, row: Indexed) -> Markup:
        """The item with its objects, or with the one that the row is of; if it fails, a line that says why."""
        try:
            return Markup(self._drawn(row))
        except (BadItemError, ValueError, OSError, IndexError, KeyError) as error:
            return Markup(f'<p class="note">{html.escape(f"It cannot be shown: {first_line(error)}")}</p>')

    def _drawn(self, row: Indexed) -> str:
        path, state, number = self.index.file_of(row.row)
        if self._read is None or self._read[0] != state.sources:
            paths = [Path(os.fsdecode(source)) for source in state.sources]
            items = self.modality.read(paths, skip_bad=True).items
            self._read = state.sources, items, {file.path: file for file in files_of(items)}
        _, items, files = self._read
        if path not in files or files[path].stamp.split(" ")[0] != state.stamp.split(" ")[0]:
            raise ValueError("its file has changed since it was indexed; run gestalt index again")
        item = read_item(items, files[path].numbers[number], np.random.default_rng(0))
        drawn = self.index.drawn(row.row)
        if row.of == OBJECT:
            drawn = drawn.only(row.object)
        elif row.of.startswith(PART) and isinstance(item, JointItem):
            item = item.only([row.of.removeprefix(PART)])
        return self.modality.render(item, drawn.labels, drawn.places)
