"""Runs and recordings that several tests share."""

import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gestalt.cli.commands import execute
from gestalt.recipes.audio_events.synthetic.soundscapes import Samples, load_samples
from tests.audio_events.runs import TINY, command, few_varied_sounds
from tests.recordings import RATE, song, write_awkward


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four recordings of 7 to 10 seconds."""
    data = tmp_path_factory.mktemp("recordings")
    for number in range(4):
        soundfile.write(data / f"{number}.wav", song(7.0 + number, 300.0 * (number + 1)), RATE)
    return data


@pytest.fixture(scope="session")
def three_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wav of three hours."""
    path, rate = tmp_path_factory.mktemp("long") / "three hours.wav", 8_000
    minute = (np.clip(song(60.0, 440.0, rate), -1, 1) * 127 + 128).astype(np.uint8).tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(rate)
        for _ in range(180):
            file.writeframes(minute)
    return path


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on the shipped sounds."""
    out = tmp_path_factory.mktemp("runs") / "shipped"
    small = ["--soundscapes", "20", "--test-soundscapes", "6", "--steps", "4"]
    with few_varied_sounds():
        assert execute(["run", "audio-events", "--out", str(out), *small, *TINY]) == 0
    return out


@pytest.fixture(scope="session")
def undisturbed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on the four recordings."""
    out = tmp_path_factory.mktemp("runs") / "undisturbed"
    assert execute(command(folder, out)) == 0
    return out


@pytest.fixture(scope="session")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of many kinds with names of many kinds, three of them bad."""
    data = tmp_path_factory.mktemp("awkward")
    write_awkward(data)
    return data


@pytest.fixture(scope="session")
def samples() -> Samples:
    """The shipped sounds."""
    return load_samples()
