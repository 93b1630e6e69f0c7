"""A small transformer on tubes, in two steps."""

from typing import Annotated, final

from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gestalt.core.components.ranges import AttentionHeads, Between, Depth, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.transformer import Mixer

from .data import Clips
from .lattice import Tubes


@final
class TubeTransformer(AbstractEncoder):
    """A video transformer of moderate size: a linear map of every tube, places in seconds and pixels, pre-norm blocks.

    Its second step takes any number of tubes (`InTwoSteps`): hidden ones cost nothing.

    Args:
        cell: height and width of a tube in pixels.
        frames: frames of a tube.
        width: length of the vectors.
        depth: number of blocks.
        heads: of attention, which divide the width.
        seconds: what counts as one step for places in time.

    Source: Tong et al., "VideoMAE" (2022), with tubes as there, and joint attention over space and time.

    Example:
        >>> import torch
        >>> batch = Clips(torch.zeros(1, 4, 3, 32, 32, dtype=torch.uint8), torch.tensor([[4, 32, 32]]),
        ...               torch.arange(5.0)[None])
        >>> TubeTransformer(width=32, depth=1)(batch).grid.shape
        (2, 4, 4)
    """

    def __init__(
        self,
        cell: Annotated[int, Between(1, 1024)] = 8,
        frames: Annotated[int, Between(1, 1024)] = 2,
        width: Width = 96,
        depth: Depth = 4,
        heads: AttentionHeads = 4,
        seconds: Annotated[float, Between(0.0, 1e6, open_below=True)] = 0.2,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.frames = frames
        self.width = width
        self.depth = depth
        self.heads = heads
        self.seconds = seconds
        check_ranges(self)
        self.tubes = Tubes((frames, cell, cell))
        self.element_values = 3 * frames * cell**2
        self.of_tube = nn.Linear(self.element_values, width)
        self.mixer = Mixer(width, depth, heads, units=(seconds, float(cell), float(cell)))
        self.dim = width

    def embed(self, data: Clips) -> FeatureMap:
        """A linear map of every tube."""
        tubes = self.element_targets(data)
        return tubes.with_values(self.of_tube(tubes.values))

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> FeatureMap:
        """What the blocks make of the visible tubes."""
        mixed: FeatureMap = self.mixer(tokens, visible)
        return mixed

    def forward(self, data: Clips) -> FeatureMap:
        """One vector per tube."""
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

    def attention(self, data: Clips) -> Float[Tensor, "batch heads elements"]:
        """How much attention every tube gets in the last block."""
        return self.mixer.attention(self.embed(data))

    def element_targets(self, data: Clips) -> FeatureMap:
        """The colours of every tube, standardised as the network takes them."""
        return self.tubes.features(self._boxes, data)

    def _boxes(self, colours: Float[Tensor, "batch 3 time height width"]) -> Tensor:
        frames, rows, columns = self.tubes.step
        return rearrange(colours, "b c (t i) (y j) (x k) -> b (c i j k) t y x", i=frames, j=rows, k=columns)
