"""Sensors from files to answers: transforms and encoders by hand, and the commands on small real files."""

import csv
import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.components.registry import MODALITIES
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.evaluation.partition import adjusted_rand_index
from gestalt.core.experiment.modality_settings import with_named_settings
from gestalt.core.modality.plugins import load_modality
from gestalt.core.networks.encoder import Network
from gestalt.core.runs.model import Model
from gestalt.modalities.sensors import Sensors, Series
from gestalt.modalities.sensors.data import collate
from gestalt.modalities.sensors.encoders import Dilated, Raw, Transformer, usual
from gestalt.modalities.sensors.views import Blank, ChannelDrop, Gain, TimeCrop, TimeScale
from gestalt.recipes.objects.recipe import default_finder
from tests.series_files import NAMES, RATE, STEP, stretches, write_table
from tests.series_forms import edf, hdf5, wide

MODALITY = Sensors()
TINY = (
    "--steps", "2", "--batch", "2", "--warmup", "0", "--workers", "0", "--threads", "1", "--accelerator", "cpu",
    "--encoder", "conv", "--encoder.width", "16", "--method.heads.hidden", "16", "--method.heads.projection", "8",
)  # fmt: skip


def series(values: Any, rate: float = 100.0) -> Series:
    return Series(torch.as_tensor(values).float(), rate)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_crop_and_a_change_of_speed_show_what_they_say() -> None:
    item = series(torch.arange(400.0)[:, None])
    cropped, rule = TimeCrop(0.3, 0.3)(item, rng())
    assert float(cropped.values[0, 0]) == pytest.approx(float(rule.offset[0, 0]) * 100)
    assert len(cropped.values) == 120
    for speed in (0.8, 2.0):
        passed, rule = TimeScale(speed, speed)(item, rng())
        middles = (torch.arange(len(passed.values)) + 0.5) / 100
        shown = speed * middles * 100 - 0.5  # a ramp: the mean over a sample is the value in its middle
        assert torch.allclose(passed.values[:, 0], shown, atol=0.51 if speed < 1 else 1e-3)
        assert float(rule.matrix[0, 0, 0]) == pytest.approx(speed)


def test_gains_keep_medians_drops_keep_a_channel_and_blanks_say_where() -> None:
    values, _ = stretches()
    item = series(values)
    stronger, _ = Gain(2.0, 2.0)(item, rng())
    centre = item.values.median(dim=0).values
    assert torch.allclose(stronger.values - centre, 2 * (item.values - centre), atol=0.05)
    for seed in range(20):
        dropped, _ = ChannelDrop(1.0)(item, rng(seed))
        flat = (dropped.values == dropped.values[0]).all(dim=0)
        assert int(flat.sum()) == 2
    blank, rule = Blank(0.5)(item, rng(3))
    changed = (blank.values != item.values).any(dim=1).nonzero()[:, 0]
    features = MODALITY.encoders["raw"]()(collate([item]))
    shown = rule.source_elements(features, features.grid)[0]
    inside = (changed[0] // STEP + 1, changed[-1] // STEP)
    assert (shown[inside[0] : inside[1]] == -1).all()
    assert (shown >= 0).any()


def test_plain_features_are_means_and_powers_at_every_frequency() -> None:
    time = torch.arange(5 * STEP) / RATE
    item = series(torch.stack([7.0 + 3 * torch.sin(2 * math.pi * 25 * time), torch.full_like(time, 2.0)], dim=1))
    raw = Raw(centres=(7.0, 2.0), scales=(3.0, 1.0))
    mean, levels = raw(collate([item])).values[0].split([2, 16], dim=1)
    assert torch.allclose(mean, torch.zeros(5, 2), atol=1e-4)
    levels = levels.unflatten(1, (8, 2))  # frequency × channel: 25 Hz is the fourth of 6.25, 12.5, …
    assert levels[0, :, 0].argmax() == 3
    assert float(levels[0, 3, 0]) == pytest.approx(math.log10((STEP / 4 + 1e-3) / 1e-3), abs=1e-3)
    assert torch.allclose(levels[:, :, 1], torch.zeros(5, 8), atol=1e-4)


def test_what_is_usual_of_channels_is_that_of_the_data_and_flat_ones_do_no_harm(tmp_path: Path) -> None:
    values = write_table(tmp_path / "a.csv")
    centres, scales = usual(Sensors(100.0, seconds=1.0).read([tmp_path]).items)
    assert np.allclose(centres, values.mean(axis=0), rtol=1e-4, atol=1e-4)
    assert np.allclose(scales, values.std(axis=0), rtol=1e-3)
    (tmp_path / "a.csv").write_text("time,x,y\n" + "".join(f"{number},{number},5\n" for number in range(40)))
    items = Sensors(1.0).read([tmp_path]).items
    assert usual(items)[1][1] == 1.0
    settings = Sensors(1.0).encoder_settings("conv", items)
    assert Dilated(**settings)(collate([items.read(0, rng())])).values.isfinite().all()


def test_nothing_beyond_its_reach_changes_a_vector_of_the_network() -> None:
    encoder, item = Dilated(width=8, dilations=(1, 2)).eval(), series(rng().standard_normal((80 * STEP, 3)))
    changed = item.values.clone()
    changed[40 * STEP : 41 * STEP] += 3.0
    one, other = (encoder(collate([series(each)])).values[0] for each in (item.values, changed))
    moved = (one - other).abs().amax(dim=1) > 1e-6
    reach = round(encoder.reach * RATE / STEP)
    assert reach == 3
    assert moved.nonzero()[:, 0].tolist() == list(range(40 - reach, 41 + reach))


@pytest.mark.parametrize("build", [Raw, Dilated, Transformer])
def test_series_that_a_network_was_not_built_for_are_refused_with_what_to_do(build: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"takes series of 3 channels, got 2; name the channels \(columns="):
        build()(collate([series(torch.randn(64, 2))]))
    with pytest.raises(ValueError, match="takes 100 samples per second, got 50; resample"):
        build()(collate([series(torch.randn(64, 3), 50.0)]))


def test_settings_of_a_command_line_are_those_of_the_modality() -> None:
    found = with_named_settings(MODALITY, ["seconds=2", "columns=x, y", "irregular=true", "time=when", "rate=none"])
    assert isinstance(found, Sensors)
    assert (found.seconds, found.columns, found.irregular, found.time, found.rate) == (
        2,
        ("x", "y"),
        True,
        "when",
        None,
    )
    for pair, said in {
        "second=2": "did you mean 'seconds'",
        "seconds": "are name=value, got 'seconds'",
        "seconds=long": r"seconds \(--settings\) is float, got 'long'",
        "irregular=perhaps": "is bool, got 'perhaps'",
        "fill=zero": "fill is one of refuse, last, linear, got 'zero'",
        "rate=-1": "rate must lie in",
    }.items():
        with pytest.raises(ValueError, match=said):
            with_named_settings(MODALITY, [pair])
    with pytest.raises(ValueError, match=r"settings are for one modality, and audio\+sensors has several"):
        with_named_settings(load_modality("audio+sensors"), ["seconds=2"])


def partition(found: Any, kind: np.ndarray) -> float:
    """Agreement of stretches, on average over files of one window."""
    scores = []
    for one in found:
        truth = torch.from_numpy(kind[STEP // 2 :: STEP][: len(one.labels)].copy())
        runs = torch.stack(
            [torch.cat([torch.zeros(1), (labels.diff() != 0).cumsum(0)]) for labels in (one.labels, truth)]
        )
        scores.append(float(adjusted_rand_index(runs[:1].long(), runs[1:].long())[0]))
    return sum(scores) / len(scores)


def test_stretches_between_changes_are_nearer_the_truth_than_k_means_and_equal_lengths(tmp_path: Path) -> None:
    """Of plain features alone: `benchmarks/sensor_stretches.py` measures what a network adds."""
    kinds = (0, 1, 2, 0, 2)
    for number in range(4):
        values, _ = stretches(number, 60, kinds)
        noisy = values + np.random.default_rng(number).standard_normal(values.shape) * (0.3, 0.2, 8.0)
        np.savetxt(tmp_path / f"{number}.csv", np.c_[np.arange(len(noisy)) / RATE, noisy], delimiter=",",
                   header=f"time,{','.join(NAMES)}", comments="")  # fmt: skip
    _, kind = stretches(0, 60, kinds)
    modality = Sensors(100.0, seconds=60 * STEP / RATE)
    items = modality.read([tmp_path]).items
    raw = modality.encoders["raw"](**modality.encoder_settings("raw", items))
    changes = default_finder(modality, raw)
    by_changes = ObjectFinder(changes.grouper, "hidden", None, ConcatFeatures(raw, 0.0))
    by_means = ObjectFinder(KMeans(3, spherical=False), "hidden")
    scores = [
        partition(Model(modality, Network(raw), {}, one).discover(tmp_path), kind) for one in (by_changes, by_means)
    ]
    truth = torch.from_numpy(np.repeat(np.arange(5), 12))
    equal = float(adjusted_rand_index((torch.arange(60) * 4 // 60)[None], truth[None])[0])
    assert scores[0] > max(0.75, scores[1] + 0.05, equal + 0.1), (scores, equal)


FORMS: dict[str, Callable[[Path], Any]] = {
    "csv": lambda folder: [write_table(folder / f"{name}.csv", seed) for seed, name in enumerate("ab")],
    "hdf5": hdf5(wide),
    "edf": edf,
}


@pytest.mark.parametrize("form", FORMS)
def test_commands_go_from_files_to_tables_of_stretches(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    FORMS[form](tmp_path / "data")
    settings = ["--settings", "seconds=2", *(["columns=x,y,pressure"] if form == "edf" else [])]
    assert execute(["run", "objects", "--modality", "sensors", "--data", "data", "--out", "run", *settings, *TINY]) == 0
    assert "gestalt-series" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["modality"]["settings"]["sample_rate"] == 100.0
    assert config["modality"]["settings"]["columns"] == list(NAMES)
    assert execute(["discover", "run", "data", "--out", "found"]) == 0
    with (tmp_path / "found" / "events.csv").open(encoding="utf-8", newline="") as file:
        events = list(csv.DictReader(file))
    assert {Path(row["filename"]).parent.name for row in events} == {"data"}
    first = [row for row in events if row["filename"] == events[0]["filename"]]
    assert first[0]["onset"] == "0"
    assert all(before["offset"] == after["onset"] for before, after in pairwise(first))
    assert float(first[-1]["offset"]) == pytest.approx(7.0 if form == "edf" else 7.68, abs=STEP / RATE)
    assert execute(["embed", "run", "data", "--out", "vectors"]) == 0
    said = capsys.readouterr().out
    assert "stretches of" in said or "stretch of" in said
    model = gestalt.load("run")
    assert model.embed("data")[0].item.shape == (16,)


def test_found_stretches_are_masks_and_labels_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    FORMS["csv"](tmp_path / "data")
    (tmp_path / "truth.csv").write_text(
        "filename,onset,offset,event_label\na.csv,0,1.92,rest\na.csv,1.92,3.84,slow\nb.csv,3.84,5.76,fast\n"
    )
    items = Sensors(100.0, seconds=2.0).read([tmp_path / "data"]).items
    masks = MODALITY.read_masks(tmp_path / "truth.csv", items)
    item = items.read(0, rng())
    first = masks.of_item(0, item)
    assert first is not None
    assert MODALITY.shown_masks(item, first)[0] == ("rest", (0.0, pytest.approx(1.92)))
    (tmp_path / "late.csv").write_text("filename,onset,offset,event_label\na.csv,0,19.2,rest\n")
    with pytest.raises(ValueError, match=r"an event ends at 19\.2 s, and .*a\.csv lasts 7\.7 s"):
        MODALITY.read_masks(tmp_path / "late.csv", items)
    with pytest.raises(ValueError, match="filename, onset, offset, event_label"):
        MODALITY.read_masks(tmp_path / "data", items)
    known = ["--masks", "truth.csv", "--skip-bad", "--settings", "seconds=2", "--method", "detcon"]
    assert execute(["run", "objects", "--modality", "sensors", "--data", "data", "--out", "run", *known, *TINY]) == 0
    assert "slow" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_a_series_and_a_recording_of_the_same_seconds_make_one_item() -> None:
    audio, both = load_modality("audio"), load_modality("audio+sensors")
    assert {*both.specimens()[0].item.parts} == {"audio", "sensors"}
    assert isinstance(audio, type(MODALITIES.load("audio")))
