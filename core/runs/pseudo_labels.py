"""A finished run trained further on few labelled and many other items: each of these is taken for what the nearest
labelled ones are."""

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, TypeVar, final

import numpy as np
import torch
from torch import nn

from ..data.items import AbstractItems, Skipped
from ..fitting.options import Fitting
from ..fitting.pseudo import PseudoLabelling
from ..methods.learner import Learner
from ..methods.method import DataInfo
from ..methods.semppl import SemPPL
from ..methods.settings import Heads, SemanticSettings
from ..methods.targets import AbstractTarget, Classes
from ..modality.base import AbstractModality
from ..networks.digest import weight_bytes
from ..networks.encoder import Network
from ..networks.follower import MovingAverage
from ..storage.naming import counted
from ..training.folder import RunFolder
from ..training.labels import Labels
from ..training.loop import launch, train_learner
from ..training.options import Training
from ..training.training_data import TrainingData
from .known import KnownLabels, known_of
from .sees_items import SeesItems

ItemT = TypeVar("ItemT")

FOLDER = ".gestalt-training"
"""Within the folder of a model: what a killed command goes on from."""


@final
@dataclass(frozen=True)
class Both(AbstractItems[ItemT], Generic[ItemT]):
    """Two data sets, one behind the other."""

    first: AbstractItems[ItemT]
    second: AbstractItems[ItemT]

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:
        """Item `index` of the first, or what is left of it of the second."""
        before = len(self.first)
        return self.first.read(index, rng) if index < before else self.second.read(index - before, rng)

    def name(self, index: int) -> str:
        """Where it comes from."""
        before = len(self.first)
        return self.first.name(index) if index < before else self.second.name(index - before)


@final
@dataclass(frozen=True)
class Begun:
    """What a training was begun with: it goes on with the same alone.

    Attributes:
        how: its options.
        seed: of everything random.
        data: a digest of the names of all items and of what is known of them.
        encoder: a digest of the weights that it began with.
    """

    how: PseudoLabelling
    seed: int
    data: str
    encoder: str


@final
@dataclass(frozen=True)
class TaskModel:
    """What was learned: an encoder with its projector, and the task network on that, with what it predicts.

    `said` is what was done, in words.
    """

    network: Network
    task: nn.Module
    target: AbstractTarget
    said: str = ""


def trained_on_both(
    network: Network,
    modality: AbstractModality[ItemT],
    labelled: AbstractItems[ItemT],
    labels: Labels,
    unlabelled: AbstractItems[ItemT],
    how: PseudoLabelling,
    folder: Path,
    seed: int = 0,
    skipped: list[Skipped] | None = None,
    device: torch.device | str = "cpu",
) -> TaskModel:
    """Train a copy of an encoder by SemPPL, with a task network, from where it is.

    An unlabelled item is of the class for which most of its nearest labelled vectors vote, in a queue of the last ones;
    labelled items of that class are its positives beside its own views. The task network learns from labelled items
    alone. What was begun in `folder` with the same items and options is gone on with.

    Args:
        network: the start; it stays as it is.
        modality: of the items, with its views.
        labelled, labels: what is known; classes of items.
        unlabelled: further items.
        how: see `PseudoLabelling`.
        folder: for checkpoints.
        seed: of everything random.
        skipped: items that were left out so far; None where they are errors.
        device: where it is trained.

    Raises:
        ValueError: if what is known are no classes of items, the encoder has no weights, or another training was begun
            there.
        KeyboardInterrupt: after Ctrl-C, when it is saved.

    Source: SemPPL (Bošnjak et al. 2022; WO 2023/222889, claims 11 to 18); from a trained encoder, with a teacher that
    follows sooner (ours).
    """
    target = labels.target
    if not isinstance(target, Classes) or labels.known.ndim != 1:
        raise ValueError(
            f"items without labels are given classes of items, and these are {type(target).__name__.lower()} of "
            f"{'items' if labels.known.ndim == 1 + labels.known.is_floating_point() else 'elements'}: leave out "
            "--unlabelled"
        )
    if not any(parameter.requires_grad for parameter in network.encoder.parameters()):
        raise ValueError("this encoder has no weights to train: leave out --unlabelled")
    items = Both(labelled, unlabelled)
    known = torch.cat([labels.known, torch.full((len(unlabelled),), -1)])
    options = training_of(how, len(items), seed, device)
    begun = Begun(how, seed, data_digest(items, known, target), weights_digest(network.encoder))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        method = SemPPL(
            heads=Heads(how.hidden, how.projection),
            semantic=SemanticSettings(alpha=how.alpha, neighbours=how.neighbours, queue_batches=how.queue),
            task=True,
            teacher=MovingAverage(how.decay),
        )
        info = DataInfo(items=len(items), batch=options.batch, target=target)
        learner = method.build(copy.deepcopy(network.encoder).cpu().train(), info)
        both = replace(labels, known=known)
        data = TrainingData(items, modality.views, modality.collate, skipped is not None, both)
        fabric = launch(options)
        with RunFolder(folder, begun, resume=True).claimed(fabric):
            done = train_learner(fabric, learner, data, options, folder, resume=True)
    if not done.finished:
        raise KeyboardInterrupt(f"training was stopped after step {done.step}, and is saved: the same command goes on")
    if skipped is not None:
        skipped += [one for one in done.skipped if one not in skipped]
    return _task_model(learner)


def learned_further(
    model: SeesItems[ItemT],
    items: AbstractItems[ItemT],
    labels: Labels | Path | None,
    masks: Any,
    unlabelled: AbstractItems[ItemT],
    options: Fitting,
    how: PseudoLabelling,
    folder: Path,
    skipped: list[Skipped] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> TaskModel:
    """As `trained_on_both`, of a finished run and of labels as `fit_items` takes them.

    Raises:
        ValueError: also for masks, which are of elements.
    """
    if masks is not None:
        raise ValueError("items without labels are given classes of items, and masks are of elements: leave one out")
    known = known_of(
        labels, None, items, model.modality, options.label_column, options.label_kind, options.rest, skipped
    )
    if not isinstance(known, KnownLabels):
        raise ValueError("items without labels are given classes of items, and trees are of elements")
    classes = len(known.labels.known.unique()) - bool((known.labels.known < 0).any())
    said = said_of_training(how, len(unlabelled), classes)
    say(f"unlabelled: {said}")
    found = trained_on_both(
        model.network,
        model.modality,
        items,
        known.labels,
        unlabelled,
        how,
        folder,
        options.seed,
        skipped,
        model.device,
    )
    return replace(found, said=said)


def learned_for_now(
    model: SeesItems[ItemT],
    items: AbstractItems[ItemT],
    labels: Labels | Path | None,
    masks: Any,
    unlabelled: AbstractItems[ItemT],
    options: Fitting | None,
    how: PseudoLabelling | None,
    skipped: list[Skipped] | None,
) -> TaskModel:
    """As `learned_further`, in a folder that goes when it is done."""
    options, how = options or Fitting(), how or PseudoLabelling()
    with TemporaryDirectory() as folder:
        return learned_further(model, items, labels, masks, unlabelled, options, how, Path(folder), skipped)


def training_of(how: PseudoLabelling, items: int, seed: int, device: torch.device | str) -> Training:
    """The options of the training loop."""
    kind = torch.device(device).type
    return Training(
        steps=how.steps,
        batch=min(how.batch, items),
        lr=how.lr,
        warmup=min(50, how.steps // 10),
        labelled=how.labelled,
        accelerator="gpu" if kind == "cuda" else kind,
        workers=0,
        threads=torch.get_num_threads(),
        seed=seed,
        checkpoint_every=how.checkpoint_every,
        logger="csv",
    )


def said_of_training(how: PseudoLabelling, unlabelled: int, classes: int) -> str:
    """What will be done, in words."""
    voters = "the nearest labelled one" if how.neighbours == 1 else f"the {how.neighbours} nearest labelled ones"
    return (
        f"{counted(unlabelled, 'item')}, each taken for what {voters} of a queue of {how.queue} batches is, of "
        f"{counted(classes, 'class', 'classes')}; the encoder is trained on both for {how.steps} steps"
    )


def data_digest(items: AbstractItems[Any], known: torch.Tensor, target: Classes) -> str:
    """A digest of the names of all items and of what is known of them."""
    digest = hashlib.sha256(repr((target.names, known.tolist())).encode())
    for index in range(len(items)):
        digest.update(items.name(index).encode() + b"\0")
    return digest.hexdigest()[:16]


def weights_digest(module: nn.Module) -> str:
    """A digest of the weights of a module."""
    digest = hashlib.sha256()
    for part in weight_bytes(module):
        digest.update(part)
    return digest.hexdigest()[:16]


def _task_model(learner: Learner) -> TaskModel:
    learner = learner.cpu().eval()
    assert learner.task is not None
    return TaskModel(learner.online.eval(), learner.task.head.eval(), learner.task.target)
