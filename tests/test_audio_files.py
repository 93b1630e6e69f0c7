"""Of odd sound files all is read, at its time, or they are named: no header is believed."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from av.audio.frame import format_dtypes

from gestalt.core.data.items import BadItemError
from gestalt.modalities.audio import MODALITY, AudioFiles, containers
from gestalt.modalities.audio.reading import Header, decode, read_header
from tests.sounds import RATE, lag, sweep, write_coded, write_sound

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "1000000"}
VARIABLE = {"flags": "+qscale", "global_quality": "472"}


def resized(path: Path, size: int) -> None:
    """A WAV whose header speaks of so many bytes of sound."""
    write_sound(path)
    content = bytearray(path.read_bytes())
    at = content.find(b"data") + 4
    content[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(content)


def totalled(path: Path, samples: int) -> None:
    """A FLAC whose header speaks of so many samples; 0 stands for an unknown number."""
    write_sound(path)
    content = bytearray(path.read_bytes())
    content[21] = content[21] & 0xF0 | samples >> 32
    content[22:26] = struct.pack(">I", samples & 0xFFFFFFFF)
    path.write_bytes(content)


def unsized_au(path: Path) -> None:
    write_sound(path, kind="AU")
    content = bytearray(path.read_bytes())
    content[8:12] = b"\xff" * 4
    path.write_bytes(content)


def joined(path: Path, *parts: Callable[[Path], None]) -> None:
    """The files that `parts` write, one after another in one file."""
    written = []
    for part in parts:
        part(path)
        written.append(path.read_bytes())
    path.write_bytes(b"".join(written))


def cut(path: Path, write: Callable[[Path], None]) -> None:
    write(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


READ: dict[str, Callable[[Path], None]] = {
    "vbr without a header.mp3": lambda path: write_coded(
        path, "libmp3lame", options={"write_xing": "0"}, quality=VARIABLE
    ),
    "without a header.mp3": lambda path: write_coded(path, "libmp3lame", options={"write_xing": "0"}),
    "with a header.mp3": lambda path: write_coded(path, "libmp3lame"),
    "layer two.mp2": lambda path: write_coded(path, "mp2"),
    "in an avi.avi": lambda path: write_coded(path, "libmp3lame"),
    "windows.wma": lambda path: write_coded(path, "wmav2"),
    "slow windows.wma": lambda path: write_coded(path, "wmav2", rate=16_000),
    "bare.aac": lambda path: write_coded(path, "aac"),
    "edited.m4a": lambda path: write_coded(path, "aac"),
    "late.m4a": lambda path: write_coded(path, "aac", begin=5.0),
    "in fragments.m4a": lambda path: write_coded(path, "aac", form="mp4", options=FRAGMENTS),
    "broadcast.ts": lambda path: write_coded(path, "aac", form="mpegts", begin=1000.0),
    "flash.flv": lambda path: write_coded(path, "aac"),
    "dolby.ac3": lambda path: write_coded(path, "ac3"),
    "late.mka": lambda path: write_coded(path, "libopus", rate=48_000, begin=5.0),
    "advanced.mka": lambda path: write_coded(path, "aac"),
    "live.webm": lambda path: write_coded(path, "libopus", rate=48_000, options={"live": "1"}),
    "skipped.opus": lambda path: write_coded(path, "libopus", rate=48_000, form="ogg"),
    "vorbis.ogg": lambda path: write_sound(path, kind="OGG"),
    "in ogg.ogg": lambda path: write_coded(path, "flac", form="ogg"),
    "no total.flac": lambda path: totalled(path, 0),
    "too small a total.flac": lambda path: totalled(path, 2 * RATE),
    "streamed.wav": lambda path: resized(path, 0xFFFFFFFF),
    "never closed.wav": lambda path: resized(path, 0),
    "large.rf64": lambda path: write_sound(path, kind="RF64"),
    "wide.w64": lambda path: write_sound(path, kind="W64"),
    "apple.aiff": lambda path: write_sound(path, kind="AIFF"),
    "apple.caf": lambda path: write_sound(path, kind="CAF"),
    "streamed.au": unsized_au,
    "a wave by another name.m4a": lambda path: write_sound(path, kind="WAV"),
    "an m4a by another name.wav": lambda path: write_coded(path, "aac", form="mp4"),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_to_its_end_and_every_place_sounds_at_its_time(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    READ[name](path)
    header = read_header(path)
    assert header.seconds == pytest.approx(6.0, abs=0.06)
    for start in (0.0, 1.0, 3.5):
        samples = decode(path, header, start, 2.0, 16_000).numpy()
        assert len(samples) == 32_000
        assert abs(lag(samples, 16_000, start)) <= 24, f"more than 1.5 ms late or early at {start} s"


NAMED: dict[str, tuple[Callable[[Path], None], str]] = {
    "chained.ogg": (lambda path: joined(path, *[lambda p: write_sound(p, kind="OGG")] * 2), "holds several recordings"),
    "two.flac": (lambda path: joined(path, write_sound, write_sound), "holds several recordings"),
    "two.wav": (lambda path: joined(path, write_sound, write_sound), "goes on after its end.*speaks of"),
    "two.aiff": (lambda path: joined(path, write_sound, write_sound), "goes on after its end"),
    "half a header.wav": (lambda path: resized(path, 400_000), r"speaks of 2\.3 s, and \d+ bytes follow"),
    "half.m4a": (lambda path: cut(path, lambda p: write_coded(p, "aac")), "cannot be read as audio"),
    "slow.wav": (lambda path: soundfile.write(path, sweep(8000, 9.0), 1), "its sample rate is 1 Hz"),
    "years.mka": (lambda path: write_coded(path, "libopus", rate=48_000, gap=(2.0, 4e6)), "lasts 46 days, in"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_a_file_whose_header_and_content_disagree_is_named_and_can_be_left_out(tmp_path: Path, name: str) -> None:
    make, reason = NAMED[name]
    make(tmp_path / name)
    with pytest.raises(BadItemError, match=reason) as caught:
        MODALITY.read([tmp_path / name])
    assert str(tmp_path / name) in str(caught.value)
    assert "--skip-bad" in str(caught.value)
    write_sound(tmp_path / "good.wav")
    reading = MODALITY.read([tmp_path / name, tmp_path / "good.wav"], skip_bad=True)
    assert ([skipped.name for skipped in reading.skipped], len(reading.items)) == ([str(tmp_path / name)], 2)


@pytest.mark.parametrize("name", ["a.mka", "a.m4a"])
def test_what_a_recorder_lost_is_silence_and_what_follows_keeps_its_time(tmp_path: Path, name: str) -> None:
    write_coded(tmp_path / name, "aac", gap=(2.0, 3.0))
    header = read_header(tmp_path / name)
    assert header.seconds == pytest.approx(9.0, abs=0.06)
    whole = decode(tmp_path / name, header, 0.0, 9.0, 16_000).numpy()
    parts = np.concatenate([decode(tmp_path / name, header, start, 1.0, 16_000).numpy() for start in np.arange(8.0)])
    for samples in (whole, parts):
        assert float(np.abs(samples[36_000:78_000]).max()) < 0.01
        assert abs(lag(samples[6 * 16_000 : 8 * 16_000], 16_000, 3.0)) <= 24


def test_a_rate_that_changes_within_a_file_is_named_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "two rates.aac"
    joined(
        path, lambda p: write_coded(p, "aac", seconds=5.0), lambda p: write_coded(p, "aac", rate=22_050, seconds=5.0)
    )
    with pytest.raises(BadItemError, match=r"two rates\.aac: cannot be decoded at \d\.\d s \(its sample rate changes"):
        MODALITY.read([path])


def test_a_tag_between_joined_files_is_passed_over(tmp_path: Path) -> None:
    joined(tmp_path / "a.mp3", *[lambda path: write_coded(path, "libmp3lame", seconds=4.0)] * 2)
    items = MODALITY.read([tmp_path]).items
    assert isinstance(items, AudioFiles)
    lengths = [len(items.read(index, np.random.default_rng(0)).samples) for index in range(2)]
    assert lengths == pytest.approx([64_000, 64_000], abs=200)


TONE = 0.3 * np.sin(np.arange(16_000 * 3) * 0.3)
ULTRASOUND = 0.3 * np.sin(2 * np.pi * 45_000 * np.arange(192_000 * 3) / 192_000)


@pytest.mark.parametrize(
    ("rate", "channels", "reason"),
    [
        (16_000, np.stack([TONE, -TONE], axis=1), "its channels cancel each other out.*save one of them"),
        (16_000, np.full((48_000, 2), 0.4), "holds a constant voltage and no sound"),
        (16_000, np.zeros((48_000, 2)), "is silent throughout.*check the microphone"),
        (192_000, ULTRASOUND, "has no sound below 8000 Hz.*--sample-rate 192000"),
    ],
)
def test_a_recording_in_which_nothing_is_heard_is_named_with_the_true_cause(
    tmp_path: Path, rate: int, channels: np.ndarray, reason: str
) -> None:
    soundfile.write(tmp_path / "a.wav", channels, rate, subtype="FLOAT")
    with pytest.raises(BadItemError, match=reason) as caught:
        MODALITY.read([tmp_path])
    assert ("microphone" in str(caught.value)) == ("microphone" in reason)


def test_one_dead_channel_or_an_offset_is_no_silence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "dead.wav", np.stack([TONE, 0 * TONE], axis=1), 16_000)
    soundfile.write(tmp_path / "offset.wav", np.stack([TONE + 0.5, TONE + 0.5], axis=1), 16_000)
    assert len(MODALITY.read([tmp_path]).items) == 2


def test_torn_bytes_anywhere_are_named_and_never_end_a_run_that_may_skip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    makers: dict[str, Callable[[Path], None]] = {
        "a.mp3": READ["with a header.mp3"], "a.flac": write_sound, "a.ogg": READ["vorbis.ogg"],
        "a.m4a": READ["edited.m4a"], "a.webm": READ["live.webm"], "a.wav": write_sound,
    }  # fmt: skip
    write_sound(tmp_path / "good.wav")
    for name, make in makers.items():
        make(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        for trial in range(8):
            torn = bytearray(content)
            for place in rng.integers(0, len(torn) if trial % 2 else 400, size=40 if trial % 2 else 6):
                torn[place] = int(rng.integers(256))
            (tmp_path / name).write_bytes(torn)
            items = MODALITY.read([tmp_path / name, tmp_path / "good.wav"], skip_bad=True).items
            for index in range(min(len(items), 40)):
                try:
                    assert len(items.read(index, rng).samples)
                except BadItemError as error:
                    assert name in str(error)  # noqa: PT017


def test_more_is_never_read_than_there_is(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", seconds=3.0)
    assert len(decode(tmp_path / "a.wav", Header(2.0, RATE, False), 1.0, 4.0, 16_000)) == 16_000


def test_a_container_of_more_channels_than_eight_is_read_with_all_of_them(tmp_path: Path) -> None:
    samples = (np.arange(8000 * 12).reshape(8000, 12) % 97 / 200).astype(np.float32)
    soundfile.write(tmp_path / "a.caf", samples, 8000, "FLOAT", format="CAF")
    found = containers.extent(tmp_path / "a.caf")
    assert found is not None
    block, start = containers.stretch(tmp_path / "a.caf", found, 0.1, 0.2)
    first = round(start * 8000)
    assert np.array_equal(block.T, samples[first : first + block.shape[1]])
    assert first / 8000 <= 0.1 < 0.3 <= (first + block.shape[1]) / 8000


@pytest.mark.parametrize("form", ["u8", "u8p", "s16", "s16p", "s32", "s32p", "flt", "fltp", "dbl", "dblp"])
@pytest.mark.parametrize("channels", [1, 2, 10])
def test_samples_of_every_type_are_what_ffmpeg_makes_of_them(form: str, channels: int) -> None:
    kind = np.dtype(format_dtypes[form])
    random = np.random.default_rng(0)
    samples: Any = random.uniform(-1, 1, (1, 50 * channels)).astype(kind)
    if kind.kind != "f":
        limits = np.iinfo(kind)
        samples = random.integers(limits.min, limits.max, (1, 50 * channels), kind, endpoint=True)
        samples[0, :2] = limits.min, limits.max
    layout = {1: "mono", 2: "stereo", 10: "10 channels"}[channels]
    frame = av.AudioFrame.from_ndarray(samples, format=form.removesuffix("p"), layout=layout)
    frame.sample_rate = 8000
    (expected,) = av.AudioResampler(format="flt").resample(frame)
    if form.endswith("p"):
        (frame,) = av.AudioResampler(format=form).resample(frame)
    (part,) = containers._in_floats(frame, {})
    assert (part is frame) == (not (form.endswith("p") and channels > 8))
    block = part.to_ndarray()
    found = containers._between_one(block if part.format.is_planar else block.reshape(-1, channels).T)
    assert found.dtype == np.float32
    assert np.array_equal(found, expected.to_ndarray().reshape(-1, channels).T)
