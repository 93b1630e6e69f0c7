"""Recordings of many kinds with names of many kinds, written to disk for the tests."""

from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float

RATE = 16_000
HTML = "<img src=x onerror=alert(1)>"
BAD = {
    "20 ms.wav": "too short: 20 ms",
    "text.wav": "cannot be read as audio",
    f"zero {HTML}.wav": "the file has no bytes",
}
"""Files that are no recordings, and what is said of each."""
GOOD = {"Vögel 鳥/amsel – früh ☀.wav": 9.0, f"{HTML}.wav": 5.5, "stereo.mp3": 6.0}
"""Recordings, and their seconds."""


def song(seconds: float, pitch: float, rate: int = RATE) -> Float[np.ndarray, " time"]:
    """A tone of a third of a second every second, over a little noise."""
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(round(pitch)).standard_normal(len(t))
    return (0.3 * np.sin(2 * np.pi * pitch * t * (1 + t // 1 / 5)) * (t % 1 < 0.33) + 0.01 * noise).astype(np.float32)


def write_awkward(folder: Path) -> None:
    """The good recordings, in two channels, and the bad files."""
    for name, seconds in GOOD.items():
        rate = 44_100 if name.endswith("mp3") else RATE
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        both = np.stack([song(seconds, 500.0, rate), song(seconds, 700.0, rate)], axis=1)
        soundfile.write(folder / name, both, rate)
    zero, text, short = (next(name for name in BAD if name.startswith(start)) for start in ("zero", "text", "20"))
    (folder / zero).touch()
    (folder / text).write_text("a text " * 100)
    soundfile.write(folder / short, song(0.02, 500.0), RATE)


def write_torn(path: Path, *places: float) -> None:
    """A recording of a minute with NaN at some seconds, where reading does not look at once."""
    samples = song(60.0, 500.0)
    for place in places:
        samples[round(place * RATE)] = np.nan
    soundfile.write(path, samples, RATE, subtype="FLOAT")
