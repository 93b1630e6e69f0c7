"""A run from its options to its report."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from lightning_fabric import Fabric

from ..components.names import choose
from ..discovery.segmenters.in_rounds import in_rounds
from ..methods.method import AbstractMethod, wants_labels
from ..methods.presets import Preset, preset_named, title_of
from ..methods.step import AbstractLearner
from ..modality.joint.masks import paths_of_masks
from ..runs.model import Model
from ..runs.saving import config_of, save
from ..storage.naming import counted
from ..training.data_record import DataRecord
from ..training.folder import RunFolder
from ..training.label_source import ARCHIVES, FOLDERS
from ..training.loop import TrainingResult, launch, train_learner
from ..training.training_data import TrainingData
from .build import LearnerFactory
from .choices import with_alternatives
from .labelling import labels_of
from .options import FREE, Labelling, Running, with_method
from .part_views import with_parts
from .recipe import AbstractRecipe
from .report import report
from .transplants import transplants_of
from .views import chosen_views

ItemT = TypeVar("ItemT")
TruthT = TypeVar("TruthT")

INTERRUPTED = 130


def run(recipe: AbstractRecipe[ItemT, TruthT]) -> int:
    """Train, evaluate, save and report; the exit code (130 if it was interrupted)."""
    options = recipe.options
    choose("encoder", options.encoder.name, list(recipe.modality.encoders))  # before anything is read or written
    rivals = [preset_named(name) for name in options.running.compare]
    folder = RunFolder(options.running.out, options, options.running.resume, FREE | recipe.free)
    folder.check()
    fabric = launch(options.training)
    data = recipe.data()
    if not len(data.items):
        raise ValueError("there are no items to train on; check the data path")
    if options.running.masks is not None and data.masked is None:
        raise ValueError(f"the recipe {recipe.name} reads no masks; leave out --masks")
    record = None
    if fabric.is_global_zero:
        record = record_of(options.running, options.labelling, len(data.items))
        if record.said:
            print(f"found {record.said}; read as {counted(len(data.items), 'item')}", file=sys.stderr)
        for entry in data.skipped:
            print(f"left out {entry.name}: {entry.reason}", file=sys.stderr)
        for entry in data.damaged:
            print(f"damaged {entry.name}: {entry.reason}", file=sys.stderr)
        if data.masked is not None:
            print(data.masked.said(), file=sys.stderr)
    # What the recipe knows of its items may take long to find out.
    asked = any(wants_labels(method) for method in (options.method, *(rival.method for rival in rivals)))
    own = options.labelling.labels is not None or options.labelling.label_column is not None
    given = own or data.labels is not None
    if given and not asked and fabric.is_global_zero:
        print(f"the labels are not used: {title_of(options.method)} does not learn from them", file=sys.stderr)
    labels = None
    if asked or given:
        labels = labels_of(data, options.labelling, options.training.seed, options.running.skip_bad)
    if labels is not None and labels.note and fabric.is_global_zero:
        print(labels.note, file=sys.stderr)
    views = chosen_views(options.views, data.views, recipe.modality)
    factory = LearnerFactory(recipe, data, views, labels)
    learner = factory.fresh()
    # What cannot be saved is refused here, not after hours of training.
    config_of(
        model_of(learner, recipe, factory), options.encoder.name, recipe.modality_name, options.method, recipe.name
    )
    with folder.claimed(fabric, record, options.running.data_changed):
        return _train_and_report(fabric, recipe, factory, learner, rivals, record)


def record_of(running: Running, labelling: Labelling, items: int) -> DataRecord:
    """What a run on the user's own data is begun on: the data, and the masks and labels that come with them."""
    labels = None if str(labelling.labels) in (FOLDERS, ARCHIVES) else labelling.labels
    masks = () if running.masks is None else paths_of_masks(running.masks)
    return DataRecord.of((*running.data, *masks, *(() if labels is None else (labels,))), items)


def _train_and_report(
    fabric: Fabric,
    recipe: AbstractRecipe[ItemT, TruthT],
    factory: LearnerFactory,
    learner: AbstractLearner[Any],
    rivals: list[Preset],
    record: DataRecord | None,
) -> int:
    options, out = recipe.options, recipe.options.running.out
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
