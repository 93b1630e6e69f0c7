"""The class of clothing of every pixel."""

from collections.abc import Mapping
from typing import ClassVar, final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.evaluation import Column
from gestalt.core.evaluation.measures import OverlapMeasure
from gestalt.core.methods.targets import Classes
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.training.labels import Labels

from ..scene_sources import class_names
from .elements import answers, cells, on_pixels
from .scenes import Scenes
from .task import AbstractTask, Learning


@final
class Segmentation(AbstractTask):
    """Classes of elements: a cell is learned as what most of its pixels are, and asked about pixel by pixel."""

    title: ClassVar[str] = "Segmentation into classes"
    columns: ClassVar[tuple[Column, ...]] = (Column("mIoU"),)
    note: ClassVar[str] = "Mean intersection over union of ten classes of clothing and the photograph, on pixels."

    def scores(
        self, encoder: AbstractEncoder, tuned: bool, seen: Scenes, asked: Scenes, learning: Learning, seed: int
    ) -> Mapping[str, float]:
        """See `AbstractTask`."""
        target = Classes((*class_names(), "photograph"))
        labels = Labels(target, cells(pixel_classes(seen)).mode(dim=2).values)
        said = answers(encoder, tuned, seen, labels, asked, learning, seed)
        return overlap(on_pixels(said.argmax(dim=1)), asked)

    def rules(self, seen: Scenes, asked: Scenes) -> Mapping[str, Mapping[str, float]]:  # noqa: ARG002
        """Everything is the photograph."""
        return {"photograph everywhere, by rule": overlap(torch.full_like(asked.owner, len(class_names())), asked)}


def pixel_classes(scenes: Scenes) -> Int[Tensor, "scenes size size"]:
    """The class of every pixel; the photograph has the number behind the last."""
    owner = scenes.owner.flatten(1)
    classes = scenes.classes.gather(1, owner.clamp(min=0))
    return torch.where(owner >= 0, classes, len(class_names())).view_as(scenes.owner)


def overlap(found: Int[Tensor, "scenes size size"], asked: Scenes) -> dict[str, float]:
    """mIoU of classes on pixels, those of all scenes counted together."""
    return {"mIoU": OverlapMeasure()(found.flatten()[:, None].double(), pixel_classes(asked).flatten())["miou"]}
