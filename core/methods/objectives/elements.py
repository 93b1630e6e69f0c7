"""Elements against objects: the loss reaches every element."""

from typing import Annotated, Literal, final

import torch
from jaxtyping import Float
from torch import Tensor

from ...components.ranges import Between, Positive, Share, check_ranges
from ...data.precision import full_precision
from ...data.segmentation import Elements, Objects
from ...distributed.ranks import gather, mean_over_ranks
from ...losses.distances import unit
from ...losses.elements_to_objects import element_weights, object_centres
from ..info import BatchInfo
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs

ABSENT = -1e9
"""The score of what is no candidate: finite, so that an item without any has a gradient of zero."""


@final
class ElementsToObjects(AbstractObjective):
    """Every element of one view tells its object in another view from the other objects of its item.

    ℓ = Σ_i w_i ℓ_i / Σ_i w_i, ℓ_i = −log( e^{⟨z_i, μ_k(i)⟩/τ} / Σ_k e^{⟨z_i, μ_k⟩/τ} ), over all elements i of one
    view; μ_k is the mean over object k in the other view. See `gestalt.losses.elements_to_objects`. Where pooled
    objects are compared, the elements of an object may differ as long as their mean agrees; here each must agree.

    Args:
        temperature: τ.
        candidates: the objects of the item, or those of all items on all ranks.
        size_power: an object of n elements weighs n to this power.
        first: compare only the components from this one on: one level of an encoder whose levels lie side by side,
            while pooled objects may be compared on all.
        dims: so many of them; None: all that follow.

    Elements are hidden features: no head sees them. Objects absent from one of the views are neither compared nor
    candidates.
    """

    def __init__(
        self,
        temperature: Positive = 0.1,
        candidates: Literal["item", "batch"] = "item",
        size_power: Share = 0.5,
        first: Annotated[int, Between(0, 65536)] = 0,
        dims: Annotated[int, Between(1, 65536)] | None = None,
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.candidates: Literal["item", "batch"] = candidates
        self.size_power = size_power
        self.first = first
        self.dims = dims
        check_ranges(self)

    @property
    def elements(self) -> bool:
        """It needs the elements."""
        return True

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss over all ordered pairs of views.

        Raises:
            ValueError: if the objects bring no elements.
        """
        seen, taught = [self._part(view) for view in online], [self._part(view) for view in teacher]
        pairs = ordered_pairs(len(online), len(teacher))
        value = total_of_pairs([self._direction(seen[one], taught[two]) for one, two in pairs])
        return Loss(value, {"elements": value.detach()})

    def _part(self, objects: Objects) -> Elements:
        if objects.elements is None:
            raise ValueError("ElementsToObjects compares elements, and these objects bring none: Objects(elements=…)")
        last = None if self.dims is None else self.first + self.dims
        return Elements(objects.elements.vectors[..., self.first : last], objects.elements.weights)

    def _direction(self, seen: Elements, taught: Elements) -> Float[Tensor, ""]:
        centres = object_centres(taught.vectors, taught.weights)
        there = (taught.weights.sum(dim=2) > 0) & (seen.weights.sum(dim=2) > 0)
        z = unit(seen.vectors)
        with full_precision(z):
            own = torch.where(there[:, None], z @ centres.mT / self.temperature, ABSENT)
            total = own.logsumexp(dim=2) if self.candidates == "item" else self._over_batch(z, centres, there)
        shares, importance = element_weights(seen.weights, there, self.size_power)
        losses = (shares.mT * torch.where(there[:, None], total[..., None] - own, 0.0)).sum()
        return mean_over_ranks(losses, importance.sum())

    def _over_batch(
        self, z: Float[Tensor, "items elements dim"], centres: Tensor, there: Tensor
    ) -> Float[Tensor, "items elements"]:
        """log Σ e^s over the objects of all items on all ranks."""
        keys, _ = gather(centres.flatten(0, 1))
        present, _ = gather(there.flatten().float())
        scores = torch.where(present > 0, z @ keys.T / self.temperature, ABSENT)
        return scores.logsumexp(dim=2)
