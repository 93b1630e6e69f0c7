"""Pictures: crops of one photograph, of some, or many different pictures of clothing; as many of each."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.image import MODALITY, Picture, chain
from gestalt.modalities.image.backbones import ResNet
from gestalt.modalities.image.effects import Noise
from gestalt.modalities.image.stages import LEVELS
from gestalt.modalities.image.views import CutOut, Flip, ResizedCrop

from ...image_objects.synthetic.materials import part_of_photograph
from ...image_objects.synthetic.photographs import PHOTOGRAPHS, photographs
from ...scene_sources import Part, clothing
from ..study import Labelled, Source, Study

SIZE = 28
"""Pixels a side of all pictures: those of the shipped clothing."""
SIDES = (SIZE, 160)
"""The least and the greatest side of a crop, in pixels of a photograph with 320 along its longer side."""

Pictures = list[Float[Tensor, "1 28 28"]]


def pictures() -> Study:
    """What one photograph teaches of clothing."""
    return Study(
        modality=MODALITY,
        question="the class of pieces of clothing",
        encoder=lambda: ResNet("resnet18", channels=1),
        network="ResNet-18",
        stages=stages,
        views=views(),
        single="coffee",
        sources=sources,
        labelled=labelled,
    )


def stages(network: AbstractEncoder) -> Mapping[str, AbstractEncoder]:
    """The four stages of a ResNet."""
    assert isinstance(network, ResNet)
    return {f"stage {number + 1}": network.without_pyramid(level) for number, level in enumerate(LEVELS)}


def views() -> Views[Picture]:
    """Two views of every picture: cropped, mirrored, with noise and holes."""
    view = chain((1.0, ResizedCrop(SIZE, (0.3, 1.0))), (0.5, Flip()), (0.5, Noise()), (0.3, CutOut()))
    return Views(chain(), (view, view))


def labelled(part: Part) -> Labelled:
    """Pieces of clothing with their classes."""
    shown = clothing(part)
    return Labelled([image[None].float() / 255 for image in shown.images], shown.labels)


def sources(photograph: str) -> tuple[Source, ...]:
    """One photograph, all photographs that others train on, and clothing.

    Raises:
        ValueError: if there is no such photograph.
    """
    names = PHOTOGRAPHS["train"]
    if photograph not in names:
        raise ValueError(f"single (--single) must be one of {', '.join(names)}, got {photograph!r}")
    return (
        Source(f"crops of one photograph, {photograph}", f"one-{photograph}", _crops((names.index(photograph),))),
        Source(f"crops of {len(names)} photographs", "some", _crops(tuple(range(len(names))))),
        Source("many pictures", "many", many),
    )


def _crops(chosen: Sequence[int]) -> Callable[[int, int], Pictures]:
    def made(count: int, seed: int) -> Pictures:
        shown = photographs("train")
        return crops([shown[number] for number in chosen], count, seed)

    return made


def crops(of: Sequence[Float[Tensor, "3 _ _"]], count: int, seed: int) -> Pictures:
    """Square parts of photographs, mirrored and tinted by chance, in grey.

    Example:
        >>> parts = crops([torch.rand(3, 200, 300)], count=2, seed=0)
        >>> len(parts), parts[0].shape
        (2, torch.Size([1, 28, 28]))
    """
    rng = np.random.default_rng(seed)
    return [part_of_photograph(of, SIDES, (SIZE, SIZE), rng).mean(dim=0, keepdim=True) for _ in range(count)]


def many(count: int, seed: int) -> Pictures:
    """Different pieces of clothing, drawn by chance from those to learn from.

    Raises:
        ValueError: if there are not so many.
    """
    images = clothing("train").images
    if count > len(images):
        raise ValueError(f"items (--items) must be at most {len(images)}, the pictures of clothing, got {count}")
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return [images[number][None].float() / 255 for number in order[:count].tolist()]
