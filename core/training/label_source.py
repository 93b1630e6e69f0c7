"""Labels of the user's own items: in a table, names of folders, archives, the data's own records or files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data.items import AbstractItems, Skipped
from .annotation_labels import annotation_labels
from .archive_labels import archive_labels
from .label_table import Kind, read_labels, record_labels
from .labels import Labels, folder_labels

FOLDERS = "folders"
"""The word that names the folders in place of a table."""
ARCHIVES = "archives"
"""The word that names what lies in archives beside the files."""
ANNOTATIONS = "annotations"
"""The word that names what the files themselves say of their time."""
WORDS = (FOLDERS, ARCHIVES, ANNOTATIONS)
"""What is no path of a table."""


def labels_at(
    source: Path | None,
    items: AbstractItems[Any],
    column: str | None = None,
    kind: Kind = "class",
    skipped: Sequence[Skipped] = (),
    skip_bad: bool = False,
) -> Labels:
    """What is known of the items.

    Args:
        source: a table, or the word `folders`, `archives` or `annotations`; None for a column of the data.
        items: the data set.
        column: of the table, or of the records.
        kind: classes, values, or several labels with semicolons between them.
        skipped: files that were left out; rows may be theirs.
        skip_bad: leave out rows that are wrong.

    Raises:
        ValueError: if the table, the folders or the column do not fit the items, or label none of them.
    """
    if source is None:
        return record_labels(items, str(column), kind)
    if str(source) == FOLDERS:
        return folder_labels(items)
    if str(source) == ARCHIVES:
        return archive_labels(items, kind)
    if str(source) == ANNOTATIONS:
        return annotation_labels(items, kind)
    return read_labels(source, items, column, kind, skipped, skip_bad)
