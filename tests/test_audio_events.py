"""The recipe audio-events from end to end: what a run leaves, what it stands, and what one does with it afterwards."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
import torch
from jaxtyping import Float

import gestalt
from gestalt.__main__ import execute
from gestalt.core.evaluation import Table
from gestalt.core.items import BadItemError
from gestalt.core.training.checkpoint import CHECKPOINT, load_checkpoint
from gestalt.core.training.journal import METRICS, read_metrics
from gestalt.modalities.audio import MODALITY, Recording
from gestalt.recipes.audio_events import Options, fresh, save, soundscapes
from gestalt.recipes.audio_events.levels import SILENCE_DB, amplitude, level
from gestalt.recipes.audio_events.material import Material, load_material
from gestalt.recipes.audio_events.mixing import Mix, Soundscape, frame_labels, mix
from gestalt.recipes.audio_events.outputs import track_name
from gestalt.recipes.audio_events.sounds import Sound, Split
from gestalt.recipes.audio_events.soundscapes import Samples, Soundscapes, load_samples
from gestalt.recipes.audio_events.variety import Variety, varied

RATE = 16_000
ROWS = (
    "k-means on log-mel",
    "k-means on log-mel and time",
    "change points on log-mel",
    "k-means on a random encoder",
    "k-means on a random encoder and time",
    "change points on log-mel and a random encoder",
    "energy and spectral flux",
    "Odin",
)
METRICS_OF_THE_TABLE = ("ARI", "fg-ARI", "boundary F1", "event F1", "1-NN", "probe", "1-NN found")
TINY = [
    "--batch", "4", "--hidden", "16", "--projection", "8", "--hand-over", "2", "--discovery-every", "2",
    "--warmup", "2", "--log-every", "1", "--checkpoint-every", "4",
    "--accelerator", "cpu", "--workers", "0", "--threads", "1",
]  # fmt: skip
STEPS = 24
CONSOLE_SCRIPT = [str(Path(sys.executable).with_name("gestalt"))]
MODULE = [sys.executable, "-m", "gestalt"]
HTML = "<img src=x onerror=alert(1)>"


def command(data: Path, out: Path, *more: str, steps: int = STEPS) -> list[str]:
    """The arguments of a tiny run on recordings."""
    return ["run", "audio-events", "--data", str(data), "--out", str(out), "--steps", str(steps), *TINY, *more]


def start(arguments: Sequence[str], program: Sequence[str] = MODULE) -> "subprocess.Popen[str]":
    """A run in a process group of its own, with one thread, so that numbers agree to the last bit."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


def song(seconds: float, pitch: float, rate: int = RATE) -> Float[np.ndarray, " time"]:
    """A tone of a third of a second every second, over a little noise."""
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(round(pitch)).standard_normal(len(t))
    return (0.3 * np.sin(2 * np.pi * pitch * t * (1 + t // 1 / 5)) * (t % 1 < 0.33) + 0.01 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four recordings of 7 to 10 seconds."""
    data = tmp_path_factory.mktemp("recordings")
    for number in range(4):
        soundfile.write(data / f"{number}.wav", song(7.0 + number, 300.0 * (number + 1)), RATE)
    return data


@pytest.fixture(scope="module")
def three_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wav of three hours."""
    path, rate = tmp_path_factory.mktemp("long") / "three hours.wav", 8_000
    minute = (np.clip(song(60.0, 440.0, rate), -1, 1) * 127 + 128).astype(np.uint8).tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(rate)
        for _ in range(180):
            file.writeframes(minute)
    return path


@contextmanager
def few_varied_sounds(made_of: list[Sound] | None = None) -> Iterator[None]:
    """A bank of 30 varied sounds; a full run takes seconds to make its 2000. `made_of` hears what they are made of."""

    def few(
        rng: np.random.Generator, sounds: Sequence[Sound], count: int, config: Variety, rate: int
    ) -> tuple[Sound, ...]:
        if made_of is not None:
            made_of.extend(sounds)
        return varied(rng, sounds, min(count, 30), config, rate)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(soundscapes, "varied", few)
        yield


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on the shipped sounds."""
    out = tmp_path_factory.mktemp("runs") / "shipped"
    small = ["--soundscapes", "20", "--test-soundscapes", "6", "--steps", "4"]
    with few_varied_sounds():
        assert execute(["run", "audio-events", "--out", str(out), *small, *TINY]) == 0
    return out


@pytest.fixture(scope="module")
def undisturbed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on the four recordings."""
    out = tmp_path_factory.mktemp("runs") / "undisturbed"
    assert execute(command(folder, out)) == 0
    return out


BAD = {
    "20 ms.wav": "too short: 20 ms",
    "text.wav": "cannot be read as audio",
    f"zero {HTML}.wav": "the file has no bytes",
}
GOOD = {"Vögel 鳥/amsel – früh ☀.wav": 9.0, f"{HTML}.wav": 5.5, "stereo.mp3": 6.0}


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of many kinds with names of many kinds, three of them bad."""
    data = tmp_path_factory.mktemp("awkward")
    for name, seconds in GOOD.items():
        rate = 44_100 if name.endswith("mp3") else RATE
        (data / name).parent.mkdir(exist_ok=True)
        both = np.stack([song(seconds, 500.0, rate), song(seconds, 700.0, rate)], axis=1)
        soundfile.write(data / name, both, rate)
    zero, text, short = (next(name for name in BAD if name.startswith(start)) for start in ("zero", "text", "20"))
    (data / zero).touch()
    (data / text).write_text("dear diary " * 100)
    soundfile.write(data / short, song(0.02, 500.0), RATE)
    return data


class Seen(HTMLParser):
    """The tags, the attributes and the words of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_run_leaves_everything_that_it_promises(shipped: Path) -> None:
    files = {path.name for path in shipped.iterdir() if path.is_file()}
    assert files == {
        "options.json", METRICS, CHECKPOINT, "encoder.safetensors", "config.json", "report.html", "table.json"
    }  # fmt: skip
    options = json.loads((shipped / "options.json").read_text())
    assert options["training"]["steps"] == 4
    assert options["finder"]["grouper"] == "change-points"
    assert [row["step"] for row in read_metrics(shipped / METRICS)] == ["1", "2", "3", "4"]
    assert all(np.isfinite(float(row["loss"])) for row in read_metrics(shipped / METRICS))
    config = json.loads((shipped / "config.json").read_text())
    assert config["modality"] == "audio"
    assert config["details"]["recipe"] == "audio-events"


def test_load_gives_the_trained_encoder_ready_to_use(shipped: Path) -> None:
    encoder = gestalt.load(shipped)
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
            assert -1 <= value <= 1, (row.method, column.name)
            assert table.cell(number, place).mean == value
    words = Seen((shipped / "report.html").read_text()).words
    for name in (*ROWS, *METRICS_OF_THE_TABLE):
        assert name in words, name


def test_the_report_asks_nothing_of_the_network(shipped: Path) -> None:
    html = (shipped / "report.html").read_text()
    tags = Seen(html).tags
    assert {"audio", "img"} & {tag for tag, _ in tags} or "<svg" in html
    for tag, attributes in tags:
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster", "background"):
            target = attributes.get(name, "data:")
            assert target.startswith(("data:", "#")), f"<{tag} {name}={target[:60]}>"
        assert tag not in {"iframe", "object", "embed", "base"}
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:|#|['\"]?data:|['\"]?#)|fetch\(|XMLHttpRequest|import\(", html)


def by_source(sounds: Sequence[Sound]) -> set[str]:
    """The sources of sounds, the name where none is known."""
    return {sound.source or sound.name for sound in sounds}


@pytest.fixture(scope="module")
def samples() -> Samples:
    """The shipped sounds."""
    return load_samples()


@pytest.mark.parametrize("kind", ["sounds", "backgrounds"])
def test_no_sound_is_on_two_sides_of_the_split(samples: Samples, kind: str) -> None:
    split = getattr(samples, kind)
    parts = (split.train, split.validation, split.test)
    assert all(len(part) >= 3 for part in parts)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert not by_source(parts[first]) & by_source(parts[second])
    waveforms = [sound.samples.tobytes() for part in parts for sound in part]
    assert len(set(waveforms)) == len(waveforms)


@pytest.mark.parametrize("validate", [False, True])
def test_what_is_learned_from_and_what_is_tried_share_no_source(samples: Samples, validate: bool) -> None:
    made_of: list[Sound] = []
    with few_varied_sounds(made_of):
        material = load_material(Options(soundscapes=5, test_soundscapes=40, validate=validate))
    assert isinstance(material.items, Soundscapes)
    heard = by_source([*made_of, *material.items.backgrounds])
    every = {sound.name: sound for group in (samples.sounds, samples.backgrounds) for sound in whole(group)}
    names = {event.sound for scape in material.truth for event in scape.events}
    names |= {scape.background for scape in material.truth}
    assert len(names) > 12
    tried = by_source([every[name] for name in names])
    assert heard
    assert not heard & tried
    side = "validation" if validate else "test"
    allowed = by_source([*getattr(samples.sounds, side), *getattr(samples.backgrounds, side)])
    assert tried <= allowed


def whole(split: Split) -> tuple[Sound, ...]:
    """All sounds of a split."""
    return (*split.train, *split.validation, *split.test)


def numbered(samples: Samples, seed: int) -> Soundscapes:
    """Soundscapes of the sounds to learn from."""
    return Soundscapes(50, seed, samples.sounds.train, samples.backgrounds.train, Mix())


def test_soundscapes_follow_from_the_seed_and_their_number_alone(samples: Samples) -> None:
    first, again, other = numbered(samples, 3), numbered(samples, 3), numbered(samples, 4)
    again.soundscape(7)
    for index in (0, 11):
        one, two = first.soundscape(index), again.soundscape(index)
        assert one.samples.tobytes() == two.samples.tobytes()
        assert one.events == two.events
        assert one.background == two.background
        assert np.array_equal(one.levels, two.levels)
        assert one.samples.tobytes() != other.soundscape(index).samples.tobytes()
    assert first.soundscape(0).samples.tobytes() != first.soundscape(1).samples.tobytes()


def loudest(scape: Soundscape, moment: float, config: Mix) -> int:
    """The loudest event at a moment, by asking every event in turn."""
    best, loud = -1, SILENCE_DB
    for number, event in enumerate(scape.events):
        here = scape.levels[number, int(moment / config.window)]
        if event.onset <= moment < event.offset and here > loud:
            best, loud = number, float(here)
    return best


def test_the_truth_of_a_soundscape_lies_within_it_and_agrees_with_a_plain_loop(samples: Samples) -> None:
    config, scapes = Mix(), numbered(samples, 0)
    # Not on the borders of windows, where rounding decides.
    moments = (np.arange(125) + 0.5) * 0.032 + 0.0007
    overlapping = 0
    for index in range(20):
        scape = scapes.soundscape(index)
        assert len(scape.samples) == config.length
        assert np.abs(scape.samples).max() <= 1.0
        assert config.events[0] <= len(scape.events) <= config.events[1]
        assert [event.onset for event in scape.events] == sorted(event.onset for event in scape.events)
        for number, event in enumerate(scape.events):
            assert 0 <= event.onset < event.offset <= config.seconds
            assert config.snr[0] <= event.snr <= config.snr[1]
            windows = (np.arange(scape.levels.shape[1]) + 0.5) * config.window
            outside = (windows < event.onset) | (windows > event.offset)
            assert (scape.levels[number, outside] == SILENCE_DB).all()
        labels = frame_labels(scape, moments, config)
        assert labels.tolist() == [loudest(scape, moment, config) for moment in moments]
        overlapping += sum(
            sum(event.onset <= moment < event.offset for event in scape.events) > 1 for moment in moments
        )
    assert overlapping > 50, "the truth is easy where no two events overlap"


@pytest.mark.parametrize("snr", [-2.0, 10.0])
def test_an_event_has_the_signal_to_noise_ratio_that_its_truth_states(snr: float) -> None:
    noise = Sound(np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32), "noise", "background")
    tone = Sound(np.sin(np.arange(RATE, dtype=np.float32)), "tone", "event")

    def made(decibels: float) -> Soundscape:
        return mix(5, [tone], [noise], Mix(events=(1, 1), snr=(decibels, decibels), level=(-40.0, -40.0)))

    quiet, audible = made(-5.0), made(snr)
    (event,) = audible.events
    assert event.snr == snr
    part = slice(round(event.onset * RATE), round(event.offset * RATE))
    assert part.stop - part.start > RATE // 10
    # The two differ in nothing but the gain of the event.
    share = amplitude(snr) / (amplitude(snr) - amplitude(-5.0))
    signal = (audible.samples - quiet.samples) * share
    assert level(signal[part]) == pytest.approx(-40.0 + snr, abs=0.1)
    assert level(audible.samples - signal) == pytest.approx(-40.0, abs=0.1)


def test_recordings_of_every_kind_train_and_the_bad_ones_are_listed(
    awkward: Path, three_hours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(awkward, data)
    (data / three_hours.name).symlink_to(three_hours)
    assert execute(command(data, tmp_path / "run", "--skip-bad", steps=4)) == 0
    said = capsys.readouterr().err
    html = (tmp_path / "run" / "report.html").read_text()
    page = Seen(html)
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


def torn(path: Path, *places: float) -> None:
    """A recording of a minute with NaN where no probe looks."""
    samples = song(60.0, 500.0)
    for place in places:
        samples[round(place * RATE)] = np.nan
    soundfile.write(path, samples, RATE, subtype="FLOAT")


def test_a_recording_that_is_bad_deep_inside_trains_too(tmp_path: Path) -> None:
    torn(tmp_path / "torn.wav", 29.0)
    options = Options(data=(tmp_path / "torn.wav",))
    with pytest.raises(BadItemError, match=r"28\.0–32\.0 s.*NaN"):
        load_material(options)
    material: Material = load_material(replace(options, skip_bad=True))
    assert len(material.tried) == 3
    assert [entry.name.split(" [")[1] for entry in material.skipped] == ["28.0–32.0 s]"]
    assert material.names[1].endswith("[32.0–36.0 s]")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_unicode_does_no_harm(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    path = data / os.fsdecode(b"V\xf6gel.wav")
    shutil.move(song_file(tmp_path / "x.wav"), path)
    assert execute(command(data, tmp_path / "run", steps=2)) == 0
    assert r"V\udcf6gel.wav" in Seen((tmp_path / "run" / "report.html").read_text()).words
    for what in ("discover", "embed"):
        assert execute([what, str(tmp_path / "run"), str(data), "--out", str(tmp_path / what)]) == 0
    assert list(json.loads((tmp_path / "discover" / "events.json").read_text())) == [str(path)]
    assert len(list((tmp_path / "discover").glob("*gel.wav.labels.txt"))) == 1
    assert np.load(tmp_path / "embed" / "vectors.npz")["files"].tolist() == [str(path)]
    assert pyarrow.parquet.read_table(tmp_path / "embed" / "items.parquet").num_rows == 1


def song_file(path: Path) -> Path:
    """A recording of five seconds."""
    soundfile.write(path, song(5.0, 500.0), RATE)
    return path


def test_weights_of_another_version_say_what_they_are(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", encoder="conv")
    config = json.loads((run / "config.json").read_text())
    config["settings"]["width"] += 1
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"encoder\.safetensors are not those of the encoder 'conv' as it is now"):
        execute(["embed", str(run), str(song_file(tmp_path / "a.wav")), "--out", str(tmp_path / "out")])


def wait_until(process: "subprocess.Popen[str]", reached: Callable[[], bool]) -> None:
    """Return as soon as something holds while a process runs."""
    until = time.monotonic() + 120
    while not reached():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "nothing happened for two minutes"
        time.sleep(0.01)


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
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, theirs.state_dict()[name]), name
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


def untrained(out: Path, **changes: Any) -> Path:
    """A run's folder with a network as it is before training."""
    options = Options(out=out, hidden=16, projection=8, **changes)
    out.mkdir()
    save(fresh(options).online.eval(), options)
    return out


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


MEMORY = """
import json, resource, sys
from pathlib import Path
import numpy as np
import gestalt.recipes.audio_events
from gestalt.__main__ import execute
from gestalt.modalities.audio import MODALITY

def most() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

data, *arguments = sys.argv[1:]
before = most()
items = MODALITY.read([Path(data)]).items
rng = np.random.default_rng(0)
for index in rng.integers(len(items), size=200):
    items.read(int(index), rng)
read = most()
code = execute(arguments)
print(json.dumps([code, len(items), read - before, most() - before]))
"""


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
