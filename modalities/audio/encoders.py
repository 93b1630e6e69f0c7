"""Encoders of time frames on log-mel spectrograms: plain features, and a small convolutional network."""

from collections.abc import Sequence
from typing import Annotated, final

from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Between, Kernel, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.norm import MaskedBatchNorm

from .data import Waveforms
from .front_end import (
    Floor,
    LogMelFrames,
    Mels,
    Milliseconds,
    SampleRate,
    count,
    every,
    longest,
    lowest_band,
    masked,
    valid_elements,
    whole_samples,
)

Frames = Annotated[int, Between(1, 10_000)]
"""Log-mel frames that an element takes."""


@final
class LogMel(AbstractEncoder):
    """The mean log-mel spectrum of every element, without parameters; 32 ms elements by default.

    Element `i` covers the samples `[i · step, (i + 1) · step)`, `step = hop_ms · per_element`; windows reach
    `(window_ms − hop_ms) / 2` into its neighbours. An element is valid if its centre lies in the recording.

    Args:
        mels: bands of the log-mel spectrum, equally spaced in mel, the length of the vectors.
        window_ms: length of the window of each spectrum, in milliseconds, to the nearest sample.
        hop_ms: step from one spectrum to the next, in milliseconds, to the nearest sample.
        per_element: frames, one per step, whose mean is an element.
        floor: power in dB of full scale that counts as silence.
        sample_rate: of the recordings, in Hz.

    Example:
        >>> import torch
        >>> encoder = LogMel()
        >>> features = encoder(Waveforms(torch.randn(2, 16_000), torch.tensor([16_000, 8_000]), 16_000))
        >>> features.values.shape, features.valid.sum(1).tolist()
        (torch.Size([2, 31, 64]), [31, 16])
    """

    def __init__(
        self,
        mels: Mels = 64,
        window_ms: Milliseconds = 32.0,
        hop_ms: Milliseconds = 16.0,
        per_element: Frames = 2,
        floor: Floor = -80.0,
        sample_rate: SampleRate = 16_000,
    ) -> None:
        super().__init__()
        self.mels = mels
        self.window_ms = window_ms
        self.hop_ms = hop_ms
        self.per_element = per_element
        self.floor = floor
        self.sample_rate = sample_rate
        check_ranges(self)
        window, hop = whole_samples(window_ms, sample_rate, "window_ms"), whole_samples(hop_ms, sample_rate, "hop_ms")
        self.frames = LogMelFrames(
            sample_rate, mels, window, hop, lowest_band(sample_rate), 0.4875 * sample_rate, floor
        )
        self.step = hop * per_element
        self.dim = mels

    def forward(self, data: Waveforms) -> FeatureMap:
        """The mean of each element's frames."""
        elements = longest(data.samples.shape[1], self.step)
        valid = valid_elements(count(data.lengths, self.step), elements)
        frames = self.frames(data, elements * self.per_element)
        values = rearrange(frames, "b m (n p) -> b n p m", p=self.per_element).mean(dim=2)
        grid = Grid.uniform((elements,), (self.step / data.sample_rate,))
        return FeatureMap(values * valid[..., None], valid, grid)


@final
class ElementNorm(nn.Module):
    """Normalisation of `batch channels time` that padding does not enter.

    `layer`: over the channels of each element alone. `row`: over the valid elements of the batch (`MaskedBatchNorm`).
    """

    def __init__(self, channels: int, kind: str) -> None:
        super().__init__()
        if kind not in ("layer", "row"):
            raise ValueError(f"norm is 'layer' or 'row', got {kind!r}")
        self.kind = kind
        self.norm: nn.Module = nn.LayerNorm(channels) if kind == "layer" else MaskedBatchNorm(channels)

    def forward(self, values: Float[Tensor, "batch channels time"], valid: Bool[Tensor, "batch time"] | None) -> Tensor:
        """Normalised values, zero where not valid; None if all are."""
        columns = values.transpose(1, 2)
        if is_exporting() and valid is not None:  # elements are normalised alone, once it has learned
            normed: Tensor = self.norm(columns.flatten(0, 1)).view(columns.shape)
            return masked(normed.transpose(1, 2), valid)
        if valid is None:
            normal: Tensor = self.norm(columns.flatten(0, 1)).view(columns.shape)
            return normal.transpose(1, 2)
        if self.kind == "layer":
            return masked(self.norm(columns).transpose(1, 2), valid)
        rows = self.norm(columns[valid])
        scattered: Tensor = rows.new_zeros(columns.shape).masked_scatter(valid[..., None], rows)
        return scattered.transpose(1, 2)


@final
class ResidualBlock(nn.Module):
    """x + relu(norm(W ∗ x)), a convolution over time."""

    def __init__(self, width: int, kernel: int, dilation: int, norm: str) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.over_time = nn.Conv1d(width, width, kernel, padding=padding, dilation=dilation, bias=False)
        self.norm = ElementNorm(width, norm)

    def forward(self, x: Float[Tensor, "batch channels time"], valid: Bool[Tensor, "batch time"] | None) -> Tensor:
        """The same shape; padding stays zero."""
        inner: Tensor = self.norm(self.over_time(x), valid)
        return x + inner.relu()


@final
class Conv(AbstractEncoder):
    """A small convolutional network over time on log-mel frames; the default, fast on two CPU cores.

    A strided convolution gathers `per_element` frames, and `margin` more on either side, into an element; residual
    blocks follow. Elements cover the same seconds as those of `LogMel` with the same settings. A narrow view keeps the
    boundaries of events sharp, so the default sees only one element to either side.

    Args:
        width: channels of all layers, the length of the vectors.
        kernels: one residual block each; a kernel `k` widens the view by `k − 1` elements (times its dilation).
        margin: frames that the first convolution sees beyond its element, on either side.
        dilations: growth of the dilation from block to block: 1 keeps it at 1, 2 doubles it.
        norm: `layer` (each element alone) or `row` (batch statistics over valid elements).
        mels: bands of the log-mel spectrum, equally spaced in mel.
        window_ms: length of the window of each spectrum, in milliseconds, to the nearest sample.
        hop_ms: step from one spectrum to the next, in milliseconds, to the nearest sample.
        per_element: frames, one per step, that the first convolution gathers into an element.
        floor: power in dB of full scale that counts as silence.
        sample_rate: of the recordings, in Hz.

    Example:
        >>> import torch
        >>> encoder = Conv(width=32, kernels=(3, 1))
        >>> encoder(Waveforms(torch.randn(1, 16_000), torch.tensor([16_000]), 16_000)).values.shape
        torch.Size([1, 31, 32])
    """

    def __init__(
        self,
        width: Width = 160,
        kernels: Sequence[Kernel] = (3, 1),
        margin: Annotated[int, Between(0, 10_000)] = 0,
        dilations: Annotated[int, Between(1, 16)] = 1,
        norm: str = "row",
        mels: Mels = 64,
        window_ms: Milliseconds = 32.0,
        hop_ms: Milliseconds = 16.0,
        per_element: Frames = 2,
        floor: Floor = -80.0,
        sample_rate: SampleRate = 16_000,
    ) -> None:
        super().__init__()
        self.width = width
        self.kernels = tuple(kernels)
        self.margin = margin
        self.dilations = dilations
        self.norm = norm
        self.mels = mels
        self.window_ms = window_ms
        self.hop_ms = hop_ms
        self.per_element = per_element
        self.floor = floor
        self.sample_rate = sample_rate
        check_ranges(self)
        if any(kernel % 2 == 0 for kernel in kernels):
            raise ValueError(f"kernels must be odd, so that an element stays in its place, got {list(kernels)}")
        window, hop = whole_samples(window_ms, sample_rate, "window_ms"), whole_samples(hop_ms, sample_rate, "hop_ms")
        self.frames = LogMelFrames(
            sample_rate, mels, window, hop, lowest_band(sample_rate), 0.4875 * sample_rate, floor
        )
        self.step = hop * per_element
        self.stem = nn.Conv1d(mels, width, per_element + 2 * margin, stride=per_element, padding=margin, bias=False)
        self.stem_norm = ElementNorm(width, norm)
        self.blocks = nn.ModuleList(
            ResidualBlock(width, kernel, dilations**number, norm) for number, kernel in enumerate(kernels)
        )
        self.dim = width

    def forward(self, data: Waveforms) -> FeatureMap:
        """One vector per element."""
        elements = longest(data.samples.shape[1], self.step)
        counts = count(data.lengths, self.step)
        valid = valid_elements(counts, elements)
        frames = self.frames(data, elements * self.per_element)
        # Windows of one length are the rule in training: without padding, nothing needs to be masked.
        padded = None if every(valid) else valid
        # Frames beyond the last valid element go too: an item alone would not have them.
        x = self.stem(masked(frames, None if padded is None else padded.repeat_interleave(self.per_element, dim=1)))
        x = self.stem_norm(x, padded).relu()
        for block in self.blocks:
            x = block(x, padded)
        grid = Grid.uniform((elements,), (self.step / data.sample_rate,))
        return FeatureMap(x.transpose(1, 2), valid, grid)
