"""A small transformer on patches, in two steps."""

from typing import Annotated, final

from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gestalt.core.components.ranges import AttentionHeads, Between, Depth, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.transformer import Mixer

from .data import Pictures
from .encoders import check_channels
from .layout import Channels, by_size, standardised


@final
class PatchTransformer(AbstractEncoder):
    """A vision transformer of moderate size: a linear map of every patch, places, and pre-norm blocks.

    Its second step takes any number of patches (`InTwoSteps`): hidden ones cost nothing.

    Args:
        patch: pixels a side of a patch, which is an element.
        width: length of the vectors.
        depth: number of blocks.
        heads: of attention, which divide the width.
        channels: of the pictures, 3 for colours.

    Source: Dosovitskiy et al., "An image is worth 16×16 words" (2021), with fixed places as in MAE and without a token
    for the class.

    Example:
        >>> import torch
        >>> encoder = PatchTransformer(width=32, depth=1)
        >>> encoder(Pictures(torch.rand(1, 3, 32, 48), torch.tensor([[32, 48]]))).grid.shape
        (4, 6)
    """

    def __init__(
        self,
        patch: Annotated[int, Between(1, 1024)] = 8,
        width: Width = 96,
        depth: Depth = 4,
        heads: AttentionHeads = 4,
        channels: Channels = 3,
    ) -> None:
        super().__init__()
        self.patch = patch
        self.width = width
        self.depth = depth
        self.heads = heads
        self.channels = channels
        check_ranges(self)
        self.element_values = channels * patch**2
        self.of_patch = nn.Linear(self.element_values, width)
        self.mixer = Mixer(width, depth, heads, units=(float(patch), float(patch)))
        self.dim = width

    def embed(self, data: Pictures) -> FeatureMap:
        """A linear map of every patch."""
        patches = self.element_targets(data)
        return patches.with_values(self.of_patch(patches.values))

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> FeatureMap:
        """What the blocks make of the visible patches."""
        mixed: FeatureMap = self.mixer(tokens, visible)
        return mixed

    def forward(self, data: Pictures) -> FeatureMap:
        """One vector per patch."""
        return self.mix(self.embed(data))

    def by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None
    ) -> tuple[Float[Tensor, "batch elements dim"], ...]:
        """What every block gives."""
        return self.mixer.by_layer(tokens, visible)

    def added_by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None
    ) -> tuple[Float[Tensor, "batch elements dim"], ...]:
        """What the feed-forward network of every block adds."""
        return self.mixer.added_by_layer(tokens, visible)

    def attention(self, data: Pictures) -> Float[Tensor, "batch heads elements"]:
        """How much attention every patch gets in the last block."""
        return self.mixer.attention(self.embed(data))

    def element_targets(self, data: Pictures) -> FeatureMap:
        """The colours of every patch, standardised as the network takes them.

        Raises:
            ValueError: if the pictures have another number of channels.
        """
        check_channels(data, self.channels)
        return by_size(self._patches, data, self.patch, fold=self.patch)

    def _patches(self, pixels: Float[Tensor, "batch channels height width"]) -> Tensor:
        return rearrange(standardised(pixels), "b c (h p) (w q) -> b (c p q) h w", p=self.patch, q=self.patch)
