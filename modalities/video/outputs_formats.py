"""Objects in the field's formats: a video with coloured objects, and index masks as the DAVIS benchmark has them."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from .masks import overlay

if TYPE_CHECKING:
    from av.video.stream import VideoStream

CLOCK = 90_000
"""Ticks of a video's clock per second: times that the source gives survive in it."""

Part = tuple[UInt8[Tensor, "_ 3 _ _"], Int[Tensor, "_ _ _"], list[float]]
"""Frames, the object of every pixel (−1 for none), and the seconds at which each frame begins."""


def write_overlay(path: Path, parts: Iterable[Part]) -> int:
    """Write an MP4 (H.264) of the frames with their objects in colours, each frame at its own time.

    Sides are cut to even numbers of pixels, which the format demands. Parts come one after the other, so that a long
    video is never in memory as a whole.

    Returns:
        Number of frames.

    Raises:
        ValueError: if there are no frames, or their times do not increase.
    """
    import av

    written, last = 0, -1
    with av.open(str(path), "w", format="mp4") as container:
        stream: VideoStream | None = None
        for frames, numbers, times in parts:
            height, width = (max(2, side // 2 * 2) for side in frames.shape[2:])
            if stream is None:
                stream = container.add_stream("libx264", rate=Fraction(CLOCK, 1), options={"crf": "18"})
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                stream.time_base = stream.codec_context.time_base = Fraction(1, CLOCK)
            for picture, time in zip(overlay(frames, numbers), times, strict=True):
                ticks = round(time * CLOCK)
                if ticks <= last:
                    raise ValueError(f"times of frames must increase, got {time} s after {last / CLOCK} s")
                even = np.ascontiguousarray(picture.permute(1, 2, 0).numpy()[:height, :width])
                frame = av.VideoFrame.from_ndarray(even, format="rgb24")
                frame.pts, frame.time_base = ticks, Fraction(1, CLOCK)
                container.mux(stream.encode(frame))
                written, last = written + 1, ticks
        if stream is None:
            raise ValueError(f"{path}: there are no frames to write")
        container.mux(stream.encode(None))
    return written


def write_index_masks(
    folder: Path, numbers: Int[Tensor, "time height width"], first: int = 0, names: Sequence[str] = ()
) -> list[Path]:
    """One palette PNG per frame, `00000.png`, `00001.png`, …: 0 is the ground, object `k` of ours is `k + 1`.

    Args:
        folder: made if it is missing.
        numbers: the object of every pixel, −1 for none.
        first: number of the first frame, where a video comes in parts.
        names: of all frames of the video, where they have some, in place of the numbers: `00005` of `00005.jpg`.

    Raises:
        ValueError: if there are more than 254 objects: the format has no more numbers, 255 is what is not evaluated.
    """
    from PIL import Image

    if numbers.numel() and int(numbers.max()) >= 254:
        raise ValueError(f"index masks hold at most 254 objects, got number {int(numbers.max())}")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    colours = davis_palette().flatten().tolist()
    for place, frame in enumerate((numbers + 1).to(torch.uint8)):
        image = Image.fromarray(frame.numpy())
        image.putpalette(colours)
        number = first + place
        written.append(folder / f"{names[number] if number < len(names) else f'{number:05d}'}.png")
        image.save(written[-1])
    return written


def davis_palette() -> UInt8[Tensor, "256 3"]:
    """The colours of the benchmark's own masks: bits of the number spread over red, green and blue.

    Example:
        >>> davis_palette()[:4].tolist()
        [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    """
    numbers = torch.arange(256)
    colours = torch.zeros(256, 3, dtype=torch.long)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((numbers >> (3 * bit + channel)) & 1) << (7 - bit)
    return colours.to(torch.uint8)
