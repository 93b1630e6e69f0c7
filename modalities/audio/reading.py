"""Decoding a stretch of any audio file, never the whole of it."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.data.items import BadItemError
from gestalt.core.data.reasons import cause_of, reason_of
from gestalt.core.shards.files import at_hand
from gestalt.core.storage.claims import claimed
from gestalt.core.storage.ogg import lacks_end
from gestalt.core.storage.riff import lacks_texts

from . import containers, sound_files

SOUND_FILES = frozenset(
    (
        ".wav",
        ".wave",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".mp3",
        ".aif",
        ".aiff",
        ".aifc",
        ".au",
        ".snd",
        ".caf",
        ".w64",
        ".rf64",
    )
)
CONTAINERS = frozenset(
    (
        ".mp4",
        ".m4a",
        ".m4b",
        ".webm",
        ".mov",
        ".aac",
        ".mkv",
        ".mka",
        ".3gp",
        ".wma",
        ".amr",
        ".mp2",
        ".ac3",
        ".wv",
        ".tta",
    )
)
SUFFIXES = SOUND_FILES | CONTAINERS

MARGIN = 0.02  # seconds; resampling filters need neighbours
ADVICE = "convert it to wav or flac, remove it, or leave it out with --skip-bad"
RATES = (20, 2_000_000)
"""Sample rates that a recording may have, in Hz: infrasound to the fastest converters of sound."""
LEAST_LOST, EXACT = 0.1, 0.01
"""Seconds that may be missing at the end before that is said: by the clock of a container, by the bytes of a file."""
DENSITY = 1.0
"""Bytes per second of a recording that lasts longer than a day: what has less consists of a wrong clock."""


@final
@dataclass(frozen=True)
class Header:
    """A file's length in seconds and its own sample rate, and whether it is decoded as a container.

    `begin` is where its sound begins in the clock of the container, in seconds. `damage` says what is missing at its
    end, where the file was cut off: what is there is read. Of several `tracks` it is the first.
    """

    seconds: float
    sample_rate: int
    container: bool
    begin: float = 0.0
    damage: str = ""
    tracks: int = 1


def read_header(path: Path) -> Header:
    """Length and rate of a file; of what its header may not know, or says wrongly, the packets at its end are read.

    Raises:
        BadItemError: if the file is empty or no audio, or goes on after its header says.
    """
    with at_hand(path) as file:
        return _checked(file)


LAST_FRAMES = 0.15
"""Seconds that two frames of MP3 last, at most."""


def _checked(path: Path) -> Header:
    try:
        if path.stat().st_size == 0:
            raise BadItemError(str(path), f"the file has no bytes; copy or record it again, {ADVICE.split(', ', 1)[1]}")
        header = _header(path)
    except BadItemError:
        raise
    except Exception as error:  # libraries raise whatever they like at torn bytes
        _refuse_without_sound(path)
        raise BadItemError(str(path), f"cannot be read as audio ({reason_of(error)}); {ADVICE}") from cause_of(error)
    if header.seconds == 0:
        _refuse_without_sound(path)
    if not RATES[0] <= header.sample_rate <= RATES[1]:
        raise BadItemError(
            str(path),
            f"says that its sample rate is {header.sample_rate} Hz, and recordings have {RATES[0]} to {RATES[1]}; "
            f"correct its header, {ADVICE}",
        )
    if header.seconds > 86_400 and path.stat().st_size < header.seconds * DENSITY:
        raise BadItemError(
            str(path),
            f"says that it lasts {header.seconds / 86_400:.0f} days, in {path.stat().st_size} bytes: its clock is "
            f"wrong; {ADVICE}",
        )
    return header


def _refuse_without_sound(path: Path) -> None:
    """Say of an Ogg file of which no sound can be had that it was cut off, if it was."""
    why = lacks_end(path)
    if why:
        advice = ADVICE.split(", ", 1)[1]
        raise BadItemError(str(path), f"is cut off before its first sound ends: {why}; copy it again, {advice}")


def _header(path: Path) -> Header:
    said = sound_files.said(path)
    claim = claimed(path)
    if claim.after:
        known = f"of {said.frames / said.sample_rate:.1f} s" if isinstance(said, sound_files.SoundFile) else "of less"
        raise BadItemError(
            str(path),
            f"goes on after its end: its header speaks {known}, and {claim.after} bytes follow (several recordings "
            f"in one, or a header that was never brought up to date); split it or write its header anew, {ADVICE}",
        )
    if isinstance(said, str):
        found = containers.extent(path)
        if found is None:
            if path.suffix.lower() in CONTAINERS and containers.without_sound(path):
                said = "cannot be read as audio (it holds no audio); name a recording, remove it, or"
                raise BadItemError(str(path), f"{said} leave it out with --skip-bad", absent=True)
            reason = "it holds no audio that FFmpeg can decode" if path.suffix.lower() in CONTAINERS else said
            raise ValueError(lacks_texts(path) or reason)
        return _of_container(path, found, claim.missing)
    exact = Header(said.frames / said.sample_rate, said.sample_rate, container=False)
    if said.frames and said.kind not in sound_files.GUESSED | sound_files.PACKED:
        if not sound_files.reaches_end(path, said):
            found = containers.extent(path)  # libsndfile finds no place in some codecs of telephones
            if found is not None and found.seconds >= exact.seconds - (LAST_FRAMES if said.coded else LEAST_LOST):
                return _of_container(path, found)
            raise BadItemError(str(path), f"nothing can be decoded at its end, {_at(exact.seconds)}")
        return replace(exact, damage=_cut(exact.seconds, exact.seconds * (1 + claim.missing), EXACT))
    if said.kind in sound_files.PACKED and sound_files.joined(path, said.kind):
        raise BadItemError(str(path), f"holds several recordings one after another; split it, {ADVICE}")
    found = containers.extent(path)
    if found is None:
        return exact
    same = abs(found.seconds - exact.seconds) < 0.1 and found.sample_rate == exact.sample_rate
    if same and said.kind not in sound_files.GUESSED and sound_files.reaches_end(path, said):
        return replace(exact, damage=_damage(path, found))
    return _of_container(path, found)


def _of_container(path: Path, found: containers.Extent, missing: float = 0.0) -> Header:
    """The header of a container, as far as there is sound in it; so many times that is missing."""
    damage = _cut(found.seconds, found.seconds * (1 + missing), EXACT) or _damage(path, found)
    # The last packet of a file that was cut off may give nothing.
    seconds = found.last - found.begin if damage and found.last > found.begin else found.seconds
    return Header(seconds, found.sample_rate, True, found.begin, damage, found.tracks)


def _damage(path: Path, found: containers.Extent) -> str:
    """What is missing at the end of a stream: seconds that it should last longer, the rest of a packet, its mark."""
    cut = _cut(found.seconds, found.seconds if found.stated is None else found.stated)
    why = lacks_end(path) or ("its last frame is incomplete" if found.torn else "")
    if cut or not why:
        return cut
    return f"is cut off, or was never closed: {why}; the {found.seconds:.2f} s that are there are read"


def _cut(seconds: float, stated: float, least: float = LEAST_LOST) -> str:
    """That a file of so many seconds should last longer; nothing for less than clocks of containers differ."""
    if stated - seconds < max(least, 1e-4 * stated):
        return ""
    return f"is cut off: it should last {stated:.2f} s and ends at {seconds:.2f} s; what is there is read"


def _at(seconds: float) -> str:
    return f"{seconds:.1f} s as its header says; copy it again, {ADVICE}"


def read_channels(
    path: Path, header: Header, start: float, seconds: float
) -> tuple[Float[np.ndarray, "channels time"], float]:
    """The stretch from `start` on, with its channels and at its own rate, and when its first sample sounds.

    Raises:
        BadItemError: if the file cannot be decoded there.
    """
    with at_hand(path) as file:
        return _channels(file, header, start, seconds)


def _channels(
    path: Path, header: Header, start: float, seconds: float
) -> tuple[Float[np.ndarray, "channels time"], float]:
    try:
        if header.container:
            found = containers.Extent(header.begin, header.begin + header.seconds, header.sample_rate, None)
            return containers.stretch(path, found, start, seconds)
        return sound_files.stretch(path, start, seconds)
    except Exception as error:  # libraries raise whatever they like at torn bytes
        raise BadItemError(
            str(path), f"cannot be decoded at {start:.1f} s ({reason_of(error)}); {ADVICE}"
        ) from cause_of(error)


def decode(path: Path, header: Header, start: float, seconds: float, sample_rate: int) -> Float[Tensor, " time"]:
    """The stretch from `start` (seconds) as mono at `sample_rate`, shorter where the file ends; channels are averaged.

    Raises:
        BadItemError: if the file cannot be decoded there.
    """
    margin = 0.0 if header.sample_rate == sample_rate else MARGIN
    block, first = read_channels(path, header, max(0.0, start - margin), seconds + 2 * margin)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is named by whoever asked for it
        mean = block.mean(axis=0)
    samples = torch.from_numpy(np.ascontiguousarray(mean))
    if header.sample_rate != sample_rate:
        samples = resampled(samples, header.sample_rate, sample_rate)
    skip = max(0, round((start - first) * sample_rate))
    most = round(min(seconds, max(0.0, header.seconds - start)) * sample_rate)
    return samples[skip : skip + most].clone()


def resampled(samples: Float[Tensor, " time"], old: int, new: int) -> Float[Tensor, " other"]:
    common = math.gcd(old, new)
    if len(samples) == 0:
        return samples
    if max(old, new) // common > 2000:
        # torchaudio's kernel grows with the product of the rates (44101 → 16000: 2.8 GB); polyphase does not.
        from scipy.signal import resample_poly

        return torch.from_numpy(resample_poly(samples.numpy(), new // common, old // common)).float()
    resampled: Tensor = _resampler(old, new)(samples)
    return resampled


@lru_cache(maxsize=8)
def _resampler(old: int, new: int) -> nn.Module:
    from torchaudio.transforms import Resample

    resampler: nn.Module = Resample(old, new)
    return resampler
