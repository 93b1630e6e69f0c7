"""Rows of tables: the schema that follows from the data, cells as numbers, and the batches made of rows."""

import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.data.items import id_in
from gestalt.core.tables.dates import day_in, minute_of
from gestalt.core.tables.numbers import MISSING, number_in

NUMBER, DATE, BOOLEAN, CATEGORY = "number", "date", "boolean", "category"
PAIRS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"))
"""What is no and what is yes, in small letters."""
BITS = ("0", "1")
"""The same in a column that is known to hold nothing else."""
DRAWS = 64
"""Cells of a column that stand for all of it."""
FEW = 8
"""Of fewer rows nobody can say that a column tells them apart."""
GREATEST = 10.0
"""No standardised number is farther from 0: one cell does not rule a row."""
MOST = 512
"""Columns of a table."""
ABSENT, KNOWN = 0, 1
"""The code of a missing cell, and of a number that is there; of categories 1 is unknown, and words follow."""
STRAY = 20
"""Where so many times as many cells are numbers as are not, a column is one of numbers with mistakes; so of dates."""
LEARNED = 1024
"""Rows, evenly over those of the sample, that tell how columns go together."""


@final
@dataclass(frozen=True)
class Column:
    """What is known of a column: its kind, the mean and the deviation of its numbers (days since 1970 of dates), the
    words of its categories, the commonest first, and cells that stand for all of it, None for a missing one.
    """

    name: str
    kind: str
    centre: float = 0.0
    scale: float = 1.0
    words: tuple[str, ...] = ()
    draws: tuple[float | None, ...] = (None,)

    @property
    def width(self) -> int:
        """Numbers that say what a cell is: one of numbers, one for each word and one for the unknown of categories."""
        return 1 if self.kind in (NUMBER, DATE) else len(self.words) + 1

    def cell(self, text: str, delimiter: str = ",") -> tuple[float, int]:
        """A cell as a number, 0 for words, and a code.

        Raises:
            ValueError: for a word in a column of numbers or of dates.

        Example:
            >>> Column("age", "number", centre=40.0, scale=10.0).cell("55"), Column("age", "number").cell("?")
            ((1.5, 1), (0.0, 0))
            >>> [Column("sex", "category", words=("f", "m")).cell(word) for word in ("m", "d", "")]
            [(0.0, 3), (0.0, 1), (0.0, 0)]
        """
        plain = text.strip()
        if plain.lower() in MISSING:
            return 0.0, ABSENT
        if self.kind == CATEGORY:
            return 0.0, self.codes.get(plain, KNOWN)
        if self.kind == BOOLEAN:
            yes = [pair.index(plain.lower()) for pair in (*PAIRS, BITS) if plain.lower() in pair]
            return 0.0, yes[0] + 2 if yes else KNOWN
        value = day_in(plain) if self.kind == DATE else number_in(plain, delimiter)
        if value is not None and math.isnan(value):
            return 0.0, ABSENT
        if value is None or not abs(value) <= 1e30:
            wanted = "a date such as 2024-05-01" if self.kind == DATE else "a number"
            raise ValueError(f"has {plain[:40]!r} in the column {self.name!r}, expected {wanted}")
        return min(max((value - self.centre) / self.scale, -GREATEST), GREATEST), KNOWN

    def text(self, value: float, code: int) -> str:
        """What a cell says, for people."""
        if code == ABSENT:
            return "missing"
        if self.kind in (CATEGORY, BOOLEAN):
            return self.words[code - 2] if code > KNOWN else "unknown"
        own = value * self.scale + self.centre
        if self.kind == NUMBER:
            return f"{own:.4g}"
        return minute_of(own)

    @cached_property
    def codes(self) -> Mapping[str, int]:
        """The code of every word."""
        return {word: place + 2 for place, word in enumerate(self.words)}


@final
@dataclass(frozen=True)
class Schema:
    """The columns of a table, and how much every two of them tell of one another, from 0 to 1 (in the order of pairs).

    Example:
        >>> schema = Schema.of([{"x": str(n), "y": str(-n), "z": "ab"[n % 2]} for n in range(9)])
        >>> [column.kind for column in schema.columns], schema.widths, schema.association[0]
        (['number', 'number', 'category'], (1, 1, 3), 1.0)
    """

    columns: tuple[Column, ...]
    association: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        records: Sequence[Mapping[str, str]],
        delimiter: str | Sequence[str] = ",",
        columns: Sequence[str] = (),
        exclude: Sequence[str] = (),
        vocabulary: int = 64,
        labels: Sequence[str] = (),
    ) -> "Schema":
        """The schema of a sample of rows.

        A column whose words nearly all differ tells rows apart, and so does one of whole numbers, called as an id is,
        none of which comes twice: they are left out, unless they are named. So are empty columns.

        Args:
            records: the rows, their cells by name.
            delimiter: between the cells of their file, or of that of each: where it is no comma, there may be decimal
                commas.
            columns: those to take, in their order; none for all that are good for it.
            exclude: those to leave out; case matters where two names differ in nothing else.
            vocabulary: most words of a column; the rarer ones are unknown.
            labels: further ones to leave out, where they are there.

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
        marks = [delimiter] * len(records) if isinstance(delimiter, str) else list(delimiter)
        found = list[Column]()
        for name in columns or names:
            if name not in exact and name.lower() not in loose:
                cells = [(record.get(name, "").strip(), mark) for record, mark in zip(records, marks, strict=True)]
                column = _column(name, cells, vocabulary, bool(columns))
                found += [] if column is None else [column]
        if not found:
            raise ValueError(f"no column is good for an input among {', '.join(map(repr, names[:12])) or 'none'}")
        if len(found) > MOST:
            raise ValueError(f"there are {len(found)} columns, at most {MOST} are taken; name some (columns=a,b)")
        bare = cls(tuple(found))
        readable = [
            (record, mark)
            for record, mark in zip(records, marks, strict=True)
            if all(_fits(column, record.get(column.name, ""), mark) for column in bare.columns)
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
        return found

    def row(self, record: Mapping[str, str], delimiter: str = ",", title: str = "") -> "Row":
        """A row of cells by name; a cell that is not there is missing.

        Raises:
            ValueError: for a word in a column of numbers or of dates.
        """
        cells = [column.cell(record.get(column.name, ""), delimiter) for column in self.columns]
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


def _fits(column: Column, cell: str, delimiter: str) -> bool:
    """Whether a cell can be read: one that cannot is named when its row is."""
    try:
        column.cell(cell, delimiter)
    except ValueError:
        return False
    return True


def _draw(value: Any) -> float | None:
    return None if value is None else float(value)


def _column(name: str, cells: Sequence[tuple[str, str]], vocabulary: int, named: bool) -> Column | None:
    """What a column is, by its cells and the marks between those of their files; None for one that is empty, or tells
    rows apart."""
    there = [(cell, mark) for cell, mark in cells if cell.lower() not in MISSING]
    present = [cell for cell, _ in there]
    small = {cell.lower() for cell in present}
    numbers = [number_in(*one) for one in there]
    days = [day_in(cell) for cell in present] if None in numbers else []
    distinct = len(set(present))
    if not present:
        return None
    kind, words = CATEGORY, tuple[str, ...]()
    if any(small <= set(pair) for pair in PAIRS):
        kind, words = BOOLEAN, PAIRS[0]
    elif None not in numbers:
        kind = NUMBER
        whole = all(re.fullmatch(r"[-+]?\d+", cell) for cell in present)
        if not named and whole and distinct == len(present) >= FEW and id_in({name: "1"}):
            return None
    elif None not in days:
        kind, numbers = DATE, days
    else:
        many = distinct > max(FEW, len(present) // 2) and (distinct == len(present) or distinct > vocabulary)
        if many and numbers.count(None) <= len(present) // STRAY:  # then rows with another cell are named
            kind = NUMBER
        elif many and days.count(None) <= len(present) // STRAY:
            kind, numbers = DATE, days
        elif not named and many:
            return None
        else:
            counts = Counter(present)
            words = tuple(sorted(counts, key=lambda word: (-counts[word], word))[:vocabulary])
    column = Column(name, kind, words=words)
    if kind in (NUMBER, DATE):
        own = np.array([math.nan if one is None else one for one in numbers])
        own = own[np.abs(own) <= 1e30]
        if not len(own):
            return None
        deviation = float(own.std())
        flat = deviation <= 1e-9 * abs(float(own.mean()))
        column = replace(column, centre=float(own.mean()), scale=1.0 if flat else deviation)
    made = [column.cell(*one) for one in cells if _fits(column, *one)]
    order = sorted(round(value, 5) if column.width == 1 else float(code) for value, code in made if code != ABSENT)
    every: list[float | None] = [*[None] * (len(made) - len(order)), *order]
    places = [(2 * number + 1) * len(every) // (2 * min(DRAWS, len(every))) for number in range(min(DRAWS, len(every)))]
    return replace(column, draws=tuple(every[place] for place in places))


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
