"""The training loop, in plain sight."""

import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, final

import torch
from lightning_fabric import Fabric
from torch import Tensor
from tqdm import tqdm

from ..methods.step import AbstractLearner, StepOutput
from ..networks.compiled import compile_encoders
from ..networks.devices import check_device
from ..optimization.parameter_groups import SHARE
from ..optimization.progress import Progress
from ..optimization.short_runs import never_done
from ..storage.names_of_runs import METRICS
from .checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from .data import mix
from .ended import TrainingResult as TrainingResult
from .metrics_log import log_of, read_metrics
from .options import Training
from .processes import Processes
from .source import BatchSource
from .strategy import in_training, strategy_of
from .threads import THREADS, threads_of
from .time_left import TimeLeft
from .training_data import TrainingData
from .watch import CollapseWatch
from .weights import AbstractWeights

ItemT = TypeVar("ItemT")
BAR = "{percentage:3.0f}% |{bar}| {n_fmt} of {total_fmt} steps, {remaining} left{postfix}"
SHOWN = {"loss": "loss", "objects": "objects_per_item", "rank": "effective_rank"}
"""What the progress bar shows, by the names of the metrics: rank is in how many directions features differ."""


@final
class Diverged(RuntimeError):
    """The loss is no longer a number."""


def launch(options: Training) -> Fabric:
    """Start the processes of a training, one per device, and return this one's handle on them.

    Where torchrun or SLURM started them, they find one another.

    Raises:
        ValueError: see `Processes.of` and `strategy_of`.
    """
    check_device(options.accelerator, "--accelerator")
    processes = Processes.of(options)
    threads, said = threads_of(options.threads, processes.per_node, options.workers), os.environ.get(THREADS)
    fabric = Fabric(
        accelerator=options.accelerator,
        strategy=strategy_of(options, processes.per_node * processes.nodes),
        devices=processes.per_node,
        num_nodes=processes.nodes,
        precision=options.precision,
    )
    fabric.launch()
    # Several processes are given a number of threads as they start, which is left as if the user had asked for it.
    if said is None:
        os.environ.pop(THREADS, None)
    torch.set_num_threads(threads)
    return fabric


def train_learner(
    fabric: Fabric,
    learner: AbstractLearner[Any],
    data: TrainingData[ItemT],
    options: Training,
    folder: Path,
    resume: bool = False,
) -> TrainingResult:
    """Train a learner and leave metrics and checkpoints in `folder`.

    With `resume` the run goes on from its last checkpoint and gives the same numbers as an undisturbed one: nothing
    random depends on anything but the seed and the step. Ctrl-C (or SIGTERM) finishes the step, saves, and returns
    with `finished` False.

    Raises:
        Diverged: if the loss is not finite; names the step, the items and the last good checkpoint.
        BadItemError: for an item that cannot be read, unless `skip_bad`.
        ValueError: if the checkpoint belongs to another learner, or nothing can be compiled here.
    """
    began = time.monotonic()
    if options.compile:
        compile_encoders(learner, fabric.device)
    with in_training(fabric, learner, options) as weights:
        return _trained(weights, data, options, folder, resume, began)


def _trained(
    weights: AbstractWeights, data: TrainingData[ItemT], options: Training, folder: Path, resume: bool, began: float
) -> TrainingResult:
    fabric, learner, optimizer = weights.fabric, weights.learner, weights.optimizer
    saved = load_checkpoint(folder) if resume else None
    start = 0 if saved is None else int(saved["step"])
    running: dict[str, float] = {} if saved is None else dict(saved["running"])

    source = BatchSource(fabric, learner, data, options, folder, start)
    order, plan = source.order, source.plan
    if saved is not None:
        restore(weights, saved)
    log = log_of(folder, start, options) if fabric.is_global_zero else None
    watch, time_left = CollapseWatch(), TimeLeft(options.steps - start)
    watch.recall(read_metrics(folder / METRICS) if start else [])
    if saved is None:
        source.forget()
    hidden = not fabric.is_global_zero
    bar = tqdm(total=options.steps, initial=start, disable=hidden, dynamic_ncols=True, bar_format=BAR)

    step, waited, logged = start, 0.0, time.monotonic()
    with interruptible() as interrupted, bar:
        for text in never_done(learner.modules(), Progress(start, options.steps, order.steps_per_epoch)):
            watch.note(text)
            if not start and not hidden:
                bar.write(f"training, {text}")
        weights.model.train()
        while step < options.steps and not agreed(fabric, interrupted()):
            if source.is_over(step):
                if step and source.begins(step):  # whoever resumes after a kill needs the network of the segments
                    save(folder, weights, step, running)
                signs = source.open(step)
                bar.unpause()  # finding segments is no slow step: the time left is that of steps
                if signs is not None:
                    bar.write(signs.said())
            rate = options.lr * plan.rate(step)
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get(SHARE, 1.0)

            outputs: list[StepOutput[Any]] = []
            before = Progress(step, options.steps, order.steps_per_epoch)
            for part in range(options.accumulate):
                asked = time.monotonic()
                batch = source.take()
                waited += time.monotonic() - asked
                torch.manual_seed(mix(options.seed, step, part, fabric.global_rank))  # dropout and the like
                generator = torch.Generator().manual_seed(mix(options.seed, step, part))  # the same on all ranks
                last = part + 1 == options.accumulate
                with weights.part(last):
                    output = weights.step(batch, generator, before)
                    outputs.append(output)
                    loss = float(torch.as_tensor(fabric.all_reduce(output.loss.detach(), reduce_op="mean")))
                    if not math.isfinite(loss):
                        raise Diverged(explain(step, loss, batch.names, folder))
                    fabric.backward(output.loss / options.accumulate)
                add(running, {"loss": loss} | {name: float(value) for name, value in output.metrics.items()})
            if options.clip is not None:
                weights.clip(options.clip)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            progress = Progress(step, options.steps, order.steps_per_epoch)
            learner.after_step(outputs, progress)

            bar.update()
            said = time_left.after_step()
            if said and not hidden:
                bar.write(said, file=sys.stderr)
            if step % options.log_every == 0 or step == options.steps:
                health = learner.health(outputs[-1])
                means = {name: value / running["count"] for name, value in running.items() if name != "count"}
                row = {"epoch": step / order.steps_per_epoch, "lr": rate} | means | health
                now = time.monotonic()
                times = {"seconds": now - began, "waiting_for_data": waited / max(now - logged, 1e-9)}
                running, waited, logged = {}, 0.0, now
                shown = {name: row.get(key) for name, key in SHOWN.items()}
                bar.set_postfix({name: f"{value:.3g}" for name, value in shown.items() if value is not None})
                for text in watch.judge(step, health):
                    bar.write(f"collapse watch, {text}")
                if log is not None:
                    log.write(step, row, times)
            if step % options.checkpoint_every == 0 or step == options.steps:
                save(folder, weights, step, running)

        if step < options.steps:
            save(folder, weights, step, running)
    if step == options.steps:
        source.forget_items()
    if log is not None:
        log.close(finished=step == options.steps)
    seconds = time.monotonic() - began
    skipped = tuple(dict.fromkeys(source.skipped))
    ended = TrainingResult(step, step == options.steps, seconds, tuple(watch.warnings), skipped)
    ended = ended.after(TrainingResult.read(folder) if saved is not None else None)
    if fabric.is_global_zero:
        ended.write(folder)
    return ended


def restore(weights: AbstractWeights, saved: dict[str, Any]) -> None:
    """Put a checkpoint back.

    Raises:
        ValueError: if it belongs to another learner.
    """
    try:
        weights.restore(saved)
    except (RuntimeError, ValueError, KeyError) as error:
        raise ValueError(
            f"the checkpoint belongs to another network or method ({str(error).splitlines()[0]}); "
            "resume with the command that began the run, or start a new run in another folder"
        ) from error


def save(folder: Path, weights: AbstractWeights, step: int, running: dict[str, float]) -> None:
    """Write the checkpoint on the first process; the others wait."""
    state = weights.state()
    if weights.fabric.is_global_zero:
        save_checkpoint(folder, {"step": step, "running": running} | state)
    weights.fabric.barrier()


def add(running: dict[str, float], values: dict[str, float]) -> None:
    """Add to the running sums of a logging interval."""
    for name, value in (values | {"count": 1.0}).items():
        running[name] = running.get(name, 0.0) + value


def explain(step: int, loss: float, names: Sequence[str], folder: Path) -> str:
    """What to say of a loss that is no number."""
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    kept = folder / CHECKPOINT
    last = f"the last good checkpoint is {kept}" if kept.is_file() else "no checkpoint was written yet"
    kind = "not a number" if math.isnan(loss) else "infinite"
    return (
        f"the loss is {kind} at step {step + 1}; the items were: {shown}; {last}. "
        "Look at these items first; then try a lower learning rate or clipping, or --precision 32-true"
    )


def agreed(fabric: Fabric, stop: bool) -> bool:
    """Whether any process was asked to stop: all must leave the loop at the same step."""
    if fabric.world_size == 1:
        return stop
    asked: Tensor = fabric.all_reduce(torch.tensor(float(stop), device=fabric.device), reduce_op="sum")  # type: ignore[assignment]
    return bool(asked > 0)


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Within it, Ctrl-C and SIGTERM only ask to stop; a second Ctrl-C stops at once."""
    asked = False

    def ask(number: int, _: Any) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True

    former = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            former[number] = signal.signal(number, ask)
    except ValueError:  # not the main thread: whoever started it handles signals
        pass
    try:
        yield lambda: asked
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
