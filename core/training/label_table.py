"""Labels of items from a table, or from the columns that the data themselves have."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, final

from ..data.items import AbstractItems, BadItemError, FromFiles, FromRecords, MadeOfColumns, Skipped
from ..methods.targets import Written, tags_from
from ..shards.files import is_file, place_of
from ..storage.plain_names import plain, within_common_folder
from ..tables.layout import Layout
from ..tables.rows import Row, table_of
from .alike_names import alike_said
from .label_column import LINES, NAMING, column_of_labels
from .label_copies import refuse_copies
from .label_names import ItemNames, file_of_name
from .label_values import values_of
from .labels import Labels

Kind = Written
NO_LABEL = frozenset(("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "<NA>", "#N/A", "?"))
"""Cells in which nothing is known, as programs write them; in other letters, and `none` or `-`, they are names."""


@final
@dataclass(frozen=True)
class LabelRows:
    """The rows of a table of labels, which column has the labels, and a line on that where its name does not tell."""

    path: Path
    layout: Layout
    rows: tuple[Row, ...]
    column: int
    bad: int
    said: str = ""

    def texts(self, row: Row) -> str:
        """The label in a row."""
        return row.cells[self.column].strip()

    def labels(self, keys: Sequence[str]) -> dict[str, str]:
        """The labels by the keys of the rows; rows without a key are none.

        Raises:
            ValueError: if one key has two labels.
        """
        found: dict[str, str] = {}
        for row, key in zip(self.rows, keys, strict=True):
            label = self.texts(row)
            if key and found.setdefault(key, label) != label:
                raise ValueError(f"{self.path}:{row.line}: {key!r} is labelled {found[key]!r} and {label!r}; keep one")
        return found


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
    if _is_data(path, items):
        _refuse_input(items, table.layout.names[table.column])
    keys, found = _matched(table, items)
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
    wanted, said = column_of_labels(path, layout, column, _is_data(path, items))
    wrong = [row for row in rows if row.problem]
    if wrong and not skip_bad:
        raise ValueError(f"{path}:{wrong[0].line} {wrong[0].problem}; correct the row, or leave it out with --skip-bad")
    if len(wrong) == len(rows):
        raise ValueError(f"{path}:{wrong[0].line} {wrong[0].problem}, and no other row can be used; correct the table")
    return LabelRows(path, layout, tuple(row for row in rows if not row.problem), wanted, len(wrong), said)


def _is_data(path: Path, items: AbstractItems[Any]) -> bool:
    """Whether the table is a file of the data."""
    if not isinstance(items, FromFiles):
        return False
    files = {items.path(index) for index in range(len(items))}
    if place_of(path) is not None:
        return path.resolve() in {file.resolve() for file in files}
    return any(path.samefile(file) for file in files if file.exists())


def _matched(table: LabelRows, items: AbstractItems[Any]) -> tuple[list[str], list[str | None]]:
    """The key of every row, and for every item the key that names it.

    Raises:
        ValueError: if no row names anything, or the header names an item.
    """
    names = ItemNames(items)
    if _is_data(table.path, items):
        keys = [f"{table.path.resolve()}:{row.line}" for row in table.rows]
        return keys, names.found_in(keys, str(table.path))
    nothing: tuple[list[str], list[str | None]] = [], [None] * len(items)
    keys, found = next(_ways(table, items, names), nothing)
    first = table.layout.names[0]
    if _is_row(first, table, items, names, found):
        raise ValueError(
            f"{table.path} has no header: its first line names {first!r} of the data; write one above it, such as "
            "file,label"
        )
    if not keys:
        first = table.rows[0].cells[0].strip()
        raise ValueError(
            f"{table.path} names nothing of the data: its first row names {first!r}, and the data have names such as "
            f"{names.names[0]!r}"
        )
    return keys, found


def _ways(
    table: LabelRows, items: AbstractItems[Any], names: ItemNames
) -> Iterator[tuple[list[str], list[str | None]]]:
    """The key of every row, and for every item the key that names it, by every way that names any, the surest first."""
    fields = items.fields(0) if isinstance(items, FromRecords) and len(items) else {}
    columns = [
        place
        for place, name in enumerate(table.layout.names)
        if place != table.column and (place == 0 or name.lower() in NAMING | {own.lower() for own in fields})
    ]
    for place in columns:
        keys = _keys(table, place, names)
        found = names.found_in(keys, str(table.path))
        if any(key is not None for key in found):
            yield keys, found
        keys = [row.cells[place].strip() for row in table.rows]
        found = _by_field(table.layout.names[place], set(keys), items, fields)
        if any(key is not None for key in found):
            yield keys, found
    # Paths may be those of another machine, of which the folders that all of them have in common tell nothing.
    for place in columns:
        inside = within_common_folder(row.cells[place] for row in table.rows)
        keys = [inside.get(row.cells[place], "") for row in table.rows]
        found = names.found_in([key for key in keys if key], str(table.path)) if inside else []
        if any(key is not None for key in found):
            yield keys, found
    # Where files are found whatever the letters, capital or small, tables have others (a.JPG for a.jpg).
    if not names.foldable:
        return
    folded = ItemNames(items, folded=True)
    for place in columns:
        first = dict[str, str]()
        keys = [first.setdefault(key.casefold(), key) for key in _keys(table, place, names)]
        found = folded.found_in(keys, str(table.path))
        if any(key is not None for key in found):
            yield keys, found


def _is_row(
    first: str, table: LabelRows, items: AbstractItems[Any], names: ItemNames, found: Sequence[str | None]
) -> bool:
    """Whether the first line is a row, not a header: its first cell names a file as rows do.

    Columns may be called like files without their suffix (`audio` of `audio.wav`): that is a row where no column is
    known to have the labels, the rows have no suffix, either, and none of them names that file.
    """
    if not first or first.lower() in NAMING:
        return False
    suffixes = {_suffix(file) for file in names.files} - {""}
    named = names.named_by(first)
    if _suffix(first) in suffixes:
        return bool(named) or bool(ItemNames(items, folded=True).named_by(first))
    one = len({names.files[index] for index in named}) == 1
    if not one or not table.said or any(_suffix(row.cells[0]) in suffixes for row in table.rows):
        return False
    return all(found[index] is None for index in named)


def _suffix(name: str) -> str:
    return PurePosixPath(plain(name)).suffix.casefold()


def _keys(table: LabelRows, place: int, names: ItemNames) -> list[str]:
    """What every row names by one column; the number in a column `line` goes behind the name of the file."""
    heads = [name.lower() for name in table.layout.names]
    line = next((heads.index(name) for name in LINES if name in heads and heads.index(name) != table.column), None)
    if line is None:
        return [plain(row.cells[place]) for row in table.rows]
    files = set(names.files)
    alone = next(iter(files)) if len(files) == 1 else ""
    whose = [alone if place == line else plain(row.cells[place]) for row in table.rows]
    return [f"{file}:{row.cells[line].strip()}" if file else "" for file, row in zip(whose, table.rows, strict=True)]


def _by_field(name: str, keys: set[str], items: AbstractItems[Any], known: Mapping[str, str]) -> list[str | None]:
    """For every item the key that is what its record says in the field of that name."""
    alike = {name.lower(), *({"name", "title"} if name.lower() in ("name", "title") else ())}
    field = next((own for own in known if own.lower() in alike), None)
    if field is None or not isinstance(items, FromRecords):
        return [None] * len(items)
    said = (items.fields(index).get(field, "").strip() for index in range(len(items)))
    return [value if value and value in keys else None for value in said]


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
