"""Found objects of videos in the formats that the field's tools read, and the places of tubes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems
from gestalt.core.discovery.found import FoundBatch, Named
from gestalt.core.modality.mask_names import write_mask_names
from gestalt.core.storage.naming import OutputNames, counted
from gestalt.core.storage.text_file import open_text

from .data import Clip, VideoFiles
from .folders import frames_of
from .frames import scaled
from .outputs_formats import write_overlay
from .outputs_writing import FoundClip, VideoWriting
from .reading import frames_before


def write_objects(
    found: Iterable[FoundBatch[Clip]], items: AbstractItems[Clip], out: Path, size: int | None = None
) -> str:
    """For every video index masks, `masks/NAME/00000.png`, and an `overlay/NAME.mp4`; `objects.json` for all. Where a
    model says what objects are called, `masks/names.json` says it of their numbers.

    Masks of a folder of images have the names of the images: DAVIS's and YouTube-VOS's evaluations go by them.

    Args:
        found: the objects of windows in the order of `items`.
        items: windows at the resolution to write in.
        out: the folder.
        size: pixels of the shorter side of what the network saw.

    Raises:
        TypeError: if the clips are no windows of files.
    """
    if not isinstance(items, VideoFiles):
        raise TypeError(f"objects are written for windows of videos (VideoFiles), got {type(items).__name__}")
    masks, overlays = OutputNames(items.paths), OutputNames(items.paths, ".mp4")
    records, names = dict[str, list[dict[str, Any]]](), dict[str, dict[int, str]]()
    for video, clips in groupby(_clips(found, size), key=lambda clip: items.path(clip.index)):
        rate = items.headers[items.paths.index(video)].rate
        frames = [frame.stem for frame in frames_of(video)] if video.is_dir() else []
        frames = frames if len(set(frames)) == len(frames) else []  # two formats of one image
        first = items.windows(video)[0]
        before = frames_before(video, items.start(first), rate)  # these have no masks
        writing = VideoWriting(out / "masks" / masks.of(video), first, rate, frames, before)
        overlay = out / "overlay" / overlays.of(video)
        overlay.parent.mkdir(parents=True, exist_ok=True)
        write_overlay(overlay, writing.parts(clips))
        records[str(video)] = writing.records()
        names[masks.of(video).as_posix()] = {number + 1: name for number, (name, _) in writing.called.items()}
    write_mask_names(out / "masks", names)
    with open_text(out / "objects.json") as file:
        file.write(json.dumps(records, indent=1, ensure_ascii=False) + "\n")
    objects = sum(len(record) for record in records.values())
    return f"{counted(objects, 'object')} in {counted(len(records), 'video')}"


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
            called = _called(labels[row], batch.named, row)
            yield FoundClip(index, clip, labels[row], Grid(tuple(own)), (height, width), called)


def _called(labels: Int[Tensor, " elements"], named: Named | None, row: int) -> dict[int, tuple[str, float]]:
    """What a model calls the objects of a window by their numbers, and the mean of its scores over each."""
    if named is None:
        return {}
    numbers, scores = labels[labels >= 0].unique().tolist(), named.scores[row]
    return {number: (named.name(number), float(scores[labels == number].mean())) for number in numbers}


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
