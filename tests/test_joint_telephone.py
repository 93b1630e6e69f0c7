"""A clip as a telephone makes it: stored on its side, with uneven frames and more than one track of sound."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from gestalt.core.data.items import Remarked
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.discover import discover
from gestalt.modalities.audio import MODALITY as AUDIO
from tests.test_joint_clocks import CLICKS, RATE, UNEVEN, clicks_of, filmed, windows
from tests.tiny_runs import tiny_run
from tests.video_files import drawn, numbers_of, turn

CLOCKWISE = (0, 1, -1, 0)
"""A display matrix: what is stored lying is shown turned by a quarter to the right."""
SAID = "the first of several tracks of sound alone is read of 1 of 2 files, such as"


@pytest.fixture
def telephone(tmp_path: Path) -> Path:
    """Frames of 64 x 32 pixels that are to be shown 32 wide and 64 high; the sound begins late."""
    folder = tmp_path / "clips"
    folder.mkdir()
    filmed(folder / "a.mp4", UNEVEN, (0.3, 6.0))
    turn(folder / "a.mp4", CLOCKWISE)
    return folder


def test_frames_of_a_telephone_are_upright_and_sound_at_their_seconds(telephone: Path) -> None:
    items, reading = windows(telephone)
    assert not reading.skipped
    for item in items:
        sound, clip = item.parts["audio"], item.parts["video"]
        assert clip.size[1:] == (64, 32)
        stored = drawn(clip.frames.rot90(1, (2, 3)))
        begins = [clip.start + float(time) for time in clip.edges[:-1]]
        shown = [max(number for number, time in enumerate(UNEVEN) if time <= begin + 1e-3) for begin in begins]
        assert numbers_of(stored) == shown
        for click in clicks_of(sound):
            by_clock = sound.start + 0.3 + click
            assert min(abs(by_clock - number * CLICKS) for number in range(13)) < 0.03
        assert clip.start == pytest.approx(sound.start + 0.3, abs=0.03)


def test_masks_of_a_telephones_clip_are_upright_too(telephone: Path, tmp_path: Path) -> None:
    tiny_run(tmp_path / "run", load_modality("audio+video"), "joint", 2)
    assert discover(tmp_path / "run", [telephone], tmp_path / "out", modality="audio+video") == 0
    masks = sorted((tmp_path / "out" / "video" / "masks" / "a").glob("*.png"))
    assert masks
    with Image.open(masks[-1]) as mask:
        assert mask.size == (32, 64)


def two_tracks(path: Path) -> None:
    """A video whose first track of sound is a tone of 400 Hz, and whose second one of 3000 Hz."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=Fraction(10), options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 32, "yuv420p"
        tracks = [container.add_stream("aac", rate=RATE, layout="mono") for _ in range(2)]
        for _ in range(20):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 64, 3), np.uint8), format="rgb24")))
        container.mux(video.encode(None))
        for track, pitch in zip(tracks, (400, 3000), strict=True):
            tone = (0.5 * np.sin(2 * np.pi * pitch * np.arange(2 * RATE) / RATE)).astype(np.float32)
            for first in range(0, len(tone), 1024):
                block = av.AudioFrame.from_ndarray(tone[None, first : first + 1024], format="fltp", layout="mono")
                block.sample_rate, block.pts, block.time_base = RATE, first, Fraction(1, RATE)
                container.mux(track.encode(block))
            container.mux(track.encode(None))


def test_of_several_tracks_the_first_is_heard_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    two_tracks(folder / "a.mkv")
    filmed(folder / "b.mp4", UNEVEN, (0.0, 6.0))
    alone, joint = AUDIO.read([folder]).items, load_modality("audio+video").read([folder]).items
    for items in (alone, joint):
        assert isinstance(items, Remarked)
        assert tuple(items.remarks) == (f"{SAID} {folder / 'a.mkv'}",)
    strongest = int(torch.fft.rfft(alone.read(0, np.random.default_rng(0)).samples).abs().argmax())
    assert strongest * RATE / len(alone.read(0, np.random.default_rng(0)).samples) == pytest.approx(400, abs=5)
    assert AUDIO.read([folder / "b.mp4"]).items.remarks == ()  # type: ignore[attr-defined]
    tiny_run(tmp_path / "run", load_modality("audio"))
    assert discover(tmp_path / "run", [folder], tmp_path / "out", modality="audio") == 0
    assert SAID in capsys.readouterr().err
