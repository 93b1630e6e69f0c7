"""Annotations in COCO's format lie on the pixels that they were drawn on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gestalt.core.data.items import BadItemError
from gestalt.core.data.masks import ItemMasks
from gestalt.modalities.image import Image
from gestalt.modalities.image.coco_masks import mask_of
from tests.test_image_masks import of_first, write

BOX, STEPS = "fZ7d0n0000TY2", "053L145MH"


def annotations(**changes: Any) -> dict[str, Any]:
    """Two objects of a picture of 4 × 6 pixels: a box as a polygon, a smaller one within it as run lengths."""
    images = [{"id": 7, "file_name": "a.png", "height": 20, "width": 30}]
    box = [2.0, 1.0, 12.0, 1.0, 12.0, 11.0, 2.0, 11.0]
    inner = np.zeros((20, 30), dtype=bool)
    inner[4:6, 5:8] = True
    column = inner.T.flatten()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], column, [0]])))
    runs = np.diff(np.array([0, *edges, len(column)])).tolist()
    return {
        "images": images,
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "segmentation": {"size": [20, 30], "counts": runs}},
            {"id": 2, "image_id": 7, "category_id": 5, "segmentation": [box]},
            {"id": 3, "image_id": 7, "category_id": 5, "segmentation": "nonsense", "iscrowd": 1},
        ],
        "categories": [{"id": 3, "name": "eye"}, {"id": 5, "name": "face"}],
        **changes,
    }


def read_coco(tmp_path: Path, record: dict[str, Any]) -> ItemMasks:
    """The masks of the picture `a.png` of 20 × 30 pixels."""
    write(tmp_path / "data", "a.png", np.zeros((20, 30), dtype=np.uint8))
    (tmp_path / "coco.json").write_text(json.dumps(record))
    return of_first(tmp_path / "data", tmp_path / "coco.json")[1]


def test_coco_annotations_are_objects_the_smaller_on_top(tmp_path: Path) -> None:
    masks = read_coco(tmp_path, annotations())
    expected = torch.full((20, 30), -1)
    expected[1:11, 2:12] = 0
    expected[4:6, 5:8] = 1
    assert torch.equal(masks.labels.view(20, 30).long(), expected)
    assert masks.names == ("face", "eye")


def test_compressed_run_lengths_are_those_of_coco() -> None:
    """The strings are those of the reference implementation; numbers of the last one are negative, too."""
    assert np.array_equal(mask_of({"size": [8, 8], "counts": "0180000000000000"}, 8, 8), np.eye(8, dtype=bool))
    box = np.zeros((50, 200), dtype=bool)
    box[10:30, 150:153] = True
    assert np.array_equal(mask_of({"size": [50, 200], "counts": BOX}, 50, 200), box)
    assert np.array_equal(mask_of({"size": [50, 200], "counts": BOX.encode()}, 50, 200), box)
    steps = np.zeros((6, 5), dtype=bool)
    steps[:5, 0], steps[2:3, 1], steps[1:6, 2], steps[3:5, 4] = True, True, True, True
    assert np.array_equal(mask_of({"size": [6, 5], "counts": STEPS}, 6, 5), steps)


def test_polygons_hold_the_pixels_whose_middles_lie_in_them() -> None:
    """Against a plain crossing test, pixel by pixel; several polygons are one object."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        count = int(rng.integers(3, 9))
        corners = rng.uniform(0, 16, (count, 2))
        found = mask_of([corners.flatten().tolist()], 16, 16)
        for row in range(16):
            for column in range(16):
                assert found[row, column] == inside(column + 0.5, row + 0.5, corners)
    both = mask_of([[0, 0, 2, 0, 2, 2, 0, 2], [4, 4, 6, 4, 6, 6, 4, 6]], 8, 8)
    assert both.sum() == 8


def inside(x: float, y: float, corners: NDArray[np.float64]) -> bool:
    """Whether a ray to the right crosses an odd number of edges."""
    odd = False
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            odd = not odd
    return odd


BAD_SEGMENTS: dict[str, tuple[Any, str]] = {
    "none": (None, "a segmentation is a list of polygons, or run lengths with their size, got None"),
    "no polygon": ([], r"a segmentation is a list of polygons.*got \[\]"),
    "two corners": ([[1, 2, 3, 4]], "a polygon is x and y of three corners or more in a row"),
    "outside": ([[0, 0, 90, 0, 90, 9]], r"reaches to x 0 … 90, y 0 … 9, and its picture has 30 × 20 pixels"),
    "another size": (
        {"size": [9, 9], "counts": [81]},
        r"run lengths are of \[9, 9\] pixels, its picture has \[20, 30\]",
    ),
    "too short": ({"size": [20, 30], "counts": [5, 5]}, "run lengths sum to 10, and its picture has 30 × 20 pixels"),
    "cut off": ({"size": [20, 30], "counts": "PP"}, "end within a number"),
    "no characters": ({"size": [20, 30], "counts": "é"}, "is no character of compressed run lengths"),
}


@pytest.mark.parametrize("segmentation", [None, [], "left out"])
def test_an_annotation_that_has_a_box_alone_fills_it(tmp_path: Path, segmentation: Any) -> None:
    own = {"segmentation": segmentation} if segmentation != "left out" else {}
    boxes = [{"id": 1, "image_id": 7, "category_id": 5, "bbox": [2, 1, 10.0, 10]} | own]
    whole = {
        "id": 2,
        "image_id": 7,
        "category_id": 3,
        "bbox": [0, 0, 30, 20],
        "segmentation": [[5, 4, 8, 4, 8, 6, 5, 6]],
    }
    masks = read_coco(tmp_path, annotations(annotations=[*boxes, whole]))
    expected = torch.full((20, 30), -1)
    expected[1:11, 2:12] = 0
    expected[4:6, 5:8] = 1
    assert torch.equal(masks.labels.view(20, 30).long(), expected)
    assert masks.names == ("face", "eye")


BAD_BOXES: dict[str, tuple[Any, str]] = {
    "of no width": ([2, 1, 0, 5], "a box is left, top, width and height"),
    "three numbers": ([2, 1, 5], "a box is left, top, width and height"),
    "words": (["a", 1, 2, 3], "could not convert"),
    "not finite": ([0, 0, float("nan"), 3], "a box is left, top, width and height"),
    "outside": ([20, 0, 90, 9], "its picture has 30 × 20 pixels"),
}


@pytest.mark.parametrize("name", BAD_BOXES)
def test_boxes_that_are_none_are_named(tmp_path: Path, name: str) -> None:
    box, message = BAD_BOXES[name]
    record = annotations(annotations=[{"id": 8, "image_id": 7, "category_id": 3, "bbox": box}])
    with pytest.raises(BadItemError, match=rf"coco\.json, annotation 8: .*{message}"):
        read_coco(tmp_path, record)


@pytest.mark.parametrize("name", BAD_SEGMENTS)
def test_annotations_that_are_none_are_named(tmp_path: Path, name: str) -> None:
    segmentation, message = BAD_SEGMENTS[name]
    record = annotations(annotations=[{"id": 8, "image_id": 7, "category_id": 3, "segmentation": segmentation}])
    with pytest.raises(BadItemError, match=rf"coco\.json, annotation 8: .*{message}"):
        read_coco(tmp_path, record)


def test_a_size_that_the_annotations_have_wrong_is_named(tmp_path: Path) -> None:
    images = [{"id": 7, "file_name": "a.png", "height": 40, "width": 60}]
    with pytest.raises(BadItemError, match=r"coco\.json, a\.png: has 60 × 40 pixels, its picture .* has 30 × 20"):
        read_coco(tmp_path, annotations(images=images, annotations=[]))


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


WRONG: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no JSON": (
        lambda at: written(at / "x.json", "{"),
        r"x\.json has no annotations in COCO's format \(JSONDecodeError",
    ),
    "a list": (lambda at: written(at / "x.json", "[1]"), r"x\.json has no annotations in COCO's format"),
    "a stranger in JSON": (
        lambda at: written(
            at / "x.json", json.dumps(annotations(images=[annotations()["images"][0] | {"file_name": "q"}]))
        ),
        r"x\.json, image 7, names 'q', which is none",
    ),
    "an annotation of no image": (
        lambda at: written(at / "x.json", json.dumps(annotations(annotations=[{"id": 4, "image_id": 9}]))),
        r"x\.json, annotation 4: there is no image 9",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_files_that_hold_no_annotations_are_refused_by_name(tmp_path: Path, name: str) -> None:
    make, message = WRONG[name]
    write(tmp_path / "data", "a.png", np.zeros((20, 30), dtype=np.uint8))
    with pytest.raises(ValueError, match=message):
        Image().read_masks(make(tmp_path), Image().read([tmp_path / "data"]).items)


IMAGE = {"file_name": "a.png", "height": 20, "width": 30}
JOINED: dict[str, tuple[dict[str, Any], str]] = {
    "images": ({"images": [{"id": 7, **IMAGE}, {"id": 7, **IMAGE, "file_name": "b.png"}]}, "'a.png' and 'b.png'"),
    "categories": (
        {"categories": [{"id": 3, "name": "eye"}, {"id": 5, "name": "face"}, {"id": 3, "name": "ear"}]},
        "'eye' and 'ear'",
    ),
}


@pytest.mark.parametrize("what", JOINED)
def test_an_id_that_two_things_have_tells_nothing(tmp_path: Path, what: str) -> None:
    changes, named = JOINED[what]
    with pytest.raises(ValueError, match=rf"has two {what} of the id \d, {named}: .*were two files joined"):
        read_coco(tmp_path, annotations(**changes))


def test_what_is_listed_twice_as_it_is_is_one(tmp_path: Path) -> None:
    record = annotations()
    record |= {own: record[own] * 2 for own in ("images", "categories")}
    masks = read_coco(tmp_path, record)
    assert sorted(map(masks.name, masks.objects())) == ["eye", "face"]


@pytest.mark.parametrize("category", ["3", 0])
def test_a_category_that_is_not_listed_is_named_not_lost(tmp_path: Path, category: Any) -> None:
    own = [{"id": 8, "image_id": 7, "category_id": category, "bbox": [1, 1, 5, 5]}]
    with pytest.raises(ValueError, match=rf"annotation 8: there is no category {category!r} .*whose ids are 3, 5"):
        read_coco(tmp_path, annotations(annotations=own))
    masks = read_coco(tmp_path, annotations(annotations=own, categories=[]))
    assert [masks.name(number) for number in masks.objects()] == ["object 1"]
