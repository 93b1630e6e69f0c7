"""What is shown and written of rows: cells in the colours of their objects, tables, masks; and small known rows."""

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped, id_of
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.modality.base import Specimen
from gestalt.core.modality.colours import colour_of
from gestalt.core.modality.pairing import NamedFiles, must_exist, unreadable_masks, written_form
from gestalt.core.report.direction import isolated
from gestalt.core.storage.csv_file import TableWriter, meant
from gestalt.core.storage.naming import counted
from gestalt.core.storage.text_file import open_text
from gestalt.core.tables.rows import table_of

from .columns import BOOLEAN, CATEGORY, KNOWN, NUMBER, PAIRS, Column
from .data import Row, Schema
from .reading import TableFiles

COLUMNS = ("filename", "row", "id", "column", "object")
ACCEPTED = (
    "a table (.csv) with the columns column and object (0 for none), filename and row where rows differ, and label if "
    "it has one"
)
NONE = "#d0d7de"


def render(item: Row, found: Int[Tensor, " elements"], truth: Sequence[tuple[str, Any]], by_number: bool) -> str:
    """The cells with their columns, framed in the colours of the found objects, and the true ones, names of columns."""
    own = found[: len(item)].tolist()
    order = {number: place for place, number in enumerate(dict.fromkeys(n for n in own if n >= 0))}
    numbers = {number: number if by_number else place for number, place in order.items()}
    cells = "".join(
        _cell(name, text, numbers.get(number))
        for name, text, number in zip(item.names(), item.texts(), own, strict=True)
    )
    said = counted(len(numbers), "object")
    true = "; ".join(f"{isolated(name)}: {isolated(', '.join(columns))}" for name, columns in truth)
    title = f"{isolated(item.title)}, {said}" if item.title else said
    return (
        '<figure class="gestalt-row" style="margin:0 0 1.5rem">'
        f'<div style="display:flex;flex-wrap:wrap;gap:0.3rem">{cells}</div>'
        f'<figcaption style="font-size:0.85rem;opacity:0.75">{title}{f"; true: {true}" if true else ""}</figcaption>'
        "</figure>"
    )


def _cell(name: str, text: str, number: int | None) -> str:
    colour, said = (NONE, "no object") if number is None else (colour_of(number), f"object {number + 1}")
    return (
        f'<span title="{html.escape(said)}" style="border:2px solid {colour};border-radius:4px;padding:0.1rem 0.4rem">'
        f"<small>{isolated(name)}</small> {isolated(text)}</span>"
    )


def render_object(item: Row, inside: Bool[Tensor, " elements"]) -> str:
    """The cells of an object alone."""
    pairs = zip(item.names(), item.texts(), inside[: len(item)].tolist(), strict=True)
    cells = "".join(_cell(name, text, 0) for name, text, own in pairs if own)
    return f'<div class="gestalt-cells" style="display:flex;flex-wrap:wrap;gap:0.3rem">{cells}</div>'


def write_objects(found: Iterable[FoundBatch[Row]], items: AbstractItems[Row], out: Path) -> str:
    """`objects.csv`, a line for every cell with its object (0 is none), and `objects.jsonl`, a line for every row with
    the columns of every object. Rows are numbered as their files number their lines.

    Raises:
        TypeError: if the rows are none of files.
    """
    if not isinstance(items, TableFiles):
        raise TypeError(f"objects are written for rows of files (TableFiles), got {type(items).__name__}")
    count = rows = 0
    with ExitStack() as stack:
        cells = stack.enter_context(open_text(out / "objects.csv"))
        lines = stack.enter_context(open_text(out / "objects.jsonl"))
        table: TableWriter | None = None
        for batch in found:
            table = table or TableWriter(cells, (*COLUMNS, "label", "score") if batch.named else COLUMNS)
            for row, index, item, own in zip(
                range(len(batch.index)), batch.index, batch.items, batch.labels(), strict=True
            ):
                numbers = {
                    n: at + 1 for at, n in enumerate(dict.fromkeys(n for n in own[: len(item)].tolist() if n >= 0))
                }
                file, line = items.place(index)
                called, objects = id_of(items, index), dict[int, dict[str, Any]]()
                for place, name in enumerate(item.names()):
                    number = int(own[place])
                    said: tuple[Any, ...] = ()
                    if batch.named is not None:
                        score = round(float(batch.named.scores[row, place]), 4)
                        said = (batch.named.name(number), score) if number >= 0 else ("", 0.0)
                    table.row((items.paths[file], line, called, name, numbers.get(number, 0), *said))
                    if number in numbers:
                        one = objects.setdefault(number, {"object": numbers[number], "columns": []})
                        one |= {"label": said[0]} if said else {}
                        one["columns"].append(name)
                record = {"file": str(items.paths[file]), "row": line, "id": called, "objects": list(objects.values())}
                lines.write(json.dumps(record, ensure_ascii=False) + "\n")
                count, rows = count + len(objects), rows + 1
        if table is None:
            TableWriter(cells, COLUMNS)
    return f"{counted(count, 'object')} in {counted(rows, 'row')}"


def element_columns(found: FoundBatch[Row], row: int) -> Mapping[str, Float[np.ndarray, " elements"]]:
    """The number of the column of every cell among the inputs, −1 on padding."""
    item, numbers = found.items[row], np.full(found.features.values.shape[1], -1.0)
    numbers[: len(item)] = item.columns.numpy()
    return {"column": numbers}


def read_masks(path: Path, items: AbstractItems[Row], skipped: Sequence[Skipped] = ()) -> AbstractMasks[Row]:
    """The objects of columns: of every row alike, or row by row in a table as `write_objects` makes it.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if it is no such table, or names a file or a column that there is not.
    """
    must_exist(path)
    path = written_form(path, "objects.csv")
    if not isinstance(items, TableFiles):
        raise ValueError(f"objects belong to rows of files, and these are none: {items.name(0)}")
    if path.is_dir() or path.suffix.lower() not in (".csv", ".tsv"):
        raise unreadable_masks(path, ACCEPTED)
    try:
        layout, rows = table_of(path)
        table = list(rows)
    except BadItemError as error:
        raise ValueError(str(error)) from error
    head = [name.strip().lower() for name in layout.names]
    if not {"column", "object"} <= set(head) or ("filename" in head) != ("row" in head):
        raise ValueError(f"{path} has the columns {layout.listed or 'none'}; give {ACCEPTED}")
    files, masks = NamedFiles(items.paths, skipped), RowMasks(items)
    columns = {name: place for place, name in enumerate(items.schema.names)}
    for row in table:
        source = f"{path}:{row.line}"
        if row.problem:
            raise ValueError(f"{source} {row.problem}; correct the line")
        cells = {key: cell.strip() for key, cell in zip(head, row.cells, strict=True)}
        column, number = meant(cells["column"]), cells["object"]
        if column not in columns or not (number.isascii() and number.isdigit() and len(number) < 10):
            raise ValueError(
                f"{source}: {column[:40]!r} with object {number[:20]!r} is no input of the data; {ACCEPTED}"
            )
        where: tuple[int, int] | None = None
        if "row" in head:
            file = files.known(meant(cells["filename"]), source)
            if file is None:
                continue
            if not cells["row"].isdecimal() or len(cells["row"]) > 18:
                raise ValueError(f"{source}: {cells['row'][:20]!r} is no number of a row")
            where = file, int(cells["row"])
        masks.objects.setdefault(where, {})[columns[column]] = int(number)
        masks.names.setdefault(where, {}).setdefault(int(number), meant(cells.get("label", "")) or f"object {number}")
    if not masks.objects:
        raise ValueError(f"{path} names no row of the data; give {ACCEPTED}")
    return replace(masks, unused=files.unused)


@final
@dataclass
class RowMasks(AbstractMasks[Row]):
    """The object of every column, by file and line of a row; under None of all rows."""

    items: TableFiles
    objects: dict[tuple[int, int] | None, dict[int, int]] = field(default_factory=dict)
    names: dict[tuple[int, int] | None, dict[int, str]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def has(self, index: int) -> bool:
        """Whether the table names the row, or all."""
        return None in self.objects or self.items.place(index) in self.objects

    def of_item(self, index: int, item: Row) -> ItemMasks | None:
        """The object of every cell."""
        place: tuple[int, int] | None = self.items.place(index)
        place = place if place in self.objects else None
        if place not in self.objects:
            return None
        own = [self.objects[place].get(column, 0) for column in item.columns.tolist()]
        numbers = {value: at for at, value in enumerate(dict.fromkeys(n for n in own if n > 0))}
        labels = torch.tensor([numbers.get(value, -1) for value in own], dtype=torch.long)
        return ItemMasks(labels, None, tuple(self.names[place][value] for value in numbers))


def shown_masks(item: Row, masks: ItemMasks) -> list[tuple[str, list[str]]]:
    """Each object with the names of its columns."""
    names, labels = item.names(), masks.labels[: len(item)].tolist()
    return [
        (masks.name(number), [name for name, own in zip(names, labels, strict=True) if own == number])
        for number in masks.objects()
    ]


def statistics(item: Row) -> dict[str, float]:
    """The numbers of a row by their columns, NaN where they are missing, and how many cells are there."""
    cells = zip(item.columns.tolist(), item.values.tolist(), item.codes.tolist(), strict=True)
    own = {place: value for place, value, code in cells if code == KNOWN}
    found = {
        column.name: own.get(place, float("nan"))
        for place, column in enumerate(item.schema.columns)
        if column.width == 1
    }
    return found | {"known cells": float((item.codes > 0).sum())}


@final
class Mark:
    """A row of which one cell says something else."""

    def __init__(self, item: Row) -> None:
        self.item = item

    def __call__(self, element: int) -> Row:
        """The row, changed at that cell: another number, or the word after its own."""
        values, codes = self.item.values.clone(), self.item.codes.clone()
        column = self.item.schema.columns[int(self.item.columns[element])]
        if column.width == 1:
            values[element], codes[element] = values[element] + 2.0, KNOWN
        else:
            codes[element] = 2 + (int(codes[element]) - 1) % len(column.words)
        return replace(self.item, values=values, codes=codes)


def specimens_of(schema: Schema) -> Sequence[Specimen[Row]]:
    """Three rows whose cells are drawn from each column by itself; nothing is known of their groups of columns."""
    values, codes = schema.draws
    places = torch.arange(len(schema.columns))
    made = []
    for number in range(3):
        draws = (17 * places + 23 * number + 5) % values.shape[1]
        item = Row(places, values[places, draws], codes[places, draws], schema, f"row {number + 1}")
        made.append(Specimen(item, torch.zeros(len(places), dtype=torch.long), Mark(item)))
    return made


def specimens() -> Sequence[Specimen[Row]]:
    """Three rows of a body and a machine, of which one lacks a cell and one a whole column."""
    draws = tuple(round(float(value), 3) for value in torch.linspace(-2, 2, 32))
    schema = Schema(
        (
            *(Column(name, NUMBER, 20.0, 5.0, draws=draws) for name in ("height", "weight", "speed", "load")),
            Column("tool", CATEGORY, words=("drill", "saw"), draws=(2.0, 3.0)),
            Column("ready", BOOLEAN, words=PAIRS[0], draws=(2.0, 3.0, 3.0)),
        )
    )
    made = []
    for seed in range(3):
        rng, labels = np.random.default_rng(seed), torch.tensor([0, 0, 1, 1, 1, 1])
        cells = [f"{value:.3f}" for value in rng.normal(20, 5, 4)]
        record = dict(zip(schema.names, [*cells, "saw" if seed else "drill", "true"], strict=True))
        item = schema.row(record | ({"load": ""} if seed == 2 else {}), title=f"row {seed + 1}")
        if seed == 1:
            item, labels = item.take(torch.tensor([0, 1, 2, 4, 5])), labels[1:]
        truth = tuple(
            (name, [one for one, own in zip(item.names(), labels.tolist(), strict=True) if own == number])
            for number, name in enumerate(("body", "machine"))
        )
        made.append(Specimen(item, labels, Mark(item), truth))
    return made
