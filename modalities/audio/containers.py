"""Sound in containers, decoded by FFmpeg: where it really begins and ends, and any stretch of it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float

from gestalt.core.storage.riff import lacks_texts

from . import coded_frames

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

PRE_ROLL = 0.25  # seconds; lossy decoders need some audio before the wanted place to settle
GAP = 0.05  # seconds; clocks of milliseconds jitter by less, and what lacks more is missing
LOST = 0.1  # seconds of a stretch that may fail to be decoded
TAIL = 1.0  # seconds before the stated end, from where packets are read to find the true one
ATTEMPTS = 100  # packets that may fail before the first that can be decoded
STATED = frozenset(("mov", "matroska", "flac", "wav", "w64", "aiff", "caf", "asf", "wv", "tta"))
"""Formats whose length is stated; that of others is guessed from their size."""

SAMPLES = frozenset(("wav", "w64", "aiff", "caf", "au", "flac"))
"""Formats whose packets are blocks of samples as long as the reader likes, or are found by their begins."""

DIRECT = frozenset(f"{kind}{planar}" for kind in ("u8", "s16", "s32", "flt", "dbl") for planar in ("", "p"))
"""Formats of samples that numpy has."""

# Samples that a decoder gives before the first that was encoded, where the file does not say how many: one transform
# of overlap, and for MP3 also LAME's own. What a file does say, FFmpeg leaves out.
PRIMING = {"aac": 1024, "ac3": 256, "eac3": 256, "mp3": 1105, "mp3float": 1105, "mp2": 481, "mp2float": 481}


@final
@dataclass(frozen=True)
class Extent:
    """Where the sound of a file begins and ends in the clock of its stream, in seconds, and its rate as decoded.

    `stated` is the length of which the file speaks, where it does. `torn` says that its last packet is incomplete,
    `last` where that begins. `tracks` counts the streams of sound, of which this is the first.
    """

    begin: float
    end: float
    sample_rate: int
    stated: float | None
    torn: bool = False
    last: float = 0.0
    tracks: int = 1

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return max(0.0, self.end - self.begin)


def extent(path: Path) -> Extent | None:
    """The extent of a file's sound, from its first and its last packets; None for no sound that FFmpeg can decode.

    Raises:
        ValueError: if the file holds several recordings one after another.
    """
    import av
    from av.error import FFmpegError

    if lacks_texts(path):
        return None
    try:
        with av.open(str(path)) as container:
            stream = next(iter(container.streams.audio), None)
            first = None if stream is None else _first(container, stream)
            if stream is None or first is None:
                return None
            begin, rate = first
            stated = _stated(path, container, stream, begin)
            guess = (container.duration or 0) / av.time_base if stated is None else stated
            end, torn, last = _end(container, stream, begin, guess)
            tracks = len(container.streams.audio)
        # The last packet may reach beyond the last sample, by less than itself.
        if stated is not None and 0.0 < end - begin - stated < 0.1:
            end = begin + stated
        return Extent(begin, end, rate, stated, torn, last, tracks)
    except (FFmpegError, OSError):
        return None


def without_sound(path: Path) -> bool:
    """Whether FFmpeg opens a file that has pictures and no stream of sound."""
    import av
    from av.error import FFmpegError

    if lacks_texts(path):
        return False
    try:
        with av.open(str(path)) as container:
            return bool(container.streams.video) and not container.streams.audio
    except (FFmpegError, OSError):
        return False


def _stated(path: Path, container: "InputContainer", stream: "AudioStream", begin: float) -> float | None:
    """The length of which the file speaks, where its format does."""
    import av

    kind = container.format.name.split(",")[0]
    if kind not in STATED and not (kind == "mp3" and coded_frames.counts_frames(path)):
        return None
    if stream.duration is not None and stream.time_base is not None:
        said = float(stream.duration * stream.time_base)
        counted = coded_frames.counted_seconds(path) if kind == "mp3" else None
        # Several files in one: FFmpeg guesses then, by how many bytes there are.
        return None if counted is not None and said - counted > 0.1 * said else said
    length: float
    own = stream.metadata.get("DURATION", "").split(":")  # Matroska's way: 00:00:10.040000000
    if len(own) == 3:
        length = sum(float(part) * 60**place for place, part in enumerate(reversed(own)))
    elif kind == "matroska" and container.duration is not None and len(container.streams) == 1:
        length = container.duration / av.time_base
    else:
        return None
    # Counted from 0, and by some writers from the first sound.
    return length - begin if 0.0 < begin < length else length


def _first(container: "InputContainer", stream: "AudioStream") -> tuple[float, int] | None:
    """When the first sample sounds, in the stream's clock, and the rate of what is decoded."""
    from av.error import FFmpegError

    earliest: float | None = None
    for number, packet in enumerate(container.demux(stream)):
        if earliest is None and packet.pts is not None:
            earliest = float(packet.pts * (packet.time_base or 0))
        try:
            frames = packet.decode()
        except FFmpegError:
            frames = []
        if frames and frames[0].sample_rate:
            frame: Any = frames[0]
            begin, rate = float((frame.pts or 0) * (frame.time_base or 0)), int(frame.sample_rate)
            name = stream.codec_context.name
            # A decoder that was told to leave out what precedes the sound begins later than the first packet.
            told = earliest is not None and begin > earliest + 1e-6
            if name.startswith("wma"):  # never told: its decoder keeps the first frames to itself
                return (begin if earliest is None else earliest) + _wma_frame(rate) / rate, rate
            return begin + (0.0 if told else PRIMING.get(name, 0) / rate), rate
        if number >= ATTEMPTS:
            break
    return None


def _wma_frame(rate: int) -> int:
    """Samples of a frame of WMA 1 and 2."""
    return 512 if rate <= 16_000 else 1024 if rate <= 22_050 else 2048 if rate <= 48_000 else 4096


def _end(container: "InputContainer", stream: "AudioStream", begin: float, length: float) -> tuple[float, bool, float]:
    """Where the last packet ends: from shortly before the stated end on, or where that leads nowhere, from the first;
    whether it is incomplete, and where it begins.

    Raises:
        ValueError: if the clock begins anew, as where recordings are joined.
    """
    from av.error import FFmpegError

    base = float(stream.time_base or 0)
    in_packets = container.format.name not in SAMPLES  # others are read in blocks of any size
    for place in (max(0.0, begin + length - TAIL), 0.0):
        last, torn, packet_begin = -math.inf, False, begin
        try:
            container.seek(min(int(place / base), 2**62) if base and place else 0, stream=stream if place else None)
            for packet in container.demux(stream):
                if packet.pts is None:
                    continue
                if packet.pts * base < last - TAIL:
                    raise ValueError(
                        f"several recordings are joined in it: the clock begins anew after {last - begin:.1f} s"
                    )
                packet_begin = max(packet_begin, packet.pts * base)
                last = max(last, (packet.pts + _ticks(packet.duration)) * base)
                torn = (in_packets and packet.is_corrupt) or coded_frames.is_torn(stream.codec_context.name, packet)
        except (FFmpegError, OSError):
            pass  # a damaged end: what came before counts
        if last > begin:
            return last, torn, packet_begin
    return begin, False, begin


def _ticks(duration: int | None) -> int:
    """How long a packet lasts: where all of it is cut off and more, as at the end of short Ogg files, FFmpeg gives the
    number below zero in 32 bits without a sign.
    """
    return 0 if duration is None else duration - 2**32 if 2**31 <= duration < 2**32 else duration


def stretch(
    path: Path, found: Extent, start: float, seconds: float
) -> tuple[Float[np.ndarray, "channels time"], float]:
    """The sound from `start` on, at its own rate and with its channels; and when its first sample sounds.

    It may begin a little earlier. Where packets are missing there is silence.

    Raises:
        ValueError: if it cannot be decoded, or its rate or its clock changes.
    """
    from av.error import FFmpegError

    try:
        blocks = _collected(path, found, start, seconds, start - PRE_ROLL)
        if start > PRE_ROLL and (not blocks or blocks[0][0] > start + GAP):
            # Formats without an index may land behind the wanted place.
            blocks = _collected(path, found, start, seconds, 0.0)
    except (FFmpegError, OSError) as error:
        raise ValueError(str(error)) from error
    return _laid(blocks, found, start, seconds)


Block = tuple[float, Float[np.ndarray, "_ _"]]
"""Channels × time, and the seconds at which it begins."""


def _collected(path: Path, found: Extent, start: float, seconds: float, begin: float) -> list[Block]:
    """The blocks that sound between `start` and its end, and the next one."""
    import av

    blocks: list[Block] = []
    with av.open(str(path)) as container:
        for time, block in _blocks(container, found, begin, start):
            if time + block.shape[1] / found.sample_rate <= start:
                continue
            blocks.append((time, block))
            if time >= start + seconds:
                break
    return blocks


def _blocks(container: "InputContainer", found: Extent, begin: float, start: float) -> Iterator[Block]:
    """Decoded blocks with the seconds at which they begin, from `begin` on or later."""
    from av.error import FFmpegError

    stream = container.streams.audio[0]
    base = float(stream.time_base or 0)
    if begin > 0 and base:
        container.seek(int((found.begin + begin) / base), stream=stream)
    resamplers: dict[tuple[str, str], Any] = {}
    lost = 0.0
    for packet in container.demux(stream):
        # Packets long before the place are passed over without decoding, for formats that cannot seek.
        if packet.pts is not None and packet.pts * base - found.begin < start - 4 * PRE_ROLL:
            continue
        try:
            frames = packet.decode()
        except FFmpegError:
            # Tags between joined files and torn packets at the end are passed over; what they lack is silence.
            lost += float((packet.duration or 0) * base)
            if lost > LOST and packet.pts is not None and packet.pts * base < found.end - PRE_ROLL:
                raise
            continue
        for frame in frames:
            if frame.sample_rate != found.sample_rate:
                raise ValueError(f"its sample rate changes from {found.sample_rate} to {frame.sample_rate} Hz")
            for part in _in_floats(frame, resamplers):
                block = part.to_ndarray()
                if not part.format.is_planar:
                    block = block.reshape(-1, part.layout.nb_channels).T
                yield float((part.pts or 0) * (part.time_base or 0)) - found.begin, _between_one(block)


def _in_floats(frame: "AudioFrame", resamplers: dict[tuple[str, str], Any]) -> "list[AudioFrame]":
    """The frame as it is where numpy can take its samples, or as FFmpeg's resampler makes it, whose graph of filters
    takes longer to build than a stretch to decode.
    """
    import av

    # Of channels one by one, PyAV reads memory that is not there beyond the eighth: FFmpeg lays them side by side.
    if frame.format.name in DIRECT and not (frame.format.is_planar and frame.layout.nb_channels > 8):
        return [frame]
    key = (frame.format.name, frame.layout.name)
    parts: list[AudioFrame] = resamplers.setdefault(key, av.AudioResampler(format="flt")).resample(frame)
    return parts


def _between_one(block: np.ndarray) -> Float[np.ndarray, "channels time"]:
    """Samples of any type as numbers between −1 and 1, the same as FFmpeg gives."""
    if block.dtype == np.uint8:
        return (block.astype(np.float32) - 128) / 128
    if block.dtype.kind == "i":
        return block.astype(np.float32) / np.float32(2 ** (8 * block.dtype.itemsize - 1))
    return block.astype(np.float32, copy=False)


def _laid(
    blocks: list[Block], found: Extent, start: float, seconds: float
) -> tuple[Float[np.ndarray, "channels time"], float]:
    """Blocks one after another, with silence for what is missing between them; all as mono if channels vary."""
    if not blocks:
        return np.zeros((1, 0), np.float32), start
    if len({len(block) for _, block in blocks}) > 1:
        blocks = [(time, block.mean(axis=0, keepdims=True)) for time, block in blocks]
    rate, channels = found.sample_rate, len(blocks[0][1])
    first = at = min(blocks[0][0], start)
    pieces: list[Float[np.ndarray, "_ _"]] = []
    for time, block in blocks:
        if time < at - TAIL:
            raise ValueError(f"its clock goes back from {at:.1f} to {time:.1f} s")
        if time > at + (GAP if pieces else 0.0):
            until = min(time, start + seconds)
            missing = max(0, round((until - at) * rate))
            pieces.append(np.zeros((channels, missing), np.float32))
            at = time
        if time < start + seconds:
            pieces.append(block)
            at += block.shape[1] / rate
    return np.concatenate(pieces, axis=1), first
