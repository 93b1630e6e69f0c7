"""Decoding a stretch of any video file by FFmpeg, never the whole of it, with the times that the file gives."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from gestalt.core.data.items import BadItemError
from gestalt.core.data.reasons import cause_of, reason_of
from gestalt.core.shards.files import at_hand
from gestalt.core.storage.ogg import lacks_end
from gestalt.core.storage.riff import lacks_texts

from .frames import picture_of, refuse_large
from .packets import Packets, last_packets

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

SUFFIXES = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv", ".3gp", ".wmv", ".flv", ".gif"),
        *(".mjpeg", ".mts", ".m2ts"),
    )
)
ADVICE = "convert it to mp4, remove it, or leave it out with --skip-bad"
LEAST_LOST = 0.5
"""Seconds that may be missing at the end of a file before that is said: a last frame may be on show that long."""
MOST_BYTES = 2**32
"""Of the frames of one window."""
BACK = 1.0  # seconds; a clock that goes back by more begins anew
NEAR = 1e-4  # seconds: times of one frame in two clocks differ by rounding
LOOK_BACK = (0.0, 5.0, float("inf"))  # seconds; some formats land behind the wanted place: then one begins earlier


@final
@dataclass(frozen=True)
class Header:
    """What a video says of itself: its length in seconds and its mean number of frames per second.

    `damage` says what is missing at its end, where the file was cut off: what is there is read. `begin` is where its
    first frame is shown in the clock of the container, in seconds.
    """

    seconds: float
    rate: float
    damage: str = ""
    begin: float = 0.0


@final
@dataclass(frozen=True)
class Stretch:
    """Decoded frames, and the seconds at which each begins to be shown; the last entry is where the last one ends.

    `continued` says that the first one began before the stretch.
    """

    frames: UInt8[Tensor, "time 3 height width"]
    times: tuple[float, ...]
    continued: bool = False


def read_header(path: Path) -> Header:
    """Length and rate of a file; packets near its end are read, and nothing is decoded.

    Raises:
        BadItemError: if the file is empty, no video, or too large to decode.
    """
    with at_hand(path) as file:
        return _header(file)


def _header(path: Path) -> Header:
    try:
        if path.stat().st_size == 0:
            raise BadItemError(str(path), f"the file has no bytes; copy or record it again, {ADVICE.split(', ', 1)[1]}")
        with _opened(path) as container:
            stream = _video(container)
            if stream is None:
                raise BadItemError(str(path), _without_pictures(container))
            if stream.codec_context is None:
                raise ValueError("FFmpeg does not know its codec")
            refuse_large(stream.height, stream.width)
            promised = _promised(container, stream)
            found = last_packets(container, stream, promised or (container.duration or 0) / 1e6)
            rate = found.rate_of(float(stream.average_rate or 0), float(stream.guessed_rate or 0))
            begin = float((stream.start_time or 0) * (stream.time_base or 0))
    except BadItemError:
        raise
    except Exception as error:  # libraries raise whatever they like at torn bytes
        raise BadItemError(str(path), f"cannot be read as video ({reason_of(error)}); {ADVICE}") from cause_of(error)
    if found.seconds > 86_400 and path.stat().st_size < found.seconds:
        raise BadItemError(
            str(path),
            f"says that it lasts {found.seconds / 86_400:.0f} days, in {path.stat().st_size} bytes: its clock is "
            f"wrong; {ADVICE}",
        )
    return Header(found.seconds, rate, _damage(path, found, promised), begin)


def _without_pictures(container: "InputContainer") -> str:
    """Why there is no stream of pictures, and what to do."""
    torn = all(stream.type == "data" and not stream.duration for stream in container.streams)
    if torn and container.format.name.startswith("mov"):
        return f"is cut off: the index at its end is not there as a whole; copy it again, {ADVICE.split(', ', 1)[1]}"
    what = "only sound" if container.streams.audio else "no moving picture"
    return f"holds {what}; name a video, remove it, or leave it out with --skip-bad"


def _damage(path: Path, found: Packets, promised: float | None) -> str:
    """What is missing at the end of a video, whose last packets were found."""
    seconds = found.seconds
    if promised is not None and promised - seconds >= max(LEAST_LOST, 0.01 * promised):
        return f"is cut off: it should last {promised:.2f} s and ends at {seconds:.2f} s; what is there is read"
    why = lacks_end(path) or ("its last frame is incomplete" if found.torn else "")
    return f"is cut off, or was never closed: {why}; the {seconds:.2f} s that are there are read" if why else ""


def decode(path: Path, start: float, seconds: float, rate: float | None, size: int | None) -> Stretch:
    """The frames shown from `start` on, for `seconds`, each with its own time; fewer where the file ends.

    Args:
        path: the file.
        start, seconds: in seconds from the file's first frame.
        rate: keep at most so many frames per second, each at its own time; None keeps all.
        size: bring the shorter side to so many pixels if it is longer; None never scales.

    Raises:
        BadItemError: if the file cannot be decoded there.
    """
    with at_hand(path) as file:
        return _decoded(file, start, seconds, rate, size)


def _decoded(path: Path, start: float, seconds: float, rate: float | None, size: int | None) -> Stretch:
    kept, end = list[tuple[float, UInt8[np.ndarray, "height width 3"]]](), start
    try:
        for look_back in LOOK_BACK:
            kept, end = _kept(path, start, seconds, rate, size, max(0.0, start - look_back))
            if start <= NEAR or (kept and kept[0][0] <= start + NEAR) or start <= look_back:
                break
    except Exception as error:  # libraries raise whatever they like at torn bytes
        raise BadItemError(
            str(path), f"cannot be decoded at {start:.1f} s ({_why(path, error)}); {ADVICE}"
        ) from cause_of(error)
    if not kept:
        return Stretch(torch.zeros(0, 3, 1, 1, dtype=torch.uint8), (start,))
    times = (max(kept[0][0], start), *(time for time, _ in kept[1:]), end)
    frames = torch.from_numpy(np.stack([picture for _, picture in kept])).permute(0, 3, 1, 2).contiguous()
    return Stretch(frames, times, kept[0][0] < start - NEAR)


def _why(path: Path, error: Exception) -> str:
    """What an error says; of an animated WebP, which the library calls invalid, what it is."""
    with path.open("rb") as file:
        begin = file.read(21)
    if len(begin) == 21 and begin[:4] + begin[8:16] == b"RIFFWEBPVP8X" and begin[20] & 2:
        return "it is an animated WebP, which FFmpeg does not decode"
    return reason_of(error)


def _kept(
    path: Path, start: float, seconds: float, rate: float | None, size: int | None, begin: float
) -> tuple[list[tuple[float, UInt8[np.ndarray, "height width 3"]]], float]:
    """Frames with their times, from the one on show at `start`, thinned to `rate`; and the end of the last.

    Raises:
        ValueError: if the clock goes back, the size of the picture changes, or the frames do not fit into memory.
    """
    from av.video.reformatter import VideoReformatter

    reformatter = VideoReformatter()
    apart = 0.0 if rate is None else (1 - 1e-3) / rate
    kept: list[tuple[float, UInt8[np.ndarray, "height width 3"]]] = []
    on_show: tuple[float, VideoFrame] | None = None
    end, before, spare = start, -math.inf, MOST_BYTES

    def keep(time: float, frame: "VideoFrame") -> int:
        picture = picture_of(frame, size, reformatter)
        if kept and picture.shape != kept[0][1].shape:
            one, other = (f"{shape[1]} × {shape[0]}" for shape in (kept[0][1].shape, picture.shape))
            raise ValueError(f"its pictures change from {one} to {other} pixels at {time:.1f} s")
        kept.append((time, picture))
        left = spare - picture.nbytes
        if left < 0:
            raise ValueError(
                f"its frames of {picture.shape[1]} × {picture.shape[0]} pixels take more than "
                f"{MOST_BYTES / 1e9:.1f} GB from {start:.1f} to {time:.1f} s: take shorter "
                "windows, fewer frames a second or smaller ones"
            )
        return left

    with _opened(path) as container:
        for time, until, frame in _frames(container, begin):
            if time <= before + NEAR / 2:
                if time < before - BACK:
                    raise ValueError(
                        f"its clock goes back from {before:.1f} to {time:.1f} s: are several joined in it?"
                    )
                continue  # two frames at one moment: the first is shown
            before = time
            if time <= start + NEAR:
                on_show, end = (time, frame), min(until, start + seconds)
                continue
            if on_show is not None:
                spare = keep(*on_show)
                on_show = None
            if time >= start + seconds - NEAR:
                end = start + seconds
                break
            if not kept or time - max(kept[-1][0], start) >= apart:
                spare = keep(time, frame)
            end = min(until, start + seconds)
    if on_show is not None and end > start + NEAR:
        keep(*on_show)
    return kept, max(end, (kept[-1][0] if kept else start) + NEAR, start + NEAR)


def _opened(path: Path) -> "InputContainer":
    import av

    if damage := lacks_texts(path):
        raise ValueError(damage)
    return av.open(str(path))


def _video(container: "InputContainer") -> "VideoStream | None":
    """The first stream of moving pictures; a cover of a song is none."""
    from av.stream import Disposition

    cover = Disposition.attached_pic
    return next((stream for stream in container.streams.video if not stream.disposition & cover), None)


def _promised(container: "InputContainer", stream: "VideoStream") -> float | None:
    """The length of which a file speaks, in seconds; None where it says none, or one that may be its sound's."""
    length: float
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    stated = stream.metadata.get("DURATION", "").split(":")  # Matroska's way: 00:00:10.040000000
    if len(stated) == 3:
        length = sum(float(part) * 60**place for place, part in enumerate(reversed(stated)))
    elif container.duration is not None and not container.streams.audio:
        length = container.duration / 1e6
    else:
        return None
    # Some count it from 0, others from the first frame.
    begin = float((stream.start_time or 0) * (stream.time_base or 0))
    return length - begin if 0.0 < begin < length else length


def frames_before(path: Path, start: float, rate: float) -> int:
    """How many frames of a file or a folder begin before a moment, in seconds from the first one.

    Example:
        >>> frames_before(Path("."), 0.5, 24.0), frames_before(Path("."), 0.51, 24.0)
        (12, 13)
    """
    if path.is_dir() or start <= NEAR:
        return math.ceil(max(0.0, start) * rate - NEAR)
    count = 0
    with at_hand(path) as file, _opened(file) as container:
        stream = _video(container)
        for packet in () if stream is None else container.demux(stream):
            base, origin = float(packet.time_base or 0), stream.start_time or 0 if stream is not None else 0
            if packet.dts is not None and (packet.dts - origin) * base >= start:
                break
            stamp = packet.pts if packet.pts is not None else packet.dts
            count += stamp is not None and packet.size > 0 and (stamp - origin) * base < start - NEAR
    return count


def _frames(container: "InputContainer", start: float) -> Iterator[tuple[float, float, "VideoFrame"]]:
    """Frames with the seconds of their begin and end, from a key frame at or before `start` on.

    A bare stream without a clock is counted from its begin.
    """
    from av.error import FFmpegError

    stream = _video(container)
    if stream is None:
        return
    base = float(stream.time_base or 0)
    origin = (stream.start_time or 0) * base
    usual = 1 / float(stream.average_rate or stream.guessed_rate or 25)
    if start > 0 and base and stream.start_time is not None:
        container.seek(int((origin + start) / base), stream=stream)
    time = -usual
    broken: FFmpegError | None = None
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except FFmpegError as error:
            broken = broken or error.with_traceback(None)
            continue
        if broken is not None and packet.size:
            break  # not at the torn end of a file that was cut off, after which nothing comes
        for frame in frames:
            time = time + usual if frame.pts is None else frame.pts * base - origin
            length = float(frame.duration * base) if frame.duration else usual
            yield time, time + length, frame
    else:
        broken = broken if time < 0 else None
    if broken is not None:
        try:
            raise broken
        finally:  # an error that knows this function, which knows the error, keeps the decoder and its threads
            broken = None
