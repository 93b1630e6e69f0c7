"""The sample rate of a run follows from the recordings, and everything in it with the sample rate."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from jaxtyping import Float

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.components.settings import settings_of
from gestalt.core.discovery.quiet_background import AlikeQuiet
from gestalt.core.experiment.options import EncoderChoice, Running
from gestalt.core.experiment.sample_rate import at_rate
from gestalt.core.networks.encoder import Network
from gestalt.core.runs.discover import discover
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import save
from gestalt.core.training.options import Training
from gestalt.modalities.audio import Audio, Recording, collate
from gestalt.modalities.audio.effects import Filters
from gestalt.modalities.audio.encoders import LogMel
from gestalt.modalities.audio.rates import rate_of
from gestalt.modalities.audio.render import render
from gestalt.recipes.audio_events.recipe import AudioEvents, Options, events_finder
from gestalt.recipes.audio_events.rules import change_points_finder
from tests.audio_events.runs import command
from tests.recordings import song

BAT = 384_000
CALLS = ((0.3, 45_000), (0.9, 80_000), (1.5, 45_000))
"""When a bat calls, and at how many Hz."""


def calls(rate: int = BAT) -> Float[np.ndarray, " time"]:
    """Two seconds with calls of a fifth of a second."""
    t = np.arange(2 * rate) / rate
    sound = 0.002 * np.random.default_rng(0).standard_normal(len(t))
    for begin, pitch in CALLS:
        sound += 0.3 * np.sin(2 * np.pi * pitch * t) * (t >= begin) * (t < begin + 0.2)
    return sound.astype(np.float32)


@pytest.fixture(scope="module")
def bats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bats")
    for number in range(4):
        soundfile.write(folder / f"{number}.wav", calls(), BAT)
    return folder


@pytest.fixture(scope="module")
def run(bats: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on them that says nothing of the sample rate."""
    out = tmp_path_factory.mktemp("runs") / "bats"
    assert execute(command(bats, out, "--seconds", "2", steps=4)) == 0
    return out


def test_a_run_on_bats_takes_their_rate_and_finds_their_calls(bats: Path, run: Path, tmp_path: Path) -> None:
    config = json.loads((run / "config.json").read_text())
    assert config["modality"]["settings"] == {"sample_rate": BAT, "seconds": 2.0}
    assert config["encoder"]["settings"]["sample_rate"] == BAT
    assert json.loads((run / "options.json").read_text())["sample_rate"] == BAT
    model = gestalt.load(run)
    assert isinstance(model.modality, Audio)
    assert model.modality.sample_rate == BAT
    item = model.modality.read([bats / "0.wav"]).items.read(0, np.random.default_rng(0))
    features = model.encoder(model.modality.collate([item]))
    assert features.values.shape[1] == 62
    assert discover(run, [bats / "0.wav"], tmp_path / "found") == 0


def test_what_is_saved_at_a_rate_finds_calls_at_it(bats: Path, tmp_path: Path) -> None:
    finder, encoder = at_rate(change_points_finder(0.0), BAT), LogMel(sample_rate=BAT)
    save(tmp_path / "run", Model(Audio(BAT, 2.0), Network(encoder).eval(), {}, finder), "raw")
    assert discover(tmp_path / "run", [bats / "0.wav"], tmp_path / "found") == 0
    record = json.loads((tmp_path / "found" / "events.json").read_text())
    found = [(event["onset"], event["offset"]) for event in record[str(bats / "0.wav")]]
    for begin, _ in CALLS:
        assert any(abs(on - begin) < 0.05 and abs(off - begin - 0.2) < 0.05 for on, off in found), found


def test_the_rate_is_that_of_most_files_and_no_more_than_asked_for(tmp_path: Path) -> None:
    for number, rate in enumerate((44_100, 44_100, 16_000, 192_000)):
        soundfile.write(tmp_path / f"{number}.wav", song(1.0, 500.0, rate), rate)
    (tmp_path / "bad.wav").write_bytes(b"bad")
    assert rate_of([tmp_path], 500_000) == 44_100
    assert rate_of([tmp_path], 32_000) == 32_000
    assert rate_of([tmp_path / "2.wav", tmp_path / "3.wav"], 500_000) == 192_000
    own = Options(running=Running(tmp_path / "out", (tmp_path,)))
    for options, expected in (
        (own, 44_100),
        (replace(own, sample_rate=22_050), 22_050),
        (replace(own, highest_rate=32_000), 32_000),
        (replace(own, encoder=EncoderChoice("wav2vec2")), 16_000),
    ):
        recipe = AudioEvents(options)
        assert isinstance(recipe.modality, Audio)
        assert isinstance(recipe.options, Options)
        assert isinstance(recipe.finder.background, AlikeQuiet)
        assert isinstance(recipe.finder.background.salience, LogMel)
        assert recipe.modality.sample_rate == recipe.options.sample_rate == expected
        assert recipe.finder == recipe.options.finder
        assert recipe.finder.background.salience.sample_rate == expected


def test_shipped_sounds_keep_their_rate() -> None:
    recipe = AudioEvents(Options())
    assert recipe.rate == 16_000
    assert settings_of(recipe.modality) == {"sample_rate": 16_000, "seconds": 4.0}
    assert recipe.options == Options(finder=recipe.finder)
    finder = events_finder()
    assert at_rate(finder, 16_000) is finder
    with pytest.raises(ValueError, match="the shipped sounds have 16000 Hz, got 32000: leave it out, or name"):
        Options(sample_rate=32_000)


@pytest.mark.parametrize("rate", [100, 4000, 11_025, 22_050, 44_100, 250_000])
def test_every_encoder_filter_and_picture_takes_every_rate(rate: int) -> None:
    modality = Audio(rate, 2.0)
    item = Recording(torch.from_numpy(song(2.0, rate / 8, rate)), rate)
    few = {"mels": 8} if rate < 4000 else {}
    for name in ("raw", "conv", "dilated") if few else ("raw", "conv", "dilated", "unet", "resnet18"):
        features = modality.encoders[name](sample_rate=rate, **few).eval()(collate([item, item]))
        assert features.grid is not None
        assert bool(features.values.isfinite().all())
        edges = features.grid.edges[0][0]
        ended = float(edges[int(features.valid[0].view(features.grid.shape[0], -1).any(dim=1).sum())])
        assert ended == pytest.approx(2.0, abs=float(edges.diff().max()))
    for seed in range(6):
        view, _ = Filters()(item, np.random.default_rng(seed))
        assert bool(view.samples.isfinite().all())
    view, _ = modality.views.views[0](item, np.random.default_rng(0))
    assert view.sample_rate == rate
    raw = modality.encoders["raw"](sample_rate=rate, mels=8)
    features = raw(collate([item]))
    picture = render(item, torch.zeros(features.values.shape[1], dtype=torch.long), features.grid)
    assert ("ten times slower" in picture) == (rate > 96_000)


def test_the_recipe_for_any_modality_takes_the_rate_of_the_recordings_too(bats: Path, tmp_path: Path) -> None:
    few = ["--steps", "2", "--batch", "4", "--workers", "0", "--warmup", "1", "--accelerator", "cpu"]
    own = ["run", "objects", "--modality", "audio", "--data", str(bats), *few]
    for name, said, expected in (("theirs", [], BAT), ("asked", ["--sample-rate", "96000"], 96_000)):
        assert execute([*own, "--out", str(tmp_path / name), *said]) == 0
        config = json.loads((tmp_path / name / "config.json").read_text())
        assert config["modality"]["settings"]["sample_rate"] == expected
        assert config["encoder"]["settings"]["sample_rate"] == expected
        assert json.loads((tmp_path / name / "options.json").read_text())["sample_rate"] == expected
        assert discover(tmp_path / name, [bats / "0.wav"], tmp_path / "found") == 0
    few_steps = Training(steps=2, batch=4, workers=0, warmup=1, accelerator="cpu")
    model = gestalt.train(bats, modality="audio", out=tmp_path / "python", training=few_steps)
    assert settings_of(model.modality)["sample_rate"] == BAT, "by name from Python, too"
    assert settings_of(model.encoder)["sample_rate"] == BAT
    fixed = gestalt.train(bats, modality=Audio(96_000, 2.0), out=tmp_path / "itself", training=few_steps)
    assert settings_of(fixed.modality)["sample_rate"] == 96_000, "a modality that is passed stays as it is"
    (tmp_path / "a.txt").write_text("The old man saw the sea.\n" * 4)
    with pytest.raises(ValueError, match="--sample-rate is for items that are sampled in time, and those of text"):
        execute(["run", "objects", "--modality", "text", "--data", str(tmp_path / "a.txt"), "--sample-rate", "96000"])
