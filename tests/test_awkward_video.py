"""Clips whose frames are far apart, of unknown codecs, or cut off in their index: read, or named with the cause."""

import fractions
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from gestalt.core.data.items import BadItemError
from gestalt.modalities.video import MODALITY


def clip(path: Path, milliseconds: Callable[[int], int], frames: int) -> Path:
    """Frames that are shown at those times, coded with such that refer to later ones."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"bf": "3"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = fractions.Fraction(1, 1000)
        for number in range(frames):
            pixels = np.full((48, 64, 3), number % 200, np.uint8)
            pixels[number % 40 :, :8] = 255
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = milliseconds(number), fractions.Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("milliseconds", "frames", "seconds"),
    [(lambda number: 2000 * number, 10, 20.0), (lambda number: 40 * number + 20_000 * (number >= 30), 60, 22.4)],
    ids=["one frame in two seconds", "a gap of twenty seconds"],
)
def test_clips_whose_frames_are_far_apart_are_read(
    milliseconds: Callable[[int], int], frames: int, seconds: float, tmp_path: Path
) -> None:
    items = MODALITY.read([clip(tmp_path / "a.mkv", milliseconds, frames)]).items
    assert items.headers[0].seconds == pytest.approx(seconds, abs=2.1)  # type: ignore[attr-defined]
    for index in (0, len(items) - 1):
        assert len(items.read(index, np.random.default_rng(0)).frames)


def test_a_codec_that_nobody_knows_is_called_so(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", lambda number: 40 * number, 30)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz1"))
    with pytest.raises(BadItemError, match=r"a\.mp4: cannot be read as video \(FFmpeg does not know its codec\)"):
        MODALITY.read([path])


def test_a_clip_that_is_cut_off_in_its_index_is_called_so(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", lambda number: 40 * number, 30)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moov") + 170])
    with pytest.raises(BadItemError, match=r"a\.mp4: is cut off: the index at its end is not there as a whole"):
        MODALITY.read([path])
