"""One row of a seed: a network learns from a source, and classes are asked of each of its stages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from gestalt.core.evaluation import item_vectors, linear_probe
from gestalt.core.experiment.choices import alternatives_of, with_alternatives
from gestalt.core.methods.method import AbstractMethod, DataInfo
from gestalt.core.methods.step import AbstractLearner
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.runs.inputs import InMemory
from gestalt.core.training.loop import launch, train_learner
from gestalt.core.training.options import Training
from gestalt.core.training.training_data import TrainingData

from .study import Labelled, Study


def learner(study: Study, method: AbstractMethod, items: int, training: Training) -> AbstractLearner[AbstractEncoder]:
    """A study's network with what the method adds to it, before training: the same for every source of a seed.

    Raises:
        ValueError: if the method cannot learn from these data with this network.
    """
    torch.manual_seed(training.seed)
    told = tuple(alternatives_of(method, study.modality))
    return method.build(study.encoder(), DataInfo(items, training.batch, alternatives=told))


def trained(
    study: Study, method: AbstractMethod, items: Sequence[Any], training: Training, folder: Path
) -> AbstractEncoder:
    """The network after training, which goes on where it was stopped.

    Raises:
        ValueError: as `learner`.
        KeyboardInterrupt: if training was interrupted; it is saved.
    """
    found = learner(study, method, len(items), training)
    folder.mkdir(parents=True, exist_ok=True)
    views = with_alternatives(method, study.views, study.modality)
    data = TrainingData(InMemory(items, "item"), views, study.modality.collate)
    if not train_learner(launch(training), found, data, training, folder, resume=True).finished:
        raise KeyboardInterrupt
    return network_of(found)


def network_of(found: AbstractLearner[AbstractEncoder]) -> AbstractEncoder:
    """The network that a learner trains."""
    return found.cpu().online.encoder


def by_stage(study: Study, network: AbstractEncoder, known: Labelled, tested: Labelled) -> dict[str, float]:
    """The accuracy of a linear probe on the mean vectors of each stage.

    Args:
        study: what the network was built for.
        network: with frozen weights.
        known: what the probe learns from.
        tested: what is asked about.
    """
    items = [*known.items, *tested.items]
    labels = torch.cat([known.labels, tested.labels])
    rows = torch.arange(len(items))
    return {
        name: linear_probe(
            item_vectors(stage, items, study.modality.collate),
            labels,
            rows[: len(known.items)],
            rows[len(known.items) :],
        ).accuracy
        for name, stage in study.stages(network).items()
    }
