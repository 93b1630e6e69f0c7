"""What large data sets take, from rates that are measured here: `python -m benchmarks.scale --help`."""

import math
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
import tyro

from benchmarks.large_sets import SETS, LargeSet, size_of
from benchmarks.measuring import machine, now, report
from gestalt.core.data.view import Batch
from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.settings import Heads
from gestalt.core.optimization.progress import Progress
from gestalt.core.runs.pack import pack
from gestalt.core.training.data import Order, batches
from gestalt.core.training.optimizer import build_optimizer
from gestalt.core.training.options import Training

HEADING = ["", *SETS]
PARTS = 8
"""Archives into which the files are packed."""


@final
@dataclass(frozen=True)
class Options:
    """A step of BYOL, reading with views, and what comes before the first step, for three large data sets.

    On a CPU, rates are per second of one core, by the processor's own clock: what else runs meanwhile counts little. On
    a GPU they are per second of the wall clock. With other rates (`--step`), the same arithmetic is made for those.
    """

    files: int = 256
    """Small files of each form that are written to measure with."""
    batch: int = 8
    """Items per step."""
    steps: int = 3
    """Steps that are timed."""
    device: str = "cpu"
    """Where the networks run."""
    step: tuple[float, ...] = ()
    """Items per second of a whole step on your device, one number for each data set, in place of what is measured."""
    devices: int = 8
    """Devices that would train together."""
    price: float = 2.0
    """Of a device for an hour, in the currency of the answer."""
    gradients: int = 4
    """Bytes of a gradient that processes share."""
    global_batch: int = 1024
    """Items of a step of all devices."""
    out: Path | None = None
    """JSON file for the numbers."""


@final
@dataclass(frozen=True)
class Rates:
    """What was measured of a data set.

    Attributes:
        step: items per second of a whole training step, without reading.
        reading: items per second and core, read and made into views.
        before: seconds per item before the first step.
        memory: bytes per item that stay in memory.
        stored: bytes per item as it is stored.
        parameters: that are trained.
    """

    step: float
    reading: float
    before: float
    memory: float
    stored: float
    parameters: int


@final
@dataclass(frozen=True)
class Plan:
    """What a training takes.

    Attributes:
        hours: of training.
        cores: for reading, per device.
        reading: bytes per second that all devices take in together.
        shared: bytes per second that every device sends to share gradients.
        stored: bytes of the data set.
        before: hours before the first step, in every process.
        memory: bytes that every process keeps, for the list of items.
        cost: of all devices.
    """

    hours: float
    cores: float
    reading: float
    shared: float
    stored: float
    before: float
    memory: float
    cost: float


def planned(items: int, epochs: int, rates: Rates, options: Options) -> Plan:
    """The arithmetic; for n devices, s items per second of each, p parameters and a batch B of all together

        hours = items · epochs / (n · s) / 3600        cores = s / reading
        shared = 2 (1 − 1 / n) · 4 p · n · s / B        (a ring: every device sends all gradients about twice a step)

    Example:
        >>> rates = Rates(step=500.0, reading=50.0, before=1e-4, memory=500.0, stored=1e5, parameters=25_000_000)
        >>> plan = planned(1_000_000, 100, rates, Options(devices=8, price=2.0, global_batch=1000))
        >>> round(plan.hours, 1), plan.cores, plan.reading / 1e6, plan.shared / 1e6, round(plan.cost)
        (6.9, 10.0, 400.0, 700.0, 111)
    """
    together = options.devices * rates.step
    hours = items * epochs / together / 3600
    return Plan(
        hours,
        rates.step / rates.reading,
        together * rates.stored,
        2 * (1 - 1 / options.devices) * options.gradients * rates.parameters * together / options.global_batch,
        items * rates.stored,
        items * rates.before / 3600,
        items * rates.memory,
        hours * options.devices * options.price,
    )


def main(options: Options) -> None:
    """Measure, compute, print."""
    torch.set_num_threads(1)
    rates = {name: measured(one, options) for name, one in SETS.items()}
    given = dict(zip(SETS, options.step, strict=True)) if options.step else {}
    used = {name: _with_step(one, given.get(name)) for name, one in rates.items()}
    plans = {name: planned(SETS[name].items, SETS[name].epochs, one, options) for name, one in used.items()}
    rows = [
        ["items", *(f"{one.items:,}" for one in SETS.values())],
        ["trained parameters", *(f"{one.parameters / 1e6:.1f} M" for one in rates.values())],
        ["a step, items/s" + (" (given)" if given else ""), *(f"{one.step:.3g}" for one in used.values())],
        ["reading and views, items/s of a core", *(f"{one.reading:.3g}" for one in used.values())],
        ["before the first step, s per million items", *(f"{one.before * 1e6:.3g}" for one in used.values())],
        ["list of items, GB per million", *(f"{one.memory / 1e3:.3g}" for one in used.values())],
        ["stored, kB per item", *(f"{one.stored / 1e3:.3g}" for one in used.values())],
        ["stored in all", *(f"{one.stored / 1e9:,.3g} GB" for one in plans.values())],
        ["epochs", *(f"{one.epochs}" for one in SETS.values())],
        [f"hours on {options.devices} devices", *(f"{one.hours:,.3g}" for one in plans.values())],
        ["cores for reading, per device", *(f"{one.cores:.2g}" for one in plans.values())],
        ["read by all devices, MB/s", *(f"{one.reading / 1e6:,.3g}" for one in plans.values())],
        ["gradients sent by a device, MB/s", *(f"{one.shared / 1e6:,.3g}" for one in plans.values())],
        ["before the first step, hours", *(f"{one.before:.2g}" for one in plans.values())],
        ["list of items in every process, GB", *(f"{one.memory / 1e9:.3g}" for one in plans.values())],
        [f"cost at {options.price:g} per device and hour", *(f"{one.cost:,.3g}" for one in plans.values())],
    ]
    device = torch.device(options.device)
    facts = machine(device) | {"batch": options.batch, "files": options.files, "global batch": options.global_batch}
    report("What large data sets take", HEADING, rows, facts, options.out, {})


def _with_step(one: Rates, step: float | None) -> Rates:
    if step is None:
        return one
    return Rates(step, one.reading, one.before, one.memory, one.stored, one.parameters)


def measured(one: LargeSet, options: Options) -> Rates:
    """The rates of a data set, on small files of its form."""
    with tempfile.TemporaryDirectory() as made:
        count = options.files if one.packed else 40 * options.files
        where = written(one, one.write, count, Path(made, "all"))
        stored = sum(path.stat().st_size for path in where) / count
        items = one.modality.read(where).items
        before, memory = per_item(one.modality, written(one, one.listed, count, Path(made, "listed")))
        order = Order(len(items), options.batch, 2 * options.steps + 2, seed=0)
        found = batches(items, one.modality.views, one.modality.collate, order, 0, False)
        given = [next(found) for _ in range(2)]
        with clock(torch.device("cpu")) as reading:
            given += [next(found) for _ in range(options.steps)]
        device = torch.device(options.device)
        learner = BYOL(heads=Heads(4096, 256)).build(one.encoder(), DataInfo()).to(device)
        optimizer = build_optimizer(learner, Training())
        for batch in given[:2]:
            one_step(learner, optimizer, batch.to(device))
        with clock(device) as training:
            for batch in given[2:]:
                one_step(learner, optimizer, batch.to(device))
    taken = options.batch * options.steps
    return Rates(taken / training[0], taken / reading[0], before, memory, stored, size_of(learner))


def written(one: LargeSet, write: Callable[[Path, int], None], count: int, folder: Path) -> list[Path]:
    """So many files, in archives where the set has some."""
    plain, packed = folder / "plain", folder / "packed"
    plain.mkdir(parents=True)
    write(plain, count)
    if not one.packed:
        return sorted(plain.iterdir())
    size = sum(path.stat().st_size for path in plain.iterdir())
    pack(one.modality, [plain], packed, shard_size=max(1.0, size / PARTS) / 1e6)
    return sorted(packed.glob("*.tar"))


def per_item(modality: Any, where: list[Path]) -> tuple[float, float]:
    """Seconds and bytes that every further item takes before the first step: all against half of them.

    A sample of the files is decoded however many there are, so it counts in neither.
    """
    found = list[tuple[int, float, float]]()
    for paths in (where[: len(where) // 2], where):
        with clock(torch.device("cpu")) as taken:
            modality.read(paths)
        tracemalloc.start()
        items = modality.read(paths).items
        found.append((len(items), taken[0], tracemalloc.get_traced_memory()[0]))
        tracemalloc.stop()
    (fewer, shorter, smaller), (more, longer, larger) = found
    return (longer - shorter) / (more - fewer), (larger - smaller) / (more - fewer)


@contextmanager
def clock(device: torch.device) -> Iterator[list[float]]:
    """The seconds that pass within it: of the processor for this process, or of the wall on another device."""
    taken, own = [math.nan], device.type == "cpu"
    began = time.process_time() if own else now(device)
    yield taken
    taken[0] = (time.process_time() if own else now(device)) - began


def one_step(learner: Any, optimizer: torch.optim.Optimizer, batch: Batch[Any]) -> None:
    """Loss, gradients, optimiser, teacher."""
    progress = Progress(0, 10**6, 10)
    output = learner(batch, torch.Generator().manual_seed(0), progress)
    optimizer.zero_grad()
    torch.autograd.backward(output.loss)
    optimizer.step()
    learner.after_step([output], progress)


if __name__ == "__main__":
    main(tyro.cli(Options))
