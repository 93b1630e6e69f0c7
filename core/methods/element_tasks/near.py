"""Skip-gram: which elements lie near one?"""

from collections.abc import Mapping
from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...components.ranges import Count, Width, check_ranges
from ...data.item_noise import ItemNoise
from ...distributed.ranks import gather
from ...losses.distances import at_least_float
from ...networks.encoder import AbstractEncoder
from ...networks.heads import LinearHead
from ...networks.two_steps import InTwoSteps
from ..objectives.base import Loss
from .base import AbstractElementTask, asked_of, seen_alone, tokens_of
from .next import differ, found_among


@final
class SkipGram(AbstractElementTask):
    """−log( e^{⟨W h_i, z_j⟩} / Σ_n e^{⟨W h_i, z_n⟩} ), j drawn from the elements up to `window` away from i.

    h_i is the vector of an element that is all that the encoder sees, z are tokens. n runs over j and the elements that
    were drawn for all other centres of the batch on all ranks, but for those in the window of i, and those with the
    token of j: neither is wrong. A centre with no wrong element is not asked.

    Args:
        dim: length of the encoder's vectors, and of its tokens.
        window: along the first axis, or the order of a set.
        centres: i that are drawn of every item.
    """

    def __init__(self, dim: Width, window: Count = 5, centres: Count = 8) -> None:
        super().__init__()
        self.dim, self.window, self.centres = dim, window, centres
        check_ranges(self)
        self.predictor = LinearHead(dim, dim)

    def forward(self, encoder: AbstractEncoder, data: Any, noise: ItemNoise) -> Loss:
        """The mean over centres, and the share of neighbours that are found."""
        assert isinstance(encoder, InTwoSteps)
        tokens = tokens_of(encoder, data, self.dim)
        elements = tokens.valid.shape[1]
        across = 1 if tokens.grid is None else tokens.grid.elements // tokens.grid.shape[0]
        luck = torch.where(tokens.valid, noise.uniform(elements), -1.0)
        best = luck.topk(min(self.centres, elements), dim=1)
        centre = best.indices
        near, there = neighbours_of(centre, tokens.valid, across, self.window, noise.other(0).uniform(centre.shape[1]))
        there &= best.values >= 0
        h = seen_alone(encoder, tokens, centre)[there]
        z = at_least_float(tokens.values.gather(1, near[..., None].expand(-1, -1, self.dim))[there])
        keys, start = gather(z)
        own = start + torch.arange(len(z), device=z.device)
        item = torch.arange(len(centre), device=z.device)[:, None].expand_as(centre)[there]
        wrong = differ(keys, own)
        wrong[:, start : start + len(z)] &= ~in_window(item, centre[there], near[there], across, self.window)
        losses, found, asked = found_among(at_least_float(self.predictor(h)), keys, own, wrong)
        return asked_of(losses.sum(), found.sum(), asked.sum(), "near")

    def heads(self) -> Mapping[str, nn.Module]:
        """The predictor."""
        return {"predictor": self.predictor}


def neighbours_of(
    centre: Int[Tensor, "batch centres"],
    valid: Bool[Tensor, "batch elements"],
    across: int,
    window: int,
    luck: Float[Tensor, "batch centres"],
) -> tuple[Int[Tensor, "batch centres"], Bool[Tensor, "batch centres"]]:
    """One valid element of the window of every centre, all equally often, by a number from 0 to 1; and if there is one.

    Example: the last of three elements has neighbours on one side alone.

        >>> valid, centre = torch.ones(1, 3, dtype=torch.bool), torch.tensor([[2, 2, 0]])
        >>> neighbours_of(centre, valid, across=1, window=5, luck=torch.tensor([[0.1, 0.9, 0.9]]))[0].tolist()
        [[0, 1, 2]]
    """
    steps = torch.cat([torch.arange(-window, 0), torch.arange(1, window + 1)]).to(centre.device) * across
    places = centre[..., None] + steps
    inside = (places >= 0) & (places < valid.shape[1])
    places = places.clamp(0, valid.shape[1] - 1)
    there = inside & valid.gather(1, places.flatten(1)).view_as(inside)
    count = there.sum(dim=2)
    number = (luck * count).long().minimum((count - 1).clamp(min=0))
    drawn = (there & (there.cumsum(dim=2) == number[..., None] + 1)).int().argmax(dim=2)
    return places.gather(2, drawn[..., None])[..., 0], count > 0


def in_window(
    item: Int[Tensor, " rows"], centre: Int[Tensor, " rows"], near: Int[Tensor, " rows"], across: int, window: int
) -> Bool[Tensor, "rows rows"]:
    """Whether the neighbour of each column lies in the window of the centre of each row, of the same item."""
    away = (near // across - centre[:, None] // across).abs() <= window
    return away & (near % across == centre[:, None] % across) & (item == item[:, None])
