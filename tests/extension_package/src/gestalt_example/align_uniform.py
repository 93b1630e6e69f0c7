"""An objective: alignment and uniformity on the sphere."""

from typing import final

import torch
from torch import Tensor

from gestalt import AbstractObjective, BatchInfo, Loss, Objects
from gestalt.core.components.ranges import Positive, Weight, check_ranges
from gestalt.core.distributed.ranks import gather, mean_over_ranks
from gestalt.core.losses import unit
from gestalt.core.methods.objectives.base import ordered_pairs, total_of_pairs


@final
class AlignUniform(AbstractObjective):
    """E ‖q − z‖² + λ log E e^{−t ‖q − q'‖²}: views of an object agree, and objects fill the sphere.

    q and z are unit vectors of an object in two views. The second mean runs over all ordered pairs of different objects
    of all ranks. The loss is taken over all ordered pairs of views; the two directions are summed.

    Args:
        uniformity: λ.
        sharpness: t.

    Source: Wang and Isola, "Understanding contrastive representation learning through alignment and uniformity on the
    hypersphere" (2020).
    """

    def __init__(self, uniformity: Weight = 1.0, sharpness: Positive = 2.0) -> None:
        super().__init__()
        self.uniformity, self.sharpness = uniformity, sharpness
        check_ranges(self)

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss, with its two parts."""
        pairs = list(ordered_pairs(len(online), len(teacher)))
        aligned = total_of_pairs([self._alignment(online[i], teacher[j]) for i, j in pairs])
        spread = total_of_pairs([self._uniformity(online[i], teacher[j]) for i, j in pairs])
        parts = {"alignment": aligned.detach(), "uniformity": spread.detach()}
        return Loss(aligned + self.uniformity * spread, parts)

    def _alignment(self, online: Objects, teacher: Objects) -> Tensor:
        both = online.present & teacher.present
        far = (unit(online.vectors) - unit(teacher.vectors.detach())).square().sum(dim=-1)
        return mean_over_ranks(torch.where(both, far, 0.0).sum(), both.sum())

    def _uniformity(self, online: Objects, teacher: Objects) -> Tensor:
        rows, _ = gather(unit(online.vectors)[online.present & teacher.present])
        if len(rows) < 2:
            return rows.sum() * 0.0
        square = (rows[:, None] - rows).square().sum(dim=-1)
        different = ~torch.eye(len(rows), dtype=torch.bool, device=rows.device)
        return (-self.sharpness * square[different]).exp().mean().log()
