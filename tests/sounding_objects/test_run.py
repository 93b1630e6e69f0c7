"""The recipe from the command line: train, evaluate, report; on the user's own clips, too."""

from pathlib import Path

import av
import numpy as np
import pytest
import torch

from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError
from gestalt.core.data.places import Parts
from gestalt.core.evaluation import Table, retrieval
from gestalt.core.runs.saving import load
from gestalt.recipes.sounding_objects.recipe import Options, SoundingObjects, first_to_sound
from tests.video_files import coded

TINY = [
    "--size", "32", "--batch", "4", "--warmup", "1", "--log-every", "1", "--accelerator", "cpu", "--workers", "0",
    "--threads", "1", "--encoder.dim", "8",
]  # fmt: skip
ROWS = [
    "chance", "the sound alone: onsets", "the picture alone: sudden motion", "both, by synchrony", "a random network",
    "CLIP", "CLIP, by object, segments",
]  # fmt: skip


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on composed scenes, beside CLIP on whole items."""
    out = tmp_path_factory.mktemp("runs") / "shipped"
    small = ["--scenes", "8", "--test-scenes", "6", "--setting-scenes", "4", "--steps", "2", "--compare", "clip"]
    assert execute(["run", "sounding-objects", "--out", str(out), *small, *TINY]) == 0
    return out


def test_a_run_ends_with_a_table_and_a_report(shipped: Path) -> None:
    table = Table.from_json((shipped / "table.json").read_text(encoding="utf-8"))
    assert [row.method for row in table.rows] == ROWS
    names = [column.name for column in table.columns]
    rows = {row.method: dict(zip(names, row.values, strict=True)) for row in table.rows}
    assert all(all(cell for cell in rows[name].values()) for name in ROWS[3:]), "asked everything"
    assert [name for name, cell in rows[ROWS[1]].items() if cell] == ["event F1"], "sound alone says when, no more"
    assert not rows[ROWS[0]]["event F1"]
    page = (shipped / "report.html").read_text(encoding="utf-8")
    assert page.count("<audio") >= 3
    assert page.count("data:image/webp;base64,") >= 3 * 2 * 3, "found and true things"
    assert "Sounding objects" in page
    assert any(kind in page for kind in ("trouser", "sandal", "bag", "sneaker", "dress", "ankle boot"))


def test_a_run_gives_vectors_of_sounds_and_pictures_that_can_be_compared(shipped: Path) -> None:
    model, recipe = load(shipped), SoundingObjects(Options(size=32, test_scenes=3, setting_scenes=1, scenes=1))
    items = recipe.data().evaluated
    heard, seen = (model.embed(items, space="compared", parts=[part]) for part in ("audio", "video"))
    assert [one.item.shape for one in heard] == [one.item.shape for one in seen] == [(8,)] * 3
    assert isinstance(heard[0].places, Parts)
    assert heard[0].places.cells[1] == 0, "as if there were no picture"
    found = retrieval(torch.stack([one.item for one in heard]), torch.stack([one.item for one in seen]), at=(1, 3))
    assert found.recall[3] == pytest.approx(1.0)


def test_the_class_of_a_scene_is_the_kind_that_sounds_first() -> None:
    data = SoundingObjects(Options(size=32, test_scenes=2, setting_scenes=1, scenes=1)).data()
    assert data.truth is not None
    for place, scene in enumerate(data.truth.scenes):
        first = min(scene.sounds, key=lambda one: one.onset)
        assert data.evaluated_label is not None
        assert data.evaluated_label(place) == first_to_sound(scene) == scene.things[first.thing].kind


def clip_with_sound(path: Path, seconds: float, silent: bool = False) -> None:
    """Frames that tell their number, and a click every half second."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=8, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 32, "yuv420p"
        audio = None if silent else container.add_stream("aac", rate=16_000, layout="mono")
        for number in range(round(seconds * 8)):
            container.mux(video.encode(av.VideoFrame.from_ndarray(coded(number), format="rgb24")))
        container.mux(video.encode(None))
        if audio is not None:
            samples = 0.01 * np.random.default_rng(0).standard_normal(round(seconds * 16_000)).astype(np.float32)
            samples[::8000] = 1.0
            for first in range(0, len(samples), 1024):
                frame = av.AudioFrame.from_ndarray(samples[None, first : first + 1024], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 16_000, first
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))


def test_a_run_learns_from_the_users_own_clips_and_finds_objects_in_them(tmp_path: Path) -> None:
    data, out = tmp_path / "clips", tmp_path / "run"
    data.mkdir()
    clip_with_sound(data / "one.mp4", 6.0)
    clip_with_sound(data / "two.mp4", 4.0)
    clip_with_sound(data / "mute.mp4", 2.0, silent=True)
    command = ["run", "sounding-objects", "--data", str(data), "--steps", "2", *TINY, "--out", str(out)]
    with pytest.raises(BadItemError, match=r"mute\.mp4"):
        execute(command)
    assert execute([*command, "--skip-bad"]) == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "windows of your clips" in page
    assert not (out / "table.json").exists(), "nothing is known of them"
    assert execute(["discover", str(out), str(data / "one.mp4"), "--out", str(tmp_path / "found")]) == 0
    assert {path.name for path in (tmp_path / "found").iterdir()} >= {"audio", "video"}
