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

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

SUFFIXES = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv", ".3gp", ".wmv", ".flv", ".gif", ".mjpeg")
)
ADVICE = "convert it to mp4, remove it, or leave it out with --skip-bad"
NEAR = 1e-4  # seconds: times of one frame in two clocks differ by rounding
LOOK_BACK = (0.0, 5.0, float("inf"))  # seconds; some formats land behind the wanted place: then one begins earlier


@final
@dataclass(frozen=True)
class Header:
    """What a video says of itself: its length in seconds and its mean number of frames per second."""

    seconds: float
    rate: float


@final
@dataclass(frozen=True)
class Stretch:
    """Decoded frames, and the seconds at which each begins to be shown; the last entry is where the last one ends.

    `continued` says that the first one began before the stretch.
    """

    frames: UInt8[Tensor, "time 3 height width"]
    times: tuple[float, ...]
    continued: bool = False


def scaled(width: int, height: int, size: int | None) -> tuple[int, int]:
    """Width and height brought to a shorter side of `size` pixels; never enlarged.

    Example:
        >>> scaled(1920, 1080, 112), scaled(64, 48, 112)
        ((199, 112), (64, 48))
    """
    shorter = min(width, height)
    if size is None or shorter <= size:
        return width, height
    return max(1, round(width * size / shorter)), max(1, round(height * size / shorter))


def read_header(path: Path) -> Header:
    """Length and rate of a file; packets near its end are read, and nothing is decoded.

    Raises:
        BadItemError: if the file is empty, no video, or ends before it should.
    """
    from av.error import FFmpegError

    if path.stat().st_size == 0:
        raise BadItemError(str(path), f"the file has no bytes; copy or record it again, {ADVICE.split(', ', 1)[1]}")
    try:
        with _opened(path) as container:
            stream = _video(container)
            if stream is None:
                what = "only sound" if container.streams.audio else "no moving picture"
                raise BadItemError(str(path), f"holds {what}; name a video, remove it, or leave it out with --skip-bad")
            base = float(stream.time_base or 0)
            origin = (stream.start_time or 0) * base
            said = _said(stream)
            guess = said if said is not None else (container.duration or 0) / 1e6
            end = _last(container, stream, origin + guess) - origin
            rate = float(stream.average_rate or stream.guessed_rate or 0)
            known = said is not None or not container.streams.audio
    except FFmpegError as error:
        reason = str(error.strerror or error)
        raise BadItemError(str(path), f"cannot be read as video ({reason}); {ADVICE}") from error
    if known and end < guess - max(1.0, 0.1 * guess):
        raise BadItemError(
            str(path),
            f"is cut off: it should last {guess:.1f} s and ends at {max(end, 0):.1f} s; copy it again, {ADVICE}",
        )
    return Header(max(end, 0.0), rate if rate > 0 else 25.0)


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
    from av.error import FFmpegError

    kept, end = list[tuple[float, UInt8[np.ndarray, "height width 3"]]](), start
    try:
        for look_back in LOOK_BACK:
            kept, end = _kept(path, start, seconds, rate, size, max(0.0, start - look_back))
            if start <= NEAR or (kept and kept[0][0] <= start + NEAR) or start <= look_back:
                break
    except (FFmpegError, OSError) as error:
        raise BadItemError(str(path), f"cannot be decoded at {start:.1f} s ({error}); {ADVICE}") from error
    if not kept:
        return Stretch(torch.zeros(0, 3, 1, 1, dtype=torch.uint8), (start,))
    pictures = np.stack([picture for _, picture in kept])
    times = (max(kept[0][0], start), *(time for time, _ in kept[1:]), end)
    frames = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
    return Stretch(frames, times, kept[0][0] < start - NEAR)


def _kept(
    path: Path, start: float, seconds: float, rate: float | None, size: int | None, begin: float
) -> tuple[list[tuple[float, UInt8[np.ndarray, "height width 3"]]], float]:
    """Frames with their times, from the one on show at `start`, thinned to `rate`; and the end of the last."""
    apart = 0.0 if rate is None else (1 - 1e-3) / rate
    kept: list[tuple[float, UInt8[np.ndarray, "height width 3"]]] = []
    on_show: tuple[float, VideoFrame] | None = None
    end = start
    with _opened(path) as container:
        for time, until, frame in _frames(container, begin):
            if time <= start + NEAR:
                on_show, end = (time, frame), min(until, start + seconds)
                continue
            if on_show is not None:
                kept.append((on_show[0], _picture(on_show[1], size)))
                on_show = None
            if time >= start + seconds - NEAR:
                end = start + seconds
                break
            if not kept or time - max(kept[-1][0], start) >= apart:
                kept.append((time, _picture(frame, size)))
            end = min(until, start + seconds)
    if on_show is not None and end > start + NEAR:
        kept.append((on_show[0], _picture(on_show[1], size)))
    return kept, max(end, start + NEAR)


def _opened(path: Path) -> "InputContainer":
    import av

    return av.open(str(path))


def _video(container: "InputContainer") -> "VideoStream | None":
    """The first stream of moving pictures; a cover of a song is none."""
    from av.stream import Disposition

    cover = Disposition.attached_pic
    return next((stream for stream in container.streams.video if not stream.disposition & cover), None)


def _said(stream: "VideoStream") -> float | None:
    """The length that the stream itself states, in seconds."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    stated = stream.metadata.get("DURATION", "").split(":")  # Matroska's way: 00:00:10.040000000
    return sum(float(part) * 60**place for place, part in enumerate(reversed(stated))) if len(stated) == 3 else None


def _last(container: "InputContainer", stream: "VideoStream", end: float) -> float:
    """Where the last packet of a stream ends, in the stream's own clock."""
    from av.error import FFmpegError

    base = float(stream.time_base or 0)
    last = -math.inf
    for place in (end - 1.0, None):
        try:
            if place is not None and base:
                container.seek(int(max(0.0, place) / base), stream=stream)
            elif place is None:
                container.seek(0)
            for packet in container.demux(stream):
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is not None:
                    last = max(last, (stamp + (packet.duration or 0)) * base)
        except FFmpegError:
            pass  # a damaged end: what came before counts
        if last > -math.inf:
            break
    return last


def _frames(container: "InputContainer", start: float) -> Iterator[tuple[float, float, "VideoFrame"]]:
    """Frames with the seconds of their begin and end, from a key frame at or before `start` on."""
    stream = _video(container)
    if stream is None:
        return
    base = float(stream.time_base or 0)
    origin = (stream.start_time or 0) * base
    usual = 1 / float(stream.average_rate or stream.guessed_rate or 25)
    if start > 0 and base:
        container.seek(int((origin + start) / base), stream=stream)
    time = start
    for frame in container.decode(stream):
        time = time + usual if frame.pts is None else frame.pts * base - origin
        length = float(frame.duration * base) if frame.duration else usual
        yield time, time + length, frame


def _picture(frame: "VideoFrame", size: int | None) -> UInt8[np.ndarray, "height width 3"]:
    width, height = scaled(frame.width, frame.height, size)
    picture = frame.to_ndarray(format="rgb24", width=width, height=height)
    turns = round(frame.rotation / 90) % 4  # telephones store a turned picture and say so
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture
