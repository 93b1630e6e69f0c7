"""Captions spoken: the shipped words one after another, each part of the data by voices of its own."""

import csv
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from io import BytesIO
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.modalities.audio import Recording

from ...scene_sources import Part
from .told import Said, Telling
from .words import Caption

SPOKEN = "audio"
"""The part that tells a scene, where captions are spoken."""
RATE = 16_000
VOICES: dict[Part, tuple[str, ...]] = {
    "train": ("amy", "ben", "cal", "dot"),
    "validation": ("eve",),
    "test": ("finn",),
}
"""Who speaks; no voice is in two parts."""
PAUSE = (0.01, 0.08)
"""Seconds of silence before every word and after the last."""
PACE = (0.88, 1.12)
"""A caption is stretched by a factor in between, and its pitch falls with it."""
LOUDNESS = (0.5, 1.0)
NOISE = 0.002
"""Standard deviation of the noise under a caption; full scale is 1."""


@final
@dataclass(frozen=True)
class Voice:
    """All words of the grammar in one voice.

    Attributes:
        samples: at 16 kHz.
        words: from which sample to which (the one after the last) each lasts.
        phones: of each word `(first, last, letters)`, in samples from its beginning.
    """

    samples: Float[Tensor, " time"]
    words: dict[str, tuple[int, int]]
    phones: dict[str, tuple[tuple[int, int, str], ...]]

    def word(self, word: str) -> Float[Tensor, " time"]:
        """One word, without silence around it."""
        first, last = self.words[word]
        return self.samples[first:last]


@cache
def voice(name: str) -> Voice:
    """A voice that ships.

    Raises:
        KeyError: if there is none of that name.
    """
    import soundfile

    folder = files("gestalt.recipes") / "samples" / "speech"
    words, phones = (
        [
            row
            for row in csv.DictReader((folder / f"{of}.csv").read_text(encoding="utf-8").splitlines())
            if row["voice"] == name
        ]
        for of in ("words", "phones")
    )
    if not words:
        raise KeyError(f"no voice {name!r} ships")
    samples, _ = soundfile.read(BytesIO((folder / f"{name}.flac").read_bytes()), dtype="float32")
    lasting = {row["word"]: (int(row["first"]), int(row["last"])) for row in words}
    sounds = {word: list[tuple[int, int, str]]() for word in lasting}
    for row in phones:
        first, _ = lasting[row["word"]]
        sounds[row["word"]].append((int(row["first"]) - first, int(row["last"]) - first, row["phone"]))
    return Voice(torch.from_numpy(samples), lasting, {word: tuple(some) for word, some in sounds.items()})


def spoken(caption: Caption, rng: np.random.Generator, part: Part) -> Said:
    """A caption in a voice of a part of the data, with pauses, at a pace and loudness of its own; spans in seconds."""
    names = VOICES[part]
    own, pace = voice(names[int(rng.integers(len(names)))]), float(rng.uniform(*PACE))
    loudness, seed = float(rng.uniform(*LOUDNESS)), int(rng.integers(2**31))
    pieces, spans, place = list[Tensor](), list[tuple[float, float]](), 0
    for word in (*caption.words, None):
        pause = torch.zeros(round(float(rng.uniform(*PAUSE)) * RATE))
        pieces.append(pause)
        place += len(pause)
        if word is not None:
            sound = stretched(own.word(word), pace)
            pieces.append(sound)
            spans.append((place / RATE, (place + len(sound)) / RATE))
            place += len(sound)
    noise = torch.from_numpy(np.random.default_rng(seed).standard_normal(place, dtype=np.float32))
    return Said(Recording(loudness * torch.cat(pieces) + NOISE * noise, RATE), tuple(spans))


def speech(part: Part) -> Telling:
    """Spoken captions of a part of the data."""
    return Telling(SPOKEN, partial(spoken, part=part))


def stretched(sound: Float[Tensor, " time"], pace: float) -> Float[Tensor, " longer"]:
    """A sound `pace` times as long, and as much lower in pitch: its samples on straight lines between its own.

    Example:
        >>> stretched(torch.zeros(100), 1.1).shape
        torch.Size([110])
    """
    longer: Tensor = torch.nn.functional.interpolate(
        sound[None, None], size=round(len(sound) * pace), mode="linear", align_corners=False
    )
    return longer[0, 0]
