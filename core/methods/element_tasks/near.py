"""Skip-gram: which elements lie near one?"""

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import nn

from ...components.ranges import Count, Width, check_ranges
from ...data.item_noise import ItemNoise
from ...distributed.ranks import mean_over_ranks
from ...losses.distances import at_least_float
from ...networks.encoder import AbstractEncoder
from ...networks.heads import LinearHead
from ...networks.two_steps import InTwoSteps
from ..objectives.base import Loss
from .base import AbstractElementTask, seen_alone, tokens_of
from .next import matched


@final
class SkipGram(AbstractElementTask):
    """−log( e^{⟨W h_i, z_j⟩} / Σ_n e^{⟨W h_i, z_n⟩} ), j drawn from the elements up to `window` away from i.

    h_i is the vector of an element that is all that the encoder sees, z are tokens, and n runs over the elements that
    were drawn for all other centres of the batch on all ranks.

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
        centre = luck.topk(min(self.centres, elements), dim=1)
        step = (noise.other(0).uniform(centre.indices.shape[1]) * 2 * self.window).long() - self.window
        near = centre.indices + torch.where(step >= 0, step + 1, step) * across
        inside = (near >= 0) & (near < elements)
        near = near.clamp(0, elements - 1)
        there = (centre.values >= 0) & inside & tokens.valid.gather(1, near)
        h = seen_alone(encoder, tokens, centre.indices)[there]
        z = tokens.values.gather(1, near[..., None].expand(-1, -1, tokens.values.shape[2]))[there]
        losses, found = matched(at_least_float(self.predictor(h)), at_least_float(z))
        value = mean_over_ranks(losses.sum(), torch.tensor(len(losses), device=losses.device))
        return Loss(value, {"near": value.detach(), "accuracy": found.float().mean()})

    def heads(self) -> Mapping[str, nn.Module]:
        """The predictor."""
        return {"predictor": self.predictor}
