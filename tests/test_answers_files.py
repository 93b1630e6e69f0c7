"""Named elements and objects leave in the files in which labels come: what was predicted can be read as labels."""

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import pandas
import pytest
import soundfile
import torch
from PIL import Image

import gestalt
from gestalt.core.fitting.fitters import Nearest
from gestalt.core.fitting.options import Fitting
from gestalt.core.methods.targets import Values
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.asking import alone
from gestalt.core.runs.fit import fit
from gestalt.core.runs.predict import predict
from gestalt.core.runs.results import ItemVectors
from gestalt.modalities.audio import Audio
from tests.tiny_runs import tiny_model, tiny_run

RATE = 16_000


@final
@dataclass(frozen=True)
class Labelled:
    """Data with named masks, where a prediction's labels are, and the names."""

    modality: AbstractModality[Any]
    data: Path
    masks: Path
    written: str
    names: frozenset[str]
    encoder: str = "conv"


def recordings(at: Path) -> Labelled:
    """Noise with low and high tones, longer than a window."""
    rng, rows = np.random.default_rng(0), ["filename\tonset\toffset\tevent_label"]
    (at / "data").mkdir()
    for number in range(4):
        samples = 0.01 * rng.standard_normal(6 * RATE)
        for place, (name, pitch) in enumerate((("low", 300.0), ("high", 2000.0))):
            onset = 0.5 + 2.5 * place + 0.1 * number
            inside = np.arange(round(onset * RATE), round((onset + 1.5) * RATE))
            samples[inside] += 0.5 * np.sin(2 * np.pi * pitch * inside / RATE)
            rows.append(f"{number}.wav\t{onset}\t{onset + 1.5}\t{name}")
        soundfile.write(at / "data" / f"{number}.wav", samples, RATE)
    (at / "events.tsv").write_text("\n".join(rows))
    return Labelled(Audio(RATE, 2.0), at / "data", at / "events.tsv", "labels", frozenset({"low", "high"}))


def pictures(at: Path) -> Labelled:
    """A red or a blue square on dark noise, as COCO has it."""
    rng, images, annotations = np.random.default_rng(0), [], []
    (at / "data").mkdir()
    for number in range(6):
        pixels = rng.integers(0, 40, (32, 32, 3)).astype(np.uint8)
        pixels[8:24, 8:24, 2 * (number % 2)] = 230
        Image.fromarray(pixels).save(at / "data" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "height": 32, "width": 32})
        square = [[8, 8, 24, 8, 24, 24, 8, 24]]
        annotations.append(
            {"id": number, "image_id": number, "category_id": 1 + number % 2, "segmentation": square, "iscrowd": 0}
        )
    categories = [{"id": 1, "name": "red"}, {"id": 2, "name": "blue"}]
    record = {"images": images, "annotations": annotations, "categories": categories}
    (at / "coco.json").write_text(json.dumps(record))
    return Labelled(load_modality("image"), at / "data", at / "coco.json", "objects.json", frozenset({"red", "blue"}))


def texts(at: Path) -> Labelled:
    """Names of animals and of places among words."""
    (at / "data").mkdir()
    lines = [f"the {a} went to {p} again" for a in ("cat", "dog", "cow") for p in ("Rome", "Oslo")]
    for number, line in enumerate(lines):
        (at / "data" / f"{number}.txt").write_text(line + "\n")
    (at / "bio").mkdir()
    for number, line in enumerate(lines):
        tags = ["O", "B-animal", "O", "O", "B-place", "O"]
        rows = "\n".join(f"{word}\t{tag}" for word, tag in zip(line.split(), tags, strict=True))
        (at / "bio" / f"{number}.bio").write_text(rows + "\n\n")
    names = frozenset({"animal", "place"})
    return Labelled(load_modality("text"), at / "data", at / "bio", "spans.jsonl", names)


def molecules(at: Path) -> Labelled:
    """The oxygens, and the rings, of a few molecules."""
    (at / "mols.smi").write_text("c1ccccc1CO a\nc1ccccc1CCO b\nc1ccccc1CCCO c\nOCCc1ccccc1 d\n")
    rows = ["molecule,atoms,label"]
    for name, ring, oxygen in (("a", range(6), 7), ("b", range(6), 8), ("c", range(6), 9), ("d", range(3, 9), 0)):
        rows += [f"{name},{' '.join(map(str, ring))},ring", f"{name},{oxygen},alcohol"]
    (at / "parts.csv").write_text("\n".join(rows))
    names = frozenset({"ring", "alcohol"})
    return Labelled(load_modality("graph"), at / "mols.smi", at / "parts.csv", "parts.csv", names, "gine")


def clips(at: Path) -> Labelled:
    """A square that is there, in index masks."""
    for clip in ("one", "two", "three"):
        for name in ("data", "masks"):
            (at / name / clip).mkdir(parents=True)
        for frame in range(8):
            pixels, mask = np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32), np.uint8)
            pixels[8:24, 8:24], mask[8:24, 8:24] = (230, 20, 20), 1
            Image.fromarray(pixels).save(at / "data" / clip / f"{frame:05d}.png")
            Image.fromarray(mask).save(at / "masks" / clip / f"{frame:05d}.png")
    return Labelled(load_modality("video"), at / "data", at / "masks", "masks", frozenset({"object 1"}))


CASES = {"audio": recordings, "image": pictures, "text": texts, "graph": molecules, "video": clips}
OPTIONS = Fitting(folds=2, unknown=0.0)


def named_elements(model: gestalt.Model[Any], data: Path, masks: Path) -> dict[str, list[str]]:
    """The class of every element of every item, by masks on disk."""
    modality: Any = model.modality
    items = modality.read([data]).items
    read = modality.read_masks(masks, items)
    found = {}
    for batch in model.seeing(False).encoded(items):
        for row, index in enumerate(batch.index):
            own = read.of_item(index, batch.items[row])
            if own is not None:
                one, _ = alone(batch, row)
                labels = own.under(one.grid, one.valid.shape[1])
                found[items.name(index)] = ["none" if n < 0 else own.name(n) for n in labels.tolist()]
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_is_predicted_of_elements_is_read_as_labels(name: str, tmp_path: Path) -> None:
    case = CASES[name](tmp_path)
    tiny_run(tmp_path / "run", case.modality, case.encoder, width=16)
    fit(tmp_path / "run", [case.data], tmp_path / "model", None, case.masks, Nearest(1), OPTIONS)
    assert predict(tmp_path / "model", [case.data], tmp_path / "out") == 0
    model = gestalt.load(tmp_path / "model")
    assert model.fitted is not None
    assert set(model.fitted.target.columns) == case.names | {"none"}
    given = named_elements(model, case.data, case.masks)
    again = named_elements(model, case.data, tmp_path / "out" / case.written)
    pairs = [pair for item, own in given.items() if item in again for pair in zip(own, again[item], strict=True)]
    assert {"none"} < {one for one, _ in pairs}
    assert sum(one == other for one, other in pairs) / len(pairs) > 0.85, "its own neighbours, of the same elements"
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["item"] for row in rows] == [case.modality.read([case.data]).items.name(n) for n in range(len(rows))]
    assert all(0 <= float(row[column]) <= 1 for row in rows for column in case.names)


@pytest.mark.parametrize("name", CASES)
def test_discovered_objects_leave_with_the_names_of_what_overlaps_them(name: str, tmp_path: Path) -> None:
    case = CASES[name](tmp_path)
    tiny_run(tmp_path / "run", case.modality, case.encoder, width=16)
    options = Fitting(of="objects", folds=2, unknown=0.0)
    fit(tmp_path / "run", [case.data], tmp_path / "model", None, case.masks, Nearest(1), options)
    assert predict(tmp_path / "model", [case.data], tmp_path / "out") == 0
    model = gestalt.load(tmp_path / "model")
    given, again = (named_elements(model, case.data, at) for at in (case.masks, tmp_path / "out" / case.written))
    pairs = [pair for item, own in given.items() if item in again for pair in zip(own, again[item], strict=True)]
    both = [(one, other) for one, other in pairs if "none" not in (one, other)]
    assert {other for _, other in pairs} - {"none"} <= case.names
    assert sum(one == other for one, other in both) / len(both) > 0.8


def test_events_have_scores_and_tracks_their_names_alone(tmp_path: Path) -> None:
    case = recordings(tmp_path)
    model = tiny_model(case.modality, width=16).fit(case.data, masks=case.masks, head=Nearest(), options=OPTIONS)
    gestalt.save(tmp_path / "model", model, "conv")
    predict(tmp_path / "model", [case.data], tmp_path / "out")
    with (tmp_path / "out" / "events.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {row["event_label"] for row in rows} == {"low", "high"}
    assert all(0 < float(row["score"]) <= 1 for row in rows)
    track = (tmp_path / "out" / "labels" / "0.txt").read_text().splitlines()
    assert {line.split("\t")[2] for line in track} <= {"low", "high"}
    low = [row for row in rows if row["event_label"] == "low" and row["filename"].endswith("0.wav")]
    assert any(abs(float(row["onset"]) - 0.5) < 0.2 for row in low)
    high = [row for row in rows if row["event_label"] == "high" and row["filename"].endswith("0.wav")]
    across = [row for row in high if float(row["onset"]) < 3.3 and float(row["offset"]) > 4.2]
    assert len(across) == 1, "one event over the border of two windows, at 4 s"
    scores = model.evaluate(case.data, masks=case.masks, options=gestalt.Evaluating(resamples=0))
    assert scores.score("events", "f1", "overlapping by half") > 0.9
    assert scores.score("events", "f1 of low", "segments of 1") > 0.8


def fitted_to_values(case: Labelled, of: Literal["elements", "objects"], folder: Path) -> list[ItemVectors]:
    """A model of a number that every element's vector says; the vectors of all items."""
    model = tiny_model(case.modality, case.encoder, width=16)
    found = model.embed(case.data)
    known = torch.full((len(found), max(len(one.elements) for one in found), 1), torch.nan)
    for row, one in enumerate(found):
        known[row, : len(one.elements)] = 100 * one.elements[:, :1] + 7
    labels = gestalt.Labels(Values(("size, in cm",)), known)
    gestalt.save(folder, model.fit(case.data, labels, head=Nearest(1), options=replace(OPTIONS, of=of)), case.encoder)
    return found


@pytest.mark.parametrize("name", CASES)
def test_values_of_elements_are_a_table_with_the_place_of_each(name: str, tmp_path: Path) -> None:
    case = CASES[name](tmp_path)
    found = fitted_to_values(case, "elements", tmp_path / "model")
    assert predict(tmp_path / "model", [case.data], tmp_path / "out") == 0
    table = pandas.read_csv(tmp_path / "out" / "elements.csv")
    assert table["item"].tolist() == [one.name for one in found for _ in one.elements]
    values = torch.cat([100 * one.elements[:, 0] + 7 for one in found])
    assert table["size, in cm"].to_numpy() == pytest.approx(values.numpy(), rel=1e-4, abs=1e-3)
    margins = "size, in cm_margin"
    assert min(table[margins].tolist()) >= 0
    where = [column for column in table.columns if column not in ("item", "size, in cm", margins)]
    assert where, "no column says where an element lies"
    assert not table.duplicated(["item", *where]).any(), "two elements of an item lie at one place"


def test_values_of_objects_have_the_number_of_the_object(tmp_path: Path) -> None:
    case = pictures(tmp_path)
    fitted_to_values(case, "objects", tmp_path / "model")
    assert predict(tmp_path / "model", [case.data], tmp_path / "out") == 0
    table = pandas.read_csv(tmp_path / "out" / "elements.csv")
    assert list(table.columns) == ["item", "object", "size, in cm", "size, in cm_margin"]
    said = [
        (one.name, number)
        for one in gestalt.load(tmp_path / "model").discover(case.data)
        for number in one.numbers.tolist()
    ]
    assert list(zip(table["item"], table["object"], strict=True)) == said
