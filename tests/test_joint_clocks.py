"""The sound and the frames of a video at the same seconds, whatever begins first and however frames come."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from gestalt.core.data.items import BadItemError
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.modality.joint import JointItem, JointModality
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.parts_of_objects import write_parts
from tests.video_files import coded, numbers_of

RATE = 16_000
TICKS = 1000
CLICKS = 0.5
"""Seconds between two clicks of the sound, by the clock of the file."""


def filmed(path: Path, frames: Sequence[float], sound: tuple[float, float]) -> None:
    """Frame `i` is on show from `frames[i]` on; sound between two moments, a click every half second."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=Fraction(TICKS), options={"preset": "ultrafast", "bf": "0"})
        video.width, video.height, video.pix_fmt = 64, 32, "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono", options={"b": "128k"})
        for number, second in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(coded(number % 256), format="rgb24")
            frame.pts, frame.time_base = round(second * TICKS), Fraction(1, TICKS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        begin, end = (round(moment * RATE) for moment in sound)
        samples = np.zeros(end - begin, np.float32)
        for click in np.arange(0.0, sound[1], CLICKS):
            at = round(click * RATE) - begin
            if 0 <= at < len(samples) - 80:
                samples[at : at + 80] = 0.9 * np.sin(2 * np.pi * 1000 * np.arange(80) / RATE)
        for first in range(0, len(samples), 1024):
            block = av.AudioFrame.from_ndarray(samples[None, first : first + 1024], format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = RATE, begin + first, Fraction(1, RATE)
            container.mux(audio.encode(block))
        container.mux(audio.encode(None))


def clicks_of(sound: Any) -> list[float]:
    """When clicks begin, in seconds of the window."""
    loud = (sound.samples.abs() > 0.3).nonzero()[:, 0].numpy() / RATE
    return [float(time) for time in loud if not bool(((loud < time) & (loud > time - 0.1)).any())]


def windows(path: Path, skip_bad: bool = False) -> tuple[list[JointItem], Any]:
    reading = load_modality("audio+video").read([path], skip_bad)
    return [reading.items.read(number, np.random.default_rng(0)) for number in range(len(reading.items))], reading


EVEN = [number / 10 for number in range(60)]
UNEVEN = [0.0, 0.05, 0.4, 0.5, 1.0, 1.2, 1.75, *(2 + number / 8 for number in range(32))]


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize("frames", [EVEN, UNEVEN], ids=["even", "uneven"])
def test_windows_show_and_sound_the_same_seconds_where_the_sound_begins_late(
    tmp_path: Path, ending: str, frames: Sequence[float]
) -> None:
    filmed(tmp_path / f"a.{ending}", frames, (0.5, 6.0))
    items, reading = windows(tmp_path)
    assert len(items) == 3
    for number, item in enumerate(items):
        begin = 0.5 + 2 * number
        sound, clip = item.parts["audio"], item.parts["video"]
        assert clip.start == pytest.approx(begin, abs=2e-3)
        assert sound.start == pytest.approx(begin - 0.5, abs=2e-3)
        assert sound.seconds == pytest.approx(clip.seconds, abs=0.13)
        shown = [time for time in frames if begin - 1e-3 <= time < begin + 2]
        on_show = max(time for time in frames if time <= begin + 1e-3)
        assert numbers_of(clip)[0] == frames.index(on_show)
        assert {round(time, 2) for time in clip.times[1:]} <= {round(time, 2) for time in shown}
        for click in clicks_of(sound):
            assert (begin + click + 0.01) % CLICKS < 0.03, (number, click)
        assert len(clicks_of(sound)) >= 3
    assert [(Path(one.name).name, one.reason) for one in reading.damaged] == [
        (f"a.{ending}", "the first 0.50 s of its video are left out, where another part of the item has nothing")
    ]


def test_windows_are_of_the_same_seconds_where_the_frames_begin_late_or_end_early(tmp_path: Path) -> None:
    filmed(tmp_path / "a.mp4", [1.0 + number / 10 for number in range(35)], (0.0, 6.0))
    items, reading = windows(tmp_path)
    assert [round(item.parts["video"].start, 2) for item in items] == [0.0, 2.0]
    assert [round(item.parts["audio"].start, 2) for item in items] == [1.0, 3.0]
    assert items[1].parts["audio"].seconds == pytest.approx(items[1].parts["video"].seconds, abs=0.03)
    assert "the first 1.00 s and the last 1.60 s of its audio" in reading.damaged[0].reason


def test_a_video_whose_sound_and_frames_never_meet_is_named(tmp_path: Path) -> None:
    filmed(tmp_path / "a.mp4", [number / 10 for number in range(20)], (2.5, 5.0))
    filmed(tmp_path / "b.mp4", EVEN, (0.0, 6.0))
    with pytest.raises(BadItemError, match=r"a.mp4: its parts audio and video have no 0.25 s in common"):
        windows(tmp_path)
    items, reading = windows(tmp_path, skip_bad=True)
    assert len(items) == 3
    assert [Path(one.name).name for one in reading.skipped] == ["a.mp4"]


def test_windows_of_both_parts_begin_earlier_or_later_by_the_same_while_training(tmp_path: Path) -> None:
    filmed(tmp_path / "a.mp4", EVEN, (0.5, 6.0))
    items = windows(tmp_path)[1].items.with_jitter(True)
    begins = set[float]()
    for seed in range(6):
        item = items.read(1, np.random.default_rng(seed))
        sound, clip = item.parts["audio"], item.parts["video"]
        assert clip.start == pytest.approx(sound.start + 0.5, abs=1e-3)
        assert clip.start >= 0.5 - 1e-3
        assert clip.start + clip.seconds <= 6.0 + 1e-3
        begins.add(round(clip.start, 2))
    assert len(begins) >= 4


def test_both_parts_are_written_at_the_seconds_and_frames_of_the_file(tmp_path: Path) -> None:
    """The five frames before the sound have no masks; that of the sixth has its number."""
    filmed(tmp_path / "a.mp4", EVEN, (0.5, 6.0))
    modality = load_modality("audio+video")
    assert isinstance(modality, JointModality)
    reading = modality.read_full([tmp_path])
    items = [reading.items.read(number, np.random.default_rng(0)) for number in range(3)]
    features = modality.encoders["raw"]()(modality.collate([modality.for_network(item) for item in items]))
    labels = torch.where(features.valid, 0, -1)
    segmentation = Segmentation.from_labels(labels, 1, features.places)
    (tmp_path / "out").mkdir()
    found = FoundBatch((0, 1, 2), tuple(items), features, segmentation)
    write_parts([found], modality.modalities, reading.items, tmp_path / "out")
    masks = sorted(path.stem for path in (tmp_path / "out" / "video" / "masks" / "a").glob("*.png"))
    assert masks == [f"{number:05d}" for number in range(5, 60)]
