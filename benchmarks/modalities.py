"""Time for reading and views, and memory of long items, by modality: `python -m benchmarks.modalities --help`."""

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
import tyro

from benchmarks.long_items import FILES
from benchmarks.measuring import Spread, machine, report
from gestalt.core.data.items import AbstractItems, BadItemError
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.odin import Odin
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.step import AbstractLearner
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.inferred import inferred_settings
from gestalt.core.modality.learns_columns import LearnsColumns
from gestalt.core.modality.plugins import load_modality
from gestalt.core.optimization.progress import Progress
from gestalt.core.training.data import ItemRequest, ItemViews, ViewsDataset, join
from gestalt.recipes.objects.recipe import smallest


@final
@dataclass(frozen=True)
class Options:
    """A step of Odin on windows of one file, with the default views and the smallest encoder, by modality.

    The memory is what a fresh process takes, at its peak, beyond what it had when everything was imported: to read a
    file, to take one batch of its windows, and to do one step on it. The long file is measured against the short one.
    """

    modalities: tuple[str, ...] = tuple(FILES)
    """Which of them."""
    batch: int = 4
    """Items per step."""
    repeats: int = 8
    """Steps that are timed."""
    scale: float = 1.0
    """Length of the long items as a share of: 3 hours of sound, 8192 pixels a side, 10 minutes of video, 50,000 words,
    5,000 nodes."""
    out: Path | None = None
    """JSON file for the numbers."""


@final
@dataclass(frozen=True)
class Measured:
    """Windows of the file, MiB beyond the imports, milliseconds of reading and views and of the rest of each step."""

    windows: int
    memory: float
    views: tuple[float, ...]
    step: tuple[float, ...]


def main(options: Options) -> None:
    """Measure and print."""
    rows, kept = [], dict[str, float]()
    for name in options.modalities:
        file = FILES[name]
        long = max(file.short, round(file.long * options.scale))
        short, big = (apart(name, units, options) for units in (file.short, long))
        share = [views / (views + step) for views, step in zip(short.views, short.step, strict=True)]
        kept[f"{name}: reading and views, share of a step"] = Spread.of(share).median
        kept[f"{name}: memory of the long item over the short one"] = big.memory / max(short.memory, 1.0)
        rows.append(
            [
                name,
                Spread.of(short.views).show(0),
                Spread.of(short.step).show(0),
                Spread.of(share).show(),
                f"{file.short} {file.unit}: {short.windows} windows, {short.memory:.0f} MiB",
                f"{long} {file.unit}: {big.windows} windows, {big.memory:.0f} MiB",
                f"{long / file.short:.0f}",
                f"{big.memory / max(short.memory, 1.0):.2f}",
            ]
        )
    heading = [
        "modality",
        "reading and views, ms",
        "the rest of the step, ms",
        "share of reading and views",
        "short item",
        "long item",
        "times as long",
        "times the memory",
    ]
    facts = machine(torch.device("cpu")) | {"batch": options.batch, "repeats": options.repeats}
    report(
        f"A step of Odin on {options.batch} windows, one thread for everything", heading, rows, facts, options.out, kept
    )


def apart(name: str, units: int, options: Options) -> Measured:
    """Measured in a process of its own, so that nothing that was there before counts."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
    ):
        path = FILES[name].write(Path(folder), units)
        return pool.submit(measure, name, path, options.batch, options.repeats).result()


def measure(name: str, path: Path, batch: int, repeats: int) -> Measured:
    """Read the file, and do steps on its windows."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    modality = load_modality(name)
    specimens = [specimen.item for specimen in modality.specimens()]
    learner, optimizer = built(modality, Specimens(specimens))
    warm_up = [item_views(modality, item, seed) for seed, item in enumerate(specimens)]
    one_step(learner, optimizer, join(warm_up, modality.collate))
    before = resident()
    reset_peak()
    items = modality.read([path]).items
    if isinstance(modality, LearnsColumns):  # the network depends on what is read
        modality = modality.of_items(items)
        learner, optimizer = built(modality, items)
    source = ViewsDataset(items, modality.views, skip_bad=False)
    views, steps = [], []
    for repeat in range(repeats + 1):
        began = time.perf_counter()
        given = [source[ItemRequest((repeat * batch + number) % len(items), 0, repeat)] for number in range(batch)]
        bad = [each for each in given if isinstance(each, BadItemError)]
        if bad:
            raise bad[0]
        together = join([each for each in given if not isinstance(each, BadItemError)], modality.collate)
        made = time.perf_counter()
        one_step(learner, optimizer, together)
        views.append(1000 * (made - began))
        steps.append(1000 * (time.perf_counter() - made))
    return Measured(len(items), peak() - before, tuple(views[1:]), tuple(steps[1:]))  # the first one warms up


@final
@dataclass(frozen=True)
class Specimens(AbstractItems[Any]):
    """A modality's specimens as items."""

    items: Sequence[Any]

    def __len__(self) -> int:
        return len(self.items)

    def read(self, index: int, rng: np.random.Generator) -> Any:  # noqa: ARG002
        """A specimen."""
        return self.items[index]

    def name(self, index: int) -> str:
        """Its number."""
        return f"specimen {index}"


def built(
    modality: AbstractModality[Any], items: AbstractItems[Any]
) -> tuple[AbstractLearner[Any], torch.optim.Optimizer]:
    """Odin with the smallest encoder for such items, and its optimiser."""
    method = Odin(heads=Heads(64, 32), finder=ObjectFinder(KMeans(4)))
    name = smallest(modality)
    learner = method.build(modality.encoders[name](**inferred_settings(modality, name, items)), DataInfo())
    return learner, torch.optim.AdamW([weight for weight in learner.parameters() if weight.requires_grad], lr=1e-4)


def item_views(modality: AbstractModality[Any], item: Any, seed: int) -> ItemViews[Any]:
    """One specimen with its views, as the loader makes them."""
    rng = np.random.default_rng(seed)
    source, origin = modality.views.source(item, rng)
    return ItemViews(((source, origin), *(view(source, rng) for view in modality.views.views)), seed, "specimen", ())


def one_step(learner: AbstractLearner[Any], optimizer: torch.optim.Optimizer, batch: Any) -> None:
    """Loss, gradients, optimiser."""
    output = learner(batch, torch.Generator().manual_seed(0), Progress(0, 100, 10))
    optimizer.zero_grad()
    torch.autograd.backward(output.loss)
    optimizer.step()


def resident() -> float:
    """MiB in memory now; where the system does not say, the greatest so far."""
    return _status("VmRSS") or peak()


def peak() -> float:
    """Greatest MiB in memory since the last reset."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def reset_peak() -> None:
    """Forget the greatest so far, where the system can."""
    switch = Path("/proc/self/clear_refs")
    if switch.exists():
        switch.write_text("5")


def _status(name: str) -> float:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) / 2**10 for line in lines if line.startswith(f"{name}:")), 0.0)


if __name__ == "__main__":
    main(tyro.cli(Options))
