"""Objects in videos: overlays, index masks and times, at the resolution and the rate of each file."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet
import pytest
import torch
from PIL import Image

import gestalt
from gestalt.core.data.items import BadItemError
from gestalt.core.modality.base import Reading
from gestalt.core.runs.discover import discover
from gestalt.core.runs.embed import embed
from gestalt.modalities.video import MODALITY, Clip, Video, reading
from gestalt.modalities.video.data import Clips
from gestalt.modalities.video.encoders import Conv
from tests.tiny_runs import tiny_run
from tests.video_files import coded, write, write_sound

TIMES = [0.0, 0.1, 0.25, 0.3, 0.8, 0.95, 1.1, 1.2, 1.5, 1.9, 2.2, 2.3, 2.35]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of uneven frames, some on show where a window begins, a folder of frames, and two files of no videos."""
    data = tmp_path_factory.mktemp("videos")
    write(data / "Straße <b>.mp4", TIMES)
    (data / "frames").mkdir()
    for number in range(6):
        Image.fromarray(coded(number)).save(data / "frames" / f"{number:05d}.png")
    write_sound(data / "song.mp4")
    (data / "zero.mkv").touch()
    return data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that reads windows of a second, 4 frames a second, 16 pixels high."""
    out = tmp_path_factory.mktemp("runs") / "video"
    return tiny_run(out, Video(seconds=1.0, rate=4.0, size=16), width=16, stride=4)


def masks_of(folder: Path) -> list[Path]:
    masks = sorted(folder.glob("*.png"))
    assert [mask.name for mask in masks] == [f"{number:05d}.png" for number in range(len(masks))]
    return masks


def test_overlays_masks_and_times_are_written(
    run: Path, videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found"
    with pytest.raises(BadItemError, match=r"song\.mp4: holds only sound.*--skip-bad"):
        discover(run, [videos], out)
    assert discover(run, [videos], out, skip_bad=True) == 0
    records = json.loads((out / "objects.json").read_text(encoding="utf-8"))
    assert f" in 2 videos, written to {out}; 2 left out" in capsys.readouterr().out
    assert {Path(name).name for name in records} == {"Straße <b>.mp4", "frames"}
    skipped = (out / "skipped.txt").read_text(encoding="utf-8")
    assert "song.mp4" in skipped
    assert "zero.mkv" in skipped
    with av.open(str(out / "overlay" / "Straße <b>.mp4")) as container:
        frames = [frame.time for frame in container.decode(video=0)]
    assert frames == pytest.approx(TIMES, abs=2e-3), "every frame of the video once, at its own time"
    masks = masks_of(out / "masks" / "Straße <b>")
    assert len(masks) == len(TIMES)
    with Image.open(masks[0]) as image:
        assert image.mode == "P", "with a palette, as DAVIS has it"
        assert image.size == (64, 32)
        numbers = {int(number) for number in np.unique(np.asarray(image))} - {0}
    found = next(record for name, record in records.items() if "Straße" in name)
    assert numbers <= {entry["object"] for entry in found}
    assert all(entry["first"] <= entry["last"] and entry["frames"] >= 1 for entry in found)
    assert len(masks_of(out / "masks" / "frames")) == 6
    with av.open(str(out / "overlay" / "frames.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 6


def test_the_network_sees_every_frame_in_its_own_size_and_one_window_at_a_time(
    run: Path, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []
    forward = Conv.forward

    def watched(self: Conv, data: Clips) -> object:
        seen.extend(tuple(size) for size in data.sizes.tolist())
        assert len(data.frames) == 1
        return forward(self, data)

    monkeypatch.setattr(Conv, "forward", watched)

    def shown(begin: float, end: float) -> int:
        return sum(one < end and two > begin for one, two in pairwise([*TIMES, 2.4]))

    assert discover(run, [videos / "Straße <b>.mp4"], tmp_path / "found") == 0
    seen = seen[-3:]  # the first one tells how large tubes are
    assert [size[1:] for size in seen] == [(16, 32)] * 3
    # Beside the frames that begin in a window it sees those on show up to half a second before and behind it.
    least = [shown(0.0, 1.5), shown(0.5, 2.5), shown(1.5, 3.0)]
    assert all(few <= size[0] <= few + 1 for few, size in zip(least, seen, strict=True))


def test_windows_that_cannot_be_read_leave_a_gap_in_masks_and_objects(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "even.mp4", [number / 8 for number in range(32)])
    decode = reading.decode

    def torn(path: Path, start: float, seconds: float, rate: float | None, size: int | None) -> reading.Stretch:
        if start < 2.0 and start + seconds > 1.0:
            raise BadItemError(str(path), "cannot be decoded")
        return decode(path, start, seconds, rate, size)

    probed = Video.read_full

    def probed_whole(self: Video, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Clip]:
        found = probed(self, paths, skip_bad)
        monkeypatch.setattr(reading, "decode", torn)
        return found

    monkeypatch.setattr(Video, "read_full", probed_whole)
    assert discover(run, [tmp_path / "even.mp4"], tmp_path / "found", skip_bad=True) == 0
    masks = sorted(path.name for path in (tmp_path / "found" / "masks" / "even").iterdir())
    assert masks == [f"{number:05d}.png" for number in [*range(8), *range(16, 32)]]
    (record,) = json.loads((tmp_path / "found" / "objects.json").read_text()).values()
    assert not any(entry["first"] < 1 and entry["last"] >= 2 for entry in record), "nobody knows that they are one"
    assert "[1.0–2.0 s]: cannot be decoded" in (tmp_path / "found" / "skipped.txt").read_text()


def test_vectors_are_written_with_seconds_and_pixels(run: Path, videos: Path, tmp_path: Path) -> None:
    assert embed(run, [videos / "Straße <b>.mp4"], tmp_path / "v") == 0
    table = pyarrow.parquet.read_table(tmp_path / "v" / "elements.parquet")
    assert {"item", "object", "onset", "offset", "top", "bottom", "left", "right", "vector"} == set(table.column_names)
    onset, offset = table["onset"].to_numpy(), table["offset"].to_numpy()
    assert bool((offset > onset).all())
    assert float(onset.max()) > 2.0
    assert float(table["right"].to_numpy().max()) == 32.0
    items = pyarrow.parquet.read_table(tmp_path / "v" / "items.parquet").to_pydict()
    assert [name.split("[")[1] for name in items["name"]] == ["0.0–1.0 s]", "1.0–2.0 s]", "2.0–2.4 s]"]
    assert set(items["file"]) == {str(videos / "Straße <b>.mp4")}


def test_a_model_gives_the_object_of_every_pixel_of_every_frame(run: Path) -> None:
    clip = MODALITY.specimens()[2].item
    fine = gestalt.load(run).discover([clip], fine=True)[0]
    assert fine.grid is not None
    assert fine.grid.shape == clip.size
    assert torch.equal(fine.grid.edges[0][0], clip.edges)
    assert fine.labels.shape == (int(np.prod(clip.size)),)
    assert bool((fine.labels >= 0).all())
