"""Small recordings with known sounds, generated, on which the conformance suite runs."""

from collections.abc import Sequence
from functools import partial
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.core.modality.base import Specimen

from .data import Recording

STEP = 0.032  # seconds: the elements of the raw encoder
SECONDS = 2.0


@final
class Mark:
    """A recording with a strong burst of noise in the middle of one element, out of reach of its neighbours."""

    def __init__(self, item: Recording, level: float = 2.0) -> None:
        self.item = item
        self.level = level

    def __call__(self, element: int) -> Recording:
        """The recording, marked at that element."""
        samples = self.item.samples.clone()
        step = round(STEP * self.item.sample_rate)
        burst = np.random.default_rng(element).choice([-1.0, 1.0], size=step // 4).astype(np.float32)
        first = element * step + 3 * step // 8
        samples[first : first + len(burst)] += self.level * torch.from_numpy(burst)
        return Recording(samples, self.item.sample_rate, self.item.start)


def _tone(start: float, end: float, time: Float[Tensor, " time"]) -> Float[Tensor, " time"]:
    """Three partials that glide from one pitch to another over the recording."""
    cycles = start * time + (end - start) * time.square() / (2 * SECONDS)
    partials = [torch.sin(2 * torch.pi * number * cycles) / number for number in (1, 2, 3)]
    return torch.stack(partials).sum(dim=0) / 2


def _hiss(seed: int, time: Float[Tensor, " time"]) -> Float[Tensor, " time"]:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(len(time), dtype=np.float32)) * 0.3


def _fade(time: Float[Tensor, " time"], onset: float, offset: float, ramp: float = 0.06) -> Float[Tensor, " time"]:
    """1 between onset and offset, with smooth ramps within: an abrupt edge would be an event of its own."""
    inside = torch.minimum(time - onset, offset - time) / ramp
    return 0.5 - 0.5 * torch.cos(torch.pi * inside.clamp(0, 1))


def specimens(sample_rate: int) -> Sequence[Specimen[Recording]]:
    """Low, high and gliding tones, and a hiss; two seconds or a little less each."""
    low, high, glide = partial(_tone, 220.0, 220.0), partial(_tone, 1100.0, 1100.0), partial(_tone, 300.0, 900.0)
    scenes = [
        (SECONDS, [("low tone", low, 0.2, 0.8), ("high tone", high, 1.1, 1.7)]),
        (SECONDS, [("glide", glide, 0.1, 0.9), ("low tone", low, 1.0, 1.8)]),
        (1.6, [("high tone", high, 0.0, 0.5), ("hiss", partial(_hiss, 5), 0.5, 1.0), ("low tone", low, 1.2, 1.5)]),
    ]
    made = []
    for number, (seconds, sounds) in enumerate(scenes):
        time = torch.arange(round(seconds * sample_rate)) / sample_rate
        samples = 0.001 * _hiss(number, time)
        centres = (torch.arange(round(seconds / STEP - 1e-9)) + 0.5) * STEP
        labels = torch.full((len(centres),), -1)
        for sound, (_, voice, onset, offset) in enumerate(sounds):
            samples = samples + 0.4 * voice(time) * _fade(time, onset, offset)
            labels[(centres >= onset) & (centres < offset)] = sound
        truth = tuple((name, (onset, offset)) for name, _, onset, offset in sounds)
        item = Recording(samples, sample_rate)
        made.append(Specimen(item, labels, Mark(item), truth))
    return made
