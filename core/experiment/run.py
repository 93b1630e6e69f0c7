"""A run from its options to its report."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from lightning_fabric import Fabric

from ..discovery.segmenters.in_rounds import in_rounds
from ..methods.method import AbstractMethod, wants_labels
from ..methods.presets import Preset
from ..methods.step import AbstractLearner
from ..runs.model import Model
from ..runs.saving import config_of, save
from ..runs.seen import TRAINED, Seen, write_seen
from ..training.data_record import DataRecord
from ..training.ended import TrainingResult
from ..training.folder import RunFolder
from ..training.loggers import check_logger
from ..training.loop import launch, train_learner
from ..training.training_data import TrainingData
from .announced import device_said, training_said
from .build import LearnerFactory
from .choices import with_alternatives
from .kept_options import KeptOptions
from .options import FREE, with_method
from .part_views import with_parts
from .prepared import check_names, prepared
from .recipe import AbstractRecipe
from .report import report
from .transplants import transplants_of

ItemT = TypeVar("ItemT")
TruthT = TypeVar("TruthT")

INTERRUPTED = 130


def run(recipe: AbstractRecipe[ItemT, TruthT]) -> int:
    """Train, evaluate, save and report; the exit code (130 if it was interrupted)."""
    options = recipe.options
    check_names(recipe)  # before anything is read or written
    running = options.running
    folder = RunFolder(running.out, options, running.resume, FREE | recipe.free, running.data)
    folder.check()
    check_logger(options.training.logger)
    fabric = launch(options.training)
    ready = prepared(recipe, speaks=fabric.is_global_zero)
    factory, record = ready.factory, ready.record
    learner = factory.fresh()
    # What cannot be saved is refused here, not after hours of training.
    config_of(
        model_of(learner, recipe, factory), options.encoder.name, recipe.modality_name, options.method, recipe.name
    )
    if fabric.is_global_zero:
        print(f"{training_said(recipe, learner)}, on {device_said(fabric)}", file=sys.stderr)
    with folder.claimed(fabric, record, options.running.data_changed):
        return _train_and_report(fabric, recipe, factory, learner, ready.rivals, record)


def _train_and_report(
    fabric: Fabric,
    recipe: AbstractRecipe[ItemT, TruthT],
    factory: LearnerFactory,
    learner: AbstractLearner[Any],
    rivals: Sequence[Preset],
    record: DataRecord | None,
) -> int:
    options, out = recipe.options, recipe.options.running.out
    if fabric.is_global_zero:
        KeptOptions.of(recipe).write(out)
        write_seen(out, {TRAINED: Seen.of(factory.data.items)})
    resume = options.running.resume
    trained = train(fabric, learner, factory, options.method, out, resume)
    others: dict[str, AbstractLearner[Any]] = {}
    for name, rival in zip(options.running.compare, rivals, strict=True):
        if trained.finished and rival.method != options.method:
            as_rival = with_method(options, rival.method)
            beside = RunFolder(out / name, as_rival, True, FREE | recipe.free)
            with beside.claimed(fabric, record, options.running.data_changed):
                other = factory.fresh(rival.method)
                finished = train(fabric, other, factory, rival.method, out / name, True).finished
                trained = replace(trained, finished=finished)
            others[rival.title] = other.cpu()
    if not fabric.is_global_zero:
        return 0
    if not trained.finished:
        print("stopped, and saved; go on with the same command and --resume", file=sys.stderr)
        return INTERRUPTED
    model = model_of(learner.cpu(), recipe, factory)
    save(out, model, options.encoder.name, recipe.modality_name, options.method, recipe.name)
    report(recipe, factory.data, trained, factory.fresh(), learner, others)
    return 0


def model_of(
    learner: AbstractLearner[Any], recipe: AbstractRecipe[ItemT, TruthT], factory: LearnerFactory
) -> Model[ItemT]:
    """What a learner learned, as it is saved and used."""
    heads = {name: head for name, head in learner.heads().items() if name != "projector"}
    target = factory.labels.target if factory.labels is not None and "task" in heads else None
    return Model(recipe.modality, learner.online.eval(), heads, learner.finder or recipe.finder, target)


def train(
    fabric: Fabric,
    learner: AbstractLearner[Any],
    factory: LearnerFactory,
    method: AbstractMethod,
    folder: Path,
    resume: bool,
) -> TrainingResult:
    """Train one learner on the data of a recipe, with everything that its method asks for.

    Args:
        fabric: devices and precision.
        learner: of the method, from the factory.
        factory: with the recipe, its options and its data.
        method: that built the learner.
        folder: of its metrics and checkpoints.
        resume: go on from the last checkpoint there, where there is one.
    """
    recipe, data = factory.recipe, factory.data
    options, running = recipe.options, recipe.options.running
    labels = factory.labels if wants_labels(method) else None
    masks = None if data.masked is None else data.masked.masks
    with_objects = in_rounds(learner) is not None or masks is not None
    return train_learner(
        fabric,
        learner,
        TrainingData(
            data.items,
            with_alternatives(method, with_parts(method, factory.views, recipe.modality), recipe.modality),
            recipe.modality.collate,
            running.skip_bad,
            labels,
            masks,
            transplants_of(method, recipe.modality, with_objects, labels, fabric.is_global_zero),
            factory.computing(method),
        ),
        options.training,
        folder,
        resume,
    )
