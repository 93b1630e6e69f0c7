"""Encoders of series: plain features, dilated convolutions, and a transformer in two steps."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, final

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gestalt.core.components.ranges import AttentionHeads, Between, Depth, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.items import AbstractItems, BadItemError
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.transformer import Mixer

from .data import Series, SeriesBatch

Step = Annotated[int, Between(2, 65536)]
"""Samples of an element."""
Rate = Annotated[float, Between(0.0, 1e8, open_below=True)]
"""Samples per second."""
Centre = Annotated[float, Between(-1e9, 1e9)]
"""The mean of a channel."""
Scale = Annotated[float, Between(0.0, 1e9, open_below=True)]
"""The standard deviation of a channel."""
FLOOR = 1e-3
"""Power, in that of the channel over the data set, that counts as rest."""
SEEN = 64
"""Items that tell what is usual of a channel."""
THREE: tuple[float, ...] = (0.0, 0.0, 0.0)


def usual(items: AbstractItems[Series]) -> tuple[list[float], list[float]]:
    """The mean and the standard deviation of every channel, over items that lie evenly among all.

    Raises:
        ValueError: if none of them can be read.
    """
    import numpy as np

    rng, moments, count = np.random.default_rng(0), None, 0
    for number in sorted({place * (len(items) - 1) // max(1, SEEN - 1) for place in range(SEEN)}):
        try:
            values = items.read(number, rng).values.double()
        except BadItemError:
            continue
        own = torch.stack([values.sum(dim=0), values.square().sum(dim=0)])
        moments, count = own if moments is None else moments + own, count + len(values)
    if moments is None:
        raise ValueError("none of the series that were looked at can be read; leave out bad ones with --skip-bad")
    mean, second = moments / count
    deviation = (second - mean.square()).clamp(min=0).sqrt()
    flat = deviation < 1e-6 * mean.abs().clamp(min=1e-3)
    return mean.tolist(), torch.where(flat, 1.0, deviation).tolist()


@final
class Standardised(nn.Module):
    """(x − μ) / σ with the mean and the deviation of every channel over the data set, cut into elements."""

    def __init__(self, step: int, sample_rate: float, centres: Sequence[float], scales: Sequence[float]) -> None:
        super().__init__()
        if len(centres) != len(scales) or not centres:
            raise ValueError(f"every channel has a centre and a scale, got {len(centres)} and {len(scales)}")
        self.step = step
        self.sample_rate = sample_rate
        self.register_buffer("centre", torch.tensor(list(centres), dtype=torch.float32), persistent=False)
        self.register_buffer("scale", torch.tensor(list(scales), dtype=torch.float32), persistent=False)

    def forward(
        self, data: SeriesBatch
    ) -> tuple[Float[Tensor, "batch elements step channels"], Bool[Tensor, "batch elements"], Grid]:
        """The samples of every element, zero on padding; which elements are valid; and where they lie in time."""
        centre, scale = self.get_buffer("centre"), self.get_buffer("scale")
        if data.values.shape[2] != len(centre):
            raise ValueError(
                f"the encoder takes series of {len(centre)} channels, got {data.values.shape[2]}; name the channels "
                "(columns=…), or train anew"
            )
        if abs(data.sample_rate / self.sample_rate - 1) > 1e-6:
            raise ValueError(
                f"the encoder takes {self.sample_rate:g} samples per second, got {data.sample_rate:g}; resample them"
            )
        elements, valid = data.elements(self.step)
        samples = elements * self.step
        values = (data.values[:, :samples] - centre) / scale
        own = torch.arange(values.shape[1], device=values.device) < data.lengths[:, None]
        values = nn.functional.pad(values * own[..., None], (0, 0, 0, samples - values.shape[1]))
        cut = rearrange(values, "b (n s) c -> b n s c", s=self.step) * valid[:, :, None, None]
        return cut, valid, Grid.uniform((elements,), (self.step / data.sample_rate,))


@final
class Raw(AbstractEncoder):
    """What every channel does within an element, without parameters: its mean, and its power at every frequency.

    Powers are log₁₀ of the squared Fourier coefficients, in units of the channel's variance over the data set.

    Args:
        step: samples of an element.
        sample_rate: samples per second of the series.
        centres: the mean of every channel over the data set.
        scales: its standard deviation.

    Example:
        >>> Raw()(SeriesBatch(torch.randn(1, 160, 3), torch.tensor([160]), 100.0)).values.shape
        torch.Size([1, 10, 27])
    """

    def __init__(
        self,
        step: Step = 16,
        sample_rate: Rate = 100.0,
        centres: Sequence[Centre] = THREE,
        scales: Sequence[Scale] = (1.0, 1.0, 1.0),
    ) -> None:
        super().__init__()
        self.step = step
        self.sample_rate = sample_rate
        self.centres = tuple(centres)
        self.scales = tuple(scales)
        check_ranges(self)
        self.elements = Standardised(step, sample_rate, self.centres, self.scales)
        self.dim = len(self.centres) * (1 + step // 2)

    def forward(self, data: SeriesBatch) -> FeatureMap:
        """One vector per element."""
        samples, valid, grid = self.elements(data)
        mean = samples.mean(dim=2)
        power = torch.fft.rfft(samples - mean[:, :, None], dim=2)[:, :, 1:].abs().square() / self.step
        # Three decades above rest are about as much as the range of a mean.
        levels = ((power + FLOOR) / FLOOR).log10()
        values = torch.cat([mean, rearrange(levels, "b n f c -> b n (f c)")], dim=2)
        return FeatureMap(values * valid[..., None], valid, grid)


@final
class Block(nn.Module):
    """x + relu(norm(W ∗ x)), a convolution over three elements `dilation` apart; the norm sees one element alone."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.over_time = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.norm = nn.LayerNorm(width)

    def forward(
        self, x: Float[Tensor, "batch elements width"], valid: Bool[Tensor, "batch elements"]
    ) -> Float[Tensor, "batch elements width"]:
        """The same shape; padding stays zero."""
        inner: Tensor = self.norm(self.over_time(x.mT).mT).relu()
        return x + inner * valid[..., None]


@final
class Dilated(AbstractEncoder):
    """Dilated convolutions over elements; nothing further away than `reach` changes a vector.

    The samples of an element and its plain features (`Raw`) become one vector each; residual blocks see ever further.

    Args:
        width: channels of all blocks, and length of the vectors.
        dilations: one residual block each, of three elements that lie so far apart.
        step: samples of an element.
        sample_rate: samples per second of the series.
        centres: the mean of every channel over the data set.
        scales: its standard deviation.

    Source: van den Oord et al., "WaveNet" (2016), for dilations that double.

    Example:
        >>> Dilated(width=32)(SeriesBatch(torch.randn(1, 160, 3), torch.tensor([160]), 100.0)).values.shape
        torch.Size([1, 10, 32])
    """

    def __init__(
        self,
        width: Width = 64,
        dilations: Sequence[Annotated[int, Between(1, 4096)]] = (1, 2, 4, 8, 1),
        step: Step = 16,
        sample_rate: Rate = 100.0,
        centres: Sequence[Centre] = THREE,
        scales: Sequence[Scale] = (1.0, 1.0, 1.0),
    ) -> None:
        super().__init__()
        self.width = width
        self.dilations = tuple(dilations)
        self.step = step
        self.sample_rate = sample_rate
        self.centres = tuple(centres)
        self.scales = tuple(scales)
        check_ranges(self)
        self.plain = Raw(step, sample_rate, self.centres, self.scales)
        self.stem = nn.Linear(step * len(self.centres) + self.plain.dim, width)
        self.blocks = nn.ModuleList(Block(width, dilation) for dilation in self.dilations)
        self.dim = width

    @property
    def reach(self) -> float:
        """Seconds to either side that an element's vector depends on."""
        return sum(self.dilations) * self.step / self.sample_rate

    def forward(self, data: SeriesBatch) -> FeatureMap:
        """One vector per element."""
        samples, valid, grid = self.plain.elements(data)
        plain = self.plain(data).values
        x = self.stem(torch.cat([rearrange(samples, "b n s c -> b n (s c)"), plain], dim=2)) * valid[..., None]
        for block in self.blocks:
            x = block(x, valid)
        return FeatureMap(x, valid, grid)


@final
class Transformer(AbstractEncoder):
    """A linear map of every element, its place in seconds, and pre-norm blocks (`InTwoSteps`).

    Args:
        width: length of the vectors.
        depth: number of blocks.
        heads: of attention, which divide the width.
        step: samples of an element.
        sample_rate: samples per second of the series.
        centres: the mean of every channel over the data set.
        scales: its standard deviation.
    """

    def __init__(
        self,
        width: Width = 64,
        depth: Depth = 4,
        heads: AttentionHeads = 4,
        step: Step = 16,
        sample_rate: Rate = 100.0,
        centres: Sequence[Centre] = THREE,
        scales: Sequence[Scale] = (1.0, 1.0, 1.0),
    ) -> None:
        super().__init__()
        self.width = width
        self.depth = depth
        self.heads = heads
        self.step = step
        self.sample_rate = sample_rate
        self.centres = tuple(centres)
        self.scales = tuple(scales)
        check_ranges(self)
        self.plain = Raw(step, sample_rate, self.centres, self.scales)
        self.element_values = step * len(self.centres)
        self.of_element = nn.Linear(self.element_values + self.plain.dim, width)
        self.mixer = Mixer(width, depth, heads, units=(step / sample_rate,))
        self.dim = width

    def embed(self, data: SeriesBatch) -> FeatureMap:
        """A linear map of every element."""
        own = self.element_targets(data)
        return own.with_values(self.of_element(torch.cat([own.values, self.plain(data).values], dim=2)))

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> FeatureMap:
        """What the blocks make of the visible elements."""
        mixed: FeatureMap = self.mixer(tokens, visible)
        return mixed

    def forward(self, data: SeriesBatch) -> FeatureMap:
        """One vector per element."""
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

    def attention(self, data: SeriesBatch) -> Float[Tensor, "batch heads elements"]:
        """How much attention every element gets in the last block."""
        return self.mixer.attention(self.embed(data))

    def element_targets(self, data: SeriesBatch) -> FeatureMap:
        """The standardised samples of every element."""
        samples, valid, grid = self.plain.elements(data)
        return FeatureMap(rearrange(samples, "b n s c -> b n (s c)"), valid, grid)


def settings_of_data(items: AbstractItems[Series], rate: float) -> Mapping[str, Any]:
    """What encoders must know of a data set: its rate, and what is usual of its channels."""
    centres, scales = usual(items)
    return {"sample_rate": rate, "centres": centres, "scales": scales}
