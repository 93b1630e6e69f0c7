"""Where elements of joint items lie: in columns of their part, in the file, the same for items that lack parts."""

import csv
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest
from numpy.lib.npyio import NpzFile

from gestalt.core.modality.joint import JointModality
from gestalt.core.runs.element_places import ElementPlaces
from gestalt.core.runs.embed import embed
from gestalt.core.runs.types.command import types
from gestalt.modalities.audio import Audio
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.modalities.video import Video
from tests.test_joint_reading import clip_with_sound
from tests.test_types_command import TWO
from tests.tiny_runs import tiny_model, tiny_run

PARTS: dict[str, Any] = {"text": TEXT, "video": Video(1.0, None, 32), "audio": Audio(seconds=1.0)}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text alone, a clip without sound, one with both and no text."""
    folder = tmp_path_factory.mktemp("data") / "clips"
    folder.mkdir()
    (folder / "a.txt").write_text("no picture at all\n", encoding="utf-8")
    clip_with_sound(folder / "b.mp4", 2.0, silent=True)
    clip_with_sound(folder / "c.mp4", 2.0)
    return folder


@pytest.fixture(scope="module")
def run(clips: Path) -> Path:
    return tiny_run(clips.parent / "run", JointModality(PARTS, allow_missing=True), "joint", 2, dim=16)


def test_elements_lie_where_they_do_for_the_part_alone_whatever_parts_an_item_has(clips: Path, run: Path) -> None:
    modality = JointModality(PARTS, allow_missing=True)
    assert embed(run, [clips], clips.parent / "vectors", modality=modality) == 0
    ours = parquet.read_table(clips.parent / "vectors" / "elements.parquet").drop(["vector"]).to_pylist()
    for name, part in PARTS.items():
        out, alone = clips.parent / f"vectors-{name}", clips.parent / f"run-{name}"
        encoder = "raw" if name == "text" else "conv"
        tiny_run(alone, part, encoder, 2)
        files = sorted(clips.glob("*.txt" if name == "text" else "c.mp4" if name == "audio" else "*.mp4"))
        assert embed(alone, files, out, modality=part) == 0
        theirs = parquet.read_table(out / "elements.parquet").drop(["vector", "item", "object"]).to_pylist()
        mine = [row for row in ours if row["part"] == name]
        own = {f"{name}_{key}": key for key in theirs[0]}
        assert own.keys() <= mine[0].keys()
        for long, key in own.items():
            if name != "video" or key in ("onset", "offset"):  # cells of the two encoders differ in size
                assert {round(row[long], 4) for row in mine} == {round(row[key], 4) for row in theirs}
        others = [key for key in mine[0] if key.partition("_")[0] in PARTS and key not in own]
        assert all(np.isnan(row[key]) for row in mine for key in others)
    with np.load(clips.parent / "vectors" / "vectors.npz") as arrays:
        assert isinstance(arrays, NpzFile)
        assert {len(arrays[key]) for key in ("elements", "part", "audio_onset", "video_left", "text_line")} == {
            len(ours)
        }


def test_the_table_of_types_has_the_columns_of_parts_that_the_first_item_lacks(clips: Path, run: Path) -> None:
    modality = JointModality(PARTS, allow_missing=True)
    assert types(run, [clips], clips.parent / "types", TWO, modality=modality) == 0
    with (clips.parent / "types" / "types.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["part"] == "text"
    assert rows[0]["audio_onset"] == rows[0]["video_left"] == ""
    ends = {float(row["audio_offset"]) for row in rows if "audio" in row["part"]}
    assert max(ends) == pytest.approx(2.0, abs=0.1)
    assert {row["video_onset"] for row in rows if "video" in row["part"]} >= {"0", "1"}


def test_items_of_archives_are_not_read_again_for_a_part_that_they_are_known_to_lack(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clips without sound, all of which were looked at when the archive was opened: the first one tells all columns."""
    with tarfile.open(tmp_path / "silent.tar", "w") as archive:
        for number in range(3):
            archive.add(clips / "b.mp4", f"{number}.mp4")
    modality = JointModality({name: PARTS[name] for name in ("audio", "video")}, allow_missing=True)
    items, model = modality.read([tmp_path / "silent.tar"]).items, tiny_model(modality, "joint", 2, dim=16)
    read = list[int]()

    def counted_read(items: Any, index: int, rng: np.random.Generator) -> Any:
        read.append(index)
        return items.read(index, rng)

    monkeypatch.setattr("gestalt.core.runs.element_places.read_item", counted_read)
    places = ElementPlaces.of(modality, items, model.encoded)
    assert (read, len(items)) == ([0], 6)
    assert {name.partition("_")[0] for name in places.columns} == {"part", "element", "video"}


def test_types_of_joint_items_in_archives_are_written_for_all_parts_together(clips: Path, run: Path) -> None:
    with tarfile.open(clips.parent / "clips.tar", "w") as archive:
        archive.add(clips / "c.mp4", "c.mp4")
        archive.add(clips / "a.txt", "a.txt")
    modality = JointModality(PARTS, allow_missing=True)
    assert types(run, [clips.parent / "clips.tar"], clips.parent / "packed", TWO, modality=modality) == 0
    assert (clips.parent / "packed" / "masks" / "objects.jsonl").is_file()
    rows = (clips.parent / "packed" / "types.csv").read_text(encoding="utf-8").splitlines()
    assert "audio_centre_0_from" in rows[0]
    assert embed(run, [clips.parent / "clips.tar"], clips.parent / "packed-vectors", modality=modality) == 0
