"""A run from its options to its report."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric

from ..components.settings import settings_of
from ..methods.catalogue import method as method_named
from ..methods.learner import Learner
from ..modality.labels import Labels
from ..modality.plugins import choose
from ..networks.encoder import Network
from ..runs.item_segmenter import Grouping
from ..runs.saved import Architecture, save_network
from ..training import TrainingResult, launch, open_folder, train
from .labelling import labels_of
from .methods import TITLES, DataInfo, build
from .options import FREE, Method
from .recipe import AbstractRecipe, ExperimentData
from .report import report

ItemT = TypeVar("ItemT")
TruthT = TypeVar("TruthT")


def run(study: AbstractRecipe[ItemT, TruthT]) -> int:
    """Train, evaluate, save and report; the exit code (130 if it was interrupted)."""
    options, out = study.options, study.options.running.out
    choose("encoder", options.learning.encoder, list(study.modality.encoders))  # before anything is read or written
    fabric = launch(options.training)
    if fabric.is_global_zero:
        open_folder(out, options, options.running.resume, FREE | study.free)
    fabric.barrier()
    material = study.material()
    if fabric.is_global_zero:
        for entry in material.skipped:
            print(f"left out {entry.name}: {entry.reason}", file=sys.stderr)

    learning, rivals = options.learning, options.running.compare
    asked = any(method_named(name).labels != "none" for name in (learning.method, *rivals))
    # What the recipe knows of its items may be dear to find out.
    labels = labels_of(material, learning, options.training.seed) if asked or learning.labels is not None else None
    about = about_of(study, material, labels)
    learner = fresh(study, material.settings, about=about)
    trained = _learn(fabric, learner, study, material, options.learning.method, labels)
    others: dict[str, Network] = {}
    for method in rivals:
        if trained.finished and method != options.learning.method:
            if fabric.is_global_zero:
                as_rival = replace(options, learning=replace(options.learning, method=method))
                open_folder(out / method, as_rival, resume=True, free=FREE | study.free)
            fabric.barrier()
            rival = fresh(study, material.settings, method, about)
            trained = replace(trained, finished=_learn(fabric, rival, study, material, method, labels).finished)
            others[TITLES[method]] = rival.online.cpu()
    if not fabric.is_global_zero:
        return 0
    if not trained.finished:
        print("stopped, and saved; go on with the same command and --resume", file=sys.stderr)
        return 130
    network = learner.online.cpu()
    save(study, network)
    report(study, material, trained, fresh(study, material.settings, about=about).online, network, others)
    return 0


def _learn(
    fabric: Fabric,
    learner: Learner,
    study: AbstractRecipe[ItemT, TruthT],
    material: ExperimentData[ItemT, TruthT],
    method: Method,
    labels: Labels | None,
) -> TrainingResult:
    """Train one learner on the material; a rival's folder lies within the run's."""
    options, running = study.options, study.options.running
    rival = method != options.learning.method
    return train(
        fabric,
        learner,
        material.items,
        material.views,
        study.modality.collate,
        options.training,
        running.out / method if rival else running.out,
        running.resume or rival,
        running.skip_bad,
        labels if method_named(method).labels != "none" else None,
    )


def about_of(study: AbstractRecipe[Any, Any], material: ExperimentData[Any, Any], labels: Labels | None) -> DataInfo:
    """What a method needs to know of the material."""
    classes = 0 if labels is None else len(labels.names)
    values = labels is not None and labels.values is not None
    return DataInfo(len(material.items), study.options.training.batch, len(material.views.views), classes, values)


def fresh(
    study: AbstractRecipe[Any, Any],
    settings: Mapping[str, Any] = MappingProxyType({}),
    method: Method | None = None,
    about: DataInfo | None = None,
) -> Learner:
    """The learner before training: the same one whenever the seed is the same.

    `settings` are those of the encoder that follow from the material; `method` stands in for the one in the options;
    `about` is needed by methods with a queue, a bank or labels.
    """
    learning = study.options.learning
    torch.manual_seed(study.options.training.seed)
    encoder = study.modality.encoders[choose("encoder", learning.encoder, list(study.modality.encoders))](**settings)
    return build(encoder, replace(learning, method=method or learning.method), study.finder(), about)


def save(study: AbstractRecipe[ItemT, TruthT], network: Network) -> None:
    """Write the online network with everything that `discover` and `embed` need to know."""
    learning = study.options.learning
    details = {"recipe": study.words.recipe} | dict(study.details)
    head = (learning.hidden, learning.projection)
    finder = study.finder()
    grouping = Grouping(finder.grouper, finder.space, finder.background, finder.extra_features).described(
        study.modality
    )
    settings = settings_of(network.encoder, study.modality.encoders[learning.encoder])
    architecture = Architecture(
        study.named or study.modality.name, learning.encoder, settings, head, details, grouping
    )
    save_network(study.options.running.out, network, architecture)
