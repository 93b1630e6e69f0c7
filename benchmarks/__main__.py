"""All measurements of speed and memory, one after the other: `python -m benchmarks --help`."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

import tyro

Name = Literal["rivals", "steps", "groupers", "neighbours", "modalities", "inference", "kept_items", "batch_transforms"]
NAMES: tuple[Name, ...] = (
    "rivals",
    "steps",
    "groupers",
    "neighbours",
    "modalities",
    "inference",
    "kept_items",
    "batch_transforms",
)


@final
@dataclass(frozen=True)
class Options:
    """Every measurement in a process of its own with one thread; within 30 minutes on two cores.

    `python -m benchmarks.compare OLD NEW` compares what two versions wrote.
    """

    out: Path = Path("runs/benchmarks")
    """Folder for the numbers, a JSON file for each measurement."""
    only: tuple[Name, ...] = NAMES
    """Which of them."""


def main(options: Options) -> int:
    """Measure; a failure is said, and ends nothing but its own measurement."""
    options.out.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in options.only:
        file = options.out / f"{name}.json"
        file.unlink(missing_ok=True)  # nothing of an earlier time stands for what fails now
        began = time.perf_counter()
        command = [sys.executable, "-m", f"benchmarks.{name}", "--out", str(file)]
        done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False)
        if done.returncode:
            failed.append(name)
        print(f"\n({name}: {time.perf_counter() - began:.0f} s)\n", flush=True)
    if failed:
        print(f"failed, with no numbers: {', '.join(failed)}; what they print stands above", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options)))
