"""The recipe audio-events from end to end: what a run leaves and what it stands."""

import json
import os
import re
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import torch

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError
from gestalt.core.evaluation import Table
from gestalt.core.experiment.options import Running
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.checkpoint import CHECKPOINT, load_checkpoint
from gestalt.core.training.metrics_log import read_metrics
from gestalt.core.training.round_signs import ROUNDS
from gestalt.modalities.audio import MODALITY, Recording
from gestalt.recipes.audio_events.recipe import AudioEvents, Options
from tests.audio_events.runs import (
    CONSOLE_SCRIPT,
    METRICS_OF_THE_TABLE,
    MODULE,
    ROWS,
    STEPS,
    Page,
    command,
    song_file,
    start,
    untrained,
    wait_until,
)
from tests.recordings import BAD, HTML, RATE, song, write_torn


def test_a_run_leaves_everything_that_it_promises(shipped: Path) -> None:
    files = {path.name for path in shipped.iterdir() if path.is_file()}
    assert files == {
        "options.json", METRICS, CHECKPOINT, "model.safetensors", "config.json", "report.html", "table.json",
        "data.json", "seen.json", ROUNDS, "recipe.json", "training.json",
    }  # fmt: skip
    options = json.loads((shipped / "options.json").read_text())
    assert options["training"]["steps"] == 4
    assert options["finder"]["grouper"]["type"] == "merge-alike"
    assert options["finder"]["regions"]["source"]["grouper"]["type"] == "along"
    assert options["finder"]["regions"]["source"]["grouper"]["grouper"]["type"] == "change-points"
    assert [row["step"] for row in read_metrics(shipped / METRICS)] == ["1", "2", "3", "4"]
    assert all(np.isfinite(float(row["loss"])) for row in read_metrics(shipped / METRICS))
    config = json.loads((shipped / "config.json").read_text())
    assert config["modality"] == {"name": "audio", "settings": {"seconds": 4.0, "sample_rate": 16_000}}
    assert config["recipe"] == "audio-events"
    assert config["method"]["type"] == "method:odin-rounds"
    assert config["finder"]["grouper"]["type"] == "grouper:merge-alike"


def test_load_gives_the_trained_encoder_ready_to_use(shipped: Path) -> None:
    encoder = gestalt.load(shipped).encoder
    saved = load_checkpoint(shipped)
    assert saved is not None
    trained = {name: tensor for name, tensor in saved["learner"].items() if name.startswith("online.encoder.")}
    assert len(trained) > 10
    assert {f"online.encoder.{name}" for name in encoder.state_dict()} == set(trained)
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, trained[f"online.encoder.{name}"]), name
    assert not any(module.training for module in encoder.modules())
    features = encoder(MODALITY.collate([Recording(torch.from_numpy(song(4.0, 500.0)), RATE)]))
    assert features.values.shape == (1, 125, encoder.dim)


def test_the_table_has_every_method_and_every_metric(shipped: Path) -> None:
    table = Table.from_json((shipped / "table.json").read_text())
    assert tuple(column.name for column in table.columns) == METRICS_OF_THE_TABLE
    assert tuple(row.method for row in table.rows) == ROWS
    for number, row in enumerate(table.rows):
        for place, column in enumerate(table.columns):
            (value,) = row.values[place]
            if (row.method, column.name) == ("the run's finder on a random encoder", "1-NN found"):
                assert np.isnan(value) or -1 <= value <= 1  # where it finds nothing, there is nothing to name
            else:
                assert -1 <= value <= 1, (row.method, column.name)
            assert table.cell(number, place).mean == pytest.approx(value, nan_ok=True)
    words = Page((shipped / "report.html").read_text()).words
    for name in (*ROWS, *METRICS_OF_THE_TABLE):
        assert name in words, name


def test_the_report_asks_nothing_of_the_network(shipped: Path) -> None:
    html = (shipped / "report.html").read_text()
    tags = Page(html).tags
    assert {"audio", "img"} & {tag for tag, _ in tags} or "<svg" in html
    for tag, attributes in tags:
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster", "background"):
            target = attributes.get(name, "data:")
            assert target.startswith(("data:", "#")), f"<{tag} {name}={target[:60]}>"
        assert tag not in {"iframe", "object", "embed", "base"}
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:|#|['\"]?data:|['\"]?#)|fetch\(|XMLHttpRequest|import\(", html)


def test_recordings_of_every_kind_train_and_the_bad_ones_are_listed(
    awkward: Path, three_hours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(awkward, data)
    (data / three_hours.name).symlink_to(three_hours)
    assert execute(command(data, tmp_path / "run", "--skip-bad", steps=4)) == 0
    said = capsys.readouterr().err
    html = (tmp_path / "run" / "report.html").read_text()
    page = Page(html)
    for name, reason in BAD.items():
        assert f"left out {data / name}: " in said
        assert reason in said
        assert str(data / name) in page.words
    assert "learned from 2707 windows of your recordings" in page.words
    assert not (tmp_path / "run" / "table.json").exists()
    # A file name is never more than text, in a caption as among those left out.
    assert f"{data / HTML}.wav [" in page.words
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert HTML not in html


def test_a_bad_recording_stops_the_run_with_its_name_and_what_to_do(awkward: Path, tmp_path: Path) -> None:
    with pytest.raises(BadItemError) as stopped:
        execute(command(awkward, tmp_path / "run"))
    (line,) = str(stopped.value).splitlines()
    assert line.startswith(str(awkward / "20 ms.wav"))
    assert line.endswith("leave it out with --skip-bad")


def test_a_recording_that_is_bad_deep_inside_trains_too(tmp_path: Path) -> None:
    write_torn(tmp_path / "torn.wav", 29.0)
    running = Running(tmp_path, (tmp_path / "torn.wav",))
    with pytest.raises(BadItemError, match=r"28\.0–32\.0 s.*NaN"):
        AudioEvents(Options(running=running)).data()
    data = AudioEvents(Options(running=replace(running, skip_bad=True))).data()
    assert len(data.evaluated) == 3
    assert [entry.name.split(" [")[1] for entry in data.skipped] == ["28.0–32.0 s]"]
    assert data.names[1].endswith("[32.0–36.0 s]")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_unicode_does_no_harm(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    path = data / os.fsdecode(b"V\xf6gel.wav")
    shutil.move(song_file(tmp_path / "x.wav"), path)
    assert execute(command(data, tmp_path / "run", steps=2)) == 0
    assert r"V\udcf6gel.wav" in Page((tmp_path / "run" / "report.html").read_text()).words
    for what in ("discover", "embed"):
        assert execute([what, str(tmp_path / "run"), str(data), "--out", str(tmp_path / what)]) == 0
    assert list(json.loads((tmp_path / "discover" / "events.json").read_text())) == [str(path)]
    assert len(list((tmp_path / "discover" / "labels").glob("*gel.txt"))) == 1
    assert np.load(tmp_path / "embed" / "vectors.npz")["files"].tolist() == [str(path)] * 2
    assert pyarrow.parquet.read_table(tmp_path / "embed" / "items.parquet").num_rows == 2  # windows of 5 s


def test_weights_of_another_version_say_what_they_are(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", encoder="conv")
    config = json.loads((run / "config.json").read_text())
    config["encoder"]["settings"]["width"] += 1
    (run / "config.json").write_text(json.dumps(config))
    said = r"model\.safetensors are not those of the encoder 'conv' and its heads as they are now"
    with pytest.raises(ValueError, match=said):
        gestalt.load(run)


def test_a_killed_run_goes_on_to_the_metrics_of_an_undisturbed_one(
    folder: Path, undisturbed: Path, tmp_path: Path
) -> None:
    arguments = command(folder, tmp_path / "run")
    process = start(arguments)
    wait_until(process, lambda: len(read_metrics(tmp_path / "run" / METRICS)) >= 6)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.communicate()
    saved = load_checkpoint(tmp_path / "run")
    assert saved is not None
    assert 4 <= saved["step"] < STEPS
    assert execute([*arguments, "--resume"]) == 0
    assert (tmp_path / "run" / METRICS).read_bytes() == (undisturbed / METRICS).read_bytes()
    ours, theirs = gestalt.load(tmp_path / "run"), gestalt.load(undisturbed)
    assert set(ours.heads) == set(theirs.heads) == {"predictor"}
    for one, other in ((ours.network, theirs.network), (ours.heads["predictor"], theirs.heads["predictor"])):
        assert set(one.state_dict()) == set(other.state_dict())
        for name, tensor in one.state_dict().items():
            assert torch.equal(tensor, other.state_dict()[name]), name
    assert (tmp_path / "run" / "report.html").is_file()


def test_ctrl_c_saves_and_says_how_to_go_on(folder: Path, undisturbed: Path, tmp_path: Path) -> None:
    arguments = command(folder, tmp_path / "run", "--workers", "1")
    process = start(arguments)
    wait_until(process, lambda: len(read_metrics(tmp_path / "run" / METRICS)) >= 2)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers as well
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "stopped, and saved; go on with the same command and --resume" in said
    assert "Traceback" not in said
    saved = load_checkpoint(tmp_path / "run")
    assert saved is not None
    assert 2 <= saved["step"] < STEPS
    assert execute([*arguments, "--resume", "--workers", "0"]) == 0
    assert (tmp_path / "run" / METRICS).read_bytes() == (undisturbed / METRICS).read_bytes()


def test_two_processes_begin_with_the_loss_of_one_whatever_starts_them(
    folder: Path, undisturbed: Path, tmp_path: Path
) -> None:
    alone = float(read_metrics(undisturbed / METRICS)[0]["loss"])
    programs = {"console script": CONSOLE_SCRIPT, "python -m gestalt": MODULE}
    # Side by side: most of their time goes into imports.
    started = {
        name: start(command(folder, tmp_path / name, "--devices", "2", steps=3), program)
        for name, program in programs.items()
    }
    for name, process in started.items():
        said = process.communicate(timeout=240)[1]
        assert process.returncode == 0, said
        assert "Traceback" not in said
        losses = [float(row["loss"]) for row in read_metrics(tmp_path / name / METRICS)]
        assert len(losses) == 3
        assert np.isfinite(losses).all()
        assert losses[0] == pytest.approx(alone, rel=1e-3)
        assert (tmp_path / name / "report.html").is_file()
