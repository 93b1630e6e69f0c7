"""Events in recordings, as the tools of the field read them, and vectors of windows and frames."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
import torch

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.items import BadItemError
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.runs.discover import discover
from gestalt.core.runs.embed import embed
from gestalt.core.runs.stretches import Event, Sounding
from gestalt.modalities.audio import MODALITY, Audio, Recording
from gestalt.modalities.audio.outputs import write_events
from gestalt.modalities.audio.reading import Header
from tests.recordings import BAD, GOOD, write_awkward, write_torn
from tests.tiny_runs import tiny_run


def duration(path: Path) -> float:
    """Seconds of a file."""
    return float(soundfile.info(path).duration)


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of many kinds, three of them bad."""
    data = tmp_path_factory.mktemp("awkward")
    write_awkward(data)
    return data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with windows of 4 s."""
    return tiny_run(tmp_path_factory.mktemp("runs") / "audio", MODALITY, width=16)


def test_events_are_written_as_the_tools_of_the_field_read_them(
    run: Path, awkward: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadItemError, match=r"20 ms\.wav.*--skip-bad"):
        discover(run, [awkward], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    out = tmp_path / "out"
    assert discover(run, [awkward], out, skip_bad=True) == 0
    said = capsys.readouterr().out
    with (out / "events.tsv").open(newline="") as file:
        reader = csv.DictReader(file, delimiter="\t")
        rows = list(reader)
    assert reader.fieldnames == ["filename", "onset", "offset", "event_label"]
    files = {str(awkward / name) for name in GOOD}
    assert {row["filename"] for row in rows} == files
    assert f"{len(rows)} events of " in said
    assert f"in 3 files, written to {out}; 3 left out" in said
    last: dict[str, float] = dict.fromkeys(files, 0.0)
    for row in rows:
        onset, offset = float(row["onset"]), float(row["offset"])
        assert last[row["filename"]] <= onset < offset <= duration(Path(row["filename"])) + 0.001
        assert re.fullmatch(r"object_\d+", row["event_label"])
        last[row["filename"]] = offset

    events = json.loads((out / "events.json").read_text())
    assert set(events) == files
    flat = [(file, e["onset"], e["offset"], e["object"]) for file, found in events.items() for e in found]
    assert flat == [(r["filename"], float(r["onset"]), float(r["offset"]), r["event_label"]) for r in rows]

    assert len(list((out / "labels").iterdir())) == len(files)
    for name in GOOD:
        track = out / "labels" / f"{Path(name).stem}.txt"
        lines = [line.split("\t") for line in track.read_text().splitlines()]
        own = events[str(awkward / name)]
        assert [line[2] for line in lines] == [event["object"] for event in own]
        for place, end in enumerate(("onset", "offset")):
            assert [float(line[place]) for line in lines] == pytest.approx([event[end] for event in own], abs=6e-4)
    left_out = (out / "skipped.txt").read_text().splitlines()
    assert [line.split(": ")[0] for line in left_out] == sorted(str(awkward / name) for name in BAD)


@pytest.mark.parametrize(("encoder", "seconds"), [("conv", 4.0), ("conv", 3.0), ("resnet18", 3.0)])
def test_vectors_are_those_of_windows_whose_frames_tile_every_file(
    encoder: str, seconds: float, awkward: Path, tmp_path: Path
) -> None:
    run, out = tiny_run(tmp_path / "run", Audio(seconds=seconds), encoder), tmp_path / "out"
    assert embed(run, [awkward], out, skip_bad=True) == 0
    arrays = np.load(out / "vectors.npz", allow_pickle=False)
    files, which = arrays["files"].tolist(), arrays["element_item"]
    assert sorted(set(files)) == sorted(str(awkward / name) for name in GOOD)
    assert len(files) == sum(int(np.ceil((length + 0.05) / seconds - 0.25 / seconds)) for length in GOOD.values())
    for number, vector in enumerate(arrays["items"]):
        assert np.allclose(vector, arrays["elements"][which == number].mean(axis=0), atol=1e-5)
    for file in set(files):
        own = np.isin(which, [number for number, of in enumerate(files) if of == file])
        onset, offset = arrays["onset"][own], arrays["offset"][own]
        assert onset[0] == 0.0
        assert np.allclose(onset[1:], offset[:-1], atol=1e-6), "neighbours leave a gap or overlap"
        assert (onset < offset).all()
        step = offset[0] - onset[0]
        assert duration(Path(file)) - step <= offset[-1] <= duration(Path(file)) + 1e-3
    items, elements, objects = (
        pyarrow.parquet.read_table(out / f"{name}.parquet").to_pydict() for name in ("items", "elements", "objects")
    )
    assert (items["file"], items["name"]) == (files, arrays["names"].tolist())
    assert items["name"][0] == f"{files[0]} [0.0–{seconds:.1f} s]"
    assert items["record"][0] == f"0.0–{seconds:.1f} s"
    assert np.array_equal(np.array(items["vector"], dtype=np.float32), arrays["items"])
    assert elements["item"] == which.tolist()
    for name in ("onset", "offset"):
        assert np.array_equal(elements[name], arrays[name])
    assert np.array_equal(np.array(elements["vector"], dtype=np.float32), arrays["elements"])
    for row, (item, number) in enumerate(zip(objects["item"], objects["number"], strict=True)):
        mine = (which == item) & (arrays["element_object"] == number)
        assert objects["size"][row] == mine.sum() > 0
        assert np.allclose(objects["vector"][row], arrays["elements"][mine].mean(axis=0), atol=1e-5)
    assert len(objects["item"]) == len({*zip(which.tolist(), arrays["element_object"].tolist(), strict=True)})
    assert len((out / "skipped.txt").read_text().splitlines()) == len(BAD)


def test_every_encoder_and_length_of_window_finds_events(awkward: Path, tmp_path: Path) -> None:
    run, file = tiny_run(tmp_path / "run", Audio(seconds=3.0), "resnet18"), awkward / "stereo.mp3"
    assert discover(run, [file], tmp_path / "out") == 0
    events = json.loads((tmp_path / "out" / "events.json").read_text())[str(file)]
    ends = [0.0] + [end for event in events for end in (event["onset"], event["offset"])]
    assert len(events) >= 2
    assert ends == sorted(ends)
    assert ends[-1] <= GOOD["stereo.mp3"] + 0.06


@pytest.mark.parametrize("what", [discover, embed])
def test_windows_that_cannot_be_read_are_left_out_on_request(what: object, run: Path, tmp_path: Path) -> None:
    assert callable(what)
    write_torn(tmp_path / "torn.wav", 13.0, 29.0)
    with pytest.raises(BadItemError, match=r"12\.0–16\.0 s.*NaN"):
        what(run, [tmp_path / "torn.wav"], tmp_path / "out")
    assert what(run, [tmp_path / "torn.wav"], tmp_path / "out", skip_bad=True) == 0
    lines = (tmp_path / "out" / "skipped.txt").read_text().splitlines()
    assert [re.findall(r"\[(.*?) s\]", line) for line in lines] == [["12.0–16.0"], ["28.0–32.0"]]
    if what is embed:
        arrays = np.load(tmp_path / "out" / "vectors.npz")
        assert len(arrays["items"]) == 13
        assert len(arrays["onset"]) == 13 * 125
        assert not ((arrays["onset"] >= 12) & (arrays["onset"] < 16 - 1e-3)).any()


def test_a_file_without_events_has_an_empty_track_and_an_empty_entry(tmp_path: Path) -> None:
    event = Event(Path("full.wav"), 0.5, 1.0, torch.zeros(3))
    write_events(
        tmp_path,
        [event],
        ["object_1"],
        {Path("empty.wav"): Header(1.0, 16_000, False), Path("full.wav"): Header(4.0, 16_000, False)},
    )
    assert json.loads((tmp_path / "events.json").read_text()) == {
        "empty.wav": [],
        "full.wav": [{"onset": 0.5, "offset": 1.0, "object": "object_1"}],
    }
    assert (tmp_path / "labels" / "empty.txt").read_text() == ""
    assert (tmp_path / "labels" / "full.txt").read_text() == "0.500000\t1.000000\tobject_1\n"


def test_an_object_that_comes_again_is_as_many_events_in_order_of_time() -> None:
    features = FeatureMap(torch.arange(6.0)[None, :, None], torch.ones(1, 6, dtype=torch.bool))
    labels, times = torch.tensor([3, 3, -1, 0, 3, -1]), torch.arange(7.0)
    sounding = Sounding()
    sounding.hear(labels, features, 0, times, Path("a.wav"))
    found = sounding.events()
    assert [(event.onset, event.offset) for event in found] == [(0.0, 2.0), (3.0, 4.0), (4.0, 5.0)]
    assert [float(event.vector) for event in found] == [0.5, 3.0, 4.0]


def test_a_stretch_that_goes_on_in_the_next_window_is_one_event_with_the_mean_of_all_its_frames() -> None:
    sounding, file = Sounding(), Path("a.wav")
    for begin, labels in ((0.0, [-1, 4, 4]), (3.0, [4, 7, 7]), (7.0, [7, -1, 4])):
        values = begin + torch.arange(3.0)[None, :, None]
        features = FeatureMap(values, torch.ones(1, 3, dtype=torch.bool))
        sounding.hear(torch.tensor(labels), features, 0, begin + torch.arange(4.0), file)
    sounding.hear(torch.tensor([4]), features, 0, torch.tensor([10.0, 11.0]), Path("b.wav"))
    found = [(event.file.name, event.onset, event.offset, float(event.vector)) for event in sounding.events()]
    assert found == [
        ("a.wav", 1.0, 4.0, 2.0),
        ("a.wav", 4.0, 6.0, 4.5),
        ("a.wav", 7.0, 8.0, 7.0),
        ("a.wav", 9.0, 10.0, 9.0),
        ("b.wav", 10.0, 11.0, 7.0),
    ]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("..abbbbb...", [(2, 8)]),
        ("..acbbbbb..", [(2, 9)]),  # two frames that are unlike each other, too
        ("bbbbbac..", [(0, 7)]),
        ("..acdbbbbb.", [(2, 3), (3, 4), (4, 10)]),  # three are no sudden change, the last may be
        ("..ac.bbbbb.", [(2, 3), (3, 4), (5, 10)]),  # beside nothing they are events of their own
        ("aabbbbb.a.", [(0, 7), (8, 9)]),
    ],
)
def test_frames_in_which_a_sound_sets_in_or_breaks_off_belong_to_the_event_that_they_touch(
    labels: str, expected: list[tuple[int, int]]
) -> None:
    frame = 0.032
    features = FeatureMap(torch.arange(float(len(labels)))[None, :, None], torch.ones(1, len(labels), dtype=torch.bool))
    sounding = Sounding()
    numbers = torch.tensor([".abcd".index(label) - 1 for label in labels])
    sounding.hear(numbers, features, 0, frame * torch.arange(len(labels) + 1.0), Path("a.wav"))
    found = [(round(event.onset / frame), round(event.offset / frame)) for event in sounding.events()]
    assert found == expected


def test_objects_of_time_and_frequency_are_written_as_stretches_of_time() -> None:
    grid = Grid.uniform((2, 3), (1.0, 1.0))
    values = torch.tensor([[1.0, 2.0, 9.0, 5.0, 5.0, 5.0]])[..., None]
    valid = torch.tensor([[True, True, False, True, True, True]])
    labels = torch.tensor([[0, 1, -1, 1, 1, 0]])
    batch = FoundBatch(
        (0,),
        (Recording(torch.zeros(32), 16),),
        FeatureMap(values, valid, grid),
        Segmentation.from_labels(labels, 2, grid),
    )
    reduced = MODALITY.reduced(batch)
    assert reduced.features.values.flatten().tolist() == [1.5, 5.0]
    assert reduced.segmentation.weights[0].tolist() == [[0.5, pytest.approx(1 / 3)], [0.5, pytest.approx(2 / 3)]]
    assert reduced.segmentation.labels().tolist() == [[0, 1]]
