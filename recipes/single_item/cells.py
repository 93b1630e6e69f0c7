"""One row of a seed: a network learns from a source, and the class of clothing is asked of each of its stages."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from gestalt.core.evaluation import item_vectors, linear_probe
from gestalt.core.experiment.choices import alternatives_of, with_alternatives
from gestalt.core.methods.method import AbstractMethod, DataInfo
from gestalt.core.methods.step import AbstractLearner
from gestalt.core.modality.transform import Views
from gestalt.core.runs.inputs import InMemory
from gestalt.core.training.loop import launch, train_learner
from gestalt.core.training.options import Training
from gestalt.core.training.training_data import TrainingData
from gestalt.modalities.image import MODALITY, Picture, chain
from gestalt.modalities.image.backbones import ResNet
from gestalt.modalities.image.effects import Noise
from gestalt.modalities.image.stages import LEVELS
from gestalt.modalities.image.views import CutOut, Flip, ResizedCrop

from ..scene_sources import Part, clothing
from .sources import SIZE

STAGES = tuple(f"stage {number + 1}" for number in range(len(LEVELS)))


def views() -> Views[Picture]:
    """Two views of every picture: cropped, mirrored, with noise and holes."""
    view = chain((1.0, ResizedCrop(SIZE, (0.3, 1.0))), (0.5, Flip()), (0.5, Noise()), (0.3, CutOut()))
    return Views(chain(), (view, view))


def learner(method: AbstractMethod, items: int, training: Training) -> AbstractLearner[ResNet]:
    """A ResNet-18 with what the method adds to it, before training: the same for every source of a seed.

    Raises:
        ValueError: if the method cannot learn from pictures with this network.
    """
    torch.manual_seed(training.seed)
    told = tuple(alternatives_of(method, MODALITY))
    return method.build(ResNet("resnet18", channels=1), DataInfo(items, training.batch, alternatives=told))


def trained(method: AbstractMethod, pictures: Sequence[Tensor], training: Training, folder: Path) -> ResNet:
    """The network after training, which goes on where it was stopped.

    Raises:
        ValueError: as `learner`.
        KeyboardInterrupt: if training was interrupted; it is saved.
    """
    found = learner(method, len(pictures), training)
    folder.mkdir(parents=True, exist_ok=True)
    data = TrainingData(InMemory(pictures, "picture"), with_alternatives(method, views(), MODALITY), MODALITY.collate)
    if not train_learner(launch(training), found, data, training, folder, resume=True).finished:
        raise KeyboardInterrupt
    return network_of(found)


def network_of(found: AbstractLearner[ResNet]) -> ResNet:
    """The network that a learner trains."""
    encoder = found.cpu().online.encoder
    assert isinstance(encoder, ResNet)
    return encoder


def check_asked(known: int, tested: int, part: Part) -> None:
    """Refuse more pieces of clothing than there are.

    Raises:
        ValueError: naming the option, and how many there are.
    """
    for name, count, there in (("known", known, clothing("train")), ("tested", tested, clothing(part))):
        if count > len(there):
            raise ValueError(f"{name} (--{name}) must be at most {len(there)}, the pieces that ship, got {count}")


def by_stage(network: ResNet, known: int, tested: int, part: Part) -> dict[str, float]:
    """The accuracy of a linear probe on the mean vectors of each stage.

    Args:
        network: with frozen weights.
        known: pieces of clothing whose class the probe learns from.
        tested: pieces of clothing that are asked about.
        part: of which these are.

    Raises:
        ValueError: as `check_asked`.
    """
    check_asked(known, tested, part)
    train, test = clothing("train"), clothing(part)
    items = [image[None].float() / 255 for image in torch.cat([train.images[:known], test.images[:tested]])]
    labels = torch.cat([train.labels[:known], test.labels[:tested]])
    rows = torch.arange(known + tested)
    return {
        name: linear_probe(
            item_vectors(network.without_pyramid(level), items, MODALITY.collate), labels, rows[:known], rows[known:]
        ).accuracy
        for name, level in zip(STAGES, LEVELS, strict=True)
    }
