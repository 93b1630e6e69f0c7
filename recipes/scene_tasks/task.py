"""The interface of every task."""

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.components.ranges import Between, Count, Positive, check_ranges
from gestalt.core.evaluation import Column
from gestalt.core.networks.encoder import AbstractEncoder

from .scenes import Scenes

LEAST = 4
"""Labelled scenes, at least."""


@final
@dataclass(frozen=True)
class Learning:
    """How heads are fitted, and encoders trained with them."""

    tune: Count = 100
    """Steps of training encoder and linear head together."""
    tune_lr: Positive = 3e-3
    """Peak learning rate of that."""
    detector_steps: Count = 300
    """Steps of training a Mask R-CNN, on a frozen encoder or with it."""
    detector_lr: Positive = 3e-3
    """Peak learning rate of that."""
    batch: Annotated[int, Between(1, 4096)] = 8
    """Scenes of a step."""

    def __post_init__(self) -> None:
        check_ranges(self)


class AbstractTask(abc.ABC):
    """What is learned from labelled scenes, and asked about others.

    Attributes:
        title: of its table.
        columns: the metrics, without the share of the labels.
        note: what they are.
    """

    title: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    note: ClassVar[str]

    @abc.abstractmethod
    def scores(
        self, encoder: AbstractEncoder, tuned: bool, seen: Scenes, asked: Scenes, learning: Learning, seed: int
    ) -> Mapping[str, float]:
        """The metrics on `asked` of what was learned from `seen`, all of whose labels are known.

        Args:
            encoder: the start; it is not changed.
            tuned: whether it is trained with the head.
            seen: labelled scenes.
            asked: others.
            learning: how.
            seed: of everything random.
        """

    @abc.abstractmethod
    def rules(self, seen: Scenes, asked: Scenes) -> Mapping[str, Mapping[str, float]]:
        """The metrics of rules that look at no picture, by their names."""


def shown(count: int, share: float, seed: int) -> Int[Tensor, " shown"]:
    """The scenes whose labels are shown, drawn by chance; of a larger share of one seed the smaller one is a part.

    Example:
        >>> len(shown(1000, 0.1, seed=0)), len(shown(100, 0.01, seed=0))
        (100, 4)
    """
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[: max(LEAST, round(share * count))]


def some(scenes: Scenes, rows: Int[Tensor, " rows"]) -> Scenes:
    """Some of the scenes."""
    return Scenes(*(getattr(scenes, name)[rows] for name in Scenes.__dataclass_fields__))
