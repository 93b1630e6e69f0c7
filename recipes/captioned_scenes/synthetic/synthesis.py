"""Makes the shipped words anew: every word of the grammar, spoken once by every voice of a speech synthesiser.

`python -m gestalt.recipes.captioned_scenes.synthetic.synthesis FOLDER` writes one FLAC per voice, `words.csv` and
`phones.csv`. It needs the library of eSpeak NG; version 1.51 made what ships.
"""

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from . import synthesizer
from .words import WORDS

RATE = 16_000
VOICES = {
    "amy": ("en-gb+f2", 55, 240),
    "ben": ("en-us+m3", 45, 230),
    "cal": ("en-gb-scotland+m1", 50, 240),
    "dot": ("en-us+f4", 60, 250),
    "eve": ("en-gb-x-rp+f1", 55, 240),
    "finn": ("en-us+m5", 45, 240),
}
"""What each voice is to the program: its name, pitch and words a minute."""
QUIET = 0.02
"""Below this share of its peak, the ends of a word are silence, and cut."""
GAP = 160
"""Samples of silence between two words of a file."""


@final
@dataclass(frozen=True)
class Word:
    """A word.

    Attributes:
        samples: 16 bit, at 16 kHz, without the silence at its ends, at a peak of 0.7.
        phones: `(first, last, letters)`: the samples of each, the one after the last.
    """

    samples: np.ndarray
    phones: tuple[tuple[int, int, str], ...]


def spoken(word: str, voice: str) -> Word:
    """A word in a voice.

    Raises:
        RuntimeError: if the synthesiser cannot speak, with what it says.
    """
    import torch
    from torchaudio.functional import resample

    command = [sys.executable, synthesizer.__file__, *map(str, VOICES[voice]), word]
    done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"{word!r} was not spoken: {done.stderr.splitlines()[-1]}")
    made = synthesizer.Spoken(**json.loads(done.stdout))
    samples = resample(torch.tensor(made.samples) / 32768, made.rate, RATE).numpy()
    loud = np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max())
    start, count = loud[0], loud[-1] + 1 - loud[0]
    samples = samples[start : start + count]
    firsts = [min(max(round(first * RATE / made.rate) - start, 0), count) for first, _ in made.phones] + [count]
    phones = tuple(
        (int(first), int(last), letters)
        for first, last, (_, letters) in zip(firsts, firsts[1:], made.phones, strict=False)
        if letters and last > first
    )
    return Word(np.round(samples / np.abs(samples).max() * 0.7 * 32767).astype(np.int16), phones)


def make(folder: Path) -> None:
    """Write all voices."""
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    words, phones = list[tuple[str, str, int, int]](), list[tuple[str, str, str, int, int]]()
    for voice in VOICES:
        parts, place = list[np.ndarray](), 0
        for word in WORDS:
            said = spoken(word, voice)
            words.append((voice, word, place, place + len(said.samples)))
            phones += [(voice, word, letters, place + first, place + last) for first, last, letters in said.phones]
            parts += [said.samples, np.zeros(GAP, np.int16)]
            place += len(said.samples) + GAP
        soundfile.write(folder / f"{voice}.flac", np.concatenate(parts), RATE, subtype="PCM_16")
    _write(folder / "words.csv", ("voice", "word", "first", "last"), words)
    _write(folder / "phones.csv", ("voice", "word", "phone", "first", "last"), phones)


def _write(path: Path, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
