"""Rows of tables: the schema that follows from the data, cells as numbers, and the batches made of rows."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.tables.numbers import MISSING, POINT, number_in

from .columns import DRAWS, Column, column_of, fits, word_among_numbers

MOST = 512
"""Columns of a table."""
LEARNED = 1024
"""Rows, evenly over those of the sample, that tell how columns go together."""


@final
@dataclass(frozen=True)
class Schema:
    """The columns of a table, and how much every two of them tell of one another, from 0 to 1 (in the order of pairs).

    `remarks` are lines on columns that are no inputs, and why; they are no part of what a run keeps.

    Example:
        >>> schema = Schema.of([{"x": str(n), "y": str(-n), "z": "ab"[n % 2]} for n in range(9)])
        >>> [column.kind for column in schema.columns], schema.widths, schema.association[0]
        (['number', 'number', 'category'], (1, 1, 3), 1.0)
    """

    columns: tuple[Column, ...]
    association: tuple[float, ...] = ()
    remarks: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of(
        cls,
        records: Sequence[Mapping[str, str]],
        writings: Sequence[Mapping[str, str]] | None = None,
        columns: Sequence[str] = (),
        exclude: Sequence[str] = (),
        vocabulary: int = 64,
        labels: Sequence[str] = (),
        apart: Mapping[str, str] | None = None,
    ) -> "Schema":
        """The schema of a sample of rows.

        A column whose words nearly all differ tells rows apart, and so does one of whole numbers, called as an id is,
        none of which comes twice: they are left out, unless they are named. So are empty columns.

        Args:
            records: the rows, their cells by name.
            writings: of each row, how the numbers of its columns are written; None: all have decimals behind a point.
            columns: those to take, in their order; none for all that are good for it.
            exclude: those to leave out; case matters where two names differ in nothing else.
            vocabulary: most words of a column; the rarer ones are unknown.
            labels: further ones to leave out, where they are there.
            apart: others to leave out unless they are among `columns`, and why.

        Raises:
            ValueError: if no column is left, there are too many, or one that is named is not there.
        """
        names = list(dict.fromkeys(name for record in records for name in record if name))
        small = {name.lower() for name in names}
        for wanted in (*columns, *exclude):
            if wanted not in names and not (wanted in exclude and wanted.lower() in small):
                raise ValueError(f"there is no column {wanted!r}; the columns are {', '.join(map(repr, names[:12]))}")
        exact = {name for name in (*exclude, *labels) if name in names}
        loose = {name.lower() for name in (*exclude, *labels) if name not in exact}
        how = [{}] * len(records) if writings is None else writings
        found, left, rare, mixed = list[Column](), dict[str, list[str]](), list[str](), list[str]()
        for name in columns or names:
            if name in exact or name.lower() in loose or (apart and name in apart and not columns):
                why = apart[name] if apart and name in apart else "excluded, or to be predicted"
                left.setdefault(why, []).append(name)
                continue
            cells = [
                (record.get(name, "").strip(), own.get(name, POINT)) for record, own in zip(records, how, strict=True)
            ]
            column = column_of(name, cells, vocabulary, bool(columns))
            if isinstance(column, str):
                left.setdefault(column, []).append(name)
                continue
            found.append(column)
            if len(column.words) < len({cell for cell, _ in cells if cell.lower() not in MISSING}) and column.words[2:]:
                rare.append(name)
            if (word := word_among_numbers(column, cells)) is not None:
                mixed.append(f"{name!r} ({word[:40]!r})")
        remarks = [f"no input: {listed(own)} ({why})" for why, own in left.items()]
        if rare:
            remarks.append(f"only the {vocabulary} commonest words are told apart of {listed(rare)} (vocabulary=…)")
        if mixed:
            remarks.append(
                f"words, for not all cells are numbers: {', '.join(mixed[:12])}; correct or empty such cells"
            )
        numbers = [name for name in names if number_in(name) is not None and name.strip().lower() not in MISSING]
        if numbers:
            remarks.append(f"columns are called {listed(numbers)}: if the first line is a row, write names above it")
        if not found:
            said = ", ".join(map(repr, names[:12])) or "none"
            raise ValueError(
                f"no column is good for an input among {said}: {'; '.join(remarks) or 'there are no rows'}"
            )
        if len(found) > MOST:
            raise ValueError(f"there are {len(found)} columns, at most {MOST} are taken; name some (columns=a,b)")
        bare = cls(tuple(found), remarks=tuple(remarks))
        readable = [
            (record, own)
            for record, own in zip(records, how, strict=True)
            if all(fits(column, record.get(column.name, ""), own.get(column.name, POINT)) for column in bare.columns)
        ]
        some = readable[:: max(1, -(-len(readable) // LEARNED))]
        return replace(bare, association=_association([bare.row(*one) for one in some], bare)) if some else bare

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Schema":
        """The schema that `settings` wrote.

        Raises:
            ValueError: if it is none.
        """
        try:
            columns = [
                Column(**{**one, "words": tuple(one["words"]), "draws": tuple(map(_draw, one["draws"]))})
                for one in settings["columns"]
            ]
            return cls(tuple(columns), tuple(settings["association"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"is no schema of a table: {error!r}") from error

    def settings(self) -> dict[str, Any]:
        """The schema as JSON."""
        found: dict[str, Any] = asdict(self)
        del found["remarks"]
        return found

    def row(self, record: Mapping[str, str], writings: Mapping[str, str] | None = None, title: str = "") -> "Row":
        """A row of cells by name; a cell that is not there is missing.

        Args:
            record: the cells.
            writings: how the numbers of its columns are written; None: all have decimals behind a point.
            title: what the row is called.

        Raises:
            ValueError: for a word in a column of numbers or of dates.
        """
        how = writings or {}
        cells = [column.cell(record.get(column.name, ""), how.get(column.name, POINT)) for column in self.columns]
        values, codes = zip(*cells, strict=True)
        return Row(torch.arange(len(cells)), torch.tensor(values), torch.tensor(codes), self, title)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Those of the columns."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Of every column, how many numbers say what a cell is."""
        return tuple(column.width for column in self.columns)

    @cached_property
    def digest(self) -> str:
        """The same for equal schemas alone."""
        return f"{zlib.crc32(json.dumps(self.settings()).encode()):08x}"

    @cached_property
    def numeric(self) -> Bool[Tensor, " columns"]:
        """Which columns hold numbers or dates."""
        return torch.tensor([width == 1 for width in self.widths])

    @cached_property
    def draws(self) -> tuple[Float[Tensor, "columns draws"], Int[Tensor, "columns draws"]]:
        """Numbers and codes of cells that stand for each column."""
        values = torch.zeros(len(self.columns), DRAWS)
        codes = torch.zeros(len(self.columns), DRAWS, dtype=torch.long)
        for place, column in enumerate(self.columns):
            own = [column.draws[number * len(column.draws) // DRAWS] for number in range(DRAWS)]
            there = torch.tensor([one is not None for one in own])
            cells = torch.tensor([0.0 if one is None else one for one in own])
            values[place] = cells if column.width == 1 else 0.0
            codes[place] = torch.where(there, torch.ones(DRAWS) if column.width == 1 else cells, 0.0).long()
        return values, codes


def listed(names: Sequence[str], most: int = 8) -> str:
    """The first names, and how many more there are.

    Example:
        >>> listed("abc", most=2)
        "'a', 'b' and 1 more"
    """
    further = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + further


def _draw(value: Any) -> float | None:
    return None if value is None else float(value)


def _association(rows: Sequence["Row"], schema: Schema, most: int = 8) -> tuple[float, ...]:
    """‖S_cd‖ / √(‖S_cc‖ ‖S_dd‖) of every two columns, with the covariances S of numbers and of the commonest words.

    Of two columns of numbers it is the size of their correlation.

    Source: Escoufier, "Le traitement des variables vectorielles" (1973), the coefficient RV.
    """
    values, codes = (torch.stack([getattr(row, name) for row in rows]) for name in ("values", "codes"))
    parts, owner = list[Tensor](), list[int]()
    for place, width in enumerate(schema.widths):
        own = (
            [values[:, place]] if width == 1 else [(codes[:, place] == 2 + n).float() for n in range(min(most, width))]
        )
        parts += own
        owner += [place] * len(own)
    table = torch.stack(parts, dim=1).double()
    table = table - table.mean(dim=0)
    square = (table.T @ table / len(rows)).square()
    of = torch.nn.functional.one_hot(torch.tensor(owner), len(schema.widths)).double()
    norms = of.T @ square @ of
    own_norms = norms.diag().clamp(min=1e-24)
    shares = (norms / (own_norms[:, None] * own_norms).sqrt()).sqrt().clamp(max=1.0)
    first, second = torch.triu_indices(len(of.T), len(of.T), 1)
    return tuple(round(share, 3) for share in shares[first, second].tolist())


@final
@dataclass(frozen=True)
class Row:
    """Cells of a row: of which column each is, its standardised number (0 for words), and its code.

    Example:
        >>> row = Schema((Column("age", "number"), Column("sex", "category", words=("f", "m")))).row({"sex": "m"})
        >>> row.codes.tolist(), row.texts()
        ([0, 3], ['missing', 'm'])
    """

    columns: Int[Tensor, " cells"]
    values: Float[Tensor, " cells"]
    codes: Int[Tensor, " cells"]
    schema: Schema
    title: str = field(default="", compare=False)

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.columns)

    def take(self, index: Int[Tensor, " kept"]) -> "Row":
        """Some cells, in that order."""
        return replace(self, columns=self.columns[index], values=self.values[index], codes=self.codes[index])

    def names(self) -> list[str]:
        """The column of every cell."""
        return [self.schema.names[place] for place in self.columns.tolist()]

    def texts(self) -> list[str]:
        """What every cell says."""
        cells = zip(self.columns.tolist(), self.values.tolist(), self.codes.tolist(), strict=True)
        return [self.schema.columns[place].text(value, code) for place, value, code in cells]


@final
@dataclass(frozen=True)
class Rows:
    """A batch of rows, padded to the longest; `widths` and `schema` (its digest) say how they were read."""

    columns: Int[Tensor, "batch cells"]
    values: Float[Tensor, "batch cells"]
    codes: Int[Tensor, "batch cells"]
    valid: Bool[Tensor, "batch cells"]
    widths: tuple[int, ...]
    schema: str

    def to(self, device: torch.device | str, /) -> "Rows":
        """The same batch on another device."""
        columns, values, codes, valid = (
            one.to(device, non_blocking=True) for one in (self.columns, self.values, self.codes, self.valid)
        )
        return Rows(columns, values, codes, valid, self.widths, self.schema)


def collate(items: Sequence[Row]) -> Rows:
    """Rows as one batch.

    Raises:
        ValueError: if there are none, or they were read with several schemas.
    """
    schemas = {item.schema.digest for item in items}
    if len(schemas) != 1:
        raise ValueError(f"a batch needs rows that were read with one schema, got {len(schemas)}; read them together")
    pad = torch.nn.utils.rnn.pad_sequence
    columns = pad([item.columns for item in items], batch_first=True)
    values, codes = pad([item.values for item in items], True), pad([item.codes for item in items], True)
    valid = torch.arange(columns.shape[1]) < torch.tensor([len(item) for item in items])[:, None]
    return Rows(columns, values, codes, valid, items[0].schema.widths, schemas.pop())
