"""The recipe `audio-events-table`: the table of the README, over seeds."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from gestalt.core.evaluation import Table, combined, to_markdown
from gestalt.core.run import write_text

from . import audio_events


@final
@dataclass(frozen=True)
class Options:
    """Odin, BYOL and the baselines on soundscapes of unseen sounds, once per seed. About 40 minutes on two cores.

    A seed whose table is there already is not run again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/audio-events-table")
    """Folder of the runs, one for each seed, and of the table."""
    seeds: int = 3
    """How many seeds, from 0 on."""
    steps: int = 450
    """Optimiser steps of each run."""


def run(options: Options) -> int:
    """Run every seed, then write `table.md` and `table.json`."""
    tables = []
    base = audio_events.Options(resume=True, compare_byol=True)
    for seed in range(options.seeds):
        training = replace(base.training, seed=seed, steps=options.steps)
        one = replace(base, out=options.out / f"seed-{seed}", training=training)
        result = one.out / "table.json"
        if not result.is_file():
            code = audio_events.run(one)
            if code:
                return code
        tables.append(Table.from_json(result.read_text()))
    title = f"{base.test_soundscapes} soundscapes of unseen sounds, {options.seeds} seeds"
    table = combined(tables, title, tables[0].note)
    write_text(options.out / "table.json", table.to_json())
    write_text(options.out / "table.md", to_markdown(table) + "\n")
    print(to_markdown(table))
    return 0
