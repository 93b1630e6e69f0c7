"""Makes the shipped words anew: every word of the grammar, spoken once by every voice of a speech synthesiser.

`python -m gestalt.recipes.captioned_scenes.synthetic.synthesis FOLDER` writes one FLAC per voice and `words.csv`. It
needs the program `espeak-ng`; version 1.51 made what ships.
"""

import csv
import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from .words import WORDS

PROGRAM = "espeak-ng"
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


def spoken(word: str, voice: str) -> np.ndarray:
    """A word as 16-bit samples at 16 kHz, without the silence at its ends, at a peak of 0.7."""
    import soundfile
    import torch
    from torchaudio.functional import resample

    name, pitch, speed = VOICES[voice]
    command = [PROGRAM, "-v", name, "-p", str(pitch), "-s", str(speed), "-z", "--stdout", word]
    wave = subprocess.run(command, check=True, capture_output=True).stdout
    samples, rate = soundfile.read(io.BytesIO(wave), dtype="float32")
    samples = resample(torch.from_numpy(samples), rate, RATE).numpy()
    loud = np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max())
    samples = samples[loud[0] : loud[-1] + 1]
    whole: np.ndarray = np.round(samples / np.abs(samples).max() * 0.7 * 32767).astype(np.int16)
    return whole


def make(folder: Path) -> None:
    """Write all voices.

    Raises:
        FileNotFoundError: if the program is not installed.
    """
    import soundfile

    if shutil.which(PROGRAM) is None:
        raise FileNotFoundError(
            f"the words are spoken by {PROGRAM}, which is not installed; install it, or use what ships"
        )
    folder.mkdir(parents=True, exist_ok=True)
    rows = list[tuple[str, str, int, int]]()
    for voice in VOICES:
        parts, place = list[np.ndarray](), 0
        for word in WORDS:
            samples = spoken(word, voice)
            rows.append((voice, word, place, place + len(samples)))
            parts += [samples, np.zeros(GAP, np.int16)]
            place += len(samples) + GAP
        soundfile.write(folder / f"{voice}.flac", np.concatenate(parts), RATE, subtype="PCM_16")
    with (folder / "words.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("voice", "word", "first", "last"))
        writer.writerows(rows)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
