"""Captions of pictures: several of one picture, COCO's files of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from gestalt.core.data.items import BadItemError, Skipped
from gestalt.core.modality.base import Reading
from gestalt.core.modality.joint.items import JointItems
from gestalt.core.modality.joint.rows import Rows
from gestalt.core.modality.plugins import load_modality
from gestalt.modalities.text import Text

PER_PICTURE = {0: ["a red boat", "a boat, red"], 1: ["two birds"], 2: ["a hill", "hills", "green hills", "a meadow"]}


def picture(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(path)


def read(*paths: Path, skip_bad: bool = False, allow_missing: bool = False) -> tuple[JointItems, Any]:
    modality: Any = load_modality("image+text")
    reading = modality.composed_of(modality.modalities, allow_missing).read(list(paths), skip_bad)
    assert isinstance(reading.items, JointItems)
    return reading.items, reading


def texts(items: JointItems, seed: int = 0) -> list[str]:
    return [items.read(number, np.random.default_rng(seed)).parts["text"].text for number in range(len(items))]


def annotations() -> dict[str, Any]:
    """Captions in an order that is not that of the pictures."""
    said = [(image, caption) for image, own in PER_PICTURE.items() for caption in own]
    images = [{"id": 10 + image, "file_name": f"{image}.png", "height": 40} for image in PER_PICTURE]
    return {
        "info": {"note": 'no "annotations": [ here'},
        "images": images,
        "annotations": [
            {"id": number, "image_id": 10 + image, "caption": caption} for number, (image, caption) in enumerate(said)
        ][::-1],
    }


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """As COCO lays it out: annotations in one folder, pictures in another."""
    for image in PER_PICTURE:
        picture(tmp_path / "val" / f"{image}.png", image)
    (tmp_path / "annotations").mkdir()
    path = tmp_path / "annotations" / "captions.json"
    path.write_text(json.dumps(annotations()), encoding="utf-8")
    return path


def check_captions(items: JointItems, per_picture: Mapping[int, list[str]]) -> None:
    """Exactly the first caption of each picture; in training each of its captions, and no other's."""
    assert texts(items) == [own[0] for own in per_picture.values()]
    assert texts(items, 5) == texts(items, 0)
    drawn = [texts(items.with_jitter(True), seed) for seed in range(25)]
    for place, own in enumerate(per_picture.values()):
        assert {one[place] for one in drawn} == set(own)
    assert texts(items.with_jitter(True).with_jitter(False), 3) == texts(items)


@pytest.mark.parametrize("indent", [None, 1])
def test_a_picture_has_all_its_captions_of_coco_and_training_draws_one(coco: Path, indent: int | None) -> None:
    coco.write_text(json.dumps(annotations(), indent=indent), encoding="utf-8")
    items, reading = read(coco, coco.parent.parent / "val")
    check_captions(items, {image: own[::-1] for image, own in PER_PICTURE.items()})
    assert [Path(name).name for name in (items.name(0), items.name(2))] == [
        "captions.json: 0.png",
        "captions.json: 2.png",
    ]
    assert not reading.skipped
    assert len(Text(field="caption").read([coco]).items) == 7


def test_pictures_lie_beside_the_captions_too(coco: Path) -> None:
    for image in PER_PICTURE:
        picture(coco.parent / f"{image}.png", image)
    assert len(read(coco)[0]) == 3


def test_a_picture_that_is_not_there_or_has_no_caption_is_named(coco: Path) -> None:
    val = coco.parent.parent / "val"
    (val / "1.png").unlink()
    said = annotations()
    said["annotations"] = [one for one in said["annotations"] if one["image_id"] != 12]
    said["annotations"].append({"id": 99, "image_id": 77, "caption": "of no picture"})
    coco.write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(BadItemError, match=r"captions.json: 1.png: has no image that can be used"):
        read(coco, val)
    items, reading = read(coco, val, skip_bad=True)
    assert texts(items) == ["a boat, red"]
    assert [one.name.rpartition(" ")[2] for one in reading.skipped] == ["1.png", "2.png"]
    assert "1 pictures have captions and are not among its images, the first 77" in reading.damaged[0].reason
    items, _ = read(coco, val, allow_missing=True)
    assert [sorted(items.read(number, np.random.default_rng(0)).parts) for number in range(3)] == [
        ["image", "text"],
        ["text"],
        ["image"],
    ]


def test_a_file_of_captions_is_a_text_and_a_picture(coco: Path) -> None:
    with pytest.raises(ValueError, match=r"captions are a text and a picture for every item, and the parts are audio"):
        load_modality("audio+video").read([coco])


def test_several_lines_beside_a_picture_are_its_captions(tmp_path: Path) -> None:
    for image, own in PER_PICTURE.items():
        picture(tmp_path / f"{image}.png", image)
        (tmp_path / f"{image}.txt").write_text("\n".join(own) + "\n", encoding="utf-8")
    items, reading = read(tmp_path)
    check_captions(items, PER_PICTURE)
    assert not reading.damaged
    (tmp_path / "1.txt").write_text("word " * 200, encoding="utf-8")
    items, reading = read(tmp_path)
    assert len(items) == 3
    assert "is longer than a window of text: only its begin is read" in reading.damaged[0].reason


def test_start_up_asks_for_the_fields_of_one_record_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gestalt.modalities.text.reading import TextFiles

    asked = list[int]()
    fields = TextFiles.fields

    def counted(self: TextFiles, index: int) -> Mapping[str, str]:
        asked.append(index)
        return fields(self, index)

    monkeypatch.setattr(TextFiles, "fields", counted)
    for image, count in ((0, 40), (1, 60)):
        picture(tmp_path / f"{image}.png", image)
        lines = [json.dumps({"text": f"caption {number}"}) for number in range(count)]
        (tmp_path / f"{image}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    read(tmp_path, skip_bad=True, allow_missing=True)
    assert asked == [0, 40]


def test_captions_without_pictures_or_with_ids_that_are_none_name_the_file(coco: Path) -> None:
    def changed(**lists: list[Any]) -> None:
        coco.write_text(json.dumps({**annotations(), **lists}), encoding="utf-8")

    val, said = coco.parent.parent / "val", annotations()
    changed(images=[])
    for skip_bad in (False, True):
        with pytest.raises(ValueError, match=r"captions.json: names no pictures that can be used"):
            read(coco, val, skip_bad=skip_bad)
    changed(annotations=[{**said["annotations"][0], "image_id": [12]}, *said["annotations"][1:]])
    with pytest.raises(BadItemError, match=r"captions.json: annotation 1: has the image_id \[12\], which is no number"):
        read(coco, val)
    items, reading = read(coco, val, skip_bad=True)
    assert [one.name.rpartition(": ")[2] for one in reading.skipped] == ["annotation 1"]
    assert len(items) == 3
    changed(images=[{**said["images"][0], "id": {}}, *said["images"][1:]])
    with pytest.raises(BadItemError, match=r"captions.json: image 1: has the id {}, which is no number"):
        read(coco, val)
    items, reading = read(coco, val, skip_bad=True)
    assert [one.name.rpartition(": ")[2] for one in reading.skipped] == ["image 1"]
    assert len(items) == 2


def test_every_window_of_a_recording_beside_a_picture_has_the_picture_and_its_captions(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("one\ntwo\n", encoding="utf-8")
    noise = np.random.default_rng(0).integers(-9000, 9000, 16_000 * 35).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", noise, 16_000)
    windows = len(load_modality("audio").read([tmp_path]).items)
    assert windows > 2
    reading = load_modality("image+text+audio").read([tmp_path])
    assert len(reading.items) == windows
    assert not reading.damaged
    read = [reading.items.read(number, np.random.default_rng(0)) for number in range(windows)]
    assert [one.parts["audio"].start for one in read] == [4.0 * number for number in range(windows)]
    assert all(one.parts["text"].text == "one" and one.parts["image"].shape == (3, 40, 40) for one in read)
    drawn: Any = reading.items
    drawn = drawn.with_jitter(True)
    assert {drawn.read(3, np.random.default_rng(seed)).parts["text"].text for seed in range(8)} == {"one", "two"}


def test_tiles_beside_captions_of_a_picture_are_said_to_be_left_out(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "a.md").write_text("one\ntwo\n", encoding="utf-8")
    np.savetxt(tmp_path / "a.xyz", np.random.default_rng(0).normal(size=(6000, 3)), fmt="%.3f")
    tiles = len(load_modality("points").read([tmp_path / "a.xyz"]).items)
    assert tiles > 1
    reading = load_modality("image+text+points").read([tmp_path])
    assert len(reading.items) == 1
    (left,) = reading.damaged
    assert f"{tiles - 1} further items of points are not read" in left.reason
    assert "a.xyz" in left.name


def test_what_parts_left_out_is_compared_with_few_others(coco: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = Text(field="caption").read([coco]).items
    compared = list[int]()
    equal = Skipped.__eq__

    def counted(self: Skipped, other: object) -> bool:
        compared.append(1)
        return equal(self, other)

    monkeypatch.setattr(Skipped, "__eq__", counted)
    rows = Rows(("image", "text"), True, False)
    for _ in range(2):
        every = tuple(Skipped(f"{number}.png", "is damaged") for number in range(200))
        rows.note(Reading(items, every, every))
    assert len(rows.skipped) == len(rows.damaged) == 200
    assert len(compared) <= 4 * 200


def test_a_picture_that_several_files_may_be_is_none_of_them(coco: Path) -> None:
    val = coco.parent.parent / "val"
    picture(val / "small" / "1.png", 9)
    said = annotations()
    coco.write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(BadItemError, match=r"captions.json: 1\.png: fits both .*val/1\.png and .*val/small/1\.png"):
        read(coco, coco.parent.parent)
    said["images"][1]["file_name"] = "small/1.png"
    coco.write_text(json.dumps(said), encoding="utf-8")
    items, reading = read(coco, coco.parent.parent)
    image = items.parts["image"]
    assert [str(image.name(number)) for number in range(3)] == [
        str(val / name) for name in ("0.png", "small/1.png", "2.png")
    ]
    assert not reading.skipped


def test_captions_of_an_id_that_two_pictures_have_are_given_to_none(coco: Path) -> None:
    said = annotations()
    said["images"][1]["id"] = said["images"][0]["id"]
    coco.write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(BadItemError, match=r"captions.json: 0\.png: has the id 10 of another image"):
        read(coco, coco.parent.parent / "val")
    items, reading = read(coco, coco.parent.parent / "val", skip_bad=True)
    assert len(items) == 1
    assert [one.name.rpartition(" ")[2] for one in reading.skipped] == ["0.png", "1.png"]
