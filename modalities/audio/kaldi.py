"""Kaldi's filter banks of a whole batch, of which torchaudio makes one recording at a time."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting

SHIFT, WINDOW = 10.0, 25.0  # milliseconds
LOWEST = 20.0  # Hz
EMPHASIS = 0.97


@final
class KaldiFrames(nn.Module):
    """ln of the mel power of every 10 ms, as `torchaudio.compliance.kaldi.fbank` with Hann windows has it.

    Each window of 25 ms loses its mean, and 0.97 of every sample's predecessor, before it is tapered. There are no
    parameters, and it runs in float32 always.

    Args:
        sample_rate: in Hz.
        mels: number of bands, from 20 Hz to half the sample rate.
        frames: how many are given of every recording; those beyond its end are 0.

    Example:
        >>> frames = KaldiFrames(16_000, mels=64, frames=100)
        >>> frames(torch.randn(2, 9000), torch.tensor([9000, 700])).shape, frames.counts(torch.tensor([9000, 700]))
        (torch.Size([2, 100, 64]), tensor([54,  2]))
    """

    bank: Tensor
    taper: Tensor

    def __init__(self, sample_rate: int, mels: int, frames: int) -> None:
        super().__init__()
        from torchaudio.compliance.kaldi import get_mel_banks

        self.hop, self.window = (int(sample_rate * length * 0.001) for length in (SHIFT, WINDOW))
        self.size = 2 ** (self.window - 1).bit_length()
        self.frames = frames
        bank, _ = get_mel_banks(mels, self.size, float(sample_rate), LOWEST, 0.0, 100.0, -500.0, 1.0)
        self.register_buffer("bank", nn.functional.pad(bank, (0, 1)).T.contiguous(), persistent=False)
        self.register_buffer("taper", torch.hann_window(self.window, periodic=False), persistent=False)

    def counts(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Windows that lie wholly in recordings of these lengths; what is shorter than one is padded to it."""
        return 1 + (lengths.clamp(min=self.window) - self.window) // self.hop

    def forward(self, samples: Float[Tensor, "batch time"], lengths: Tensor) -> Float[Tensor, "batch frames mels"]:
        """The spectrograms; a program refuses samples that are more than its frames."""
        most = self.window + self.frames * self.hop - 1
        with torch.autocast(samples.device.type, enabled=False):
            own = samples.float() if is_exporting() else samples[:, :most].float()
            own = torch.cat([own, own.new_zeros(own.shape[0], most - own.shape[1])], dim=1)
            pieces = own.unfold(1, self.window, self.hop)
            pieces = pieces - pieces.mean(dim=2, keepdim=True)
            before = torch.cat([pieces[..., :1], pieces[..., :-1]], dim=2)
            spectrum = torch.fft.rfft((pieces - EMPHASIS * before) * self.taper, n=self.size)
            power = spectrum.real.square() + spectrum.imag.square()
            loud: Tensor = (power @ self.bank).clamp(min=torch.finfo(torch.float32).eps).log()
        place = torch.arange(self.frames, device=lengths.device)
        return loud.masked_fill((place >= self.counts(lengths)[:, None])[..., None], 0.0)
