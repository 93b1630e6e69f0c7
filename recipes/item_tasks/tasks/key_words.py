"""Which words are spoken when: synthesised words over quiet sounds, by voices that training never heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.evaluation.fine_tuning import FineTuning
from gestalt.core.evaluation.intervals import Intervals
from gestalt.core.evaluation.named_counts import CountsMeasure, NamedIntervals, as_row, interval_counts
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.simclr import SimCLR
from gestalt.core.methods.targets import Classes
from gestalt.core.modality.transform import Views
from gestalt.modalities.audio import MODALITY, Recording, chain
from gestalt.modalities.audio.effects import Gain, Noise
from gestalt.modalities.audio.views import FrequencyMask, PitchShift, TimeCrop, TimeStretch

from ...audio_events.synthetic.levels import amplitude, level
from ...audio_events.synthetic.mixing import loop
from ...audio_events.synthetic.sounds import Sound
from ...audio_events.synthetic.soundscapes import load_samples
from ...captioned_scenes.synthetic.speech import RATE, VOICES, stretched, voice
from ...captioned_scenes.synthetic.words import WORDS
from ...scene_sources import Part as Side
from ..task import Answers, Part, PreTraining, Task

SECONDS = 3.0
PAUSE = (0.05, 0.5)
"""Seconds before every word."""
PACE = (0.85, 1.15)
SPEECH = (-30.0, -20.0)
"""Level of the words of an utterance, dB of full scale."""
SNR = (5.0, 20.0)
"""By how much they are louder than the background, dB."""
NONE = len(WORDS)
"""The class of a frame in which no word is spoken."""
SMOOTHED = 5
"""Frames whose mean answer decides, where stretches are made of frames."""
STRETCH = (0.35, 0.7)
"""Seconds of an utterance that are compared without labels: about a word."""
ASKED_SEED = 1_000_000
"""Utterances that are asked about are the same for every seed."""


@final
@dataclass(frozen=True)
class Utterance:
    """Words over a background, and when each is spoken: `(first, last, word)` in seconds and numbers of `WORDS`."""

    recording: Recording
    spoken: tuple[tuple[float, float, int], ...]


def utterance(rng: np.random.Generator, voices: Sequence[str], backgrounds: Sequence[Sound]) -> Utterance:
    """Random words of one voice, none twice in a row, until no more fits."""
    own, pace = voice(voices[int(rng.integers(len(voices)))]), float(rng.uniform(*PACE))
    length, place, before = round(SECONDS * RATE), 0, NONE
    said, words = np.zeros(length, dtype=np.float32), list[tuple[float, float, int]]()
    while True:
        place += round(float(rng.uniform(*PAUSE)) * RATE)
        word = int(rng.integers(len(WORDS)))
        word = word if word != before else (word + 1) % len(WORDS)
        sound = stretched(own.word(WORDS[word]), pace).numpy()
        if place + len(sound) > length:
            break
        said[place : place + len(sound)] = sound
        words.append((place / RATE, (place + len(sound)) / RATE, word))
        place, before = place + len(sound), word
    loud = float(rng.uniform(*SPEECH))
    said *= amplitude(loud - level(said))
    background = backgrounds[int(rng.integers(len(backgrounds)))]
    under = loop(rng, background.samples, length)
    under *= amplitude(loud - float(rng.uniform(*SNR)) - level(under))
    return Utterance(Recording(torch.from_numpy(said + under), RATE), tuple(words))


def utterances(count: int, seed: int, side: Side) -> list[Utterance]:
    """Utterances of the voices and backgrounds of one side; no voice and no background is on two sides."""
    sounds = load_samples().backgrounds
    backgrounds = {"train": sounds.train, "validation": sounds.validation, "test": sounds.test}[side]
    return [utterance(np.random.default_rng([seed, number]), VOICES[side], backgrounds) for number in range(count)]


def key_words(seed: int, part: Part, scale: float) -> Task:
    """The task."""
    learned, asked = (
        utterances(max(8, round(400 * scale)), seed, "train"),
        utterances(max(4, round(150 * scale)), ASKED_SEED, part),
    )
    edges = _edges(learned[0].recording)
    known, asked_known = (torch.stack([frames(one, edges) for one in some]) for some in (learned, asked))

    def measure(answers: Answers) -> Mapping[str, float]:
        return {"word F1": word_f1(answers.outputs, asked, edges)} | {
            "frame accuracy": float((answers.outputs.argmax(dim=1) == asked_known.flatten()).double().mean())
        }

    return Task(
        name="key-words",
        question="which of 30 words is spoken when, by a voice that training never heard",
        target=Classes((*WORDS, "none")),
        of="elements",
        modality=MODALITY,
        items=[one.recording for one in learned],
        known=known,
        asked=[one.recording for one in asked],
        asked_known=asked_known,
        columns=("word F1", "frame accuracy"),
        measure=measure,
        encoder=EncoderChoice("conv", {"width": 128, "kernels": [5, 5, 5, 5]}),
        pretraining=_pretraining(scale),
        tuning=FineTuning(steps=max(2, round(300 * scale)), batch=16, lr=3e-3, warmup=30),
        penalty=10.0,
    )


def _pretraining(scale: float) -> PreTraining:
    """Which two stretches are the same one: another voice says it at another pace, louder or softer, over noise."""
    voice = chain(
        (0.7, PitchShift(-4.0, 4.0)),
        (0.5, TimeStretch(0.85, 1.18)),
        (0.8, Gain(-9.0, 6.0)),
        (0.5, Noise(10.0, 40.0)),
        (0.3, FrequencyMask()),
    )
    return PreTraining(
        SimCLR(heads=Heads(256, 128)),
        Views(chain((1.0, TimeCrop(*STRETCH))), (voice, voice)),
        steps=max(2, round(250 * scale)),
        batch=64,
        lr=2e-3,
    )


def _edges(recording: Recording) -> Float[Tensor, " edges"]:
    """The edges of the frames, seconds: those of the plain features."""
    with torch.no_grad():
        grid = MODALITY.encoders["raw"]()(MODALITY.collate([recording])).grid
    assert grid is not None
    edges: Tensor = grid.edges[0][0].double()
    return edges


def frames(one: Utterance, edges: Float[Tensor, " edges"]) -> Int[Tensor, " frames"]:
    """The word that is spoken in the middle of every frame, or that none is."""
    middles = (edges[:-1] + edges[1:]) / 2
    found = torch.full((len(middles),), NONE)
    for first, last, word in one.spoken:
        found[(middles >= first) & (middles < last)] = word
    return found


def word_f1(
    outputs: Float[Tensor, "rows classes"], asked: Sequence[Utterance], edges: Float[Tensor, " edges"]
) -> float:
    """F1 of words that are found where they are spoken: stretches of frames that overlap a true one by half."""
    smooth = torch.nn.functional.avg_pool1d(
        outputs.log_softmax(dim=1).view(len(asked), -1, NONE + 1).transpose(1, 2),
        SMOOTHED,
        stride=1,
        padding=SMOOTHED // 2,
        count_include_pad=False,
    )
    rows = list[list[float]]()
    for one, named in zip(asked, smooth.argmax(dim=1), strict=True):
        labels = torch.where(named == NONE, -1, named)
        runs = labels.unique_consecutive()
        found = NamedIntervals(Intervals.from_labels(labels, edges), runs[runs >= 0])
        true = NamedIntervals(
            Intervals.of([(first, last) for first, last, _ in one.spoken]),
            torch.tensor([word for *_, word in one.spoken], dtype=torch.long),
        )
        rows.append(as_row(interval_counts(found, true, NONE, in_units=True)["overlapping by half"]))
    return float(CountsMeasure(WORDS)(torch.tensor(rows), torch.zeros(len(rows)))["f1"])
