"""Learning from utterances without labels: which two stretches are the same one, said in another way?"""

from gestalt.core.methods.settings import Heads
from gestalt.core.methods.simclr import SimCLR
from gestalt.core.modality.transform import Views
from gestalt.modalities.audio import chain
from gestalt.modalities.audio.effects import Gain, Noise
from gestalt.modalities.audio.views import FrequencyMask, PitchShift, TimeCrop, TimeStretch

from ..task import PreTraining

STRETCH = (0.35, 0.7)
"""Seconds of an utterance that are compared: about a word."""


def stretches(scale: float, lasting: tuple[float, float] = STRETCH) -> PreTraining:
    """Another voice says it at another pace, louder or softer, over noise."""
    voice = chain(
        (0.7, PitchShift(-4.0, 4.0)),
        (0.5, TimeStretch(0.85, 1.18)),
        (0.8, Gain(-9.0, 6.0)),
        (0.5, Noise(10.0, 40.0)),
        (0.3, FrequencyMask()),
    )
    return PreTraining(
        SimCLR(heads=Heads(256, 128)),
        Views(chain((1.0, TimeCrop(*lasting))), (voice, voice)),
        steps=max(2, round(250 * scale)),
        batch=64,
        lr=2e-3,
    )
