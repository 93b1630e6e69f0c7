"""The recipe `labels-table`: what few labels are worth, by method and kind of data."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, final

from gestalt.core.evaluation import Column, Table, combined, to_markdown
from gestalt.core.storage.atomic import write_text
from gestalt.core.training import Training

from .cells import ROWS, Row, score
from .data import KINDS
from .kinds import Labelled as Labelled

Kind = Literal["image", "audio", "graph", "text", "spans"]


@final
@dataclass(frozen=True)
class Options:
    """The table "10 % labels": methods that see few labels, or none until a probe, on the shipped data of every kind.

    A cell that is there already is not run again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/labels-table")
    """Folder of the runs and of the table."""
    kinds: tuple[Kind, ...] = ("image", "audio", "graph", "text", "spans")
    """Kinds of data: items of three, words, and groups of words."""
    share: float = 0.1
    """Share of the labels that are shown."""
    seeds: int = 3
    """How many seeds, from 0 on."""
    training: Training = field(default_factory=lambda: Training(steps=100, batch=32, warmup=10, workers=0, threads=1))
    """How every method is trained."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or self.seeds < 1 or not self.kinds:
            raise ValueError(
                f"--share must lie in (0, 1], --seeds be at least 1 and --kinds name one, got {self.share}, "
                f"{self.seeds} and {self.kinds}"
            )


def run(options: Options) -> int:
    """Fill every cell, then write `table.md` and `table.json`; the exit code."""
    columns = [Column(kind, group=f"{options.share:.0%} of the labels") for kind in options.kinds]
    tables, note = [], ""
    for seed in range(options.seeds):
        data = {kind: KINDS[kind](seed) for kind in options.kinds}
        note = "Accuracy. " + "; ".join(f"{kind}: {one.question}" for kind, one in data.items()) + "."
        values: dict[str, Sequence[float | None]] = {
            row.name: [_cell(row, data[kind], seed, options) for kind in options.kinds] for row in ROWS
        }
        tables.append(Table.of(f"seed {seed}", columns, values, note))
    table = combined(tables, f"{options.seeds} seeds, {options.training.steps} steps", note)
    write_text(options.out / "table.json", table.to_json())
    write_text(options.out / "table.md", to_markdown(table) + "\n")
    print(to_markdown(table))
    return 0


def _cell(row: Row, data: Labelled, seed: int, options: Options) -> float:
    name = f"{row.learn or ('plain' if row.raw else 'random')}-{options.share:g}-{options.training.steps}-{seed}"
    folder = options.out / data.kind / name
    result = folder / "accuracy.txt"
    if result.is_file():
        return float(result.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    accuracy = score(row, data, options.share, replace(options.training, seed=seed), folder)
    write_text(result, f"{accuracy:.6f}\n")
    print(f"{data.kind}, seed {seed}, {row.name}: {accuracy:.3f}", flush=True)
    return accuracy
