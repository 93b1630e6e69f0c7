"""ReLIC v2's objective: contrast, and predictions that do not depend on the view."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ...components.ranges import Count, Positive, Weight, check_ranges
from ...data.segmentation import Objects
from ..info import BatchInfo
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs
from .comparison import Comparison, choose_negatives, compare, contrast, divergence


def invariance(compared: dict[tuple[int, int], Comparison], pairs: list[tuple[int, int]]) -> Float[Tensor, ""]:
    """Twice the mean over pairs (i, j) of KL( p_ij ‖ sg p_ji ); p_jj stands in where the teacher did not see view i.

    p_ij is the distribution of view i's prediction over view j's targets. A view paired with itself adds 0.
    """
    return total_of_pairs([divergence(compared[i, j], compared.get((j, i), compared[j, j])) for i, j in pairs])


@final
class Relic(AbstractObjective):
    """a · contrast + b · invariance, over all pairs of views, those of a view with itself included.

    Args:
        temperature: τ.
        contrast: a.
        invariance: b.
        negatives: how many other objects are drawn for each; None takes all.
        same_item: whether other objects of the same item are negatives.
        same_view: pair views with themselves too, as the paper's pseudo-code does.

    Source: Tomasev et al., "Pushing the limits of self-supervised ResNets" (2022): a = 0.3, b = 5, ten negatives,
    τ = 0.2. The definition of the penalty is that of ReLIC (Mitrovic et al., 2021): a true divergence, not the
    transposed soft-max of one public port.
    """

    def __init__(
        self,
        temperature: Positive = 0.2,
        contrast: Weight = 0.3,
        invariance: Weight = 5.0,
        negatives: Count | None = 10,
        same_item: bool = True,
        same_view: bool = True,
    ) -> None:
        super().__init__()
        self.temperature, self.contrast, self.invariance = temperature, contrast, invariance
        self.negatives, self.same_item, self.same_view = negatives, same_item, same_view
        check_ranges(self)

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The weighted sum; its parts without their weights."""
        pairs = pairs_of_views(len(online), len(teacher), self.same_view)
        negatives = choose_negatives(teacher, self.negatives, self.same_item, info.generator)
        compared = {
            (i, j): compare(online[i], teacher[j], self.temperature, negatives) for i, j in with_themselves(pairs)
        }
        contrasted = total_of_pairs([contrast(compared[pair]) for pair in pairs])
        penalty = invariance(compared, pairs) if self.invariance else torch.zeros_like(contrasted)
        value = self.contrast * contrasted + self.invariance * penalty
        return Loss(value, {"contrastive": contrasted.detach(), "invariance": penalty.detach()})


def pairs_of_views(online: int, teacher: int, same_view: bool) -> list[tuple[int, int]]:
    """The pairs that are compared; a single view would be compared with itself alone.

    Raises:
        ValueError: if there are no two views.
    """
    if online < 2:
        raise ValueError(f"an objective compares at least two views, got {['none', 'one'][online]}; make more views")
    return list(ordered_pairs(online, teacher, same=same_view))


def with_themselves(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs and, of every view that the teacher saw, the pair with itself, which `invariance` may refer to."""
    return list(dict.fromkeys([*pairs, *((j, j) for _, j in pairs)]))
