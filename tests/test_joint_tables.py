"""Tables of joint items as people have them: from Windows, from the Hugging Face hub, beside their pictures."""

import json
import unicodedata
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.inferred import inferred_settings
from gestalt.core.modality.joint import JointItem
from gestalt.core.modality.plugins import load_modality
from tests.test_joint_reading import joint_of, picture, read_all

CAPTIONS = ["a red square", "so far, silence", "красный квадрат"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures below a folder."""
    (tmp_path / "data" / "pics").mkdir(parents=True)
    for number in range(3):
        picture(tmp_path / "data" / "pics" / f"p {number}.JPG", number)
    return tmp_path / "data"


def table(path: Path, names: str, files: list[str], texts: list[str] = CAPTIONS) -> Path:
    lines = [names, *(f'{file},"{text}"' for file, text in zip(files, texts, strict=True))]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def texts_of(items: list[JointItem]) -> list[str]:
    return [item.parts["text"].text.strip() for item in items]


@pytest.mark.parametrize("names", ["image,text", "Image,TEXT", "file_name,text"])
@pytest.mark.parametrize("slash", ["/", "\\"])
def test_a_table_names_its_files_as_windows_does_or_as_the_hub_calls_them(folder: Path, names: str, slash: str) -> None:
    file = table(folder / "t.csv", names, [f"pics{slash}p {number}.JPG" for number in range(3)])
    items, _ = read_all(load_modality("image+text"), file)
    assert texts_of(items) == CAPTIONS
    assert all("image" in item.parts for item in items)


def test_a_table_beside_its_pictures_is_found_and_what_it_does_not_name_is_counted(folder: Path) -> None:
    table(folder / "captions.csv", "image,text", ["pics/p 0.JPG", "pics/p 2.JPG"], CAPTIONS[:2])
    items, reading = read_all(load_modality("image+text"), folder)
    assert texts_of(items) == CAPTIONS[:2]
    assert reading.items.remarks == (f"1 file that {folder / 'captions.csv'} does not name is not read",)


def test_a_table_names_files_of_a_folder_that_is_named_behind_it(folder: Path, tmp_path: Path) -> None:
    file = table(tmp_path / "t.csv", "image,text", [f"p {number}.JPG" for number in range(3)])
    items, reading = read_all(load_modality("image+text"), file, folder / "pics")
    assert texts_of(items) == CAPTIONS
    assert not reading.items.remarks


def test_captions_of_coco_beside_their_pictures_are_found_in_the_folder(folder: Path) -> None:
    images = [{"id": number, "file_name": f"pics\\p {number}.JPG"} for number in range(3)]
    annotations = [{"id": number, "image_id": number, "caption": CAPTIONS[number]} for number in range(3)]
    (folder / "captions.json").write_text(json.dumps({"images": images, "annotations": annotations}), encoding="utf-8")
    items, _ = read_all(load_modality("image+text"), folder)
    assert texts_of(items) == CAPTIONS


@pytest.mark.parametrize("called", ["pics", "notes.txt"])
def test_a_caption_that_is_called_as_a_file_or_folder_is_a_caption(folder: Path, called: str) -> None:
    (folder / "notes.txt").write_text("other words\n", encoding="utf-8")
    file = table(
        folder / "t.csv", "image,text", [f"pics/p {number}.JPG" for number in range(3)], [called, "two", "three"]
    )
    items, _ = read_all(load_modality("image+text"), file)
    assert texts_of(items) == [called, "two", "three"]


def test_a_file_that_a_row_names_and_that_is_not_there_is_said(folder: Path) -> None:
    file = table(folder / "t.csv", "image,text", ["pics/p 0.JPG", "gone.jpg", ""])
    with pytest.raises(BadItemError, match=r"no image that can be used \('gone.jpg' is not there\); correct the row"):
        load_modality("image+text").read([file], False)
    _, reading = read_all(load_modality("image+text"), file, skip_bad=True)
    assert ["gone.jpg" in one.reason for one in reading.skipped] == [True, False]


def test_a_row_without_any_part_is_not_offered_as_it_is(folder: Path) -> None:
    file = table(folder / "t.csv", "image,text", ["pics/p 0.JPG", "gone.jpg", ""], ["a", "", "c"])
    modality = joint_of("image+text").composed_of(joint_of("image+text").modalities, True)
    with pytest.raises(BadItemError, match="no image and no text") as told:
        modality.read([file], False)
    assert "--allow-missing" not in told.value.reason
    assert told.value.reason.count("--skip-bad") == 1


def test_a_table_without_the_columns_says_which_it_has(folder: Path) -> None:
    file = table(folder / "t.csv", "path,caption", [f"pics/p {number}.JPG" for number in range(3)])
    with pytest.raises(
        ValueError, match="its columns are path, caption, and items with parts need one named like each"
    ):
        load_modality("image+text").read([file], False)


def test_two_tables_are_refused_by_their_names(folder: Path) -> None:
    for name in ("a.csv", "b.csv"):
        table(folder / name, "image,text", [f"pics/p {number}.JPG" for number in range(3)])
    with pytest.raises(ValueError, match=r"one table are read at a time, and these are .*a\.csv, .*b\.csv"):
        load_modality("image+text").read([folder], False)


def test_a_line_of_json_may_lack_a_part_even_the_first(folder: Path) -> None:
    rows = [{"image": "pics/p 0.JPG"}, {"image": "pics/p 1.JPG", "text": "two"}]
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    items, reading = read_all(load_modality("image+text"), folder / "t.jsonl", skip_bad=True)
    assert texts_of(items) == ["two"]
    assert {one.name for one in reading.skipped} == {f"{folder / 't.jsonl'}:1"}


def test_a_picture_that_cannot_be_read_may_be_missing_and_that_is_said(folder: Path) -> None:
    for number in range(3):
        (folder / "pics" / f"p {number}.txt").write_text(CAPTIONS[number], encoding="utf-8")
    (folder / "pics" / "p 1.JPG").write_bytes(b"none")
    with pytest.raises(BadItemError, match="or take the item without its image with --allow-missing"):
        load_modality("image+text").read([folder], False)


def test_a_part_that_no_item_has_has_the_settings_of_its_encoder_as_they_are(folder: Path) -> None:
    modality = joint_of("image+text").composed_of(joint_of("image+text").modalities, True)
    reading = modality.read([folder], False)
    assert reading.items.remarks == ("3 of 3 items without text, taken as they are",)  # type: ignore[attr-defined]
    settings = modality.encoder_settings("joint", reading.items)["settings"]
    assert settings == {"image": {"channels": 3}, "text": {}}
    features = modality.encoders["joint"](settings=settings, dim=8)(
        modality.collate([reading.items.read(0, np.random.default_rng(0))])
    )
    assert not features.part("text").valid.any()


def test_settings_that_follow_from_the_data_are_those_of_the_encoders_that_are_named(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("smiles,text\nCCO,one\nC,two\n", encoding="utf-8")
    modality = joint_of("graph+text")
    items = modality.read([tmp_path / "m.csv"], False).items
    given = {"encoders": "graph=diffusion"}
    settings = dict(inferred_settings(modality, "joint", items, given))["settings"]
    assert settings["graph"] == {}
    modality.encoders["joint"](settings=settings, **given)
    assert modality.encoder_settings("joint", items)["settings"]["graph"].keys() >= {"nodes", "edges"}


def test_names_of_files_of_which_most_or_all_are_not_there_are_no_captions(folder: Path) -> None:
    (folder / "1.txt").write_text("one\n", encoding="utf-8")
    pictures = [f"pics/p {number}.JPG" for number in range(3)]
    file = table(folder / "t.csv", "image,text", pictures, ["1.txt", "2.txt", "3.txt"])
    with pytest.raises(BadItemError, match=r"t\.csv:3: has no text that can be used \('2\.txt' is not there\)"):
        load_modality("image+text").read([file], False)
    items, _ = read_all(load_modality("image+text"), file, skip_bad=True)
    assert texts_of(items) == ["one"]
    (folder / "1.txt").unlink()
    with pytest.raises(ValueError, match=r"the column 'text' names files, such as '1\.txt', and none of them is there"):
        load_modality("image+text").read([file], True)


@pytest.mark.parametrize("in_table", ["NFC", "NFD"])
def test_composed_letters_are_those_of_two_marks_in_names_of_files(
    tmp_path: Path, in_table: Literal["NFC", "NFD"]
) -> None:
    own = unicodedata.normalize("NFD" if in_table == "NFC" else "NFC", "Käuzchen")
    (tmp_path / "a").mkdir()
    picture(tmp_path / "a" / f"{own}.png", 1)
    other = unicodedata.normalize(in_table, "Käuzchen")
    file = table(tmp_path / "t.csv", "image,text", [f"a/{other}.png"], ["an owl"])
    assert texts_of(read_all(load_modality("image+text"), file)[0]) == ["an owl"]
    (tmp_path / "a" / f"{other}.txt").write_text("the same owl\n", encoding="utf-8")
    assert texts_of(read_all(load_modality("image+text"), tmp_path / "a")[0]) == ["the same owl"]


def test_texts_that_end_in_the_name_of_their_picture_are_texts(tmp_path: Path) -> None:
    for number, name in enumerate(("a.png", "b.png")):
        picture(tmp_path / name, number)
    texts = ["boat in a.png", "tree in b.png"]
    pairs = table(tmp_path / "pairs.csv", "image,text", ["a.png", "b.png"], texts)
    items, _ = read_all(load_modality("image+text"), pairs)
    assert texts_of(items) == texts
