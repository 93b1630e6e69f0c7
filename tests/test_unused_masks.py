"""Masks of more than is read are no error: in every modality they are said in a line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from gestalt.core.experiment.masks import MaskedItems
from gestalt.core.modality.base import AbstractModality
from gestalt.modalities.audio import MODALITY as AUDIO
from gestalt.modalities.graph import MODALITY as GRAPH
from gestalt.modalities.image import MODALITY as IMAGE
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.modalities.video import MODALITY as VIDEO
from tests.test_audio_masks import record, track

LARGE = np.zeros((40, 50, 3), dtype=np.uint8) + np.arange(50, dtype=np.uint8)[None, :, None]
PNG = np.pad(np.ones((20, 25), dtype=np.uint8), ((0, 20), (0, 25)))


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def png(path: Path, pixels: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels).save(path)


def sounds(at: Path) -> Path:
    record(at / "data" / "a.wav", 4.0)
    for name in ("a", "z"):
        track(at / "masks" / f"{name}.txt", [(0.5, 1.0, "dog")])
    return at / "masks"


def table_of_sounds(at: Path) -> Path:
    record(at / "data" / "a.wav", 4.0)
    rows = [f"{name}.wav\t0.5\t1.0\tdog" for name in ("a", "z", "z")]
    return write(at / "masks.tsv", "\n".join(["filename\tonset\toffset\tevent_label", *rows]))


def pictures(at: Path) -> Path:
    png(at / "data" / "a.png", LARGE)
    for name in ("a", "z"):
        png(at / "masks" / f"{name}.png", PNG)
    return at / "masks"


def coco(at: Path) -> Path:
    png(at / "data" / "a.png", LARGE)
    images = [{"id": n, "file_name": f"{name}.png", "height": 40, "width": 50} for n, name in enumerate("az")]
    box = {"image_id": 0, "category_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9, 0, 9]], "id": 1}
    return write(
        at / "masks.json", json.dumps({"images": images, "annotations": [box, {**box, "id": 2, "image_id": 1}]})
    )


def clips(at: Path) -> Path:
    for frame in range(12):
        png(at / "data" / "a" / f"{frame:05d}.png", LARGE)
        for name in ("a", "z"):
            png(at / "masks" / name / f"{frame:05d}.png", PNG)
    return at / "masks"


def columns(at: Path) -> Path:
    write(at / "data" / "a.txt", "old men\n")
    for name in ("a", "z"):
        write(at / "masks" / f"{name}.bio", "old B-NP\nmen I-NP\n")
    return at / "masks"


def spans(at: Path) -> Path:
    write(at / "data" / "a.txt", "old men\n")
    rows = [{"file": f"{name}.txt", "spans": [{"begin": 0, "end": 7}]} for name in ("a", "z")]
    return write(at / "masks.jsonl", "\n".join(map(json.dumps, rows)))


def parts(at: Path) -> Path:
    write(at / "data" / "a.smi", "CCO ethanol\n")
    return write(at / "masks.csv", "molecule,atoms\nethanol,0 1\nz,0\nz,1\n")


GIVEN: dict[str, tuple[AbstractModality[Any], Callable[[Path], Path], str]] = {
    "label tracks": (AUDIO, sounds, "z"),
    "a table of events": (AUDIO, table_of_sounds, "z.wav"),
    "index PNGs": (IMAGE, pictures, "z"),
    "COCO": (IMAGE, coco, "z.png"),
    "folders of index PNGs": (VIDEO, clips, "z"),
    "columns": (TEXT, columns, "z"),
    "spans": (TEXT, spans, "z.txt"),
    "parts": (GRAPH, parts, "z"),
}


@pytest.mark.parametrize("name", GIVEN)
def test_masks_of_what_is_not_read_are_said_in_a_line(tmp_path: Path, name: str) -> None:
    modality, make, stranger = GIVEN[name]
    path = make(tmp_path)
    reading = modality.read([tmp_path / "data"])
    masked = MaskedItems.read(modality, path, reading)
    assert masked.unused == (stranger,)
    count = len(reading.items)
    assert masked.said() == f"masks of {count} of {count} items; not in this run: 1 more, such as {stranger!r}"
