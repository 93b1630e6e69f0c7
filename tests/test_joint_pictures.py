"""Pictures of joint items: an object has one number and one colour in all parts, wherever it is shown."""

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gestalt.core.components.registry import MODALITIES
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.places import Parts
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.modality.colours import colour_of
from gestalt.core.modality.joint import joint
from gestalt.core.modality.optional import ShowsNumbers
from gestalt.core.runs.parts_of_objects import write_parts
from gestalt.modalities.audio.render import found_events
from gestalt.modalities.graph.render import found_parts
from gestalt.modalities.image import MODALITY as IMAGE
from gestalt.modalities.image.masks import overlay
from gestalt.modalities.text import MODALITY as TEXT

BOTH = joint(image=IMAGE, text=TEXT)


def rgb(number: int) -> tuple[int, ...]:
    code = colour_of(number).lstrip("#")
    return tuple(int(code[place : place + 2], 16) for place in (0, 2, 4))


@pytest.mark.parametrize("name", MODALITIES.names())
def test_every_modality_draws_objects_by_the_numbers_that_are_given(name: str) -> None:
    """Object 4 alone is called 5 and has its colour; by its order it would be the first."""
    assert isinstance(MODALITIES.load(name), ShowsNumbers)
    modality: Any = MODALITIES.load(name)
    specimen = modality.specimens()[0]
    features = modality.encoders["raw"]()(modality.collate([specimen.item]))
    found = torch.where(features.valid[0], 4, -1)
    numbered, plain = (
        draw(specimen.item, found, features.places) for draw in (modality.render_numbered, modality.render)
    )
    assert numbered != plain
    assert modality.render_numbered(specimen.item, torch.where(found >= 0, 0, -1), features.places) == plain


def test_names_and_colours_are_those_of_the_numbers() -> None:
    grid = Grid.uniform((5,), (0.5,))
    assert found_events(torch.tensor([3, 3, -1, 0, 3]), grid, by_number=True) == [
        ("object 4", 0.0, 1.0, 3),
        ("object 1", 1.5, 2.0, 0),
        ("object 4", 2.0, 2.5, 3),
    ]
    assert found_parts(torch.tensor([2, -1, 0]), by_number=True) == [
        ("object 1", [2]),
        ("object 2", []),
        ("object 3", [0]),
    ]
    shown = overlay(torch.zeros(3, 40, 40), torch.full((40, 40), 4), tint=1.0, by_number=True)
    assert tuple(shown[20, 20].tolist()) == rgb(4)


def test_an_object_has_one_colour_in_the_pictures_of_all_parts_of_an_item() -> None:
    """The second word and the lower half of the picture are one object, whatever its number."""
    item = BOTH.specimens()[0].item
    features = BOTH.encoders["raw"]()(BOTH.collate([item]))
    places = features.places
    assert isinstance(places, Parts)
    found = torch.where(features.valid[0], 40, -1)
    found[places.slices["text"]] = torch.where(torch.arange(places.cells[1]) == 1, 40, 9)
    page = BOTH.render(item, found, places)
    legend = re.findall(r'style="color:(#\w+)">■</span> object (\d): ([a-z, ]*[a-z])', page)
    assert legend == [(colour_of(0), "1", "image, text"), (colour_of(1), "2", "text")]
    words = re.findall(r"background:(#\w{6})40;[^>]*title=\"object (\d)\">([^<]+)<", page)
    expected = [
        (colour_of(int(place != 1)), str(1 + int(place != 1)), word)
        for place, word in enumerate(item.parts["text"].words)
    ]
    assert words == expected


def test_what_is_written_of_the_parts_has_the_same_numbers_and_colours(tmp_path: Path) -> None:
    """Object 2 has no pixel, and object 3 keeps its number all the same: k of the words is k + 1 in the picture."""
    data = tmp_path / "data"
    data.mkdir()
    Image.fromarray(np.full((32, 32, 3), 120, np.uint8)).save(data / "a.png")
    (data / "a.txt").write_text("one two three\n", encoding="utf-8")
    reading = BOTH.read([data])
    item = reading.items.read(0, np.random.default_rng(0))
    features = BOTH.encoders["raw"]()(BOTH.collate([item]))
    places = features.places
    assert isinstance(places, Parts)
    labels = torch.full((1, places.elements), 1)
    labels[0, : places.cells[0]] = 3
    labels[0, -1] = 3
    batch = FoundBatch((0,), (item,), features, Segmentation.from_labels(labels, 4, places))
    out = tmp_path / "out"
    out.mkdir()
    write_parts([batch], BOTH.modalities, reading.items, out)
    (index,) = (out / "image" / "index").rglob("*.png")
    assert set(np.unique(np.asarray(Image.open(index)))) == {4}
    spans = json.loads((out / "text" / "spans.jsonl").read_text(encoding="utf-8"))["spans"]
    assert [(span["text"], span["object"]) for span in spans] == [("one two", 1), ("three", 3)]
    assert Image.open(io.BytesIO(index.read_bytes())).convert("RGB").getpixel((9, 9)) == rgb(3)
    assert f"background:{colour_of(3)}" in (out / "text" / "spans.html").read_text(encoding="utf-8")
