"""Labels of items from a table, or from the columns that the data themselves have."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..data.items import AbstractItems, BadItemError, FromRecords, MadeOfColumns, Skipped
from ..methods.targets import Written, tags_from
from ..shards.files import is_file
from ..tables.rows import table_of
from .alike_names import alike_said
from .label_column import column_of_labels
from .label_copies import refuse_copies
from .label_names import file_of_name
from .label_rows import LabelRows, is_data, matched
from .label_values import values_of
from .labels import Labels

Kind = Written
NO_LABEL = frozenset(("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "<NA>", "#N/A", "?"))
"""Cells in which nothing is known, as programs write them; in other letters, and `none` or `-`, they are names."""


def read_labels(
    path: Path,
    items: AbstractItems[Any],
    column: str | None = None,
    kind: Kind = "class",
    skipped: Sequence[Skipped] = (),
    skip_bad: bool = False,
) -> Labels:
    """Labels from a table with a header, whose first column names files, items or records.

    What a table may call an item is said at `ItemNames`. Where the data are records with columns of their own (an id, a
    name, a SMILES), a column of the same name may name them, and a column `line` or `record` their lines. Where the
    table is itself among the data, each row labels its own record. An item that is a part of a file (a window, a line)
    takes the file's label, unless the table names the part. Items that the table does not name, and rows whose label is
    empty, are unlabelled; `Labels.note` says how many rows are of nothing here.

    Args:
        path: the table, whatever stands between its cells.
        items: the data set.
        column: the column with the labels; by default the one called `label`, or the only one that names no items.
        kind: classes, values to predict, or several labels with semicolons between them.
        skipped: files that were left out; rows may be theirs.
        skip_bad: leave out rows that are wrong, and count them, instead of stopping.

    Raises:
        ValueError: if the table cannot be read, lacks the column, contradicts itself, names nothing of the data, or is
            ambiguous; or if no item is labelled.
    """
    table = _table(path, column, items, skip_bad)
    if is_data(path, items):
        _refuse_input(items, table.layout.names[table.column])
    keys, found = matched(table, items)
    labels = table.labels(keys)
    texts = [None if key is None else labels[key] or None for key in found]
    if all(text is None for text in texts):
        named = table.layout.names[table.column]
        raise ValueError(f"{path} labels none of the {len(texts)} items; fill its column {named!r}")
    made = labels_from(texts, kind, str(path), items.name)
    refuse_copies(items, texts, str(path))
    met = set(found)
    note = _note(path, table, [key for key in labels if key not in met], skipped)
    notes, said = (note, made.note), (table.said, made.said)
    return replace(made, note="; ".join(filter(None, notes)), said="; ".join(filter(None, said)))


def record_labels(items: AbstractItems[Any], column: str, kind: Kind = "class") -> Labels:
    """Labels from a column or field of the data's own records.

    Raises:
        ValueError: if the data have no records, or these no such column, or nothing in it.
    """
    if not isinstance(items, FromRecords):
        raise ValueError(
            f"--label-column {column} is a column of the data's own records, and these data have none; name a table of "
            "labels with --labels"
        )
    _refuse_input(items, column)
    texts: list[str | None] = []
    names = dict[str, None]()
    for index in range(len(items)):
        fields = items.fields(index)
        names |= dict.fromkeys(fields)
        own = {name.lower(): value for name, value in fields.items()} | dict(fields)
        texts.append(own.get(column, own.get(column.lower(), "")).strip() or None)
    if all(text is None for text in texts):
        listed = ", ".join(map(repr, names)) or "none"
        raise ValueError(f"the data have no labels in a column {column!r}; their columns are {listed}")
    refuse_copies(items, texts, f"the column {column!r}")
    return labels_from(texts, kind, f"column {column!r}", items.name)


def _refuse_input(items: AbstractItems[Any], column: str) -> None:
    """Refuse labels that the items hold themselves: a network would read them off."""
    if isinstance(items, MadeOfColumns) and column.lower() in {name.lower() for name in items.inputs}:
        raise ValueError(
            f"the column {column!r} is an input of these items, so its labels would be read off it: train a run "
            f"without it (--settings exclude={column}), or name another column"
        )


def labels_from(
    texts: Sequence[str | None], kind: Kind, source: str, place: Callable[[int], str] | None = None
) -> Labels:
    """Classes, values, or several labels at once, from what is written; of classes `NA` and the like are no label.

    Args:
        texts: of every item.
        kind: which of them.
        source: where they are written.
        place: where that of the item with a number is written.

    Raises:
        ValueError: for what is no value.
    """
    if kind == "value":
        return Labels.of_values(values_of(texts, source, place))
    known = [None if text in NO_LABEL else text for text in texts]
    nothing = [text for text in texts if text in NO_LABEL]
    note = f"{source}: {len(nothing)} labels are {nothing[0]!r}, so nothing is known there" if nothing else ""
    if nothing and not any(known):
        raise ValueError(f"{source} labels nothing: all that is written there is {nothing[0]!r}; fill it")
    made = Labels(*tags_from(known)) if kind == "several" else Labels.of(known)
    return replace(made, note=note, said=alike_said(made.target.columns))


def _table(path: Path, column: str | None, items: AbstractItems[Any], skip_bad: bool) -> LabelRows:
    if not is_file(path):
        said = "is a folder" if path.is_dir() else "does not exist"
        raise ValueError(
            f"the table of labels {path} {said}; name a table, or the word folders, archives or annotations"
        )
    try:
        layout, found = table_of(path)
        rows = list(found)
    except (OSError, BadItemError) as error:
        raise ValueError(
            f"the labels in {path} cannot be read ({error}); give a table in UTF-8 with a header"
        ) from error
    if not rows or len(layout.names) < 2:
        raise ValueError(f"{path} needs a header and rows of at least two columns: the name of a file, and its label")
    wanted, said = column_of_labels(path, layout, column, is_data(path, items))
    wrong = [row for row in rows if row.problem]
    if wrong and not skip_bad:
        raise ValueError(f"{path}:{wrong[0].line} {wrong[0].problem}; correct the row, or leave it out with --skip-bad")
    if len(wrong) == len(rows):
        raise ValueError(f"{path}:{wrong[0].line} {wrong[0].problem}, and no other row can be used; correct the table")
    return LabelRows(path, layout, tuple(row for row in rows if not row.problem), wanted, len(wrong), said)


def _note(path: Path, table: LabelRows, unused: Sequence[str], skipped: Sequence[Skipped]) -> str:
    """In a line, how many rows were not used; nothing if all were."""
    parts = []
    if unused:
        lost = {name for entry in skipped for name in _called(file_of_name(entry.name))}
        left_out = sum(not lost.isdisjoint(_called(key)) for key in unused)
        of = f" ({left_out} of what was left out)" if left_out else ""
        parts.append(f"not in this run: {len(unused)} of {len(table.rows)} rows, such as {unused[0]!r}{of}")
    if table.bad:
        parts.append(f"left out because they are wrong: {table.bad}")
    return f"labels in {path}: {'; '.join(parts)}" if parts else ""


def _called(path: str) -> set[str]:
    """The name of a file with and without its suffix."""
    own = Path(path.replace("\\", "/"))
    return {own.name, own.stem}
