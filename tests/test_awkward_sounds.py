"""Recordings with tags, several pieces of sound in one, and MP3 in WAV: read, or named with the true cause."""

import io
import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from gestalt.core.data.items import BadItemError
from gestalt.modalities.audio import MODALITY

RATE = 16_000
SOUND = (0.4 * np.sin(2 * np.pi * 440 * np.arange(5 * RATE) / RATE)).astype(np.float32)
ID3 = b"ID3\3\0\0\0\0\0\x0a" + bytes(10)


def written(form: str, subtype: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, SOUND, RATE, subtype, format=form)
    return buffer.getvalue()


def seconds_of(path: Path) -> float:
    reading = MODALITY.read([path])
    assert reading.damaged == ()
    items = reading.items
    return sum(items.read(index, np.random.default_rng(0)).seconds for index in range(len(items)))


def test_flac_behind_a_tag_is_one_recording_and_two_are_named(tmp_path: Path) -> None:
    path, flac = tmp_path / "a.flac", written("FLAC", "PCM_16")
    path.write_bytes(ID3 + flac)
    assert seconds_of(path) == pytest.approx(5.0)
    path.write_bytes(ID3 + flac + flac)
    with pytest.raises(BadItemError, match=r"a\.flac: holds several recordings one after another"):
        MODALITY.read([path])


@pytest.mark.parametrize("riff", ["as written", "brought up to date"])
def test_a_second_chunk_of_sound_is_named_not_lost(riff: str, tmp_path: Path) -> None:
    path, wav = tmp_path / "a.wav", written("WAV", "PCM_16")
    both = wav + wav[wav.index(b"data") :]
    if riff == "brought up to date":
        both = both[:4] + struct.pack("<I", len(both) - 8) + both[8:]
    path.write_bytes(both)
    with pytest.raises(BadItemError, match=r"a\.wav: goes on after its end: .*several recordings in one"):
        MODALITY.read([path])


def test_two_mp3_in_one_file_are_read_and_nothing_is_called_cut_off(tmp_path: Path) -> None:
    path, mp3 = tmp_path / "a.mp3", written("MP3", "MPEG_LAYER_III")
    path.write_bytes(mp3 + mp3)
    assert seconds_of(path) == pytest.approx(10.0, abs=0.2)
    path.write_bytes(mp3[: len(mp3) // 2])
    assert "is cut off: it should last 5.00 s" in MODALITY.read([path]).damaged[0].reason


def test_mp3_in_a_wav_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with av.open(str(path), "w", format="wav") as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(SOUND[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    assert seconds_of(path) == pytest.approx(5.0, abs=0.1)
