"""Recordings of any kind and length are read in windows, and bad files are named with what to do."""

import pickle
import time
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.probing import SAMPLE
from gestalt.modalities.audio import MODALITY, AudioFiles, Recording, collate, each_window, silence
from gestalt.modalities.audio.reading import Header, decode, read_channels, read_header
from tests.counting import Counted

RNG = np.random.default_rng(0)


def sweep(rate: int, seconds: float, start: float = 0.0) -> Float[np.ndarray, " time"]:
    """A tone whose pitch encodes the time: 400 Hz at the beginning, 100 Hz more every second."""
    t = start + np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * (400 * t + 50 * t**2))).astype(np.float32)


def write_container(path: Path, rate: int, seconds: float, codec: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        stereo = np.stack([sweep(rate, seconds)] * 2)
        for first in range(0, stereo.shape[1], 1024):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(stereo[:, first : first + 1024]), format="fltp", layout="stereo"
            )
            frame.sample_rate = rate
            frame.pts = first
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write(path: Path, rate: int, seconds: float) -> None:
    codecs = {".mp4": "aac", ".m4a": "aac", ".mov": "aac", ".webm": "libopus", ".aac": "aac"}
    if path.suffix in codecs:
        write_container(path, rate, seconds, codecs[path.suffix])
    else:
        soundfile.write(path, np.stack([sweep(rate, seconds)] * 2, axis=1), rate)


KINDS = [
    ("a.wav", 44_100), ("a.flac", 22_050), ("a.ogg", 48_000), ("a.mp3", 44_100), ("odd.wav", 44_101),
    ("a.mp4", 44_100), ("a.m4a", 32_000), ("a.mov", 16_000), ("a.webm", 48_000), ("a.aac", 44_100),
]  # fmt: skip


@pytest.mark.parametrize(("name", "rate"), KINDS)
def test_every_window_of_every_format_holds_the_sound_of_its_seconds(tmp_path: Path, name: str, rate: int) -> None:
    write(tmp_path / name, rate, 10.0)
    files = MODALITY.read([tmp_path / name]).items
    assert isinstance(files, AudioFiles)
    assert len(files) == 3
    for index in range(3):
        item = files.read(index, RNG)
        assert item.sample_rate == 16_000
        assert item.start == 4.0 * index
        assert len(item.samples) == pytest.approx(64_000 if index < 2 else 32_000, abs=1700)
        expected = torch.from_numpy(sweep(16_000, 4.0, start=item.start))
        middle = item.samples[8_000:24_000]
        # AAC and MP3 carry a delay of their own when a file has no tag for it: at most 50 ms, else the wrong place.
        lags = [abs(float((middle * expected[8_000 + lag : 24_000 + lag]).mean())) for lag in range(-2400, 2401)]
        best = int(np.argmax(lags)) - 2400
        assert lags[best + 2400] > 0.115, "the sweep is not the one that was written"
        assert abs(best) <= (16 if Path(name).suffix in (".wav", ".flac", ".ogg") else 2200)


@settings(deadline=None, max_examples=20)
@given(st.floats(0.3, 30.0), st.floats(0.5, 7.0))
def test_windows_cover_a_file_once_and_in_order(seconds: float, window: float) -> None:
    files = AudioFiles([Path("a"), Path("b")], [Header(seconds, 16_000, False)] * 2, seconds=window)
    own = files.windows(Path("b"))
    assert [files.start(index) for index in own] == [window * number for number in range(len(own))]
    assert all(files.path(index) == Path("b") for index in own)
    assert len(files) == 2 * len(own)
    left = seconds - window * len(own)
    assert left < 0.25 + 1e-9
    assert len(own) == 1 or files.start(own[-1]) <= seconds - 0.25


def test_jitter_moves_windows_and_discovery_reads_them_exactly(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 16_000, 10.0)
    files = MODALITY.read([tmp_path]).items
    assert isinstance(files, AudioFiles)
    moved = files.with_jitter(True)
    starts = [moved.read(1, np.random.default_rng(seed)).start for seed in range(5)]
    assert len(set(starts)) == 5
    assert all(2.0 <= start <= 6.0 for start in starts)
    assert moved.read(1, np.random.default_rng(3)).start == starts[3]
    assert len(moved.read(2, RNG).samples) == 64_000
    assert [item.start for item in each_window(moved, tmp_path / "a.wav")] == [0.0, 4.0, 8.0]


def test_a_late_window_of_a_three_hour_file_is_read_at_once_and_in_little_memory(tmp_path: Path) -> None:
    path, rate, seconds = tmp_path / "long.wav", 8_000, 3 * 3600
    with soundfile.SoundFile(path, "w", samplerate=rate, channels=1, subtype="PCM_U8") as file:
        minute = np.zeros(60 * rate, np.float32)
        for _ in range(seconds // 60 - 1):
            file.write(minute)
        file.write(sweep(rate, 60.0))
    tracemalloc.start()
    begun = time.monotonic()
    files = MODALITY.read([path]).items
    read = files.read(2690, RNG)
    assert time.monotonic() - begun < 5.0
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert len(files) == 2700
    assert len(pickle.dumps(files)) < 2000
    expected = torch.from_numpy(sweep(16_000, 4.0, start=20.0))
    assert float((read.samples - expected).abs().mean()) < 0.05


def bad(path: Path) -> None:
    match path.stem:
        case "zero":
            path.write_bytes(b"")
        case "text":
            path.write_text("dear diary " * 100)
        case "short":
            soundfile.write(path, sweep(16_000, 0.02), 16_000)
        case "silent":
            soundfile.write(path, np.zeros(160_000, np.float32), 16_000)
        case "long_silent":
            soundfile.write(path, np.zeros(40 * 16_000, np.float32), 16_000)
        case "nan":
            soundfile.write(path, np.full(16_000, np.nan, np.float32), 16_000, subtype="FLOAT")
        case "picture":
            path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))


BAD = {
    "zero": "no bytes", "text": "cannot be read as audio", "short": "too short: 20 ms", "silent": "silent throughout",
    "long_silent": "silent throughout", "nan": "NaN or infinite", "picture": "cannot be read as audio",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_the_reason_and_what_to_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.{'m4a' if name == 'picture' else 'wav'}"
    bad(path)
    with pytest.raises(BadItemError, match=BAD[name]) as caught:
        MODALITY.read([path])
    assert str(path) in str(caught.value)
    assert "--skip-bad" in str(caught.value)


def test_bad_files_are_skipped_and_listed_and_names_may_have_any_letters(tmp_path: Path) -> None:
    for name in BAD:
        bad(tmp_path / f"{name}.wav")
    (tmp_path / "Vögel 鳥").mkdir()
    write(tmp_path / "Vögel 鳥" / "amsel – früh ☀.WAV", 44_100, 5.0)
    (tmp_path / "._amsel.wav").write_bytes(b"\0" * 100)
    (tmp_path / "notes.txt").write_text("not audio")
    reading = MODALITY.read([tmp_path], skip_bad=True)
    assert sorted(Path(skipped.name).stem for skipped in reading.skipped) == sorted(BAD)
    assert [reading.items.name(index) for index in range(len(reading.items))] == [
        f"{tmp_path}/Vögel 鳥/amsel – früh ☀.WAV [0.0–4.0 s]",
        f"{tmp_path}/Vögel 鳥/amsel – früh ☀.WAV [4.0–5.0 s]",
    ]


def test_nan_deep_in_a_long_file_is_found_when_read(tmp_path: Path) -> None:
    samples = sweep(16_000, 60.0)
    samples[16_000 * 13] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    files = MODALITY.read([tmp_path]).items
    with pytest.raises(BadItemError, match=r"12\.0–16\.0 s.*NaN"):
        files.read(3, RNG)


def test_sound_between_the_probes_of_a_long_file_saves_it(tmp_path: Path) -> None:
    samples = np.zeros(60 * 16_000, np.float32)
    samples[16_000 * 5 : 16_000 * 6] = sweep(16_000, 1.0)
    soundfile.write(tmp_path / "a.wav", samples, 16_000)
    assert len(MODALITY.read([tmp_path]).items) == 15


def test_paths_without_audio_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.wav does not exist"):
        MODALITY.read([tmp_path / "gone.wav"])
    with pytest.raises(ValueError, match="no audio in"):
        MODALITY.read([tmp_path])
    bad(tmp_path / "zero.wav")
    with pytest.raises(ValueError, match="none of 1 audio files"):
        MODALITY.read([tmp_path], skip_bad=True)


def test_files_come_sorted_and_once(tmp_path: Path) -> None:
    for name in ("b.wav", "a.wav", "c.flac"):
        write(tmp_path / name, 16_000, 1.0)
    items = MODALITY.read([tmp_path, tmp_path / "b.wav"]).items
    assert [Path(items.name(i).split(" [")[0]).name for i in range(len(items))] == ["a.wav", "b.wav", "c.flac"]


def test_a_file_that_shrank_since_its_header_was_read_is_bad(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 16_000, 10.0)
    files = MODALITY.read([tmp_path]).items
    write(tmp_path / "a.wav", 16_000, 2.0)
    with pytest.raises(BadItemError, match="ends before its header says"):
        files.read(2, RNG)


def test_resampling_a_window_agrees_with_resampling_the_file(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 44_100, 10.0)
    header = read_header(tmp_path / "a.wav")
    whole = decode(tmp_path / "a.wav", header, 0.0, 10.0, 16_000)
    part = decode(tmp_path / "a.wav", header, 4.0, 2.0, 16_000)
    assert torch.allclose(part, whole[64_000:96_000], atol=2e-3)


def test_recordings_of_different_rates_make_no_batch() -> None:
    with pytest.raises(ValueError, match="one sample rate"):
        collate([Recording(torch.zeros(4), 16_000), Recording(torch.zeros(4), 8_000)])


def test_of_many_files_a_sample_is_decoded_and_what_is_bad_elsewhere_shows_when_its_turn_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2 * SAMPLE):
        write(tmp_path / f"{number:03}.wav", 8000, 0.5)
    soundfile.write(tmp_path / "001.wav", np.full(4000, np.nan, np.float32), 8000, subtype="FLOAT")
    decoded = Counted(read_channels)
    monkeypatch.setattr(silence, "read_channels", decoded)
    items = MODALITY.read([tmp_path]).items
    assert len(items) == 2 * SAMPLE
    assert len(set(decoded.paths)) == SAMPLE
    with pytest.raises(BadItemError, match=r"001\.wav .*NaN or infinite"):
        items.read(1, RNG)
    soundfile.write(tmp_path / "003.wav", sweep(8000, 0.1), 8000)
    with pytest.raises(BadItemError, match=r"003\.wav: is too short"):  # every header is read
        MODALITY.read([tmp_path])
    (tmp_path / "000.wav").write_bytes((tmp_path / "001.wav").read_bytes())
    reading = MODALITY.read([tmp_path], skip_bad=True)
    assert [Path(entry.name).name for entry in reading.skipped] == ["000.wav", "003.wav"]
