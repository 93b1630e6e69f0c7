"""A small U-shaped network over time × frequency: what sounds at once can be told apart."""

from collections.abc import Sequence
from typing import final

import torch
from einops import rearrange
from torch import nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.u_shape import UShape, UStride, UWidth

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
    mel_edges,
    valid_elements,
    whole_samples,
)
from .normal import Around, Relative, elements_around


@final
class UNet(AbstractEncoder):
    """A small U-shaped network on log-mel images: cells of 32 ms × 4 bands on a grid of seconds and octaves.

    It takes the log-mel spectrum less its quiet level and less its mean in each band; strided convolutions go down to
    cells twice and four times as large, and what they find is interpolated and added to the finer maps. There are no
    batch statistics; each recording is normalised alone, over its own frames.

    Args:
        widths: channels of every scale, from fine to coarse; each scale has cells twice as large as the one before.
        dim: the length of the vectors.
        stride: frames and mel bands that a cell takes: 1, 2 or 4.
        around: seconds to either side over which quiet and mean levels are taken, 0 for the whole window.
        mels: bands of the log-mel spectrum, equally spaced in mel.
        window_ms: length of the window of each spectrum, in milliseconds; a whole number of samples.
        hop_ms: step from one spectrum to the next, in milliseconds; a whole number of samples.
        floor: power in dB of full scale that counts as silence.
        sample_rate: of the recordings, in Hz.

    Example:
        >>> features = UNet()(Waveforms(torch.randn(1, 16_000), torch.tensor([16_000]), 16_000))
        >>> features.values.shape, features.grid.shape
        (torch.Size([1, 496, 32]), (31, 16))

    Source: Ronneberger et al., "U-Net" (2015); Lin et al., "Feature Pyramid Networks" (2017).
    """

    def __init__(
        self,
        widths: Sequence[UWidth] = (16, 32, 64),
        dim: Width = 32,
        stride: UStride = 4,
        around: Around = 0.0,
        mels: Mels = 64,
        window_ms: Milliseconds = 32.0,
        hop_ms: Milliseconds = 8.0,
        floor: Floor = -80.0,
        sample_rate: SampleRate = 16_000,
    ) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.dim = dim
        self.stride = stride
        self.around = around
        self.mels = mels
        self.window_ms = window_ms
        self.hop_ms = hop_ms
        self.floor = floor
        self.sample_rate = sample_rate
        check_ranges(self)
        window, hop = whole_samples(window_ms, sample_rate, "window_ms"), whole_samples(hop_ms, sample_rate, "hop_ms")
        self.frames = LogMelFrames(
            sample_rate, mels, window, hop, lowest_band(sample_rate), 0.4875 * sample_rate, floor
        )
        self.relative = Relative(elements_around(around, hop, sample_rate))
        self.network = UShape(2, self.widths, dim, stride)
        if mels < self.network.fold:
            raise ValueError(
                f"mels must be at least {self.network.fold}, the bands of a cell of the coarsest of {len(widths)} "
                f"scales with stride={stride}, got {mels}"
            )

    def forward(self, data: Waveforms) -> FeatureMap:
        """One vector per cell, numbered time first; cells of a frame beyond the recording are not valid."""
        step = self.frames.hop * self.stride
        times = longest(data.samples.shape[1], step)
        counts = count(data.lengths, step)
        # What an item alone would not have goes: frames beyond its last cell.
        own = valid_elements(counts * self.stride, times * self.stride)
        x = self.relative(self.frames(data, times * self.stride), None if every(own) else own)
        least = self.network.fold // self.stride
        # A program cannot ask whether an item is too short: it adds what the shortest would need.
        missing = least - 1 if is_exporting() else max(0, least - times)
        if missing:
            x = nn.functional.pad(x, (0, missing * self.stride))
        maps = self.network(rearrange(x, "b two m t -> b two t m"), None if not missing and every(own) else counts)[
            :, :, :times
        ]
        valid = valid_elements(counts, times)
        maps = masked(maps.flatten(2), None if every(own) else valid.repeat_interleave(maps.shape[3], dim=1))
        everywhere = valid[..., None].expand(-1, -1, self.mels // self.stride)
        return FeatureMap(maps.transpose(1, 2), rearrange(everywhere, "b t m -> b (t m)"), self._grid(times))

    def _grid(self, times: int) -> Grid:
        seconds = self.frames.hop * self.stride / self.frames.sample_rate
        time = seconds * torch.arange(times + 1, dtype=torch.float32)[None]
        bands = [self.stride * number for number in range(self.mels // self.stride + 1)]
        return Grid((time, mel_edges(self.mels, self.frames.low, self.frames.high, bands)))
