"""Files of one name: which of them are parts of one item, where a part has several of them or a table has records."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from gestalt.core.modality.joint.same_name import SameName
from gestalt.core.modality.plugins import load_modality
from tests.test_joint_clocks import RATE, filmed
from tests.test_joint_reading import picture, read_all

LONG = " ".join(f"word{number}" for number in range(700))


def sounding(path: Path, seconds: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE))
    soundfile.write(path, noise.astype(np.float32), RATE)


def test_two_videos_of_one_name_each_keep_their_own_sound(tmp_path: Path) -> None:
    """The sound of the first lasts longer than its picture: no window of it is taken for the second's."""
    filmed(tmp_path / "a.mov", [number / 10 for number in range(40)], (0.0, 4.8))
    filmed(tmp_path / "a.mp4", [number / 10 for number in range(30)], (0.0, 3.0))
    items, reading = read_all(load_modality("audio+video"), tmp_path)
    files = [reading.items.path(number).suffix for number in range(len(items))]
    assert files == [".mov", ".mov", ".mp4", ".mp4"]
    for part in ("audio", "video"):
        assert [item.parts[part].start for item in items] == [0, 2, 0, 2]
        assert [item.parts[part].seconds for item in items] == pytest.approx([2, 2, 2, 1], abs=0.15)
    assert reading.damaged[0].name == str(tmp_path / "a.mov")


def test_a_recording_beside_a_video_with_sound_is_said_not_to_be_read(tmp_path: Path) -> None:
    filmed(tmp_path / "a.mp4", [number / 10 for number in range(30)], (0.0, 3.4))
    sounding(tmp_path / "a.wav", 3.0)
    items, reading = read_all(load_modality("audio+video"), tmp_path)
    assert len(items) == 2
    assert all(item.parts.keys() == {"audio", "video"} for item in items)
    assert str(tmp_path / "a.wav") in [one.name for one in reading.damaged if "a.mp4, of the same name" in one.reason]


def test_what_lies_beside_two_videos_of_one_name_is_a_part_of_both(tmp_path: Path) -> None:
    for ending in ("mov", "mp4"):
        filmed(tmp_path / f"a.{ending}", [number / 10 for number in range(10)], (0.0, 1.0))
    (tmp_path / "a.txt").write_text("a film\n", encoding="utf-8")
    items, _ = read_all(load_modality("audio+video+text"), tmp_path)
    assert [sorted(item.parts) for item in items] == [["audio", "text", "video"]] * 2


def test_recordings_of_one_name_share_a_text_where_nothing_else_lies_in_time(tmp_path: Path) -> None:
    for ending in ("flac", "wav"):
        sounding(tmp_path / f"a.{ending}", 1.0)
    (tmp_path / "a.txt").write_text("a sound\n", encoding="utf-8")
    items, reading = read_all(load_modality("audio+text"), tmp_path)
    assert [sorted(item.parts) for item in items] == [["audio", "text"]] * 2
    assert not reading.damaged


@pytest.mark.parametrize("names", ["smiles,text", "id,smiles,text,solubility"])
def test_molecules_and_texts_of_one_table_are_paired_by_their_lines(tmp_path: Path, names: str) -> None:
    """Whatever the column of the molecules is called; a molecule that is none takes its text along."""
    cells = {"id": "m", "text": "a text of {}", "solubility": "1"}
    rows = [
        ",".join(cells.get(name, smiles).format(smiles) for name in names.split(",")) for smiles in ("CCO", "xx", "C")
    ]
    (tmp_path / "m.csv").write_text("\n".join([names, *rows]), encoding="utf-8")
    items, reading = read_all(load_modality("graph+text"), tmp_path / "m.csv", skip_bad=True)
    assert [(len(item.parts["graph"]), item.parts["text"].text.strip()) for item in items] == [
        (3, "a text of CCO"),
        (1, "a text of C"),
    ]
    assert any("xx" in one.reason for one in reading.skipped)


@pytest.mark.parametrize("columns", ["smiles,text", "graph,text"])
def test_a_long_text_of_a_molecule_is_said_to_be_read_at_its_begin(tmp_path: Path, columns: str) -> None:
    (tmp_path / "m.csv").write_text(f"{columns}\nCCO,{LONG}\nC,short\n", encoding="utf-8")
    items, reading = read_all(load_modality("graph+text"), tmp_path / "m.csv")
    assert len(items) == 2
    assert [one.name.partition(" ")[0] for one in reading.damaged] == [f"{tmp_path / 'm.csv'}:2"]
    assert "only its begin is read" in reading.damaged[0].reason


def test_of_one_part_in_time_or_one_file_of_each_nothing_is_told_apart(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    sounding(tmp_path / "a.wav", 1.0)
    parts = {name: load_modality(name).read([tmp_path]).items for name in ("audio", "image")}
    same = SameName.of(parts)
    assert not same.items
    assert same.keys(str(tmp_path / "a.wav")) == same.keys(str(tmp_path / "a.png")) == (str(tmp_path / "a"),)
