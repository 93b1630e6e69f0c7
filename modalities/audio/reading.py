"""Decoding a stretch of any audio file, never the whole of it."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import soundfile
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.data.items import BadItemError

if TYPE_CHECKING:
    from av.container import InputContainer

SOUND_FILES = frozenset(
    (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64")
)
CONTAINERS = frozenset((".mp4", ".m4a", ".m4b", ".webm", ".mov", ".aac", ".mkv", ".mka", ".3gp", ".wma"))
SUFFIXES = SOUND_FILES | CONTAINERS

# Lossy decoders need some audio before the wanted place to settle, and resampling filters need neighbours.
PRE_ROLL = 0.25
MARGIN = 0.02
ADVICE = "convert it to wav or flac, remove it, or leave it out with --skip-bad"


@final
@dataclass(frozen=True)
class Header:
    """What a file says of itself: its length in seconds, its own sample rate, and which library decodes it."""

    seconds: float
    sample_rate: int
    container: bool


def read_header(path: Path) -> Header:
    """Length and rate of a file, from its header where it has one; nothing is decoded.

    Raises:
        BadItemError: if the file is empty or no audio.
    """
    if path.stat().st_size == 0:
        raise BadItemError(str(path), f"the file has no bytes; copy or record it again, {ADVICE.split(', ', 1)[1]}")
    if path.suffix.lower() not in CONTAINERS:
        try:
            with _opened(path) as file:
                return Header(file.frames / file.samplerate, file.samplerate, container=False)
        except soundfile.LibsndfileError as error:
            reason = str(error.error_string).strip().rstrip(".")
    else:
        reason = "it holds no audio that FFmpeg can decode"
    found = _container_header(path)
    if found is None:
        raise BadItemError(str(path), f"cannot be read as audio ({reason}); {ADVICE}")
    return found


def decode(path: Path, header: Header, start: float, seconds: float, sample_rate: int) -> Float[Tensor, " time"]:
    """The stretch from `start` (seconds) as mono at `sample_rate`, shorter where the file ends; channels are averaged.

    Raises:
        BadItemError: if the file cannot be decoded there.
    """
    margin = 0.0 if header.sample_rate == sample_rate else MARGIN
    read = _decode_container if header.container else _decode_sound_file
    try:
        samples, first = read(path, max(0.0, start - margin), seconds + 2 * margin)
    except (OSError, RuntimeError, ValueError) as error:  # libsndfile's errors are RuntimeErrors
        raise BadItemError(str(path), f"cannot be decoded at {start:.1f} s ({error}); {ADVICE}") from error
    if header.sample_rate != sample_rate:
        samples = _resample(samples, header.sample_rate, sample_rate)
    skip = max(0, round((start - first) * sample_rate))
    return samples[skip : skip + round(seconds * sample_rate)].clone()


def _opened(path: Path) -> soundfile.SoundFile:
    """The file, whatever bytes its name has: soundfile itself takes only names in the system's encoding."""
    name: Any = os.fsencode(path) if os.name == "posix" else path  # soundfile takes bytes, its types do not
    return soundfile.SoundFile(name)


def _decode_sound_file(path: Path, start: float, seconds: float) -> tuple[Float[Tensor, " time"], float]:
    with _opened(path) as file:
        first = min(round(start * file.samplerate), file.frames)
        file.seek(first)
        block = file.read(math.ceil(seconds * file.samplerate), dtype="float32", always_2d=True)
        return torch.from_numpy(block.mean(axis=1)), first / file.samplerate


def _container_header(path: Path) -> Header | None:
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                return None
            stream = container.streams.audio[0]
            base = stream.time_base
            rate = stream.codec_context.sample_rate
            seconds = None if stream.duration is None or base is None else float(stream.duration * base)
            if seconds is None and container.duration is not None:
                seconds = container.duration / av.time_base
            # Raw AAC only guesses its length, and browsers record webm without one: then packets are counted.
            if seconds is None or container.format.name == "aac":
                seconds = sum(float((packet.duration or 0) * packet.time_base) for packet in container.demux(stream))
            return Header(seconds, rate, container=True) if rate and seconds > 0 else None
    except FFmpegError:
        return None


def _decode_container(path: Path, start: float, seconds: float) -> tuple[Float[Tensor, " time"], float]:
    import av
    from av.error import FFmpegError

    pieces: list[Float[np.ndarray, " block"]] = []
    first = start
    try:
        with av.open(str(path)) as container:
            rate = container.streams.audio[0].codec_context.sample_rate
            wanted = math.ceil(seconds * rate)
            for time, block in _blocks(container, start):
                if not pieces:
                    first = time
                    wanted += max(0, round((start - time) * rate))
                pieces.append(block)
                wanted -= len(block)
                if wanted <= 0:
                    break
    except FFmpegError as error:
        raise ValueError(str(error)) from error
    joined = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    return torch.from_numpy(joined), first


def _blocks(container: "InputContainer", start: float) -> Iterator[tuple[float, Float[np.ndarray, " block"]]]:
    """Mono blocks with their times in seconds, from the one that holds `start`."""
    import av

    stream = container.streams.audio[0]
    base = float(stream.time_base or 0)
    origin = (stream.start_time or 0) * base
    if start > PRE_ROLL and base and container.format.name != "aac":
        container.seek(int((origin + start - PRE_ROLL) / base), stream=stream)
    to_float = av.AudioResampler(format="fltp")
    for packet in container.demux(stream):
        # Packets long before the place are passed over without decoding, for formats that cannot seek.
        if packet.pts is not None and packet.pts * base < origin + start - 4 * PRE_ROLL:
            continue
        for decoded in packet.decode():
            for frame in to_float.resample(decoded):
                time = float((frame.pts or 0) * (frame.time_base or 0)) - origin
                if time + frame.samples / frame.sample_rate > start:
                    yield time, frame.to_ndarray().mean(axis=0)


def _resample(samples: Float[Tensor, " time"], old: int, new: int) -> Float[Tensor, " other"]:
    common = math.gcd(old, new)
    if len(samples) == 0:
        return samples
    if old // common > 2000:
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
