"""Utterances: shipped words of one voice over a quiet sound, with the times of words and of phones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from gestalt.modalities.audio import Recording

from ...audio_events.synthetic.levels import amplitude, level
from ...audio_events.synthetic.mixing import loop
from ...audio_events.synthetic.sounds import Sound
from ...audio_events.synthetic.soundscapes import load_samples
from ...captioned_scenes.synthetic.speech import RATE, VOICES, stretched, voice
from ...captioned_scenes.synthetic.words import WORDS
from ...scene_sources import Part as Side
from ..task import Part

SECONDS = 3.0
PAUSE = (0.05, 0.5)
"""Seconds before every word."""
PACE = (0.85, 1.15)
LEVEL = (-30.0, -20.0)
"""Level of the words of an utterance, dB of full scale."""
SNR = (5.0, 20.0)
"""By how much they are louder than the background, dB."""
NO_WORD = len(WORDS)
ASKED_SEED = 1_000_000
"""Utterances that are asked about are the same for every seed."""


@final
@dataclass(frozen=True)
class Utterance:
    """Words over a background.

    Attributes:
        recording: what is heard.
        words: `(first, last, word)`: when each is spoken, in seconds, and its number among `WORDS`.
        phones: `(first, last, letters)`, as the synthesiser names them.
    """

    recording: Recording
    words: tuple[tuple[float, float, int], ...]
    phones: tuple[tuple[float, float, str], ...]


def utterance(rng: np.random.Generator, voices: Sequence[str], backgrounds: Sequence[Sound]) -> Utterance:
    """Random words of one voice, none twice in a row, until no more fits."""
    own, pace = voice(voices[int(rng.integers(len(voices)))]), float(rng.uniform(*PACE))
    length, place, before = round(SECONDS * RATE), 0, NO_WORD
    said = np.zeros(length, dtype=np.float32)
    words, phones = list[tuple[float, float, int]](), list[tuple[float, float, str]]()
    while True:
        place += round(float(rng.uniform(*PAUSE)) * RATE)
        word = int(rng.integers(len(WORDS)))
        word = word if word != before else (word + 1) % len(WORDS)
        whole = own.word(WORDS[word])
        sound = stretched(whole, pace).numpy()
        if place + len(sound) > length:
            break
        said[place : place + len(sound)] = sound
        words.append((place / RATE, (place + len(sound)) / RATE, word))
        longer = len(sound) / len(whole)
        phones += [
            ((place + first * longer) / RATE, (place + last * longer) / RATE, letters)
            for first, last, letters in own.phones[WORDS[word]]
        ]
        place, before = place + len(sound), word
    loud = float(rng.uniform(*LEVEL))
    said *= amplitude(loud - level(said))
    background = backgrounds[int(rng.integers(len(backgrounds)))]
    under = loop(rng, background.samples, length)
    under *= amplitude(loud - float(rng.uniform(*SNR)) - level(under))
    return Utterance(Recording(torch.from_numpy(said + under), RATE), tuple(words), tuple(phones))


def learned_and_asked(seed: int, part: Part, scale: float) -> tuple[list[Utterance], list[Utterance]]:
    """The utterances of a task: those that are learned from, and those that are asked about."""
    return (
        utterances(max(8, round(400 * scale)), seed, "train"),
        utterances(max(4, round(150 * scale)), ASKED_SEED, part),
    )


def utterances(count: int, seed: int, side: Side) -> list[Utterance]:
    """Utterances of the voices and backgrounds of one side; no voice and no background is on two sides."""
    sounds = load_samples().backgrounds
    backgrounds = {"train": sounds.train, "validation": sounds.validation, "test": sounds.test}[side]
    return [utterance(np.random.default_rng([seed, number]), VOICES[side], backgrounds) for number in range(count)]
