"""A small transformer on patches of a log-mel spectrogram, in two steps."""

from typing import Annotated, final

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gestalt.core.components.ranges import AttentionHeads, Between, Depth, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.transformer import Mixer

from .data import Waveforms
from .encoders import Frames
from .front_end import (
    Floor,
    LogMelFrames,
    Mels,
    Milliseconds,
    SampleRate,
    count,
    longest,
    lowest_band,
    masked,
    mel_edges,
    valid_elements,
    whole_samples,
)

OCTAVES = 1.0
"""What counts as one step for places in frequency."""


@final
class SpectrogramTransformer(AbstractEncoder):
    """A linear map of every patch of time × frequency, places in seconds and octaves, and pre-norm blocks.

    Its second step takes any number of patches (`InTwoSteps`): hidden ones cost nothing. A frame's window reaches
    `(window_ms − hop_ms) / 2` into the patches beside its own; nothing else does before the second step.

    Args:
        per_element: frames of a patch.
        bands: mel bands of a patch, which divide `mels`; as many as these give one element per stretch of time.
        width: length of the vectors.
        depth: number of blocks.
        heads: of attention, which divide the width.
        mels: bands of the log-mel spectrum, equally spaced in mel.
        window_ms: length of the window of each spectrum, in milliseconds, to the nearest sample.
        hop_ms: step from one spectrum to the next, in milliseconds, to the nearest sample.
        floor: power in dB of full scale that counts as silence.
        sample_rate: of the recordings, in Hz.

    Source: Gong et al., "AST" (2021), and Huang et al., "Masked autoencoders that listen" (2022), with patches that do
    not overlap.

    Example:
        >>> features = SpectrogramTransformer(width=32, depth=1)(
        ...     Waveforms(torch.randn(1, 16_000), torch.tensor([16_000]), 16_000))
        >>> features.values.shape, features.grid.shape
        (torch.Size([1, 64, 32]), (16, 4))
    """

    def __init__(
        self,
        per_element: Frames = 4,
        bands: Annotated[int, Between(1, 1024)] = 16,
        width: Width = 96,
        depth: Depth = 4,
        heads: AttentionHeads = 4,
        mels: Mels = 64,
        window_ms: Milliseconds = 32.0,
        hop_ms: Milliseconds = 16.0,
        floor: Floor = -80.0,
        sample_rate: SampleRate = 16_000,
    ) -> None:
        super().__init__()
        self.per_element = per_element
        self.bands = bands
        self.width = width
        self.depth = depth
        self.heads = heads
        self.mels = mels
        self.window_ms = window_ms
        self.hop_ms = hop_ms
        self.floor = floor
        self.sample_rate = sample_rate
        check_ranges(self)
        if mels % bands:
            raise ValueError(f"bands of a patch divide mels, got bands={bands} and mels={mels}")
        window, hop = whole_samples(window_ms, sample_rate, "window_ms"), whole_samples(hop_ms, sample_rate, "hop_ms")
        self.frames = LogMelFrames(
            sample_rate, mels, window, hop, lowest_band(sample_rate), 0.4875 * sample_rate, floor
        )
        self.step = hop * per_element
        self.element_values = bands * per_element
        self.of_patch = nn.Linear(self.element_values, width)
        self.mixer = Mixer(width, depth, heads, units=(self.step / sample_rate, OCTAVES))
        self.dim = width

    def embed(self, data: Waveforms) -> FeatureMap:
        """A linear map of every patch."""
        patches = self.element_targets(data)
        return patches.with_values(self.of_patch(patches.values))

    @property
    def shared(self) -> int:
        """Up to how many patches ahead a window of a spectrum lies in both: what comes next is partly seen."""
        overlap = self.frames.window - self.frames.hop
        return max(0, -(-overlap // self.step))

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> FeatureMap:
        """What the blocks make of the visible patches."""
        mixed: FeatureMap = self.mixer(tokens, visible)
        return mixed

    def forward(self, data: Waveforms) -> FeatureMap:
        """One vector per patch, numbered time first; patches beyond the recording are not valid."""
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

    def attention(self, data: Waveforms) -> Float[Tensor, "batch heads elements"]:
        """How much attention every patch gets in the last block."""
        return self.mixer.attention(self.embed(data))

    def element_targets(self, data: Waveforms) -> FeatureMap:
        """The log-mel values of every patch, in units of 20 dB above the floor."""
        times = longest(data.samples.shape[1], self.step)
        valid = valid_elements(count(data.lengths, self.step), times)
        frames = self.frames(data, times * self.per_element)
        frames = masked(frames, valid.repeat_interleave(self.per_element, dim=1))
        patches = rearrange(frames, "b (m k) (t j) -> b (t m) (k j)", k=self.bands, j=self.per_element)
        everywhere = valid.repeat_interleave(self.mels // self.bands, dim=1)
        return FeatureMap(patches, everywhere, self._grid(times))

    def _grid(self, times: int) -> Grid:
        seconds = self.step / self.sample_rate * torch.arange(times + 1, dtype=torch.float32)[None]
        bands = [self.bands * number for number in range(self.mels // self.bands + 1)]
        return Grid((seconds, mel_edges(self.mels, self.frames.low, self.frames.high, bands)))
