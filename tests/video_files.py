"""Small videos whose every frame tells its number, written to disk for the tests."""

import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from gestalt.modalities.video import Clip

CODECS = {".mp4": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx", ".avi": "mpeg4"}
SPEED = {
    "libx264": {"preset": "ultrafast"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "mpeg4": {},
    "mpeg2video": {},
}


def coded(number: int) -> UInt8[np.ndarray, "32 64 3"]:
    """Eight squares of 16 pixels, white where the number's bit is set."""
    bits = np.array([(number >> bit) & 1 for bit in range(8)], np.uint8).reshape(2, 4)
    return np.repeat(np.kron(bits, np.ones((16, 16), np.uint8))[..., None] * 200 + 25, 3, axis=2)


def numbers_of(clip: Clip) -> list[int]:
    """The numbers that a clip's frames tell, at any size of the picture."""
    _, height, width = clip.size
    rows, columns = [height // 4, 3 * height // 4], [(2 * place + 1) * width // 8 for place in range(4)]
    bits = clip.frames[:, 0][:, rows][:, :, columns].flatten(1) > 125
    return [int(sum(2**place for place, on in enumerate(row) if on)) for row in bits.tolist()]


def write(
    path: Path,
    seconds: Sequence[float],
    keys: int = 12,
    codec: str | None = None,
    form: str | None = None,
    options: Mapping[str, str] | None = None,
    tall: bool = False,
) -> None:
    """A video whose frame `i` begins at `seconds[i]`; every `keys`-th can be decoded by itself.

    `tall` pictures are on their side.
    """
    codec = codec or CODECS[path.suffix.lower()]
    even = len(set(np.diff(seconds).round(3).tolist())) == 1
    rate = Fraction(round(1000 / (seconds[1] - seconds[0])), 1000) if even else Fraction(1000)
    with av.open(str(path), "w", format=form, options=dict(options or {})) as container:
        stream = container.add_stream(codec, rate=rate, options=SPEED[codec])
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = (32, 64) if tall else (64, 32)
        stream.pix_fmt, stream.gop_size = "yuv420p", keys
        for number, second in enumerate(seconds):
            picture = coded(number % 256)
            picture = np.ascontiguousarray(picture.swapaxes(0, 1)) if tall else picture
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(second / float(1 / rate)), 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def turn(path: Path, numbers: tuple[float, float, float, float]) -> None:
    """Let the first track of an mp4 be shown turned, as telephones do: (x, y) goes to (a x + c y, b x + d y)."""
    content = bytearray(path.read_bytes())
    place = content.find(struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30), content.find(b"tkhd"))
    assert place > 0
    a, b, c, d = (round(number * (1 << 16)) for number in numbers)
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def write_sound(path: Path) -> None:
    """A file of that kind without pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        for first in range(0, 16_000, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, first
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def clip_of(numbers: Sequence[int], edges: Sequence[float]) -> Clip:
    """A clip that never was in a file."""
    frames = torch.from_numpy(np.stack([coded(number) for number in numbers])).permute(0, 3, 1, 2).contiguous()
    return Clip(frames, torch.tensor(edges))


def drawn(frames: Tensor) -> Clip:
    """Frames shown for an eighth of a second each."""
    return Clip(frames, torch.arange(len(frames) + 1) / 8)
