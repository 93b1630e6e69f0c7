"""A sound finds clips: by what is seen in them, each part seen alone, and by what is heard."""

import csv
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import torch

from gestalt.cli.commands import execute
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.saving import load
from tests.tiny_runs import tiny_run
from tests.video_files import coded

RATE = 16_000
PITCHES = (300, 900, 1700, 2900)


def clip(path: Path, number: int) -> None:
    """Two seconds: frames of one number, and a tone of its own."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 32, "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        for frame in range(20):
            picture = coded((37 * number + frame % 2) % 256)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        tone = sound(number)
        for first in range(0, len(tone), 1024):
            block = av.AudioFrame.from_ndarray(tone[None, first : first + 1024], format="fltp", layout="mono")
            block.sample_rate, block.pts = RATE, first
            container.mux(audio.encode(block))
        container.mux(audio.encode(None))


def sound(number: int) -> np.ndarray:
    time = np.arange(2 * RATE) / RATE
    return (0.4 * np.sin(2 * np.pi * PITCHES[number] * time)).astype(np.float32)


def hits(out: Path) -> list[tuple[str, str, float]]:
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        return [(Path(row["file"]).name, row["of"], float(row["similarity"])) for row in csv.DictReader(file)]


def test_a_sound_finds_clips_by_what_is_seen_in_them_and_by_what_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("clips").mkdir()
    for number in range(4):
        clip(Path(f"clips/{number}.mp4"), number)
    soundfile.write("tone.wav", sound(2), RATE)
    tiny_run(Path("run"), load_modality("audio+video"), "joint", 2)
    assert execute(["index", "run", "clips", "--out", "index"]) == 0
    assert execute(["search", "index", "tone.wav", "--hits", "4", "--out", "seen"]) == 0
    model = load("run")
    cosine = torch.nn.functional.normalize
    heard = cosine(model.embed("clips/2.mp4", space="compared", parts=["audio"])[0].item, dim=0)
    wanted = {
        f"{number}.mp4": float(
            cosine(model.embed(f"clips/{number}.mp4", space="compared", parts=["video"])[0].item, dim=0) @ heard
        )
        for number in range(4)
    }
    found = hits(Path("seen"))
    assert {of for _, of, _ in found} == {"video"}
    assert {name: similarity for name, _, similarity in found} == pytest.approx(wanted, abs=5e-3)
    assert [similarity for *_, similarity in found] == sorted((one for *_, one in found), reverse=True)
    assert "cannot be shown" not in Path("seen/search.html").read_text(encoding="utf-8")

    assert execute(["search", "index", "tone.wav", "--among", "audio", "--out", "heard"]) == 0
    assert hits(Path("heard"))[0][:2] == ("2.mp4", "audio")
    assert execute(["search", "index", "clips/1.mp4", "--part", "audio", "--out", "track"]) == 0
    assert {of for _, of, _ in hits(Path("track"))} == {"video"}
