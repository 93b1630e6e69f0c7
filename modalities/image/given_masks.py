"""Masks that come with pictures: a folder of index PNGs, or COCO's annotations."""

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool
from numpy.typing import NDArray
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.modality.pairing import NamedFiles, files_below, must_exist, unreadable_masks, written_form
from gestalt.core.pictures.pillow import orientation_of
from gestalt.core.pictures.pixels import refuse_many, upright
from gestalt.core.pictures.reading import read_numbers, size_of

from .coco_masks import box_mask, mask_of
from .data import ImageFiles, Picture
from .masks import on_pixels

ACCEPTED = (
    "a folder of index PNGs named like the pictures (one number a pixel, 0 for none), or annotations in COCO's format "
    "(.json)"
)
ADVICE = "correct it, or remove it"

Numbers = NDArray[np.integer[Any]]
"""The object of every pixel from 1, 0 for none."""


def read_masks(path: Path, items: AbstractItems[Picture], skipped: Sequence[Skipped] = ()) -> AbstractMasks[Picture]:
    """The masks of picture files.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if it is of neither format, or names a picture that there is not; or if the pictures are no files.
    """
    must_exist(path)
    path = written_form(path, "objects.json")
    if not isinstance(items, ImageFiles):
        raise ValueError(f"masks belong to pictures by the names of files, and these are no files: {items.name(0)}")
    files = NamedFiles(items.paths, skipped)
    if path.is_dir():
        found = files.paired(files_below(path, {".png"}), lambda mask: f"the mask {mask}")
        if not found:
            raise unreadable_masks(path, ACCEPTED)
        return IndexMasks(items.paths, found, files.unused)
    if path.suffix.lower() != ".json":
        raise unreadable_masks(path, ACCEPTED)
    annotated = _annotated(path, files)
    return CocoMasks(items.paths, path, *annotated, files.unused)


@final
@dataclass(frozen=True)
class IndexMasks(AbstractMasks[Picture]):
    """One index PNG for a picture, of the picture's own size; 0 is no object, every other number one."""

    pictures: tuple[Path, ...]
    files: Mapping[int, Path]
    unused: tuple[str, ...] = ()

    def has(self, index: int) -> bool:
        """Whether there is a PNG."""
        return index in self.files

    def of_item(self, index: int, item: Picture) -> ItemMasks | None:
        """The object of every pixel of the item."""
        if index not in self.files:
            return None
        path = self.files[index]
        return _on_item(read_numbers(path, ADVICE), self.pictures[index], item, str(path), {})


@final
@dataclass(frozen=True)
class CocoMasks(AbstractMasks[Picture]):
    """COCO's annotations: every one is an object, named by its category. Where some overlap, the smaller is on top.

    One that has a box and no segmentation fills the box. Regions of crowds (`iscrowd`) are no objects.
    """

    pictures: tuple[Path, ...]
    path: Path
    sizes: Mapping[int, tuple[int, int]]
    annotations: Mapping[int, Sequence[Mapping[str, Any]]]
    categories: Mapping[Any, str]
    unused: tuple[str, ...] = ()

    def has(self, index: int) -> bool:
        """Whether the file lists the picture."""
        return index in self.sizes

    def of_item(self, index: int, item: Picture) -> ItemMasks | None:
        """The object of every pixel of the item."""
        if index not in self.sizes:
            return None
        size = self.sizes[index]
        drawn: list[tuple[NDArray[np.bool_], str]] = []
        for annotation in self.annotations.get(index, ()):
            name = f"{self.path}, annotation {annotation.get('id')}"
            try:
                mask = _drawn(annotation, *size)
                drawn.append((mask, self.categories.get(annotation.get("category_id"), "")))
            except (ValueError, TypeError, OverflowError) as error:  # numbers that are none, or larger than any picture
                raise BadItemError(name, f"{error}; {ADVICE}") from error
        drawn.sort(key=lambda one: -int(one[0].sum()))
        numbers = np.zeros(size, dtype=np.int32)
        for number, (mask, _) in enumerate(drawn, start=1):
            numbers[mask] = number
        names = {number: name for number, (_, name) in enumerate(drawn, start=1)}
        return _on_item(numbers, self.pictures[index], item, f"{self.path}, {self.pictures[index].name}", names)


def _drawn(annotation: Mapping[str, Any], height: int, width: int) -> NDArray[np.bool_]:
    """The pixels of an annotation: of its segmentation, or where it has none, of its box."""
    segmentation, box = annotation.get("segmentation"), annotation.get("bbox")
    if box is not None and (segmentation is None or segmentation == []):
        return box_mask(box, height, width)
    return mask_of(segmentation, height, width)


def _annotated(
    path: Path, files: NamedFiles
) -> tuple[dict[int, tuple[int, int]], dict[int, list[Mapping[str, Any]]], dict[Any, str]]:
    """Sizes and annotations by the number of the picture, and the names of categories."""
    try:
        record = json.loads(path.read_text(encoding="utf-8-sig"))
        images = {image["id"]: image for image in record["images"]}
        annotations = [(one["image_id"], one) for one in record["annotations"]]
        categories = {one["id"]: str(one["name"]) for one in record.get("categories", ())}
        twice = _twice((image["id"], image["file_name"]) for image in record["images"])
        named_twice = _twice((one["id"], str(one["name"])) for one in record.get("categories", ()))
        named = [(str(image["file_name"]), (key, *_stated(image))) for key, image in images.items()]
        unknown = next((one for key, one in annotations if key not in images), None)
        kinds = {None, *categories}
        of_none = next((one for _, one in annotations if not _among(one.get("category_id"), kinds)), None)
        crowds = [bool(one.get("iscrowd")) for _, one in annotations]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{path} has no annotations in COCO's format ({type(error).__name__}: {error}): it needs the lists images "
            f"(id, file_name, height, width) and annotations (image_id, segmentation); {ADVICE}"
        ) from error
    for what, both in (("images", twice), ("categories", named_twice)):
        if both is not None:
            raise ValueError(
                f"{path} has two {what} of the id {both[0]!r}, {both[1]!r} and {both[2]!r}: which of them is meant is "
                f"not known (were two files joined?); {ADVICE}"
            )
    if unknown is not None:
        raise ValueError(
            f"{path}, annotation {unknown.get('id')}: there is no image {unknown.get('image_id')} in the list images; "
            f"{ADVICE}"
        )
    if of_none is not None and categories:
        raise ValueError(
            f"{path}, annotation {of_none.get('id')}: there is no category {of_none.get('category_id')!r} in the list "
            f"categories, whose ids are {', '.join(map(repr, list(categories)[:8]))}; {ADVICE}"
        )
    pairs = files.paired(named, lambda image: f"{path}, image {image[0]},")
    number_of = {key: number for number, (key, _, _) in pairs.items()}
    own: dict[int, list[Mapping[str, Any]]] = {}
    for (key, annotation), crowd in zip(annotations, crowds, strict=True):
        if key in number_of and not crowd:
            own.setdefault(number_of[key], []).append(annotation)
    return {number: (height, width) for number, (_, height, width) in pairs.items()}, own, categories


def _among(own: Any, known: Set[Any]) -> bool:
    """Whether an id is one of those known; a list or an object is none.

    Example:
        >>> _among(3, {3}), _among([], {3})
        (True, False)
    """
    return isinstance(own, Hashable) and own in known


def _twice(named: Iterable[tuple[Any, Any]]) -> tuple[Any, Any, Any] | None:
    """The first id of two names, and these; None where every id has one.

    Example:
        >>> _twice([(1, "a"), (2, "b"), (1, "a"), (2, "c")])
        (2, 'b', 'c')
    """
    first: dict[Any, Any] = {}
    return next(((own, first[own], name) for own, name in named if first.setdefault(own, name) != name), None)


def _stated(image: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of a picture as the file states them.

    Raises:
        ValueError: for those of none.
    """
    height, width = int(image["height"]), int(image["width"])
    if height < 1 or width < 1:
        raise ValueError(f"an image of {width} × {height} pixels")
    refuse_many(height, width)
    return height, width


def _on_item(numbers: Numbers, picture: Path, item: Picture, source: str, names: Mapping[int, str]) -> ItemMasks:
    """Numbers at the size of the file as objects of the item, which may be smaller: each pixel has that of its middle.

    Raises:
        BadItemError: if the sizes differ; it names the mask.
    """
    size, turned = _size(picture)
    if turned >= 5 and numbers.shape == size[::-1]:
        numbers = upright(numbers, turned)  # drawn on the pixels as they are stored
    if numbers.shape != size:
        raise BadItemError(
            source,
            f"has {numbers.shape[1]} × {numbers.shape[0]} pixels, its picture {picture} has {size[1]} × {size[0]}; "
            "make the mask of the picture's own size",
        )
    height, width = item.shape[1:]
    rows, columns = (
        ((np.arange(own) + 0.5) * there / own).astype(int)
        for own, there in zip((height, width), numbers.shape, strict=True)
    )
    kinds, labels = np.unique(numbers[rows][:, columns], return_inverse=True)
    first = int(len(kinds) > 0 and kinds[0] == 0)
    found = torch.from_numpy(labels.reshape(-1).astype(np.int32)) - first
    called = tuple(names.get(number) or f"object {number}" for number in kinds[first:].tolist())
    return ItemMasks(found, Grid.uniform((height, width), (1.0, 1.0)), called)


@lru_cache(maxsize=100_000)
def _size(picture: Path) -> tuple[tuple[int, int], int]:
    """Height and width of a picture, upright, and the number of its orientation (1: stored upright)."""
    return size_of(picture), 1 if picture.suffix.lower() == ".npy" else orientation_of(picture)


def shown_masks(item: Picture, masks: ItemMasks) -> list[tuple[str, Bool[Tensor, "height width"]]]:
    """Each object with its mask of the item's size."""
    if masks.grid is None:
        raise ValueError("masks of a picture lie on a grid of pixels, got those of a set")
    labels = on_pixels(masks.labels, masks.grid, (item.shape[1], item.shape[2]))
    return [(masks.name(number), labels == number) for number in masks.objects()]
