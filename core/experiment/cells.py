"""Programs that fill tables cell by cell: each cell is measured once and kept, and tables are written at the end."""

import shutil
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from ..evaluation.table import Column, Table
from ..evaluation.table_text import to_markdown
from ..storage.atomic import write_text
from .asked import RUN, claim
from .kept import keep, kept


def measured(
    folder: Path, measure: Callable[[Path], Mapping[str, float]], of: Mapping[str, Any], keep_run: bool = False
) -> Mapping[str, float]:
    """What was measured in a folder; where nothing was, it is measured now and kept.

    Args:
        folder: of the cell.
        measure: takes the folder of the run that the cell trains, if it trains one; a stopped run goes on there.
        of: what decides the numbers beside the folder's name, see `claim`: how the run is trained, its method.
        keep_run: leave that folder; otherwise it goes when the cell is kept.

    Raises:
        ValueError: naming the file, if what was kept is damaged; or what differs, if it is of other options.
    """
    claim(folder, of)
    found = kept(folder)
    if found is None:
        found = measure(folder / RUN)
        keep(folder, found)
        if not keep_run:
            shutil.rmtree(folder / RUN, ignore_errors=True)
    return found


def table_of_seed(
    title: str,
    columns: Sequence[Column],
    rows: Mapping[str, Mapping[str, float]],
    ceilings: Set[str] = frozenset(),
) -> Table:
    """One seed's table, from the metrics of every row by their names; a metric that a row lacks is an empty cell.

    Example:
        >>> table_of_seed("seed 0", [Column("ARI"), Column("mBO")], {"k-means": {"ARI": 0.5}}).rows[0].values
        ((0.5,), ())
    """
    values = {row: [metrics.get(column.name) for column in columns] for row, metrics in rows.items()}
    return Table.of(title, columns, values, ceilings=ceilings)


def text_of(table: Table) -> str:
    """A table as Markdown, between its title and its note."""
    return "\n\n".join(part for part in (table.title, to_markdown(table), table.note) if part) + "\n"


def write_table(folder: Path, table: Table) -> None:
    """Write `table.json` and `table.md`, and show the table."""
    text = text_of(table)
    write_text(folder / "table.json", table.to_json())
    write_text(folder / "table.md", text)
    print(text)


def in_words(metrics: Mapping[str, float]) -> str:
    """Metrics in a line.

    Example:
        >>> in_words({"ARI": 0.25, "mBO": 0.5})
        'ARI 0.250, mBO 0.500'
    """
    return ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())
