"""Log-mel spectrograms whose frames know their place and do not see the padding."""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Between

from .data import Waveforms

SampleRate = Annotated[int, Between(1, 1_000_000)]
"""Samples per second."""
Milliseconds = Annotated[float, Between(0.0, 10_000.0, open_below=True)]
"""The length of a window or a step."""
Mels = Annotated[int, Between(1, 1024)]
"""Bands of a log-mel spectrum."""
Floor = Annotated[float, Between(-200.0, 0.0)]
"""dB below full scale, where silence begins."""


def whole_samples(milliseconds: float, sample_rate: int, name: str) -> int:
    """A duration in samples, to the nearest: grids give the seconds of that many.

    Raises:
        ValueError: if it is none; `name` says which setting to change.

    Example:
        >>> whole_samples(32.0, 16_000, "window_ms"), whole_samples(32.0, 44_100, "window_ms")
        (512, 1411)
    """
    samples = round(milliseconds * sample_rate / 1000)
    if samples < 1:
        raise ValueError(f"{name} must hold a sample at {sample_rate} Hz, got {milliseconds} ms")
    return samples


def lowest_band(sample_rate: int) -> float:
    """Where the bands of a spectrum begin, in Hz: 60, or lower where a recording has little above."""
    return min(60.0, sample_rate / 16)


def hz_to_mel(hertz: float) -> float:
    """m = 2595 log₁₀(1 + f / 700)."""
    return 2595.0 * math.log10(1.0 + hertz / 700.0)


def mel_to_hz(mel: float) -> float:
    """f = 700 (10^(m / 2595) − 1)."""
    return 700.0 * (math.pow(10.0, mel / 2595.0) - 1.0)


def mel_edges(bands: int, low: float, high: float, positions: Sequence[float | int]) -> Float[Tensor, "1 edges"]:
    """Frequencies in octaves (log₂ Hz) of positions on a mel axis whose band `j` covers `[j, j + 1)`.

    Positions outside the axis are moved onto its ends: `low` and `high` in Hz.
    """
    least, most = hz_to_mel(low), hz_to_mel(high)
    step = (most - least) / (bands + 1)
    mels = [min(max(least + (position + 0.5) * step, least), most) for position in positions]
    return torch.tensor([[math.log2(max(mel_to_hz(mel), 1.0)) for mel in mels]])


def masked(values: Float[Tensor, "batch channels time"], valid: Bool[Tensor, "batch time"] | None) -> Tensor:
    """The values with zeros where not valid: a convolution then sees padding as the silence beyond an end.

    None stands for a batch without padding, where there is nothing to do.
    """
    return values if valid is None else values * valid[:, None].to(values.dtype)


def on_valid(
    layer: Callable[[Float[Tensor, "rows dim"]], Float[Tensor, "rows dim"]],
    values: Float[Tensor, "batch time dim"],
    valid: Bool[Tensor, "batch time"],
) -> Float[Tensor, "batch time dim"]:
    """What a layer of rows gives for the valid elements, zeros elsewhere.

    A program cannot ask how many there are: it computes all, and keeps those. So the layer must see each row alone.
    """
    if is_exporting():
        every_row: Tensor = layer(values.flatten(0, 1)).view(values.shape)
        return every_row.masked_fill(~valid[..., None], 0.0)
    return torch.zeros_like(values).masked_scatter(valid[..., None], layer(values[valid]))


@final
class LogMelFrames(nn.Module):
    """L = ln(1 + P / P₀) / ln 100: log-mel power in units of 20 dB above a floor, 0 in silence.

    Frame `j` is centred on the samples `[j · hop, (j + 1) · hop)`; its Hann window reaches `(window − hop) / 2` beyond
    on both sides. A sine at full scale has P = 0 dB. There are no parameters, and it runs in float32 always. Gradients
    with respect to the waveform pass through it, where it asks for one; an adversary does.

    Args:
        sample_rate: in Hz; the data must have it.
        mels: number of bands, equally spaced in mel between `low` and `high` Hz.
        window, hop: in samples, `window ≥ hop`.
        floor: P₀ in dB.

    Example:
        >>> frames = LogMelFrames(16_000, mels=64, window=512, hop=256)
        >>> frames(Waveforms(torch.zeros(1, 1024), torch.tensor([1024]), 16_000), frames=4).abs().max().item()
        0.0
    """

    weights: Tensor
    taper: Tensor

    def __init__(
        self,
        sample_rate: int,
        mels: int,
        window: int,
        hop: int,
        low: float = 60.0,
        high: float = 7800.0,
        floor: float = -80.0,
    ) -> None:
        super().__init__()
        if not 0 < hop <= window:
            raise ValueError(f"a window is at least as long as the hop, got window={window}, hop={hop} samples")
        if not 0 <= low < high <= sample_rate / 2:
            raise ValueError(
                f"bands lie between 0 and {sample_rate / 2:.0f} Hz at {sample_rate} Hz, got low={low}, high={high}"
            )
        from torchaudio.functional import melscale_fbanks

        self.sample_rate = sample_rate
        self.mels = mels
        self.window = window
        self.hop = hop
        self.low = low
        self.high = high
        self.floor = 10.0 ** (floor / 10.0)
        # At least 512 points, so that the narrow low bands have bins; only the bins within the bands are weighed.
        self.size = max(512, 2 ** math.ceil(math.log2(window)))
        bank = melscale_fbanks(self.size // 2 + 1, low, high, mels, sample_rate)
        heard = bank.any(dim=1).nonzero()[:, 0]
        self.bins = slice(int(heard[0]), int(heard[-1]) + 1)
        bank = bank[self.bins]
        taper = torch.hann_window(window)
        self.register_buffer("weights", bank / (taper.sum() / 2).square(), persistent=False)
        self.register_buffer("taper", taper, persistent=False)

    def forward(self, data: Waveforms, frames: int) -> Float[Tensor, "batch mels frames"]:
        """The first `frames` frames; samples beyond an item's length count as silence.

        Raises:
            ValueError: if the data have another sample rate.
        """
        if data.sample_rate != self.sample_rate:
            raise ValueError(
                f"the encoder was built for {self.sample_rate} Hz, the data have {data.sample_rate} Hz; "
                "resample the data, or build the encoder with their sample_rate"
            )
        if is_exporting():  # a program computes it where it is used
            return self._compute(data, frames)
        # What was computed without a gradient, as for a teacher, is no answer where one is wanted.
        follows = torch.is_grad_enabled() and data.samples.requires_grad
        settings = (self.mels, self.window, self.hop, self.low, self.high, self.floor, frames, follows)
        if settings not in data.spectrograms:
            data.spectrograms[settings] = self._compute(data, frames)
        return data.spectrograms[settings]

    def _compute(self, data: Waveforms, frames: int) -> Float[Tensor, "batch mels frames"]:
        with torch.autocast(data.samples.device.type, enabled=False):
            samples = silenced(data).float()
            before = (self.window - self.hop) // 2
            total = (frames - 1) * self.hop + self.window
            # How much is missing at the end is no question that a program could ask: it adds as much as could be.
            missing = total if is_exporting() else max(0, total - before - samples.shape[1])
            samples = nn.functional.pad(samples, (before, missing))[:, :total]
            pieces = samples.unfold(1, self.window, self.hop) * self.taper
            spectrum = torch.fft.rfft(pieces, n=self.size)[..., self.bins]
            power = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)  # |z|² without its slow root
            loud: Tensor = torch.log1p((power @ self.weights) / self.floor) / math.log(100.0)
        return loud.transpose(1, 2)


def silenced(data: Waveforms) -> Float[Tensor, "batch time"]:
    """The samples, with zeros beyond each item's length whatever the padding held."""
    width = data.samples.shape[1]
    if every(data.lengths >= width):  # windows of one length are the rule in training
        return data.samples
    place = torch.arange(width, device=data.samples.device)
    return torch.where(place < data.lengths[:, None], data.samples, 0.0)


def count(lengths: Int[Tensor, " batch"], step: int, offset: int = 0) -> Int[Tensor, " batch"]:
    """How many cells `[offset + i · step, offset + (i + 1) · step)` have their centre inside; at least one."""
    return ((2 * (lengths - offset) + step - 1) // (2 * step)).clamp(min=1)


def valid_elements(counts: Int[Tensor, " batch"], elements: int) -> Bool[Tensor, "batch elements"]:
    """True for the first `counts` elements of every item."""
    return torch.arange(elements, device=counts.device) < counts[:, None]


def every(valid: Bool[Tensor, "..."]) -> bool:
    """Whether a batch has no padding, as far as is known: a program of tensors is made for batches that have some."""
    return not is_exporting() and bool(valid.all())


def longest(samples: int, step: int, offset: int = 0) -> int:
    """`count` of the longest item a batch of that many samples can hold, known without asking the device."""
    return max(1, (2 * (samples - offset) + step - 1) // (2 * step))
