"""A network of dilated convolutions over time: frames that know what lies seconds away."""

from collections.abc import Mapping, Sequence
from typing import Annotated, final

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gestalt.core.components.ranges import Between, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.group_norm import MaskedGroupNorm
from gestalt.core.networks.whitening import RunningWhitening

from .data import Waveforms
from .encoders import Conv, ElementNorm, Frames
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
    on_valid,
    valid_elements,
    whole_samples,
)
from .normal import Around, Relative, elements_around


@final
class DilatedBlock(nn.Module):
    """relu(norm(W ∗ x)), a convolution over elements `dilation` apart."""

    def __init__(self, before: int, width: int, kernel: int, dilation: int, norm: str, around: int) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.over_time = nn.Conv1d(before, width, kernel, padding=padding, dilation=dilation, bias=False)
        grouped = norm == "group"
        self.norm: nn.Module = MaskedGroupNorm(width, around=around) if grouped else ElementNorm(width, norm)

    def forward(self, x: Float[Tensor, "batch before time"], valid: Bool[Tensor, "batch time"] | None) -> Tensor:
        """As many elements; padding stays zero."""
        inner: Tensor = self.norm(self.over_time(x), valid)
        return inner.relu()


@final
class Dilated(AbstractEncoder):
    """Dilated convolutions over time: elements of 32 ms that see half a second to either side; fast on two CPU cores.

    It takes the mean log-mel spectrum of every element (`LogMel`), less its quiet level and less its mean in each band.
    Residual blocks see ever further; one more sees each element alone.

    Its vectors hold three levels side by side (`levels`): `membership`, what belongs together within a recording;
    `types`, what it is; and `spectrum`, the log-mel spectrum itself, whitened by statistics of the training data. The
    types come of a small network of their own (`Conv`) that sees one element to either side, so that what is asked of
    one level takes nothing from another.

    Levels of loudness and the statistics of normalisation are those of some seconds around an element. Where these
    are the whole window (`around=0`), features of a moment depend a little on where its window was cut.

    Args:
        width: channels of all blocks.
        membership: numbers that say what belongs together.
        types: numbers that say what it is, 0 for none.
        spectrum: whether the whitened spectrum is beside them.
        dilations: one residual block each, of three elements that lie so far apart.
        around: seconds to either side over which levels and statistics are taken, 0 for the whole window.
        norm: `group` (groups of channels, over these seconds), `layer` (each element alone) or `row` (batch
            statistics). The types have batch statistics, unless it is `layer`.
        mels: bands of the log-mel spectrum, equally spaced in mel.
        window_ms: length of the window of each spectrum, in milliseconds; a whole number of samples.
        hop_ms: step from one spectrum to the next, in milliseconds; a whole number of samples.
        per_element: frames, one per step, whose mean is an element.
        floor: power in dB of full scale that counts as silence.
        sample_rate: of the recordings, in Hz.

    Example:
        >>> import torch
        >>> Dilated()(Waveforms(torch.randn(1, 16_000), torch.tensor([16_000]), 16_000)).values.shape
        torch.Size([1, 31, 224])

    Source: van den Oord et al., "WaveNet" (2016), for dilations that double.
    """

    def __init__(
        self,
        width: Annotated[int, Between(2, 65536)] = 128,
        membership: Width = 32,
        types: Annotated[int, Between(0, 65536)] = 128,
        spectrum: bool = True,
        dilations: Sequence[Annotated[int, Between(1, 4096)]] = (1, 2, 4, 8, 1),
        around: Around = 4.0,
        norm: str = "group",
        mels: Mels = 64,
        window_ms: Milliseconds = 32.0,
        hop_ms: Milliseconds = 16.0,
        per_element: Frames = 2,
        floor: Floor = -80.0,
        sample_rate: SampleRate = 16_000,
    ) -> None:
        super().__init__()
        self.width = width
        self.membership = membership
        self.types = types
        self.spectrum = spectrum
        self.dilations = tuple(dilations)
        self.around = around
        self.norm = norm
        self.mels = mels
        self.window_ms = window_ms
        self.hop_ms = hop_ms
        self.per_element = per_element
        self.floor = floor
        self.sample_rate = sample_rate
        check_ranges(self)
        if norm not in ("group", "layer", "row"):
            raise ValueError(f"norm is 'group', 'layer' or 'row', got {norm!r}")
        window, hop = whole_samples(window_ms, sample_rate, "window_ms"), whole_samples(hop_ms, sample_rate, "hop_ms")
        self.frames = LogMelFrames(
            sample_rate, mels, window, hop, lowest_band(sample_rate), 0.4875 * sample_rate, floor
        )
        self.step = hop * per_element
        near = elements_around(around, self.step, sample_rate)
        self.relative = Relative(near)
        self.stem = DilatedBlock(2 * mels, width, 3, 1, norm, near)
        blocks = [(3, dilation) for dilation in self.dilations] + [(1, 1)]
        self.blocks = nn.ModuleList(
            DilatedBlock(width, width, kernel, dilation, norm, near) for kernel, dilation in blocks
        )
        self.out = nn.Conv1d(width, membership, 1)
        front = mels, window_ms, hop_ms, per_element, floor, sample_rate
        self.types_of = Conv(types, (3, 1), 0, 1, "layer" if norm == "layer" else "row", *front) if types else None
        self.whitening = RunningWhitening(mels) if spectrum else None
        self.dim = sum(self.levels.values())

    @property
    def levels(self) -> Mapping[str, int]:
        """What belongs together, what something is, and its spectrum."""
        found = {"membership": self.membership, "types": self.types, "spectrum": self.mels * self.spectrum}
        return {name: length for name, length in found.items() if length}

    @property
    def reach(self) -> float:
        """Seconds to either side that an element's vector depends on; 0 where that is the whole window.

        With `norm="group"` every layer sees further by `around`; what lies beyond the first of these is in means of
        means alone, and hardly changes a vector (by less than a twentieth of its length where the tests ask).
        """
        if not self.relative.around:
            return 0.0
        # The stem sees one element to either side, every block its dilation, and spectra less than one more.
        elements = 2 + sum(self.dilations) + self.relative.reach + self.relative.around * (self.norm == "group")
        return elements * self.step / self.sample_rate

    def forward(self, data: Waveforms) -> FeatureMap:
        """One vector per element."""
        elements = longest(data.samples.shape[1], self.step)
        valid = valid_elements(count(data.lengths, self.step), elements)
        padded = None if every(valid) else valid
        frames = self.frames(data, elements * self.per_element)
        loud = rearrange(frames, "b m (n p) -> b m n p", p=self.per_element).mean(dim=3)
        x = self.stem(rearrange(self.relative(loud, padded), "b two m t -> b (two m) t"), padded)
        for block in self.blocks:
            x = x + block(x, padded)
        values = [masked(self.out(x), padded).transpose(1, 2)]
        if self.types_of is not None:
            values.append(self.types_of(data).values)
        if self.whitening is not None:
            values.append(on_valid(self.whitening, loud.transpose(1, 2), valid))
        return FeatureMap(torch.cat(values, dim=2), valid, Grid.uniform((elements,), (self.step / data.sample_rate,)))
