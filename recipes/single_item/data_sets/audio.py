"""Sounds: stretches of one recording, of some, or many different sounds; as many of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
import torch

from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.audio import MODALITY, Recording
from gestalt.modalities.audio.resnet import ResNet

from ...audio_events.synthetic.sounds import Sound
from ...audio_events.synthetic.soundscapes import load_samples
from ...audio_events.synthetic.variety import Variety, vary
from ...labels_table.data_sets.audio import RATE, SECONDS, of_families, of_length, views
from ...scene_sources import Part
from ..study import AtStage, Labelled, Source, Study

SEEDS: Mapping[Part, int] = {"train": 2_000_000, "validation": 2_000_001, "test": 2_000_002}
"""The sounds whose families are known are the same for every run."""
ASKED: Mapping[Part, int] = {"train": 1000, "validation": 400, "test": 400}
SHORTEST = 0.1
"""Seconds of the shortest stretch."""
VARIETY = Variety(ratio=(0.5, 2.0), gain=6.0, reverse=0.5, tremolo=0.0, reenvelope=0.5, longest=SECONDS)
"""Stretches are played slower or faster, as crops of photographs are brought to one size."""


def sounds() -> Study:
    """What one recording of a place teaches of single sounds."""
    return Study(
        modality=MODALITY,
        question="the family of sounds that were never heard",
        encoder=lambda: ResNet("resnet18", stride=32, mels=32, window_ms=64.0, hop_ms=32.0),
        network="ResNet-18 on log-mel",
        stages=stages,
        views=views(),
        single="ambi_lunar_land",
        sources=sources,
        labelled=labelled,
    )


def stages(network: AbstractEncoder) -> Mapping[str, AbstractEncoder]:
    """The four stages of a ResNet."""
    assert isinstance(network, ResNet)
    return {
        f"stage {number}": AtStage(network, width, partial(network.at_stage, number))
        for number, width in enumerate(network.widths, start=1)
    }


@lru_cache(maxsize=3)
def labelled(part: Part) -> Labelled:
    """Sounds of five families; no recorded sound of one part is in another."""
    split = load_samples().sounds
    recordings, labels = of_families(getattr(split, part), ASKED[part], SEEDS[part])
    return Labelled(recordings, torch.tensor(labels))


def sources(recording: str) -> tuple[Source, ...]:
    """One recording, all that events are laid on in training, and single sounds.

    Raises:
        ValueError: if there is no such recording.
    """
    backgrounds = {sound.name: sound for sound in load_samples().backgrounds.train}
    if recording not in backgrounds:
        raise ValueError(f"single (--single) must be one of {', '.join(sorted(backgrounds))}, got {recording!r}")
    one, some = (backgrounds[recording],), tuple(backgrounds.values())
    return (
        Source(f"stretches of one recording, {recording}", f"one-{recording}", _stretches(one)),
        Source(f"stretches of {len(some)} recordings", "some", _stretches(some)),
        Source("many sounds", "many", many),
    )


def _stretches(chosen: Sequence[Sound]) -> Callable[[int, int], list[Recording]]:
    return lambda count, seed: stretches(chosen, count, seed)


def stretches(of: Sequence[Sound], count: int, seed: int) -> list[Recording]:
    """Stretches of recordings, of lengths even in their logarithm, with other speeds, spectra and envelopes.

    Example:
        >>> noise = Sound(np.random.randn(32_000).astype("float32"), "noise", "noise")
        >>> [len(one.samples) for one in stretches([noise], count=2, seed=0)]
        [24000, 24000]
    """
    rng = np.random.default_rng(seed)
    return [of_length(vary(rng, _stretch(of[int(rng.integers(len(of)))], rng), VARIETY, RATE)) for _ in range(count)]


def _stretch(sound: Sound, rng: np.random.Generator) -> Sound:
    longest = min(len(sound.samples), round(VARIETY.ratio[1] * SECONDS * RATE))
    length = round(float(np.exp(rng.uniform(np.log(SHORTEST * RATE), np.log(longest)))))
    start = int(rng.integers(len(sound.samples) - length + 1))
    return replace(sound, samples=sound.samples[start : start + length])


def many(count: int, seed: int) -> list[Recording]:
    """New sounds made of those to learn from."""
    return of_families(load_samples().sounds.train, count, seed)[0]
