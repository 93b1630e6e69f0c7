"""Objects on cells as objects on pixels, and the formats in which the field keeps them."""

import io
import itertools
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.modality.colours import COLOURS, colour_of

from .data import Picture

LEAST = 320
"""Pixels of the longer side, to which small pictures are enlarged for the eye."""
MOST = 255
"""Objects that an index PNG of 8 bits can number; 0 is for none."""


def on_pixels(
    found: Int[Tensor, " elements"], grid: Grid, size: tuple[int, int], scale: tuple[float, float] = (1.0, 1.0)
) -> Int[Tensor, "height width"]:
    """The object of every pixel: that of the cell under its middle, −1 outside the lattice.

    Args:
        found: the object of every cell, −1 for none.
        size: height and width of the picture.
        scale: pixels of the item per pixel of this picture, down and across, where it was read smaller than it is.

    Example:
        >>> on_pixels(torch.tensor([3, -1]), Grid.uniform((1, 2), (2.0, 2.0)), (2, 4)).tolist()
        [[3, 3, -1, -1], [3, 3, -1, -1]]
    """
    if grid.elements != len(found):
        raise ValueError(f"the grid has {grid.elements} cells, found names {len(found)} elements")
    axes = [(torch.arange(length) + 0.5) * ratio for length, ratio in zip(size, scale, strict=True)]
    cells = grid.locate(torch.cartesian_prod(*axes)[None])[0].view(size)
    return torch.where(cells >= 0, found[cells.clamp(min=0)], -1)


def numbered(labels: Int[Tensor, "height width"]) -> Int[Tensor, "height width"]:
    """Objects numbered from 1 without gaps, 0 for none: what index pictures hold."""
    kinds = labels[labels >= 0].unique()
    number = torch.zeros(int(labels.max()) + 2, dtype=torch.long)
    number[kinds] = torch.arange(1, len(kinds) + 1)
    return torch.where(labels >= 0, number[labels.clamp(min=0)], 0)


def index_png(labels: Int[Tensor, "height width"], by_number: bool = False) -> bytes:
    """A PNG whose pixel values are object numbers from 1, 0 for none; with a palette, or 16 bits above 255 objects.

    Numbers have no gaps, unless they are to stay what they are: object k is k + 1.
    """
    from PIL import Image

    index = (labels.clamp(min=-1) + 1 if by_number else numbered(labels)).numpy()
    buffer = io.BytesIO()
    if index.max() > MOST:
        Image.fromarray(index.astype(np.uint16)).save(buffer, "PNG")
        return buffer.getvalue()
    image = Image.fromarray(index.astype(np.uint8))  # a palette makes an index picture of it
    image.putpalette([0, 0, 0, *(part for number in range(MOST) for part in colour(number))])
    image.save(buffer, "PNG")
    return buffer.getvalue()


def colour(number: int) -> tuple[int, int, int]:
    """Red, green and blue of object `number`, from 0; where the palette begins anew, it is a little darker."""
    dim = 0.75 ** (number // len(COLOURS) % 4)
    code = colour_of(number)
    red, green, blue = (round(int(code[place : place + 2], 16) * dim) for place in (1, 3, 5))
    return red, green, blue


def run_lengths(mask: Bool[Tensor, "height width"]) -> list[int]:
    """COCO's uncompressed run lengths: column by column, the first run is of background.

    Example:
        >>> run_lengths(torch.tensor([[True, False], [True, True]]))
        [0, 2, 1, 1]
    """
    column_major = mask.T.flatten().to(torch.int8)
    changes = (column_major.diff() != 0).nonzero()[:, 0] + 1
    edges = [0, *changes.tolist(), len(column_major)]
    lengths = [end - begin for begin, end in itertools.pairwise(edges)]
    return [0, *lengths] if bool(mask[0, 0]) else lengths


@final
@dataclass(frozen=True)
class Category:
    """What an object is called, and how sure that is; `object`, and 1, where nothing says more."""

    name: str = "object"
    score: float = 1.0


def coco(
    pictures: Iterable[tuple[str, Int[Tensor, "_ _"], Mapping[int, Category]]], names: Sequence[str] = ("object",)
) -> dict[str, Any]:
    """COCO's annotations of pictures by file name: every object is one annotation.

    Segmentations are uncompressed run lengths, which pycocotools reads as they are. Every annotation has a score, so
    that it can be evaluated as a result, too.

    Args:
        pictures: name, object of every pixel, and what the objects are called by their numbers.
        names: of all categories, in their order; one that turns up later comes behind.
    """
    categories = {name: number for number, name in enumerate(names, start=1)}
    images, annotations = list[Mapping[str, Any]](), list[Mapping[str, Any]]()
    for image, (name, labels, called) in enumerate(pictures, start=1):
        height, width = labels.shape
        images.append({"id": image, "file_name": name, "height": height, "width": width})
        for number in labels[labels >= 0].unique().tolist():
            mask, category = labels == number, called.get(number, Category())
            rows, columns = mask.any(dim=1).nonzero()[:, 0], mask.any(dim=0).nonzero()[:, 0]
            top, left = int(rows[0]), int(columns[0])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": categories.setdefault(category.name, len(categories) + 1),
                    "iscrowd": 0,
                    "score": round(category.score, 4),
                    "area": int(mask.sum()),
                    "bbox": [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1],
                    "segmentation": {"size": [height, width], "counts": run_lengths(mask)},
                }
            )
    listed = [{"id": number, "name": name, "supercategory": ""} for name, number in categories.items()]
    return {"images": images, "annotations": annotations, "categories": listed}


def displayed(item: Picture) -> Float[Tensor, "3 height width"]:
    """A picture of any number of channels as red, green and blue: its first three, or its first one in grey."""
    return item[:3] if len(item) >= 3 else item[:1].expand(3, -1, -1)


def enlarged(pixels: Float[Tensor, "3 height width"], least: int = LEAST) -> NDArray[np.uint8]:
    """A picture as bytes `height width 3`, every pixel repeated until the longer side has at least `least`."""
    times = max(1, -(-least // max(pixels.shape[1:])))
    large = pixels.repeat_interleave(times, dim=1).repeat_interleave(times, dim=2)
    return np.ascontiguousarray((large * 255).round().byte().permute(1, 2, 0).numpy())


def overlay(
    item: Picture,
    labels: Int[Tensor, "height width"],
    tint: float = 0.45,
    least: int = LEAST,
    by_number: bool = False,
) -> NDArray[np.uint8]:
    """The picture with its objects tinted and outlined, `height width 3`; what belongs to none is a little darker.

    Colours go by the numbers of the objects, or by their order in this picture.
    """
    index = labels.clamp(min=-1) + 1 if by_number else numbered(labels)
    palette = torch.tensor([(0, 0, 0), *(colour(number) for number in range(int(index.max())))]) / 255
    shown = displayed(item)
    tinted = torch.where(index[None] > 0, (1 - tint) * shown + tint * palette[index].permute(2, 0, 1), 0.75 * shown)
    large = enlarged(tinted, least)
    times = len(large) // len(index)
    index = index.repeat_interleave(times, dim=0).repeat_interleave(times, dim=1)
    edge = torch.zeros_like(index, dtype=torch.bool)
    edge[1:] |= index[1:] != index[:-1]
    edge[:, 1:] |= index[:, 1:] != index[:, :-1]
    large[edge.numpy()] = 255
    return large


def png(pixels: NDArray[np.uint8]) -> bytes:
    """`height width 3` as a PNG file.

    Only runs of equal bytes are looked for, which is faster: photographs hold hardly anything else.
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def read_index(path: Path) -> Int[Tensor, "height width"]:
    """An index PNG as object numbers from 0, −1 for none."""
    from PIL import Image

    with Image.open(path) as file:
        return torch.from_numpy(np.asarray(file).astype(np.int64)) - 1
