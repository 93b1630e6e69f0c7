"""Long recordings take no more memory than short ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audio_events.runs import MEMORY, command


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells the most memory of a process otherwise")
def test_ten_hours_of_sound_take_little_memory(three_hours: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for number in range(4):
        (data / f"{number}.wav").symlink_to(three_hours)
    arguments = [sys.executable, "-c", MEMORY, str(data), *command(data, tmp_path / "run", steps=1)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    said = subprocess.run(arguments, capture_output=True, text=True, timeout=180, check=True, env=environment)
    code, windows, reading, training = json.loads(said.stdout.splitlines()[-1])
    assert code == 0
    assert windows == 4 * 2700
    assert reading < 100, "mebibytes, for reading 200 windows"
    assert training < 700, "mebibytes, for a step of training and the report"
