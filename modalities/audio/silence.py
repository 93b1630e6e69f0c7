"""Recordings in which nothing is heard, and why."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gestalt.core.data.items import BadItemError

from .reading import Header, decode, read_channels

SILENCE = 10 ** (-90 / 20)  # amplitude; 16-bit rounding noise lies below
CANCELLED = 10 ** (-40 / 20)  # what is left of channels that are averaged, where one is the other turned over
LEFT = 10 ** (-60 / 20)  # what a resampling filter leaves of what it should stop
PROBE = 2.0  # seconds
PROBES = 8
ADVICE = "remove it, or leave it out with --skip-bad"


def refuse_silent(path: Path, header: Header, sample_rate: int) -> None:
    """Decode a file at its start, its end and some places between; there must be sound in one of them, or elsewhere.

    Raises:
        BadItemError: if it is silent, constant, or silent once its channels are averaged or it is brought to
            `sample_rate`; if it holds NaN or infinity; or if it cannot be decoded.
    """
    whole = header.seconds <= PROBE * PROBES
    last = max(0.0, header.seconds - PROBE)
    places = np.arange(0.0, header.seconds, PROBE) if whole else np.linspace(0.0, last, PROBES)
    causes = [_cause(path, header, float(start), sample_rate) for start in places]
    if None in causes:
        return
    # A long file may be silent in all these places and sound elsewhere: only then it is read through, up to a sound.
    for cause in () if whole else _rest(path, header, last, sample_rate):
        if cause is None:
            return
        causes.append(cause)
    for cause in (*REASONS, ""):  # the most telling one that holds anywhere
        if cause in causes:
            raise BadItemError(str(path), f"{_reason(cause, header, sample_rate)}, {ADVICE}")


def _rest(path: Path, header: Header, last: float, sample_rate: int) -> Iterator[str | None]:
    return (_cause(path, header, float(start), sample_rate) for start in np.arange(PROBE, last, PROBE))


REASONS = {
    "cancel": "its channels cancel each other out when they are averaged to one (one is the other turned over); save "
    "one of them alone, or turn one over",
    "rate": "has no sound below {nyquist:g} Hz, all that is left of its {own} Hz when it is read at {read} Hz; read it "
    "with a higher sample rate (--sample-rate {own})",
    "constant": "holds a constant voltage and no sound (a DC offset); check the recorder",
}


def _reason(cause: str, header: Header, sample_rate: int) -> str:
    silent = "is silent throughout (below −90 dBFS); check the microphone or the export"
    if header.tracks > 1:
        silent = f"is silent throughout in its first track, which is read of {header.tracks}; save the right one alone"
    return REASONS.get(cause, silent).format(nyquist=sample_rate / 2, own=header.sample_rate, read=sample_rate)


def _cause(path: Path, header: Header, start: float, sample_rate: int) -> str | None:
    """Why nothing is heard at a place; None where something is, and nothing where there is nothing."""
    channels, _ = read_channels(path, header, start, PROBE)
    refuse_nan(str(path), channels)
    if channels.shape[1] == 0:
        return ""
    mono = channels.mean(axis=0, dtype=np.float64)
    loudest = max(_peak(channel) for channel in channels)
    if loudest < SILENCE:
        return "constant" if float(np.abs(channels).max()) >= SILENCE else ""
    if _peak(mono) < max(SILENCE, CANCELLED * loudest):
        return "cancel"
    if sample_rate >= header.sample_rate:
        return None
    left = decode(path, header, start, PROBE, sample_rate).numpy()
    within = slice(sample_rate // 20, -(sample_rate // 20) or None)  # the ends of a piece ring
    middle = left[within] if len(left) > sample_rate // 5 else left
    return None if len(middle) and _peak(middle) >= max(SILENCE, LEFT * loudest) else "rate"


def _peak(samples: Float[np.ndarray, " time"]) -> float:
    """The greatest distance from the mean."""
    return float(np.abs(samples - samples.mean(dtype=np.float64)).max())


def refuse_nan(name: str, samples: Float[np.ndarray, "*shape"]) -> None:
    """Nothing, for finite samples.

    Raises:
        BadItemError: for others.
    """
    if not np.isfinite(samples).all():
        raise BadItemError(name, f"holds samples that are NaN or infinite; export it again, {ADVICE}")
