"""Sound and video that was cut off is read as far as it goes, and that is said: in words, in a list, in the report."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError
from gestalt.core.runs.discover import discover
from gestalt.core.storage.ogg import lacks_end
from gestalt.modalities.audio import MODALITY, AudioFiles
from gestalt.modalities.audio.reading import read_header
from gestalt.modalities.video import Video
from tests import video_files
from tests.sounds import sweep, write_coded, write_sound
from tests.test_audio_files import FRAGMENTS, READ, totalled
from tests.test_awkward_files import write_tracks
from tests.tiny_runs import tiny_model, tiny_run

RNG = np.random.default_rng(0)


def cut(path: Path, write: Callable[[Path], None], left: float = 0.5) -> None:
    """A file of which that part is left."""
    write(path)
    content = path.read_bytes()
    path.write_bytes(content[: round(left * len(content))])


LASTS = r"is cut off: it should last 6\.\d\d s and ends at [23]\.\d\d s; what is there is read"
CUT: dict[str, tuple[Callable[[Path], None], str]] = {
    "a.wav": (write_sound, LASTS),
    "a.rf64": (lambda path: write_sound(path, kind="RF64"), LASTS),
    "a.w64": (lambda path: write_sound(path, kind="W64"), LASTS),
    "a.aiff": (lambda path: write_sound(path, kind="AIFF"), LASTS),
    "a.caf": (lambda path: write_sound(path, kind="CAF"), LASTS),
    "a.au": (lambda path: write_sound(path, kind="AU"), LASTS),
    "a.flac": (write_sound, LASTS),
    "a.wma": (READ["windows.wma"], LASTS),
    "a.mka": (READ["advanced.mka"], LASTS),
    "counted.mp3": (READ["with a header.mp3"], LASTS),
    "a.mp3": (READ["without a header.mp3"], "its last frame is incomplete"),
    "a.aac": (READ["bare.aac"], "its last frame is incomplete"),
    "a.ac3": (READ["dolby.ac3"], "its last frame is incomplete"),
    "parts.mp4": (lambda path: write_coded(path, "aac", options=FRAGMENTS), "its last frame is incomplete"),
    "a.ogg": (lambda path: write_sound(path, kind="OGG"), "its last page is incomplete"),
    "a.opus": (READ["skipped.opus"], "its last page is incomplete"),
}  # fmt: skip


@pytest.mark.parametrize("name", CUT)
def test_a_sound_that_was_cut_off_is_read_as_far_as_it_goes_and_named(tmp_path: Path, name: str) -> None:
    make, said = CUT[name]
    make(tmp_path / name)
    assert MODALITY.read([tmp_path]).damaged == ()
    cut(tmp_path / name, make)
    reading = MODALITY.read([tmp_path])
    assert isinstance(reading.items, AudioFiles)
    assert [entry.name for entry in reading.damaged] == [str(tmp_path / name)]
    assert re.search(said, reading.damaged[0].reason), reading.damaged[0].reason
    seconds = sum(len(reading.items.read(index, RNG).samples) for index in range(len(reading.items))) / 16_000
    assert 1.4 < seconds == pytest.approx(reading.items.headers[0].seconds, abs=0.1)  # the last block may be torn


def test_of_sound_beside_pictures_it_is_known_how_long_it_should_be(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    write_tracks(path, [sweep(16_000, 6.0), sweep(16_000, 6.0)])
    assert MODALITY.read([path]).damaged == ()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    assert "is cut off: it should last 6.0" in MODALITY.read([path]).damaged[0].reason


def test_a_header_that_promises_years_is_named_with_what_there_is(tmp_path: Path) -> None:
    totalled(tmp_path / "a.flac", 2**36 - 1)
    header = read_header(tmp_path / "a.flac")
    assert "it should last 1558264.78 s and ends at 6.0" in header.damage, header.damage
    assert header.seconds == pytest.approx(6.0, abs=0.06)


def test_what_was_recorded_without_a_length_is_not_damaged(tmp_path: Path) -> None:
    for name in ("streamed.wav", "never closed.wav", "streamed.au", "no total.flac", "live.webm"):
        READ[name](tmp_path / name)
    assert MODALITY.read([tmp_path]).damaged == ()


def test_an_ogg_file_without_its_last_page_is_told_from_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    write_sound(path, kind="OGG")
    assert lacks_end(path) == ""
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b"OggS")])
    assert lacks_end(path) == "its last page is not marked as the last"
    path.write_bytes(content[: content.rfind(b"OggS") + 10])
    assert lacks_end(path) == "its last page is incomplete"
    path.write_bytes(content + b"OggS of a tag")
    assert lacks_end(path) == ""


@pytest.mark.parametrize("kind", ["VORBIS", "OPUS"])
def test_an_ogg_file_that_ends_within_its_first_pages_is_called_cut_off(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.ogg"
    soundfile.write(path, np.stack([sweep(48_000, 1.0)] * 2, axis=1), 48_000, format="OGG", subtype=kind)
    content = path.read_bytes()
    pages = [match.start() for match in re.finditer(rb"OggS\0", content)]
    for end in (pages[1] - 5, pages[1], pages[1] + 100, pages[2], pages[2] + 300):
        path.write_bytes(content[:end])
        with pytest.raises(
            BadItemError, match=r"is cut off before its first sound ends: its last page is .*copy it ag"
        ):
            MODALITY.read([path])


def test_a_video_that_was_cut_off_is_read_as_far_as_it_goes_and_named(tmp_path: Path) -> None:
    times = [number / 10 for number in range(50)]
    for name in ("a.mkv", "b.webm"):
        cut(tmp_path / name, lambda path: video_files.write(path, times), 0.6)
    fragments = {"movflags": "frag_keyframe+empty_moov"}
    cut(tmp_path / "parts.mp4", lambda path: video_files.write(path, times, options=fragments), 0.9)
    video_files.write(tmp_path / "whole.mkv", times)
    whole = Video(seconds=10.0, rate=None, size=None)
    reading = whole.read([tmp_path])
    assert [Path(entry.name).name for entry in reading.damaged] == ["a.mkv", "b.webm", "parts.mp4"]
    assert all("is cut off: it should last 5.0" in entry.reason for entry in reading.damaged[:2])
    assert "is cut off" in reading.damaged[2].reason
    for index in range(3):
        numbers = video_files.numbers_of(reading.items.read(index, RNG))
        assert numbers == list(range(len(numbers)))
        assert 5 <= len(numbers) < 50


def test_discover_says_and_lists_what_is_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    cut(tmp_path / "data" / "a.wav", write_sound)
    write_sound(tmp_path / "data" / "b.wav")
    run = tiny_run(tmp_path / "run", MODALITY)
    (tmp_path / "torn").mkdir()
    for number in range(12):
        cut(tmp_path / "torn" / f"{number}.wav", write_sound, 0.4 + number / 24)
    discover(run, [tmp_path / "torn"], tmp_path / "many")
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("damaged ")]
    assert len(said) == 9
    assert said[8] == "damaged 12 files in all, which damaged.txt lists"
    assert len((tmp_path / "many" / "damaged.txt").read_text().splitlines()) == 12
    discover(run, [tmp_path / "data"], tmp_path / "found")
    assert "; 1 damaged, damaged.txt says how" in capsys.readouterr().out
    assert (tmp_path / "found" / "damaged.txt").read_text().startswith(f"{tmp_path}/data/a.wav: is cut off: it should")
    assert set(json.loads((tmp_path / "found" / "events.json").read_text())) == {
        str(tmp_path / "data" / name) for name in ("a.wav", "b.wav")
    }


def test_a_run_says_what_is_damaged_before_it_learns_and_in_its_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut(tmp_path / "a.wav", write_sound)
    few = ["--steps", "1", "--batch", "2", "--workers", "0", "--warmup", "0", "--accelerator", "cpu"]
    own = ["--modality", "audio", "--data", str(tmp_path / "a.wav"), "--out", str(tmp_path / "run")]
    assert execute(["run", "objects", *own, *few]) == 0
    said = f"{tmp_path / 'a.wav'}: is cut off: it should last 6.00 s and ends at 3.00 s"
    assert f"damaged {said}" in capsys.readouterr().err
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Damaged files" in page
    assert "is cut off: it should last 6.00 s" in page


def test_in_python_a_damaged_file_is_a_warning(tmp_path: Path) -> None:
    cut(tmp_path / "a.wav", write_sound)
    with pytest.warns(UserWarning, match=r"a\.wav: is cut off: it should last 6\.00 s"):
        tiny_model(MODALITY).embed([tmp_path])
