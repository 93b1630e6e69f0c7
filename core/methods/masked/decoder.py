"""From vectors of what is seen to what is hidden: a linear map, or a small transformer over all places."""

from dataclasses import dataclass
from typing import Annotated, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ...components.ranges import AttentionHeads, Between, Width, check_ranges
from ...data.feature_map import FeatureMap
from ...networks.transformer import Mixer

Blocks = Annotated[int, Between(0, 1000)]
"""Blocks of a decoder; 0 for a linear map alone."""


@final
class MaskedDecoder(nn.Module):
    """Predicts hidden elements: with no blocks W h + b of their own vectors; otherwise a transformer sees the vectors
    of the visible elements, and a token of its own in the places that are predicted.

    What the encoder gave at hidden places is then not looked at: GraphMAE's second mask.

    Args:
        inputs: length of the encoder's vectors.
        outputs: numbers predicted of every element.
        width: of the blocks.
        depth: number of blocks.
        heads: of attention, which divide the width.

    Example:
        >>> seen = FeatureMap(torch.randn(1, 4, 8), torch.ones(1, 4, dtype=torch.bool))
        >>> visible = torch.tensor([[True, True, False, False]])
        >>> MaskedDecoder(8, 3, width=4, depth=1, heads=2)(seen, visible, ~visible).shape
        torch.Size([2, 3])
    """

    def __init__(self, inputs: Width, outputs: Width, width: Width, depth: Blocks, heads: AttentionHeads) -> None:
        super().__init__()
        self.inputs, self.outputs, self.width, self.depth, self.heads = inputs, outputs, width, depth, heads
        check_ranges(self)
        if depth:
            self.narrow = nn.Linear(inputs, width)
            self.token = nn.Parameter(0.02 * torch.randn(width))
            self.mixer = Mixer(width, depth, heads)
        self.out = nn.Linear(width if depth else inputs, outputs)

    def forward(
        self,
        seen: FeatureMap,
        visible: Bool[Tensor, "batch elements"],
        places: Bool[Tensor, "batch elements"],
    ) -> Float[Tensor, "rows outputs"]:
        """One row for every element of `places`, in their order."""
        if not self.depth:
            own: Tensor = self.out(seen.values[places])
            return own
        vectors = self.narrow(seen.values)
        tokens = seen.with_values(torch.where(places[..., None], self.token.to(vectors.dtype), vectors))
        mixed: FeatureMap = self.mixer(tokens, visible | places)
        predicted: Tensor = self.out(mixed.values[places])
        return predicted


@final
@dataclass(frozen=True)
class DecoderSettings:
    """The decoder, small beside the encoder.

    Source: MAE's has a third of the blocks and half the width of its ViT-L (8 of 512); I-JEPA's predictor is as narrow.
    """

    width: Width | None = None
    """Of the blocks; none: half the encoder's, in whole heads."""
    depth: Blocks = 2
    """Number of blocks; 0 for a linear map, which needs a network that sees mask tokens."""
    heads: AttentionHeads = 4
    """Of attention, which divide the width."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def build(self, inputs: int, outputs: int) -> MaskedDecoder:
        """A fresh decoder."""
        half = max(self.heads, inputs // 2 // self.heads * self.heads)
        return MaskedDecoder(inputs, outputs, self.width or half, self.depth, self.heads)


LINEAR = DecoderSettings(depth=0)
"""A linear map."""
