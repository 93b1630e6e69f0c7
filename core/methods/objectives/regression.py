"""BYOL's objective: predict the teacher's vector."""

from typing import final

import torch

from ...data.segmentation import Objects
from ...distributed.ranks import mean_over_ranks
from ...losses.regression import Distance, regression
from ..info import BatchInfo
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs


@final
class Regression(AbstractObjective):
    """BYOL's loss over all ordered pairs of views, averaged over the objects in both; the two directions are summed.

    Args:
        distance: between prediction and target, see `gestalt.losses.regression`.
        symmetric: both directions of every pair of views; without, the online network predicts later views from
            earlier ones alone, and the loss is that of one direction.
    """

    def __init__(self, distance: Distance = "normalised", symmetric: bool = True) -> None:
        super().__init__()
        self.distance: Distance = distance
        self.symmetric = symmetric

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss, with no part."""
        losses = []
        for i, j in ordered_pairs(len(online), len(teacher), both=self.symmetric):
            both = online[i].present & teacher[j].present
            far = regression(online[i].vectors, teacher[j].vectors, self.distance, reduction="none")
            losses.append(mean_over_ranks(torch.where(both, far, 0.0).sum(), both.sum()))
        value = total_of_pairs(losses) if self.symmetric else total_of_pairs(losses) / 2
        return Loss(value, {"regression": value.detach()})
