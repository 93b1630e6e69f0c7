"""Objects in new data with a finished run, whatever its modality."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.items import BadItemError
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.background import AbstractBackgroundRemover
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.plugins import load_modality
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.runs.discover import discover
from gestalt.core.runs.embed import embed
from gestalt.core.runs.plain_objects import write_plain_objects
from gestalt.core.runs.saving import save
from gestalt.core.runs.stream import Stream
from gestalt.modalities.image import Image
from tests.tiny_runs import tiny_model, tiny_run

PLUG_INS = Path(__file__).parents[1] / "docs" / "plug-ins"
HOSTILE = "ä <img src=x onerror=alert(1)> 语.npy"
NAMES = ("point_clouds", "motion")


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with data and runs of modalities without writers, one name hostile, and one bad file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(PLUG_INS))
    for name in NAMES:
        modality = load_modality(f"{name}:MODALITY")
        (tmp_path / name).mkdir()
        for number, specimen in enumerate([*modality.specimens()] * 2):
            np.save(tmp_path / name / (HOSTILE if number == 0 else f"{number}.npy"), specimen.item)
        (tmp_path / name / "bad.npy").write_text("no array")
        encoder = encoder_of(modality)
        save(f"run of {name}", tiny_model(modality, encoder), encoder, f"{name}:MODALITY")
    return tmp_path


def encoder_of(modality: AbstractModality[Any]) -> str:
    """The name of an encoder with parameters."""
    return next(name for name in modality.encoders if name != "raw")


def records_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "objects.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_objects_of_a_modality_without_writers_are_json_and_a_page(
    name: str, there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, path = Path(f"run of {name}"), f"{name}:MODALITY"
    with pytest.raises(ValueError, match=f"not imported unasked; if you trust that code, name it: --modality {path}"):
        discover(run, [Path(name)], Path("found"))
    with pytest.raises(BadItemError, match=r"bad\.npy: .*--skip-bad"):
        discover(run, [Path(name)], Path("found"), modality=path)
    assert not Path("found").exists()
    modality = load_modality(path)
    assert discover(run, [Path(name)], Path("found"), True, modality) == 0
    records = records_of(there / "found")
    objects = sum(len({*record["objects"]} - {-1}) for record in records)
    said = f"{objects} objects in 6 items of {modality.name}"
    assert f"{said}, written to found; 1 left out, skipped.txt says what and why\n" in capsys.readouterr().out
    assert {Path(record["item"]).name for record in records} == {HOSTILE, *(f"{number}.npy" for number in range(1, 6))}
    for record in records:
        item = np.load(record["item"])
        own = modality.encoders["raw"]()(modality.collate([item]))
        assert len(record["objects"]) == own.values.shape[1], "without the padding of the batch"
        assert min(record["objects"]) >= 0
        assert (record["edges"] is None) == (own.grid is None)
        assert record["edges"] is None or len(record["edges"][0]) == len(record["objects"]) + 1
    page = (there / "found" / "objects.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 6
    assert "bad.npy" in page
    assert f"{said}, found with the run {run}." in page
    assert "<img src=x" not in page
    assert (there / "found" / "skipped.txt").read_text().startswith(f"{name}/bad.npy: ")


def test_the_page_shows_the_first_items_and_says_so(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gestalt.core.runs.plain_objects.DRAWN", 2)
    modality = load_modality("motion:MODALITY")
    stream = Stream.of(
        tiny_model(modality, encoder_of(modality)),
        [Path("motion/1.npy"), Path("motion/2.npy"), Path("motion/3.npy")],
        False,
    )
    (there / "out").mkdir()
    write_plain_objects(stream, modality, stream.items, there / "out")
    page = (there / "out" / "objects.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert "The first 2 items are shown; all are in objects.jsonl." in page
    assert len(records_of(there / "out")) == 3


class Pictures:
    """Pictures on disk that say when one is read."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir()
        for number in range(count):
            np.save(folder / f"{number:03d}.npy", np.random.default_rng(number).random((24, 24, 3)))
        self.folder = folder


def test_items_are_read_and_encoded_once_and_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modality: AbstractModality[Any] = Image(longest=32)
    model = replace(tiny_model(modality, width=16), batch=4)
    data = Pictures(tmp_path / "data", 10).folder
    stream = Stream.of(model, [data], False)
    events: list[str] = []
    read, forward = type(stream.items).read, type(model.encoder).forward

    def reading(self: Any, index: int, rng: np.random.Generator) -> Any:
        events.append("read")
        return read(self, index, rng)

    def encoding(self: AbstractEncoder, batch: Any) -> Any:
        events.append(f"encode {len(batch.pixels)}")
        return forward(self, batch)

    monkeypatch.setattr(type(stream.items), "read", reading)
    monkeypatch.setattr(type(model.encoder), "forward", encoding)
    batches: Iterator[Any] = iter(stream)
    sizes = []
    for batch in batches:
        sizes.append(len(batch.index))
        events.append("written")
    assert sizes == [4, 4, 2]
    four = ["read"] * 4 + ["encode 4", "written"]
    assert events == [*four, *four, "read", "read", "encode 2", "written"]


def test_what_an_earlier_call_wrote_is_not_read_and_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tiny_run(tmp_path / "pictures" / "run", Image(longest=32), width=16)
    data = Pictures(tmp_path / "pictures" / "data", 3).folder
    monkeypatch.chdir(tmp_path / "pictures")
    for _ in range(2):
        assert discover(run, [Path()], Path("found")) == 0
        assert embed(run, [Path()], Path("vectors")) == 0
        assert len(json.loads(Path("found/objects.json").read_text())["images"]) == 3
        assert len(np.load("vectors/vectors.npz")["items"]) == 3
        assert sorted(path.name for path in Path("found/index").iterdir()) == ["000.png", "001.png", "002.png"]
    (data / "001.npy").unlink()
    (data / "bad.png").write_text("no picture")
    assert discover(run, [Path()], Path("found"), skip_bad=True) == 0
    assert sorted(path.name for path in Path("found/overlay").iterdir()) == ["000.png", "002.png"]
    assert Path("found/skipped.txt").is_file()
    (data / "bad.png").unlink()
    assert discover(run, [Path()], Path("found"), skip_bad=True) == 0
    assert not Path("found/skipped.txt").exists(), "nothing was left out"


def test_two_pictures_of_one_name_keep_their_folders(tmp_path: Path) -> None:
    run = tiny_run(tmp_path / "run", Image(longest=32), width=16)
    for folder in ("may", "june"):
        Pictures(tmp_path / folder, 1)
    assert discover(run, [tmp_path / "may", tmp_path / "june"], tmp_path / "found") == 0
    index = tmp_path / "found" / "index"
    assert sorted(path.relative_to(index).as_posix() for path in index.rglob("*.png")) == [
        "june/000.png",
        "may/000.png",
    ]


def test_a_call_without_readable_items_says_why(there: Path) -> None:
    modality = load_modality("motion:MODALITY")
    model = tiny_model(modality, encoder_of(modality))
    for skip_bad, error in (
        (True, r"none of 1 items can be read; motion/1\.npy: .*"),
        (False, r"^motion/1\.npy: .*"),
    ):
        np.save("motion/1.npy", modality.specimens()[0].item)
        stream = Stream.of(model, [Path("motion/1.npy")], skip_bad)
        (there / "motion" / "1.npy").unlink()
        with pytest.raises(ValueError, match=error):
            list(stream)


def test_a_run_that_does_not_say_how_objects_are_found_is_refused(there: Path) -> None:
    modality = load_modality("motion:MODALITY")
    encoder = encoder_of(modality)
    save("run", replace(tiny_model(modality, encoder), finder=None), encoder, "motion:MODALITY")
    with pytest.raises(ValueError, match="does not say how objects are found"):
        discover(Path("run"), [Path("motion/1.npy")], Path("out"), modality=modality)
    assert not (there / "out").exists()


@final
class Everything(AbstractBackgroundRemover):
    """All that there is is background."""

    def look(self, data: Any, features: FeatureMap) -> Tensor:  # noqa: ARG002
        return features.values[..., :1]

    def remove(self, segmentation: Segmentation, features: FeatureMap, seen: Tensor) -> Segmentation:  # noqa: ARG002
        return Segmentation(0 * segmentation.weights, segmentation.places, segmentation.whole)


@pytest.mark.usefixtures("there")
def test_where_nothing_is_found_at_all_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    modality = load_modality("motion:MODALITY")
    model = tiny_model(modality, encoder_of(modality))
    assert isinstance(model.finder, ObjectFinder)
    for finder, said in ((model.finder, False), (replace(model.finder, background=Everything()), True)):
        list(Stream.of(replace(model, finder=finder), [Path("motion/1.npy")], skip_bad=False))
        assert ("nothing was found: to what the run learned, everything is alike" in capsys.readouterr().err) == said


def test_what_is_left_out_has_a_line_each_whatever_its_name(there: Path) -> None:
    for name in ("two\nlines", "two\rlines", "two\u2028lines"):
        (there / "motion" / f"{name}.npy").write_text("no array")
    discover(Path("run of motion"), [Path("motion")], Path("out"), skip_bad=True, modality="motion:MODALITY")
    lines = (there / "out" / "skipped.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "motion/bad.npy",
        r"motion/two\nlines.npy",
        r"motion/two\rlines.npy",
        r"motion/two\u2028lines.npy",
    ]


def test_a_folder_that_is_no_run_is_refused_in_words(there: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"motion holds no config\.json: it is not the folder of a finished run"
    ):
        discover(Path("motion"), [Path("motion/1.npy")], Path("out"))
    assert not (there / "out").exists()


def test_the_network_runs_where_it_is_asked_to(there: Path) -> None:  # noqa: ARG001
    with pytest.raises(RuntimeError, match="nowhere"):
        discover(Path("run of motion"), [Path("motion/1.npy")], Path("out"), False, "motion:MODALITY", "nowhere")
