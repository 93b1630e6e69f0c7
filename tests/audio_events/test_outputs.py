"""What one does with a finished run: discover, embed."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
import torch
from gestalt.core.experiment.naming import track_name

from gestalt.__main__ import execute
from gestalt.core.data.items import BadItemError
from gestalt.recipes.audio_events.outputs import Found, write_events
from tests.audio_events.runs import BAD, GOOD, MEMORY, command, torn, untrained


def duration(path: Path) -> float:
    """Seconds of a file."""
    return float(soundfile.info(path).duration)


def test_discover_writes_what_the_tools_of_the_field_read(
    shipped: Path, awkward: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadItemError, match=r"20 ms\.wav.*--skip-bad"):
        execute(["discover", str(shipped), str(awkward), "--out", str(tmp_path)])
    assert execute(["discover", str(shipped), str(awkward), "--out", str(tmp_path), "--skip-bad"]) == 0
    said = capsys.readouterr().out
    with (tmp_path / "events.tsv").open(newline="") as file:
        reader = csv.DictReader(file, delimiter="\t")
        rows = list(reader)
    assert reader.fieldnames == ["filename", "onset", "offset", "event_label"]
    files = {str(awkward / name) for name in GOOD}
    assert {row["filename"] for row in rows} == files
    assert f"{len(rows)} events of " in said
    assert "in 3 files" in said
    last: dict[str, float] = dict.fromkeys(files, 0.0)
    for row in rows:
        onset, offset = float(row["onset"]), float(row["offset"])
        assert last[row["filename"]] <= onset < offset <= duration(Path(row["filename"])) + 0.001
        assert re.fullmatch(r"object_\d+", row["event_label"])
        last[row["filename"]] = offset

    events = json.loads((tmp_path / "events.json").read_text())
    assert set(events) == files
    flat = [(file, e["onset"], e["offset"], e["object"]) for file, found in events.items() for e in found]
    assert flat == [(r["filename"], float(r["onset"]), float(r["offset"]), r["event_label"]) for r in rows]

    tracks = sorted(tmp_path.glob("*.labels.txt"))
    assert len(tracks) == len(files)
    for name in GOOD:
        (track,) = [path for path in tracks if path.name.endswith(f"{name.replace('/', '__')}.labels.txt")]
        lines = [line.split("\t") for line in track.read_text().splitlines()]
        own = events[str(awkward / name)]
        assert [line[2] for line in lines] == [event["object"] for event in own]
        for place, end in enumerate(("onset", "offset")):
            assert [float(line[place]) for line in lines] == pytest.approx([event[end] for event in own], abs=6e-4)
    left_out = (tmp_path / "skipped.txt").read_text().splitlines()
    assert [line.split(": ")[0] for line in left_out] == sorted(str(awkward / name) for name in BAD)


@pytest.mark.parametrize(("encoder", "seconds"), [("conv", 4.0), ("conv", 3.0), ("resnet18", 3.0)])
def test_embed_writes_vectors_whose_times_tile_every_file(
    encoder: str, seconds: float, awkward: Path, tmp_path: Path
) -> None:
    run, out = untrained(tmp_path / "run", encoder=encoder, seconds=seconds), tmp_path / "out"
    with pytest.raises(BadItemError, match=r"20 ms\.wav"):
        execute(["embed", str(run), str(awkward), "--out", str(out)])
    assert execute(["embed", str(run), str(awkward), "--out", str(out), "--skip-bad"]) == 0
    arrays = np.load(out / "vectors.npz", allow_pickle=False)
    assert sorted(arrays["files"].tolist()) == sorted(str(awkward / name) for name in GOOD)
    for number, file in enumerate(arrays["files"].tolist()):
        own = arrays["element_file"] == number
        onset, offset = arrays["onset"][own], arrays["offset"][own]
        assert onset[0] == 0.0
        assert np.allclose(onset[1:], offset[:-1], atol=1e-6), "neighbours leave a gap or overlap"
        assert (onset < offset).all()
        step = offset[0] - onset[0]
        assert duration(Path(file)) - step <= offset[-1] <= duration(Path(file)) + 1e-3
        assert np.allclose(arrays["items"][number], arrays["elements"][own].mean(axis=0), atol=1e-5)
    items = pyarrow.parquet.read_table(out / "items.parquet").to_pydict()
    elements = pyarrow.parquet.read_table(out / "elements.parquet").to_pydict()
    assert items["file"] == arrays["files"].tolist()
    assert np.array_equal(np.array(items["vector"], dtype=np.float32), arrays["items"])
    assert elements["file"] == [items["file"][number] for number in arrays["element_file"]]
    for name in ("onset", "offset"):
        assert np.array_equal(elements[name], arrays[name])
    assert np.array_equal(np.array(elements["vector"], dtype=np.float32), arrays["elements"])
    assert len((out / "skipped.txt").read_text().splitlines()) == len(BAD)


def test_discover_works_with_every_encoder_and_length_of_window(awkward: Path, tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", encoder="resnet18", seconds=3.0)
    name = "stereo.mp3"
    assert execute(["discover", str(run), str(awkward / name), "--out", str(tmp_path / "out")]) == 0
    events = json.loads((tmp_path / "out" / "events.json").read_text())[str(awkward / name)]
    ends = [0.0] + [end for event in events for end in (event["onset"], event["offset"])]
    assert len(events) >= 2
    assert ends == sorted(ends)
    assert ends[-1] <= GOOD[name] + 0.06


@pytest.mark.parametrize("what", ["discover", "embed"])
def test_windows_that_cannot_be_read_are_left_out_on_request(what: str, shipped: Path, tmp_path: Path) -> None:
    torn(tmp_path / "torn.wav", 13.0, 29.0)
    arguments = [what, str(shipped), str(tmp_path / "torn.wav"), "--out", str(tmp_path / "out")]
    with pytest.raises(BadItemError, match=r"12\.0–16\.0 s.*NaN"):
        execute(arguments)
    assert execute([*arguments, "--skip-bad"]) == 0
    lines = (tmp_path / "out" / "skipped.txt").read_text().splitlines()
    assert [re.findall(r"\[(.*?) s\]", line) for line in lines] == [["12.0–16.0"], ["28.0–32.0"]]
    if what == "embed":
        onset = np.load(tmp_path / "out" / "vectors.npz")["onset"]
        assert len(onset) == 13 * 125
        assert not ((onset >= 12) & (onset < 16 - 1e-3)).any()


def test_the_name_of_a_track_fits_any_file_system_and_no_two_are_the_same() -> None:
    deep = Path("/").joinpath(*["Aufnahmen aus dem Frühling 鳥"] * 20, "a.wav")
    name = track_name(deep, frozenset())
    assert len(f"{name}.labels.txt.part".encode()) <= 255
    assert name != track_name(deep.parent / "b" / "a.wav", frozenset())
    assert track_name(Path("../x/a.wav"), {"x__a.wav"}) != track_name(Path("x/a.wav"), frozenset())


@pytest.mark.skipif(sys.platform == "darwin", reason="ru_maxrss counts bytes there")
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


def test_a_file_without_events_has_an_empty_track_and_an_empty_entry(tmp_path: Path) -> None:
    event = Found(Path("full.wav"), 0.5, 1.0, torch.zeros(3))
    write_events(tmp_path, [event], ["object_1"], [Path("empty.wav"), Path("full.wav")])
    assert json.loads((tmp_path / "events.json").read_text()) == {
        "empty.wav": [],
        "full.wav": [{"onset": 0.5, "offset": 1.0, "object": "object_1"}],
    }
    assert (tmp_path / "empty.wav.labels.txt").read_text() == ""
    assert (tmp_path / "full.wav.labels.txt").read_text() == "0.500000\t1.000000\tobject_1\n"
