"""The recipe from the command line: train, evaluate, report; discover and embed in videos of any kind."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gestalt.cli.commands import execute
from gestalt.core.data.correspondence import Index
from gestalt.core.data.items import BadItemError
from gestalt.core.data.view import Batch, View
from gestalt.core.discovery.segmenters import GivenMasks
from gestalt.core.evaluation import Table
from gestalt.core.runs.saving import load
from gestalt.modalities.video import MODALITY
from gestalt.recipes.video_objects.recipe import Options, VideoObjects
from gestalt.recipes.video_objects.rules import Rules, graph_supervoxels
from tests.video_files import coded, write, write_sound

TINY = [
    "--size", "32", "--view", "32", "--batch", "2", "--encoder.widths", "8", "8", "--encoder.dim", "8",
    "--method.rounds.every", "2", "--warmup", "1", "--log-every", "1",
    "--finder.grouper.objects", "6", "--accelerator", "cpu", "--workers", "0", "--threads", "1",
]  # fmt: skip
TIMES = [0.0, 0.1, 0.25, 0.3, 0.8, 0.95, 1.1, 1.2, 1.5, 1.9, 2.2, 2.3, 2.35]
ROWS = [
    "truth on the same tubes",
    "k-means on colours",
    "k-means on colours and place",
    "k-means on colours, place and time",
    "k-means on a random encoder and place",
    "k-means on colours, place and a random encoder",
    "the run's finder on a random encoder",
    "background subtraction, camera undone",
    "supervoxels (SLIC)",
    "supervoxels (graph of colours)",
    "supervoxels (graph of colours) merged by colours",
    "Odin, rounds",
]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on composed scenes."""
    out = tmp_path_factory.mktemp("runs") / "shipped"
    small = ["--scenes", "6", "--test-scenes", "3", "--steps", "4"]
    assert execute(["run", "video-objects", "--out", str(out), *small, *TINY]) == 0
    return out


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


def test_a_run_ends_with_a_table_and_a_report(shipped: Path) -> None:
    table = Table.from_json((shipped / "table.json").read_text(encoding="utf-8"))
    assert [row.method for row in table.rows] == ROWS
    assert [row.method for row in table.rows if row.ceiling] == ROWS[:1]
    page = (shipped / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/webp;base64,") == 3 * 2 * 3 + 2 * 3
    # Three scenes, before and after, three strips; and three training scenes in two rounds.
    assert "supervoxels (SLIC)" in page
    assert "Objects in videos" in page


def test_a_run_finds_objects_and_gives_vectors_of_new_videos(shipped: Path, videos: Path, tmp_path: Path) -> None:
    for what in ("discover", "embed"):
        assert execute([what, str(shipped), str(videos), "--out", str(tmp_path / what), "--skip-bad"]) == 0
    records = json.loads((tmp_path / "discover" / "objects.json").read_text(encoding="utf-8"))
    assert {Path(name).name for name in records} == {"Straße <b>.mp4", "frames"}
    assert len(list((tmp_path / "discover" / "masks" / "Straße <b>").glob("*.png"))) == len(TIMES)
    with np.load(tmp_path / "embed" / "vectors.npz") as arrays:
        assert len(arrays["items"]) == 4, "windows of a second of two videos"


def test_a_run_learns_from_the_users_own_videos(videos: Path, tmp_path: Path) -> None:
    command = ["run", "video-objects", "--data", str(videos), "--steps", "2", *TINY, "--out"]
    with pytest.raises(BadItemError, match=r"song\.mp4"):
        execute([*command, str(tmp_path / "refused")])
    assert execute([*command, str(tmp_path / "own"), "--skip-bad"]) == 0
    page = (tmp_path / "own" / "report.html").read_text(encoding="utf-8")
    assert "windows of your videos" in page
    assert "song.mp4" in page
    assert "Straße <b>" not in page  # the name is text, not HTML
    encoder = load(tmp_path / "own").encoder
    features = encoder(MODALITY.collate([specimen.item for specimen in MODALITY.specimens()]))
    assert features.values.shape[2] == encoder.dim
    assert bool(torch.isfinite(features.values).all())


def test_wrong_options_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"view \(--view\) must lie in \[16, 65536\], got 8"):
        Options(view=8)
    with pytest.raises(ValueError, match=r"size \(--size\) must lie in \[16, 65536\], got 8"):
        Options(size=8)
    with pytest.raises(ValueError, match=r"seconds \(--seconds\) must lie in \(0, .*\], got 0"):
        Options(seconds=0.0)
    with pytest.raises(ValueError, match=r"rate \(--rate\) must lie in \(0, .*\], got -1"):
        Options(rate=-1.0)


def test_first_segments_are_the_largest_supervoxels_and_every_clip_is_composed_once() -> None:
    data = VideoObjects(Options(scenes=2, test_scenes=1, size=32)).data()
    assert isinstance(data.first_segments, GivenMasks)
    rng = np.random.default_rng(0)
    clip = data.items.read(0, rng)
    assert data.items.read(0, rng) is clip
    batch = Batch(View(MODALITY.collate([clip]), Index.of([])), (), ("one",), torch.tensor([0]))
    found = data.first_segments(batch, torch.Generator()).labels()[0].view(clip.size)
    by_rule = graph_supervoxels(clip.frames, Rules())
    assert len(by_rule.unique()) == len(found.unique())
    assert all(len(by_rule[found == number].unique()) == 1 for number in found.unique().tolist())
