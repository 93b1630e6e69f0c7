"""Files of points in tiles as numbered items, each in its context."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Int

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.data.voxels import around_box, tile_count, tiles
from gestalt.core.modality.base import Reading
from gestalt.core.modality.files import ADVICE, find_files
from gestalt.core.modality.probing import none_usable, probe
from gestalt.core.modality.windows import InContext, Sight, WindowIndex
from gestalt.core.shards.files import bytes_of

from .data import Cloud, Whole, whole_of
from .formats import FORMATS


@final
class CloudFiles(AbstractItems[Cloud]):
    """Files of points in tiles.

    Args:
        paths: the files.
        counts: how many elements each has.
        columns: what is known of the points of all.
        most: points of an item.
        limit: elements of a file.
        voxel: the edge of a voxel in the unit of the files, 0 for none unless a file has more points than `limit`.
        margin: elements around a tile that are its context.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        counts: Sequence[int],
        columns: tuple[str, ...],
        most: int,
        limit: int,
        voxel: float,
        margin: int = 0,
    ) -> None:
        self.paths = tuple(paths)
        self.columns = columns
        self.most = most
        self.limit = limit
        self.voxel = voxel
        self.margin = margin
        self.index = WindowIndex((tile_count(count, most) for count in counts), "tile")
        self._last: tuple[int, Whole, list[Int[np.ndarray, " _"]]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What travels to worker processes: not what was kept for speed."""
        return {**self.__dict__, "_last": None}

    def __len__(self) -> int:
        """Tiles of all files together."""
        return len(self.index)

    def path(self, index: int) -> Path:
        """The file of item `index`."""
        return self.paths[self.index.place(index)[0]]

    def name(self, index: int) -> str:
        """The file, and the tile where there are several."""
        number, tile = self.index.place(index)
        count = len(self.index.of_file(number))
        return f"{self.paths[number]}, tile {tile + 1} of {count}" if count > 1 else str(self.paths[number])

    def elements_of(self, number: int) -> tuple[Whole, list[Int[np.ndarray, " _"]]]:
        """All elements of file `number`, and its tiles; those of the last one are kept.

        Raises:
            BadItemError: if it cannot be read any more.
        """
        if self._last is None or self._last[0] != number:
            own = examined(self.paths[number], self.limit, self.voxel)
            self._last = number, own, tiles(own.places, self.most)
        return self._last[1:]

    def read(self, index: int, rng: np.random.Generator) -> Cloud:  # noqa: ARG002
        """One tile.

        Raises:
            BadItemError: if the file cannot be read any more, or has other points than it had.
        """
        whole, own = self._tile(index)
        return Cloud.of(whole.places[own], whole.features[own], whole.columns, whole.ids[own], self.path(index).name)

    def read_in_context(self, index: int, sight: Sight) -> InContext[Cloud]:  # noqa: ARG002
        """One tile with the elements that lie nearest to its box, at their places from its centre and in its unit.

        Raises:
            BadItemError: as `read`.
        """
        cloud = self.read(index, np.random.default_rng(0))
        whole, own = self._tile(index)
        around = np.sort(np.concatenate([own, around_box(whole.places, own, self.margin)]))
        places = (whole.places[around] - np.array(cloud.centre)) / cloud.scale
        seen = replace(
            cloud,
            places=torch.from_numpy(places.astype(np.float32)),
            features=torch.from_numpy(whole.features[around].astype(np.float32)),
            ids=torch.from_numpy(whole.ids[around]),
        )
        return InContext(cloud, seen, torch.from_numpy(np.searchsorted(around, own)), seen.ids)

    def overlapping(self, index: int) -> range:
        """The tiles of the file of item `index`."""
        return self.index.of_file(self.index.place(index)[0])

    def _tile(self, index: int) -> tuple[Whole, Int[np.ndarray, " own"]]:
        number, tile = self.index.place(index)
        whole, parts = self.elements_of(number)
        if tile >= len(parts) or whole.columns != self.columns:
            raise BadItemError(str(self.paths[number]), f"has other points than when it was read first; {ADVICE}")
        return whole, parts[tile]


def examined(path: Path, limit: int, voxel: float) -> Whole:
    """The elements of a file.

    Raises:
        BadItemError: naming it, if it cannot be read.
    """
    if bytes_of(path) == 0:
        raise BadItemError(str(path), f"the file has no bytes; {ADVICE}")
    if path.suffix.lower() not in FORMATS:
        raise BadItemError(str(path), f"is none of {', '.join(FORMATS)}; {ADVICE}")
    try:
        return whole_of(path, limit, voxel)
    except BadItemError:
        raise
    except ValueError as error:
        raise BadItemError(str(path), f"{error}; {ADVICE}") from error


def read_clouds(
    paths: Sequence[Path], most: int, limit: int, voxel: float, skip_bad: bool = False, margin: int = 0
) -> Reading[Cloud]:
    """The clouds of all files, in tiles of at most `most` elements; every file is read through once.

    Raises:
        BadItemError: for the first file that cannot be used, or knows other things of its points than the first, unless
            `skip_bad`.
        ValueError: if none is left.
    """
    skipped = list[Skipped]()
    left_out = skipped if skip_bad else None
    first = list[tuple[str, ...]]()

    def examine(path: Path) -> int:
        own = examined(path, limit, voxel)
        if first and own.columns != first[0]:
            said = [", ".join(columns) or "nothing" for columns in (own.columns, first[0])]
            raise BadItemError(
                str(path),
                f"says {said[0]} of its points, the first file {said[1]}; read files of the same columns, or {ADVICE}",
            )
        first[:] = first or [own.columns]
        return len(own.places)

    good = probe(find_files(paths, FORMATS.keys(), "point clouds"), examine, left_out)
    if not good:
        raise none_usable(skipped, f"{len(skipped)} point clouds")
    items = CloudFiles([path for path, _ in good], [count for _, count in good], first[0], most, limit, voxel, margin)
    return Reading(items, tuple(skipped))
