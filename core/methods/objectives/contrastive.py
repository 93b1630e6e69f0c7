"""Odin's objective: tell an object from all others."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...components.ranges import Positive, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import mean_over_ranks
from ...losses.distances import Similarity, compared_by
from ...losses.info_nce import info_nce_of_scores
from ...networks.scale import LearnedScale
from ...optimization.progress import Progress
from ..info import BatchInfo
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs
from .keys import keys_of


def contrastive(
    online: Objects,
    teacher: Objects,
    temperature: float | Float[Tensor, ""] = 0.1,
    same_view: Objects | None = None,
    same_item: bool = True,
    other_items: bool = True,
    other_ranks: bool = True,
    similarity: Similarity = "cosine",
) -> Float[Tensor, ""]:
    """ℓ_k = −log( e^{s_k} / (e^{s_k} + Σ_n e^{s_n}) ), averaged over the objects k present in both views.

    s = ⟨q, z⟩ / (α ‖q‖ ‖z‖) with α the temperature; the negatives n are the other objects of the other view, of the
    same item and of all items on all ranks. An object that is absent from a view is no negative there.

    Args:
        online: predictions q of the online network for one view.
        teacher: projections z of the teacher for the other view. Gradients enter them if they carry any (shared
            networks, as in SimCLR and DetCon-S); the learner detaches them otherwise.
        temperature: α, 0.1 in the Odin patent, [0044].
        same_view: the teacher's projections of the online network's own view; where given, its other objects are
            negatives too, as in DetCon's code. The Odin patent takes negatives from the other view alone, [0045].
        same_item: whether other objects of the same item are negatives.
        other_items: whether objects of other items are.
        other_ranks: whether objects of items on other ranks are. Without them nothing is gathered, and the loss depends
            on how items are spread over ranks.
        similarity: "dot" leaves the lengths in: s = ⟨q, z⟩ / α, [0044].

    Source: Odin, [0041] to [0048].

    Example:
        >>> here = torch.ones(2, 1, dtype=torch.bool)
        >>> two = Objects(torch.tensor([[[1.0, 0]], [[0, 1.0]]]), here)
        >>> round(contrastive(two, two, temperature=1.0).item(), 4)  # −log(e / (e + 1))
        0.3133
    """
    both = online.present & teacher.present
    queries = online.vectors[both]
    queries = compared_by(queries, similarity)
    item = both.nonzero()[:, 0]
    positive, candidates = queries[:, :0], list[Tensor]()
    for view in (teacher,) if same_view is None else (same_view, teacher):
        keys = keys_of(view, similarity, other_ranks)
        logits = queries @ keys.vectors.T / temperature
        own = keys.own[both][:, None] == torch.arange(len(keys.item), device=item.device)
        related = (item + keys.first_item)[:, None] == keys.item
        others = ~own & torch.where(related, same_item, other_items)
        candidates.append(torch.where(others, logits, -torch.inf))
        positive = logits[own]  # of the teacher's view, which comes last
    negatives = candidates[0] if len(candidates) == 1 else torch.cat(candidates, dim=1)
    losses = info_nce_of_scores(positive, negatives)
    return mean_over_ranks(losses.sum(), both.sum())


@final
class Contrastive(AbstractObjective):
    """Odin's loss over all ordered pairs of views; the two directions are summed.

    Args:
        temperature: α; 0.1 in the Odin patent.
        same_view: whether the other objects of the online network's own view are negatives too (DetCon), as the
            teacher sees them. A view that the teacher does not see has none.
        same_item: whether other objects of the same item are negatives.
        other_items: whether objects of other items are.
        other_ranks: whether objects of items on other ranks are.
        similarity: cosine, or the dot product.
        learned: whether the temperature is trained, from α on (CLIP).

    Raises:
        ValueError: if the temperature is not positive, or nothing is left to be a negative.
    """

    def __init__(
        self,
        temperature: Positive = 0.1,
        same_view: bool = False,
        same_item: bool = True,
        other_items: bool = True,
        other_ranks: bool = True,
        similarity: Similarity = "cosine",
        learned: bool = False,
    ) -> None:
        super().__init__()
        if not same_item and not other_items:
            raise ValueError(
                "Contrastive needs negatives from the same item, from other items, or from both; got neither. "
                "Regression is the objective without negatives"
            )
        self.temperature = temperature
        self.same_view = same_view
        self.same_item = same_item
        self.other_items = other_items
        self.other_ranks = other_ranks
        self.similarity: Similarity = similarity
        self.learned = learned
        check_ranges(self)
        self.scale = LearnedScale(temperature) if learned else None

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss, with the temperature as a part where it is trained."""
        temperature = self.temperature if self.scale is None else self.scale()
        negatives = self.same_item, self.other_items, self.other_ranks and self.other_items
        losses = []
        for i, j in ordered_pairs(len(online), len(teacher)):
            own = teacher[i] if self.same_view and i < len(teacher) else None
            losses.append(contrastive(online[i], teacher[j], temperature, own, *negatives, self.similarity))
        value = total_of_pairs(losses)
        parts = {"contrastive": value.detach()}
        return Loss(value, parts if self.scale is None else parts | {"temperature": self.scale().detach()})

    def after_step(self, outputs: Sequence[Any], progress: Progress) -> None:  # noqa: ARG002
        """A trained temperature stays within its bound."""
        if self.scale is not None:
            self.scale.hold()

    def heads(self) -> Mapping[str, nn.Module]:
        """The trained temperature, where it is."""
        return {} if self.scale is None else {"scale": self.scale}
