"""What a network sees in the place of a hidden element."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...components.ranges import Share, Width, check_ranges
from ...data.feature_map import FeatureMap
from ...data.item_noise import ItemNoise
from .hiding.share import of_elements


@final
class MaskToken(nn.Module):
    """A learned token for hidden elements; some of these get that of another element of their item, or keep their own.

    Args:
        dim: length of the tokens.
        random: share of the hidden elements that get the token of a random element of their item.
        kept: share of the hidden elements that keep their own.

    Source: BERT: of hidden words 80 % are masked, 10 % are random and 10 % are kept. There a random word comes from the
    vocabulary, here from the item, so that it needs none.

    Example:
        >>> tokens = FeatureMap(torch.ones(1, 3, 2), torch.ones(1, 3, dtype=torch.bool))
        >>> noise = ItemNoise.of(torch.tensor([0]), torch.Generator().manual_seed(0))
        >>> hidden = torch.tensor([[True, False, True]])
        >>> (MaskToken(2)(tokens, hidden, noise).values != 1).any(dim=2).tolist()
        [[True, False, True]]
    """

    def __init__(self, dim: Width, random: Share = 0.0, kept: Share = 0.0) -> None:
        super().__init__()
        self.dim, self.random, self.kept = dim, random, kept
        check_ranges(self)
        if random + kept >= 1:
            raise ValueError(f"random and kept must leave something to the mask, got {random} and {kept}")
        self.token = nn.Parameter(0.02 * torch.randn(dim))

    def forward(self, tokens: FeatureMap, hidden: Bool[Tensor, "batch elements"], noise: ItemNoise) -> FeatureMap:
        """The tokens, others in the place of the hidden ones."""
        values = tokens.values
        draw = of_elements(noise.other(0), tokens.valid)[..., None]
        there = self.token.to(values.dtype).expand_as(values)
        if self.random:
            there = torch.where(draw < self.random + self.kept, self._others(tokens, noise.other(1)), there)
        if self.kept:
            there = torch.where(draw < self.kept, values, there)
        return tokens.with_values(torch.where(hidden[..., None], there, values))

    def _others(self, tokens: FeatureMap, noise: ItemNoise) -> Float[Tensor, "batch elements dim"]:
        """For every element the token of a random valid one of its item."""
        count = tokens.valid.sum(dim=1, keepdim=True)
        rank: Int[Tensor, "batch elements"] = (of_elements(noise, tokens.valid) * count).long()
        places = (~tokens.valid).to(torch.uint8).argsort(dim=1, stable=True).gather(1, rank)
        return tokens.values.gather(1, places[..., None].expand_as(tokens.values))
