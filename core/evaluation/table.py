"""Results of several methods on several metrics, over seeds."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import final


@final
@dataclass(frozen=True)
class Column:
    """A metric: its name, the heading that it shares with its neighbours, which way is better, digits to show.

    `higher_is_better` is None where neither way is (a count of objects, say): then nothing is set in bold.
    """

    name: str
    group: str = ""
    higher_is_better: bool | None = True
    digits: int = 2

    @property
    def heading(self) -> str:
        """The name with an arrow towards the better."""
        return self.name + {True: " ↑", False: " ↓", None: ""}[self.higher_is_better]

    def show(self, value: float) -> str:
        """A number with the column's digits."""
        return f"{value:.{self.digits}f}".replace("-", "−")


@final
@dataclass(frozen=True)
class Row:
    """A method, and for every column its value under each seed; an empty tuple where it was not measured.

    A `ceiling` is no method but a bound on all of them (the truth itself at some resolution): it is never the best.
    """

    method: str
    values: tuple[tuple[float, ...], ...]
    ceiling: bool = False


@final
@dataclass(frozen=True)
class Table:
    """Methods down, metrics across; every cell has one value per seed.

    A value that came out as NaN stays: its mean is NaN and never the best, so that a failed seed is not hidden.

    Example: two seeds, each a table of its own, become one.

        >>> columns = (Column("ARI", "instances"), Column("error", higher_is_better=False))
        >>> one = Table.of("Seed 0", columns, {"k-means": [0.25, 0.5], "Odin": [0.5, None]})
        >>> two = Table.of("Seed 1", columns, {"k-means": [0.75, 0.5], "Odin": [0.75, 0.25]})
        >>> both = combined([one, two], title="Two seeds")
        >>> both.cell(0, 0).mean, both.cell(1, 1).seeds, both.best(0)
        (0.5, 1, frozenset({1}))
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.values) != len(self.columns):
                raise ValueError(f"{row.method!r} has {len(row.values)} cells for {len(self.columns)} columns")
        if len({row.method for row in self.rows}) != len(self.rows):
            raise ValueError(f"every method has one row, got {[row.method for row in self.rows]}")

    @classmethod
    def of(
        cls,
        title: str,
        columns: Sequence[Column],
        results: Mapping[str, Sequence[float | None]],
        note: str = "",
        ceilings: Set[str] = frozenset(),
    ) -> "Table":
        """The table of one seed, from method to one value per column, None where it was not measured.

        `ceilings` names the rows that bound the others.

        Raises:
            ValueError: if a ceiling is no row.
        """
        if unknown := ceilings - results.keys():
            raise ValueError(f"ceilings are rows of the table, got {sorted(unknown)}; the rows are {list(results)}")
        rows = (
            Row(name, tuple(() if value is None else (float(value),) for value in values), name in ceilings)
            for name, values in results.items()
        )
        return cls(title, tuple(columns), tuple(rows), note)

    def cell(self, row: int, column: int) -> "Cell":
        """The mean and spread over seeds."""
        return Cell.of(self.rows[row].values[column])

    def best(self, column: int) -> frozenset[int]:
        """The methods that no other beats, to the digits shown; none where there is nothing to choose."""
        better = self.columns[column].higher_is_better
        methods = [number for number, row in enumerate(self.rows) if not row.ceiling]
        means = {row: round(self.cell(row, column).mean, self.columns[column].digits) for row in methods}
        known = {row: mean for row, mean in means.items() if math.isfinite(mean)}
        if better is None or len(known) < 2:
            return frozenset()
        top = (max if better else min)(known.values())
        return frozenset(row for row, mean in known.items() if mean == top)

    @property
    def seeds(self) -> int:
        """The greatest number of seeds in any cell."""
        return max((len(values) for row in self.rows for values in row.values), default=0)

    def to_json(self) -> str:
        """JSON, with null for NaN."""
        fields = asdict(self)
        for row in fields["rows"]:
            row["values"] = [[v if math.isfinite(v) else None for v in values] for values in row["values"]]
        return json.dumps(fields, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Table":
        """The table that `to_json` wrote.

        Raises:
            ValueError: if it is another text.
        """
        try:
            fields = json.loads(text)
            rows = (
                Row(
                    row["method"],
                    tuple(tuple(math.nan if v is None else float(v) for v in values) for values in row["values"]),
                    bool(row.get("ceiling", False)),
                )
                for row in fields["rows"]
            )
            return cls(fields["title"], tuple(Column(**c) for c in fields["columns"]), tuple(rows), fields["note"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"this JSON is no table of results: {error!r}") from error


@final
@dataclass(frozen=True)
class Cell:
    """Mean over seeds (NaN without any) and their standard deviation (n − 1; None with fewer than two seeds)."""

    mean: float
    spread: float | None
    seeds: int

    @classmethod
    def of(cls, values: tuple[float, ...]) -> "Cell":
        """From one value per seed."""
        if not values or not all(math.isfinite(value) for value in values):
            return cls(math.nan, None, len(values))
        spread = statistics.stdev(values) if len(values) > 1 else None
        return cls(statistics.fmean(values), spread, len(values))


def combined(tables: Sequence[Table], title: str, note: str = "") -> Table:
    """One table with the seeds of all, one after the other; a method that some of them lack has fewer seeds.

    Raises:
        ValueError: if the tables have different columns, or there are none.
    """
    if not tables or any(table.columns != tables[0].columns for table in tables):
        raise ValueError("combine tables that have the same columns, at least one")
    methods = dict.fromkeys(row.method for table in tables for row in table.rows)
    ceilings = {row.method for table in tables for row in table.rows if row.ceiling}
    cells: dict[str, list[tuple[float, ...]]] = {method: [()] * len(tables[0].columns) for method in methods}
    for table in tables:
        for row in table.rows:
            cells[row.method] = [old + new for old, new in zip(cells[row.method], row.values, strict=True)]
    rows = tuple(Row(method, tuple(values), method in ceilings) for method, values in cells.items())
    return Table(title, tables[0].columns, rows, note)
