"""A step of BYOL and SimCLR on pictures, against bare passes and lightly: `python -m benchmarks.rivals --help`."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import torch
import tyro
from torch import Tensor, nn

import gestalt
from benchmarks.measuring import Spread, in_turn, machine, ratios, report
from gestalt.core.data.view import Batch, View
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.modality.base import AbstractModality
from gestalt.core.networks.channels_last import in_channels_last
from gestalt.core.optimization.progress import Progress
from gestalt.core.training.optimizer import build_optimizer

STEPS = 10**6  # a training whose end is never near
HEADING = ["step", "ms: median (quartiles)", "time / bare passes", "time / lightly"]


@final
@dataclass(frozen=True)
class Options:
    """Every network is torchvision's ResNet with channels last in memory; heads have one hidden layer of one width.

    Bare passes are the network over both views, forwards and backwards, and for BYOL the teacher's over both: no heads,
    no loss, no optimiser. lightly is left out where it is not installed (`pip install --group benchmark`).
    """

    repeats: int = 30
    """Rounds; in each of them everything takes its turn."""
    encoder: Literal["resnet18", "resnet50"] = "resnet18"
    """The network."""
    batch: int = 16
    """Pictures per step."""
    size: int = 64
    """Their height and width, in pixels."""
    hidden: int = 1024
    """Width of the heads' hidden layer."""
    projection: int = 256
    """Length of the compared vectors."""
    threads: int = 1
    """CPU threads."""
    device: str = "cpu"
    """Where the networks run."""
    out: Path | None = None
    """JSON file for the numbers."""


Step = Callable[[], object]


def main(options: Options) -> None:
    """Measure and print."""
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    modality = gestalt.load_modality("image")
    batch = two_views(modality, options).to(device)
    views = [view.data.pixels.contiguous(memory_format=torch.channels_last) for view in batch.views]
    heads = gestalt.Heads(options.hidden, options.projection)
    ours: dict[str, AbstractMethod] = {"BYOL": gestalt.BYOL(heads), "SimCLR": gestalt.SimCLR(heads)}
    with_lightly = importlib.util.find_spec("lightly") is not None
    tasks: dict[tuple[str, str], Step] = {}
    for name, method in ours.items():
        learner = method.build(modality.encoders[options.encoder](), gestalt.DataInfo(batch=options.batch))
        assert isinstance(learner, Learner)
        tasks[name, "bare passes"] = bare_passes(views, options, device, teacher=name == "BYOL")
        tasks[name, "gestalt"] = step_of(learner.to(device).train(), batch)
        if with_lightly:
            tasks[name, "lightly"] = {"BYOL": lightly_byol, "SimCLR": lightly_simclr}[name](views, options, device)
    seconds = in_turn({f"{name}: {what}": task for (name, what), task in tasks.items()}, options.repeats, device)
    rows = []
    for name, what in tasks:
        values = seconds[f"{name}: {what}"]
        over_bare = ratios(values, seconds[f"{name}: bare passes"]).show()
        over_lightly = ratios(values, seconds[f"{name}: lightly"]).show() if with_lightly else ""
        rows.append([f"{name}: {what}", Spread.of([1000 * value for value in values]).show(1), over_bare, over_lightly])
    kept = {
        f"{name} over {what}": ratios(seconds[f"{name}: gestalt"], seconds[f"{name}: {what}"]).median
        for name, what in tasks
        if what != "gestalt"
    }
    title = f"A step of {options.batch} pictures of {options.size} × {options.size} pixels with {options.encoder}"
    report(title, HEADING, rows, machine(device) | {"repeats": options.repeats}, options.out, kept)


def two_views(modality: AbstractModality[Any], options: Options) -> Batch[Any]:
    """Random pictures; both views show them as they are."""
    pictures = torch.rand(2, options.batch, 3, options.size, options.size, generator=torch.Generator().manual_seed(0))
    rng = np.random.default_rng(0)
    views = []
    for items in pictures:
        correspondences = [modality.views.source(item, rng)[1] for item in items]
        views.append(View(modality.collate(list(items)), correspondences[0].join(correspondences[1:])))
    return Batch(views[0], tuple(views), ("",) * options.batch, torch.arange(options.batch))


def network(options: Options, device: torch.device) -> Any:
    """torchvision's, pooled, without its classes."""
    from torchvision.models import resnet

    built = getattr(resnet, options.encoder)(weights=None)
    built.fc = nn.Identity()
    return in_channels_last(built).to(device).train()


def bare_passes(views: list[Tensor], options: Options, device: torch.device, teacher: bool) -> Step:
    """What no method can do without."""
    online, follower = network(options, device), network(options, device)

    def passes() -> None:
        total = torch.zeros((), device=device)
        for view in views:
            total = total + online(view).square().mean()
        if teacher:
            with torch.no_grad():
                for view in views:
                    follower(view)
        torch.autograd.backward(total)
        online.zero_grad()

    return passes


def step_of(learner: Learner, batch: Batch[Any]) -> Step:
    """A whole step: loss, gradients, optimiser, teacher."""
    optimizer = build_optimizer(learner, gestalt.Training(steps=STEPS))
    done = 0

    def step() -> None:
        nonlocal done
        output = learner(batch, torch.Generator().manual_seed(done), Progress(done, STEPS, 100))
        torch.autograd.backward(output.loss)
        optimizer.step()
        optimizer.zero_grad()
        done += 1
        learner.after_step([output], Progress(done, STEPS, 100))

    return step


def lightly(module: str) -> Any:
    """One of its modules: the library is no dependency, not even of those who check the types here."""
    return importlib.import_module(f"lightly.{module}")


def lightly_byol(views: list[Tensor], options: Options, device: torch.device) -> Step:
    """The step of lightly's documentation, with the optimiser that ours has."""
    losses, heads_of, tools = lightly("loss"), lightly("models.modules.heads"), lightly("models.utils")
    width = 512 if options.encoder == "resnet18" else 2048
    backbone, follower = network(options, device), network(options, device)
    heads = [heads_of.BYOLProjectionHead(width, options.hidden, options.projection).to(device) for _ in range(2)]
    predictor = heads_of.BYOLPredictionHead(options.projection, options.hidden, options.projection).to(device)
    tools.deactivate_requires_grad(follower)
    tools.deactivate_requires_grad(heads[1])
    criterion = losses.NegativeCosineSimilarity()
    learned = [*backbone.parameters(), *heads[0].parameters(), *predictor.parameters()]
    optimizer = torch.optim.AdamW(learned, 1e-3, fused=True)

    def step() -> None:
        tools.update_momentum(backbone, follower, m=0.996)
        tools.update_momentum(heads[0], heads[1], m=0.996)
        predicted = [predictor(heads[0](backbone(view).flatten(start_dim=1))) for view in views]
        with torch.no_grad():
            targets = [heads[1](follower(view).flatten(start_dim=1)) for view in views]
        loss = 0.5 * (criterion(predicted[0], targets[1]) + criterion(predicted[1], targets[0]))
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad()

    return step


def lightly_simclr(views: list[Tensor], options: Options, device: torch.device) -> Step:
    """The step of lightly's documentation, with the optimiser that ours has."""
    losses, heads_of = lightly("loss"), lightly("models.modules.heads")
    width = 512 if options.encoder == "resnet18" else 2048
    backbone = network(options, device)
    head = heads_of.SimCLRProjectionHead(width, options.hidden, options.projection).to(device)
    criterion = losses.NTXentLoss()
    optimizer = torch.optim.AdamW([*backbone.parameters(), *head.parameters()], 1e-3, fused=True)

    def step() -> None:
        vectors = [head(backbone(view).flatten(start_dim=1)) for view in views]
        torch.autograd.backward(criterion(vectors[0], vectors[1]))
        optimizer.step()
        optimizer.zero_grad()

    return step


if __name__ == "__main__":
    main(tyro.cli(Options))
