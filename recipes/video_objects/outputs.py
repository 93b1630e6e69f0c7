"""Found objects and vectors in the formats that the field's tools read."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import torch
from gestalt.core.experiment.naming import counted, track_name
from gestalt.core.experiment.vectors import Batch
from gestalt.core.runs.saved import load_network
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.items import BadItemError, Skipped
from gestalt.core.experiment import Batches, Finder, write_skipped, write_vectors
from gestalt.core.networks.encoder import Network
from gestalt.core.storage.atomic import write_text
from gestalt.modalities.video import (
    MODALITY,
    Clip,
    Video,
    VideoFiles,
    collate,
    each_window,
    on_pixels,
    write_index_masks,
    write_overlay,
)
from gestalt.modalities.video.outputs import Part
from gestalt.modalities.video.reading import scaled

from .finding import FinderOptions
from .linking import Linked, link

NUMBERS = 255
"""Index masks hold so many objects; further ones take up the first numbers again."""
AT_ONCE = 4_000_000
"""Pixels that are coloured and written at once: large pictures go through memory a few frames at a time."""


def discover(run: Path, paths: Sequence[Path], out: Path, skip_bad: bool) -> int:
    """Find objects in videos with a finished run: an MP4 with coloured objects, index masks, and times as JSON.

    Every frame of a video is looked at, whatever the run's rate; masks have the video's own resolution.
    """
    network, architecture = load_network(run)
    details = architecture.details
    finder = FinderOptions(**details["finder"]).build()
    reading = Video(details["seconds"], None, None).read(paths, skip_bad)
    assert isinstance(reading.items, VideoFiles)
    skipped = list(reading.skipped)
    out.mkdir(parents=True, exist_ok=True)
    names: set[str] = set()
    records: dict[str, list[dict[str, Any]]] = {}
    for video in reading.items.paths:
        names.add(name := track_name(video, names))
        writing = Writing(out / name)
        parts = found_in(network, finder, details["size"], reading.items, video, skipped if skip_bad else None)
        try:
            write_overlay(out / f"{name}.mp4", writing.masks(parts))
        except ValueError:
            if writing.frames:
                raise
            (out / f"{name}.mp4").unlink(missing_ok=True)  # nothing of it could be read: it is listed as left out
            continue
        records[str(video)] = writing.records()
    write_text(out / "objects.json", json.dumps(records, indent=1, ensure_ascii=False) + "\n")
    write_skipped(out, skipped)
    objects = sum(len(record) for record in records.values())
    print(f"{counted(objects, 'object')} in {counted(len(records), 'video')}, written to {out}")
    return 0


def embed(run: Path, paths: Sequence[Path], out: Path, skip_bad: bool) -> int:
    """Write the vectors of videos and of their tubes as `.npz` and Parquet, with their seconds and pixels."""
    network, architecture = load_network(run)
    details = architecture.details
    reading = Video(details["seconds"], details["rate"], details["size"]).read(paths, skip_bad)
    files = reading.items
    assert isinstance(files, VideoFiles)

    def tubes(batch: Batch[Clip], row: int) -> dict[str, Any]:
        grid = batch.features.grid
        assert grid is not None
        bounds = [edges[row % len(edges)] for edges in grid.edges]
        bounds[0] = bounds[0] + batch.items[row].start
        index = torch.cartesian_prod(*(torch.arange(n) for n in grid.shape)).view(grid.elements, -1)
        columns = {}
        for axis, names in enumerate((("onset", "offset"), ("top", "bottom"), ("left", "right"))):
            for step, name in enumerate(names):
                columns[name] = bounds[axis][index[:, axis] + step].numpy()
        return columns

    batches = Batches(MODALITY, network, reading, list(reading.skipped) if skip_bad else None)
    write_vectors(out, batches, lambda place: str(files.path(place)), tubes)
    return 0


def found_in(
    network: Network, finder: Finder, size: int, files: VideoFiles, video: Path, skipped: list[Skipped] | None
) -> Iterator[Part]:
    """Frames of one video with the object of every pixel, and their seconds: a few frames at a time.

    A window that cannot be read ends the video: it is added to `skipped`, or an error where that is None.
    """
    before: Linked | None = None
    try:
        for clip in each_window(files, video):
            small = shrunk(clip, size)
            found = finder.find(network, collate([small]))
            assert found.grid is not None
            numbers = on_pixels(found.labels()[0], found.grid, small.size, small.edges)
            if before is not None and before.last.shape != numbers.shape[1:]:
                before = None  # the picture changed its size: objects have no place to be known by
            before = link(numbers, before)
            yield from _enlarged(clip, torch.where(before.numbers >= 0, before.numbers % NUMBERS, -1))
    except BadItemError as error:
        if skipped is None:
            raise
        skipped.append(Skipped(error.name, error.reason))


def shrunk(clip: Clip, size: int) -> Clip:
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


def _enlarged(clip: Clip, numbers: Int[Tensor, "time height width"]) -> Iterator[Part]:
    """Numbers at the clip's own resolution, so many frames at a time as memory should hold; each frame once."""
    _, height, width = clip.size
    rows = torch.arange(height) * numbers.shape[1] // height
    columns = torch.arange(width) * numbers.shape[2] // width
    few = max(1, AT_ONCE // (height * width))
    for first in range(int(clip.continued), len(clip.frames), few):
        part = slice(first, first + few)
        yield clip.frames[part], numbers[part][:, rows][:, :, columns], clip.times[part]


@final
@dataclass
class Writing:
    """What is written of one video beside its overlay, as its parts go by."""

    folder: Path
    frames: int = 0
    seen: dict[int, list[float]] = field(default_factory=dict)

    def masks(self, parts: Iterator[Part]) -> Iterator[Part]:
        """The same parts, once their index masks are written."""
        for frames, numbers, times in parts:
            write_index_masks(self.folder, numbers, self.frames)
            self.frames += len(frames)
            for frame, time in zip(numbers, times, strict=True):
                areas = torch.bincount(frame[frame >= 0].flatten())
                for number in areas.nonzero()[:, 0].tolist():
                    onset, _, shown, area = self.seen.get(number, [time, time, 0.0, 0.0])
                    self.seen[number] = [onset, time, shown + 1, area + float(areas[number]) / frame.numel()]
            yield frames, numbers, times

    def records(self) -> list[dict[str, Any]]:
        """For every object when it is first and last seen, in how many frames, and its mean share of their area."""
        return [
            {
                "object": number + 1,
                "first": round(onset, 3),
                "last": round(last, 3),
                "frames": int(shown),
                "area": round(area / shown, 4),
            }
            for number, (onset, last, shown, area) in sorted(self.seen.items())
        ]
