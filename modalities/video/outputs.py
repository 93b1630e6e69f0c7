"""Found objects of videos in the formats that the field's tools read, and the places of tubes."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.discovery.typed import TypedBatch
from gestalt.core.modality.mask_names import write_mask_names
from gestalt.core.storage.naming import OutputNames, counted
from gestalt.core.storage.text_file import open_text

from .data import Clip, VideoFiles
from .folders import frames_of
from .frames import scaled
from .outputs_formats import write_overlay
from .outputs_writing import NUMBERS, FoundClip, VideoWriting


def write_objects(
    found: Iterable[FoundBatch[Clip]], items: AbstractItems[Clip], out: Path, size: int | None = None
) -> str:
    """For every video index masks, `masks/NAME/00000.png`, and an `overlay/NAME.mp4`; `objects.json` for all.

    Masks of a folder of images have the names of the images: DAVIS's and YouTube-VOS's evaluations go by them.

    Args:
        found: the objects of windows in the order of `items`.
        items: windows at the resolution to write in.
        out: the folder.
        size: pixels of the shorter side of what the network saw.

    Raises:
        TypeError: if the clips are no windows of files.
    """
    files = _files(items)
    overlays = OutputNames(files.paths, ".mp4")
    records: dict[str, list[dict[str, Any]]] = {}
    for video, writing, clips in _videos(found, files, out, size):
        overlay = out / "overlay" / overlays.of(video)
        overlay.parent.mkdir(parents=True, exist_ok=True)
        write_overlay(overlay, writing.parts(clips))
        records[str(video)] = writing.records()
    with open_text(out / "objects.json") as file:
        file.write(json.dumps(records, indent=1, ensure_ascii=False) + "\n")
    objects = sum(len(record) for record in records.values())
    return f"{counted(objects, 'object')} in {counted(len(records), 'video')}"


def write_types(
    found: Iterable[TypedBatch[Clip]],
    items: AbstractItems[Clip],
    names: Sequence[str],
    out: Path,
    size: int | None = None,
) -> str:
    """Index masks whose numbers are the types from 1 on, with `masks/names.json`; `objects.json` for all.

    Raises:
        TypeError: if the clips are no windows of files.
        ValueError: for more types than an index mask has numbers.
    """
    files, count = _files(items), 0
    if len(names) > NUMBERS:
        raise ValueError(f"index masks of clips have {NUMBERS} numbers, got {len(names)} types; ask for fewer types")
    records: dict[str, list[dict[str, Any]]] = {}
    for video, writing, clips in _videos((batch.by_type() for batch in found), files, out, size):
        for _ in writing.parts(clips):
            pass  # a part is written before it is given
        own = [record | {"name": names[int(record["object"]) - 1]} for record in writing.records()]
        records[str(video)], count = own, count + len(own)
    (out / "masks").mkdir(exist_ok=True)
    write_mask_names(out / "masks", names)
    with open_text(out / "objects.json") as file:
        file.write(json.dumps(records, indent=1, ensure_ascii=False) + "\n")
    return f"{counted(count, 'type')} over {counted(len(records), 'video')}"


def _files(items: AbstractItems[Clip]) -> VideoFiles:
    if not isinstance(items, VideoFiles):
        raise TypeError(f"objects are written for windows of videos (VideoFiles), got {type(items).__name__}")
    return items


def _videos(
    found: Iterable[FoundBatch[Clip]], files: VideoFiles, out: Path, size: int | None
) -> Iterator[tuple[Path, VideoWriting, Iterator[FoundClip]]]:
    """Every video with what writes its masks, and its windows."""
    masks = OutputNames(files.paths)
    for video, clips in groupby(_clips(found, size), key=lambda clip: files.path(clip.index)):
        rate = files.headers[files.paths.index(video)].rate
        frames = [frame.stem for frame in frames_of(video)] if video.is_dir() else []
        frames = frames if len(set(frames)) == len(frames) else []  # two formats of one image
        yield video, VideoWriting(out / "masks" / masks.of(video), files.windows(video)[0], rate, frames), clips


def _clips(found: Iterable[FoundBatch[Clip]], size: int | None) -> Iterator[FoundClip]:
    for batch in found:
        labels, grid = batch.labels(), batch.features.grid
        assert grid is not None
        for row, (index, shown) in enumerate(zip(batch.index, batch.items, strict=True)):
            clip = shown.begun()
            own = [edges[row % len(edges)][None].clone() for edges in grid.edges]
            # Tubes of several frames may begin behind the first frame, or end before the last one: the nearest has it.
            own[0][0, 0], own[0][0, -1] = min(0.0, float(own[0][0, 0])), max(clip.seconds, float(own[0][0, -1]))
            width, height = scaled(clip.size[2], clip.size[1], size)
            yield FoundClip(index, clip, labels[row], Grid(tuple(own)), (height, width))


def shrunk(clip: Clip, size: int | None) -> Clip:
    """The clip with its shorter side brought to `size` pixels, if it is longer."""
    _, height, width = clip.size
    new_width, new_height = scaled(width, height, size)
    if (new_height, new_width) == (height, width):
        return clip
    pictures = [
        torch.nn.functional.interpolate(frame[None].float(), (new_height, new_width), mode="area")[0]
        for frame in clip.frames
    ]
    return replace(clip, frames=torch.stack(pictures).round().to(torch.uint8))


def element_columns(
    found: FoundBatch[Clip],
    row: int,
    items: AbstractItems[Clip],  # noqa: ARG001
) -> Mapping[str, Float[np.ndarray, " elements"]]:
    """The seconds of the video and the pixels of the clip between which every tube lies."""
    grid = found.features.grid
    assert grid is not None
    bounds = [edges[row % len(edges)] for edges in grid.edges]
    bounds[0] = bounds[0] + found.items[row].start
    index = torch.cartesian_prod(*(torch.arange(n) for n in grid.shape)).view(grid.elements, -1)
    columns = {}
    for axis, names in enumerate((("onset", "offset"), ("top", "bottom"), ("left", "right"))):
        for step, name in enumerate(names):
            columns[name] = bounds[axis][index[:, axis] + step].numpy()
    return columns


def input_grid(item: Clip) -> Grid:
    """Every pixel of every frame, in seconds and pixels."""
    _, height, width = item.size
    sides = (torch.arange(length + 1, dtype=torch.float32)[None] for length in (height, width))
    return Grid((item.edges[None].float(), *sides))
