"""Recordings whose pitch tells the time, written in any container for the tests."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from jaxtyping import Float

RATE = 44_100


def sweep(rate: int, seconds: float, start: float = 0.0) -> Float[np.ndarray, " time"]:
    """A tone whose pitch encodes the time: 300 Hz at the beginning, 800 Hz more every second."""
    t = start + np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * (300 * t + 400 * t**2))).astype(np.float32)


def lag(found: Float[np.ndarray, " time"], rate: int, start: float) -> int:
    """By how many samples two seconds of sound that should begin at `start` are late (or, below 0, early)."""
    expected, quarter = sweep(rate, 2.0, start), len(found) // 4
    reach = rate // 10
    middle = found[quarter : 3 * quarter]
    products = [float(middle @ expected[quarter + by : quarter + by + len(middle)]) for by in range(-reach, reach + 1)]
    return reach - int(np.argmax(products))


def write_coded(
    path: Path,
    codec: str,
    rate: int = RATE,
    seconds: float = 6.0,
    form: str | None = None,
    options: Mapping[str, str] | None = None,
    quality: Mapping[str, str] | None = None,
    begin: float = 0.0,
    gap: tuple[float, float] | None = None,
) -> None:
    """The sweep in two channels, from `begin` on in the clock of the container.

    From the first number of `gap` on, all is later by the second.
    """
    with av.open(str(path), "w", format=form, options=dict(options or {})) as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo", options=dict(quality or {}))
        assert isinstance(stream, av.AudioStream)
        if not quality:
            stream.codec_context.bit_rate = 128_000
        stream.codec_context.open()
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(format=stream.codec_context.format.name)
        stereo = np.stack([sweep(rate, seconds)] * 2)
        for first in range(0, stereo.shape[1], size):
            block = np.ascontiguousarray(stereo[:, first : first + size])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            for part in resampler.resample(frame):
                late = gap[1] if gap is not None and first >= gap[0] * rate else 0.0
                part.pts = first + round((begin + late) * rate)
                container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def write_sound(
    path: Path, seconds: float = 6.0, kind: str | None = None, rate: int = RATE, start: float = 0.0
) -> None:
    """The sweep in two channels, in a format of libsndfile."""
    soundfile.write(path, np.stack([sweep(rate, seconds, start)] * 2, axis=1), rate, format=kind)
