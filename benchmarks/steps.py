"""Time of a training step against the bare passes of its encoder: `python -m benchmarks.steps --help`."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, final

import torch
import tyro

from benchmarks.measuring import Spread, in_turn, machine, now, ratios, report
from gestalt.core.data.view import Batch
from gestalt.core.discovery.segmenters.given import GivenMasks
from gestalt.core.experiment.build import LearnerFactory
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.odin_warm_start import OdinWarmStart
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.step import AbstractLearner
from gestalt.core.networks.compiled import compile_encoders
from gestalt.core.networks.follower import MovingAverage
from gestalt.core.optimization.progress import Progress
from gestalt.core.training.data import Order, batches
from gestalt.core.training.optimizer import build_optimizer
from gestalt.core.training.options import Training
from gestalt.recipes.audio_events.recipe import AudioEvents
from gestalt.recipes.audio_events.recipe import Options as RecipeOptions

BARE = "encoder alone: forward and backward on two views, teacher forward"
STEPS = 10**6  # a training whose end is never near
FILLED = 8  # steps until the queue of prefetched batches says nothing any more


@final
@dataclass(frozen=True)
class Options:
    """One step of BYOL and of Odin, warm start, with small heads on the views of the recipe audio-events.

    Odin discovers from the first step on; or it compares segments that come with the batch, as between two rounds.
    """

    repeats: int = 30
    """Rounds; in each of them everything takes its turn."""
    encoder: str = "conv"
    """Encoder, by its name in the audio modality."""
    batch: int = 32
    """Items per step."""
    seconds: float = 4.0
    """Length of an item, in seconds."""
    hidden: int = 256
    """Width of the heads' hidden layer."""
    threads: int = 1
    """CPU threads of the main process; the worker has one of its own."""
    device: str = "cpu"
    """Where the networks run."""
    compile: bool = False
    """Compile the encoders in whole steps, not in the bare passes."""
    waiting: int = 30
    """Steps over which the time spent waiting for one worker is measured; 0 leaves it out."""
    out: Path | None = None
    """JSON file for the numbers."""


def main(options: Options) -> None:
    """Measure and print."""
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    recipes = {name: AudioEvents(recipe_options(method, options)) for name, method in methods(options).items()}
    learners = {name: learner(recipe, device) for name, recipe in recipes.items()}
    source = stream(recipes["odin"])
    batch = next(source).to(device)
    bare, kept_learner = bare_passes(learner(recipes["byol"], device)), learner(recipes["odin"], device)
    if options.compile:
        for one in (*learners.values(), kept_learner):
            compile_encoders(one, device)
    steps = {name: step_of(one, recipes[name].options.training) for name, one in learners.items()}
    tasks = {name: partial(on_copy, passes, batch) for name, passes in ({BARE: bare} | steps).items()}
    tasks["kept"] = partial(on_copy, *with_kept(kept_learner, batch, recipes["odin"].options.training))
    seconds = in_turn(tasks, options.repeats, device)
    names = {
        BARE: BARE,
        "byol": "BYOL, whole step",
        "odin": "Odin, warm start, whole step",
        "kept": "Odin with kept segments, whole step",
    }
    waits = {name: waiting(steps[name], source, options.waiting, device) for name in steps if options.waiting}
    rows = [
        [
            names[name],
            Spread.of([1000 * value for value in values]).show(1),
            ratios(values, seconds[BARE]).show(),
            ratios(values, seconds["byol"]).show(),
            f"{waits[name]:.0%}" if name in waits else "",
        ]
        for name, values in seconds.items()
    ]
    title = f"A step of {options.batch} items of {options.seconds:g} s with the encoder {options.encoder}"
    heading = ["step", "ms: median (quartiles)", "time / encoder alone", "time / BYOL", "share spent waiting for views"]
    kept = {
        "a step of BYOL over the bare passes": ratios(seconds["byol"], seconds[BARE]).median,
        "a step of Odin over one of BYOL": ratios(seconds["odin"], seconds["byol"]).median,
        "a step of Odin with kept segments over one of BYOL": ratios(seconds["kept"], seconds["byol"]).median,
    }
    report(title, heading, rows, machine(device) | {"repeats": options.repeats, "workers": 1}, options.out, kept)


def methods(options: Options) -> dict[str, AbstractMethod]:
    """Both with the same heads and the same teacher, those of short runs."""
    heads, teacher = Heads(options.hidden, 128), MovingAverage(0.99)
    return {"byol": BYOL(heads, teacher=teacher), "odin": OdinWarmStart(heads=heads, teacher=teacher, switch=0)}


def recipe_options(method: AbstractMethod, options: Options) -> RecipeOptions:
    """The options of the recipe, with almost no items to evaluate."""
    return RecipeOptions(
        seconds=options.seconds,
        test_soundscapes=1,
        method=method,
        encoder=EncoderChoice(options.encoder),
        training=Training(batch=options.batch, steps=STEPS, lr=1e-4),
    )


def learner(recipe: AudioEvents, device: torch.device) -> Learner:
    """A learner in training mode."""
    data = recipe.data()
    built = LearnerFactory(recipe, data, data.views, None).fresh()
    assert isinstance(built, Learner)
    return built.to(device).train()


def stream(recipe: AudioEvents) -> Iterator[Batch[Any]]:
    """Batches as training gets them, from one worker."""
    data = recipe.data()
    order = Order(len(data.items), recipe.options.training.batch, STEPS, seed=0)
    return batches(data.items, data.views, recipe.modality.collate, order, workers=1, skip_bad=False)


def on_copy(passes: Callable[[Batch[Any]], None], batch: Batch[Any]) -> None:
    """Over a batch without the spectrograms that it keeps: they are computed anew, as in every step of a training."""
    passes(batch.to(batch.index.device))


def bare_passes(of: Learner) -> Callable[[Batch[Any]], None]:
    """What no method can do without: the encoder over both views, back, and the teacher's over both."""
    online, teacher = of.online.encoder, of.teacher.network.encoder

    def passes(batch: Batch[Any]) -> None:
        total = torch.zeros((), device=batch.index.device)
        for view in batch.views:
            total = total + online(view.data).values.square().mean()
        with torch.no_grad():
            for view in batch.views:
                teacher(view.data)
        torch.autograd.backward(total)
        online.zero_grad()

    return passes


def step_of(
    of: AbstractLearner[Any],
    training: Training,
    arithmetic: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Callable[[Batch[Any]], None]:
    """A whole step: loss (in some arithmetic), gradients, optimiser, followers."""
    optimizer = build_optimizer(of, training)
    done = 0

    def step(batch: Batch[Any]) -> None:
        nonlocal done
        with arithmetic():
            output = of(batch, torch.Generator().manual_seed(done), Progress(done, STEPS, 100))
        torch.autograd.backward(output.loss)
        optimizer.step()
        optimizer.zero_grad()
        done += 1
        of.after_step([output], Progress(done, STEPS, 100))

    return step


def with_kept(of: Learner, batch: Batch[Any], training: Training) -> tuple[Callable[[Batch[Any]], None], Batch[Any]]:
    """A step of Odin between two rounds: its segments, found here, come with the batch, and no third network runs."""
    segments = of.segmenter(batch, torch.Generator().manual_seed(0))
    of.segmenter = GivenMasks()
    return step_of(of, training), replace(batch, masks=segments)


def waiting(
    step: Callable[[Batch[Any]], None], source: Iterator[Batch[Any]], steps: int, device: torch.device
) -> float:
    """The share of a training's time in which the main process waits for its one worker."""
    waited, began = 0.0, 0.0
    for number in range(FILLED + steps):
        if number == FILLED:
            waited, began = 0.0, now(device)
        asked = time.perf_counter()
        batch = next(source)
        waited += time.perf_counter() - asked
        step(batch.to(device))
    return waited / (now(device) - began)


if __name__ == "__main__":
    main(tyro.cli(Options))
