"""Odin's objective: tell an object from all others."""

from typing import final

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from ..ranks import gather, mean_over_ranks
from ..segmentation import Objects
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs
from .known import Known
from .regression import unit


def contrastive(
    online: Objects,
    teacher: Objects,
    temperature: float = 0.1,
    same_view: Objects | None = None,
    same_item: bool = True,
) -> Float[Tensor, ""]:
    """ℓ_k = −log( e^{s_k} / (e^{s_k} + Σ_n e^{s_n}) ), averaged over the objects k present in both views.

    s = ⟨q, z⟩ / (α ‖q‖ ‖z‖) with α the temperature; the negatives n are the other objects of the other view, of the
    same item and of all items on all ranks. An object that is absent from a view is no negative there.

    Args:
        online: predictions q of the online network for one view.
        teacher: projections z of the teacher for the other view. Gradients enter them if they carry any (shared
            networks, as in SimCLR and DetCon-S); the learner detaches them otherwise.
        temperature: α, 0.1 in the Odin document, [0044].
        same_view: the teacher's projections of the online network's own view; where given, its other objects are
            negatives too, as in DetCon's code. The Odin document takes negatives from the other view alone, [0045].
        same_item: whether other objects of the same item are negatives.

    Source: Odin, [0044] to [0048].

    Example:
        >>> here = torch.ones(2, 1, dtype=torch.bool)
        >>> two = Objects(torch.tensor([[[1.0, 0]], [[0, 1.0]]]), here)
        >>> round(contrastive(two, two, temperature=1.0).item(), 4)  # −log(e / (e + 1))
        0.3133
    """
    queries = rearrange(unit(online.vectors), "b k d -> (b k) d")
    both = rearrange(online.present & teacher.present, "b k -> (b k)")
    logits, mine, others = _similarities(queries, teacher, same_item)
    positive = logits.gather(1, mine[:, None])[:, 0]
    candidates = [torch.where(others | _one_hot(mine, logits.shape[1]), logits, -torch.inf)]
    if same_view is not None:
        logits, _, others = _similarities(queries, same_view, same_item)
        candidates.append(torch.where(others, logits, -torch.inf))
    # Rows without a partner are taken out before the exponentials: −∞ − (−∞) would poison the gradient.
    candidates_of_both = torch.cat(candidates, dim=1)[both] / temperature
    losses = candidates_of_both.logsumexp(dim=1) - positive[both] / temperature
    return mean_over_ranks(losses.sum(), both.sum())


def _similarities(
    queries: Float[Tensor, "rows dim"], keys: Objects, same_item: bool
) -> tuple[Float[Tensor, "rows keys"], Tensor, Bool[Tensor, "rows keys"]]:
    """Cosines with the keys of all ranks, each row's own key, and which keys are other objects that are present."""
    objects = keys.present.shape[1]
    vectors, start = gather(rearrange(unit(keys.vectors), "b k d -> (b k) d"))
    present, _ = gather(rearrange(keys.present, "b k -> (b k)").float())
    mine = start + torch.arange(len(queries), device=queries.device)
    number = torch.arange(len(vectors), device=queries.device)
    excluded = mine[:, None] == number if same_item else mine[:, None] // objects == number // objects
    return queries @ vectors.T, mine, (present > 0) & ~excluded


def _one_hot(index: Tensor, size: int) -> Bool[Tensor, "rows size"]:
    return index[:, None] == torch.arange(size, device=index.device)


@final
class Contrastive(AbstractObjective):
    """Odin's loss over all ordered pairs of views; the two directions are summed.

    `same_view` and `same_item` choose the negatives, as in `contrastive`.
    """

    def __init__(self, temperature: float = 0.1, same_view: bool = False, same_item: bool = True) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f"the temperature must be positive, got {temperature}")
        self.temperature = temperature
        self.same_view = same_view
        self.same_item = same_item

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], known: Known) -> Loss:  # noqa: ARG002
        """The loss, with no part."""
        losses = []
        for i, j in ordered_pairs(len(online), len(teacher)):
            own = teacher[i] if self.same_view and i < len(teacher) else None
            losses.append(contrastive(online[i], teacher[j], self.temperature, own, self.same_item))
        value = total_of_pairs(losses)
        return Loss(value, {"contrastive": value.detach()})

    def observe(self, teacher: tuple[Objects, ...], known: Known) -> None:
        """There is no state."""
