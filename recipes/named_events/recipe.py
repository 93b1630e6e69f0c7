"""The table of named events."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import ClassVar, final

from gestalt.core.components.ranges import Count, check_ranges
from gestalt.core.evaluation import Column, combined
from gestalt.core.experiment.cells import measured, table_of_seed, write_table
from gestalt.core.runs.types.clusterings import AbstractClustering, KMeansTypes
from gestalt.core.runs.types.finding import Typing
from gestalt.core.storage.atomic import write_text

from .archive import Archive, Sounds
from .rows import ROWS, STORY, Row
from .story import Story

SCORES = {
    "events": ("events", "f1", "overlapping by half"),
    "mean of classes": ("events", "macro_f1", "overlapping by half"),
    "within 0.2 s": ("events", "f1", "begin and end within 0.2"),
    "seconds": ("events", "f1", "segments of 1"),
}
"""Columns, and which score of an evaluation each is."""
NOTE = (
    "F1 of events of five names in recordings that are held out: matched where their overlap is half of their union, "
    "all together and averaged over the five; where begin and end agree within 0.2 s (or 20 % of the length); and of "
    "seconds in which they sound."
)


def found_by() -> Typing:
    """How types are found; chosen on soundscapes of validation sounds."""
    return Typing(KMeansTypes(), number=30)


@final
@dataclass(frozen=True)
class Options:
    """An hour of soundscapes without labels: learn, find types, name five, and find them in other recordings.

    A cell that is there already is not measured again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/named-events")
    """Folder of the recordings, the runs and the tables."""
    sounds: Sounds = "test"
    """Which of the shipped sounds soundscapes are mixed of; options were chosen on those for validation."""
    seeds: Count = 3
    """How many seeds, from 0 on: of the soundscapes, and of everything that is learned."""
    minutes: Count = 60
    """Minutes of recordings without labels."""
    held_out: Count = 20
    """Minutes of recordings to measure on."""
    steps: Count = 400
    """Steps for which the network is trained on the archive, in two rounds."""
    types: Typing = field(default_factory=found_by)
    """How types are found."""
    rows: tuple[str, ...] = ()
    """Rows to measure, by their names; none: all."""

    def __post_init__(self) -> None:
        check_ranges(self)
        unknown = [name for name in self.rows if name not in {row.name for row in ROWS}]
        if unknown:
            raise ValueError(f"there is no row {unknown[0]!r}; rows are {', '.join(repr(row.name) for row in ROWS)}")


@final
class NamedEvents:
    """Detectors of five named sounds: by named types, by the shown members alone, by rule, and by full truth."""

    name: ClassVar[str] = "named-events"
    summary: ClassVar[str] = "five names given to types of an hour of soundscapes, and what a model of them finds"
    options_type = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self) -> int:
        """Fill every cell, then write `table.md`, `table.json` and `classes.md`; the exit code."""
        seeds = [self._seed(seed) for seed in range(self.options.seeds)]
        columns = [Column(name, "F1") for name in SCORES]
        ceilings = {row.name for row in ROWS if row.told == "truth"} & set(self._names())
        tables = [table_of_seed(f"seed {seed}", columns, one, ceilings=ceilings) for seed, one in enumerate(seeds)]
        write_table(self.options.out, combined(tables, f"Five names, {self.options.seeds} seeds", NOTE))
        classes = self._classes(seeds)
        write_text(self.options.out / "classes.md", classes)
        print(classes)
        return 0

    def _classes(self, seeds: Sequence[Mapping[str, Mapping[str, float]]]) -> str:
        """Every name of every seed, by the story and by each row that has the same names."""
        lines = ["| seed | name | " + " | ".join(self._names()) + " |", "|---|---|" + "---|" * len(self._names())]
        for seed, one in enumerate(seeds):
            known = [name for name in one.get(STORY, {}) if name.startswith("f1 of ")]
            for name in known:
                cells = [f"{one[row][name]:.2f}" if name in one[row] else "–" for row in self._names()]
                lines.append(f"| {seed} | {name.removeprefix('f1 of ')} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"

    def _names(self) -> list[str]:
        return [row.name for row in ROWS if not self.options.rows or row.name in self.options.rows]

    def _seed(self, seed: int) -> dict[str, Mapping[str, float]]:
        options = self.options
        sizes = f"{options.sounds}-{options.minutes}-{options.held_out}-{seed}"
        archive = Archive(options.out / sizes, options.sounds, options.minutes, options.held_out, seed)
        folder = archive.folder / f"run-{options.steps}"
        types = replace(options.types, seed=seed)
        story = cache(
            lambda: Story.of(archive, folder, options.steps, seed, types)
        )  # not told where every cell is kept
        found: dict[str, Mapping[str, float]] = {}
        for row in ROWS:
            if row.name not in self._names():
                continue
            cell = folder / "cells" / digest_of(options.types) / row.folder
            found[row.name] = measured(cell, partial(scores_of, story, row), {"types": types})
            print(f"seed {seed}, {row.name}: {found[row.name]['events']:.3f}", flush=True)
        return found


def scores_of(story: Callable[[], Story], row: Row, run: Path) -> Mapping[str, float]:  # noqa: ARG001
    """What a row is worth in a story, which is told when it is first asked for."""
    return story().scores(row, SCORES)


def digest_of(types: Typing) -> str:
    """A name for the folder of what was measured with these types."""
    by: AbstractClustering = types.by
    return f"{type(by).__name__}-{types.number}-{types.scaling}-{types.level or 'whole'}"
