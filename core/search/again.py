"""Items of an index, read again from their files."""

import os
from pathlib import Path
from typing import Any, final

import numpy as np

from ..data.items import AbstractItems, read_item
from ..modality.base import AbstractModality
from ..modality.optional import ComposesModalities
from .index import Index
from .units import File, files_of


@final
class Again:
    """Reads items of an index. The files of the last one are kept open, as neighbours often lie in one file.

    Args:
        index: that the rows are of.
        modality: of its run.
    """

    def __init__(self, index: Index, modality: AbstractModality[Any]) -> None:
        self.index = index
        self.modality = with_missing(modality)
        self._open: tuple[tuple[bytes, ...], AbstractItems[Any], dict[bytes, File]] | None = None

    def item(self, row: int) -> Any:
        """The item that a row is of.

        Raises:
            BadItemError, ValueError, OSError: if it cannot be read, or its file is not what was indexed.
        """
        path, state, number = self.index.file_of(row)
        if self._open is None or self._open[0] != state.sources:
            paths = [Path(os.fsdecode(source)) for source in state.sources]
            items = self.modality.read(paths, skip_bad=True).items
            self._open = state.sources, items, {file.path: file for file in files_of(items)}
        _, items, files = self._open
        if path not in files or files[path].stamp.split(" ")[0] != state.stamp.split(" ")[0]:
            raise ValueError("its file has changed since it was indexed; run gestalt index again")
        return read_item(items, files[path].numbers[number], np.random.default_rng(0))


def with_missing(modality: AbstractModality[Any]) -> AbstractModality[Any]:
    """The same; of joint items one part alone is an item, too."""
    if isinstance(modality, ComposesModalities):
        return modality.composed_of(modality.modalities, True)
    return modality
