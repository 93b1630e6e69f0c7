"""Segments of a whole training set, kept on disk: found once, read by all workers and ranks until the next round."""

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

from ..data.feature_map import Grid
from ..data.items import BadItemError
from ..data.masks import AbstractMasks, ItemMasks
from ..data.places import Parts
from ..storage.atomic import write_bytes

SHARD = 64
"""Items whose segments are in one file."""


@final
class KeptSegments(AbstractMasks[Any]):
    """The segments of all items that one round found, in a folder of compressed NumPy archives, one per 64 items.

    Each archive holds the segments of its items one behind the other: `items` are their numbers, `shapes` their
    lattices (−1 behind the last axis), `labels` and `edges` what belongs to these; a set, which is not `on_grid`, has
    no edges. An item that could not be read is absent. Of joint items, `parts` are the names of the parts, and those of
    an item follow one another.

    Args:
        folder: of the round.
        items: of the data set.
        wanted: the numbers of those that the round learns from; None for all.

    Example:
        >>> import tempfile
        >>> kept = KeptSegments(Path(tempfile.mkdtemp()), items=2)
        >>> kept.write(0, {0: ItemMasks(torch.tensor([0, 0, 1]), None)})
        >>> kept.complete, kept.of_item(0, None).labels.tolist(), kept.of_item(1, None)
        (True, [0, 0, 1], None)
    """

    def __init__(self, folder: Path, items: int, wanted: Sequence[int] | None = None) -> None:
        self.folder = folder
        self.items = items
        self.wanted = None if wanted is None else frozenset(wanted)

    @property
    def shards(self) -> int:
        """Number of files."""
        return -(-self.items // SHARD)

    def path(self, shard: int) -> Path:
        """The file of one shard."""
        return self.folder / f"segments-{shard:05d}.npz"

    def numbers(self, shard: int) -> list[int]:
        """The items of one shard."""
        return [n for n in range(shard * SHARD, min(self.items, (shard + 1) * SHARD)) if self.has(n)]

    @property
    def complete(self) -> bool:
        """Whether all files are there."""
        return all(self.path(shard).is_file() for shard in self.filled())

    def filled(self) -> list[int]:
        """The shards that have any item."""
        if self.wanted is None:
            return list(range(self.shards))
        return sorted({number // SHARD for number in self.wanted})

    def write(self, shard: int, segments: Mapping[int, ItemMasks]) -> None:
        """Write one shard, whole or not at all.

        Raises:
            OSError: if the disk is full or refuses.
        """
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **_packed(segments))
        self.folder.mkdir(parents=True, exist_ok=True)
        write_bytes(self.path(shard), buffer.getvalue())

    def has(self, index: int) -> bool:
        """Whether the round learns from the item."""
        return self.wanted is None or index in self.wanted

    def of_item(self, index: int, item: Any) -> ItemMasks | None:  # noqa: ARG002
        """The segments of item `index`, None if it could not be read when they were found.

        Raises:
            FileNotFoundError: if there is none.
            BadItemError: if it cannot be read.
        """
        path = self.path(index // SHARD)
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} does not exist: the round did not learn from item {index}, or it was removed"
            )
        try:
            return _unpacked(path, _state(path)).get(index)
        except Exception as error:  # whatever a damaged archive makes zipfile, zlib and NumPy raise
            raise BadItemError(
                str(path), f"the segments of this round are damaged ({error!r}); begin the run again in another folder"
            ) from error


def _packed(segments: Mapping[int, ItemMasks]) -> dict[str, Any]:
    """All segments of a shard in a few arrays, one behind the other."""
    parts = next((one.parts.names for one in segments.values() if one.parts is not None), ())
    every = [one.part(name) for one in segments.values() for name in parts] if parts else list(segments.values())
    shapes = [(len(one.labels),) if one.grid is None else one.grid.shape for one in every]
    axes = max((len(shape) for shape in shapes), default=1)
    edges = [axis[0].numpy() for one in every if one.grid is not None for axis in one.grid.edges]
    labels = [one.labels.numpy() for one in every]
    return {
        "items": np.array(list(segments), dtype=np.int64),
        "shapes": np.array([(*shape, *(-1,) * (axes - len(shape))) for shape in shapes], dtype=np.int64).reshape(
            -1, axes
        ),
        "on_grid": np.array([one.grid is not None for one in every], dtype=bool),
        "parts": np.array(parts, dtype=str),
        "labels": _smallest(np.concatenate(labels) if labels else np.zeros(0, dtype=np.int64)),
        "edges": np.concatenate(edges).astype(np.float32) if edges else np.zeros(0, dtype=np.float32),
    }


def _state(path: Path) -> tuple[int, int, int]:
    """Changes whenever another run writes the file anew, as in a notebook that trains twice in one folder."""
    state = path.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns


@lru_cache(maxsize=128)
def _unpacked(path: Path, state: tuple[int, int, int]) -> dict[int, ItemMasks]:  # noqa: ARG001
    """The segments of a shard, read once for all items of it."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in ("items", "shapes", "on_grid", "labels", "edges")}
        parts = tuple(archive["parts"].tolist()) if "parts" in archive.files else ()
    every, place, edge = list[ItemMasks](), 0, 0
    for shape, on_grid in zip(arrays["shapes"], arrays["on_grid"], strict=True):
        own = [cells for cells in shape.tolist() if cells >= 0]
        count, axes = int(np.prod(own)), []
        for cells in own if on_grid else ():
            axes.append(torch.from_numpy(arrays["edges"][edge : edge + cells + 1])[None])
            edge += cells + 1
        labels = torch.from_numpy(arrays["labels"][place : place + count])
        place += count
        every.append(ItemMasks(labels, Grid(tuple(axes)) if axes else None))
    own = [_joined(parts, every[first : first + len(parts)]) for first in range(0, len(every), len(parts) or 1)]
    return dict(zip(arrays["items"].tolist(), own if parts else every, strict=True))


def _joined(names: tuple[str, ...], parts: Sequence[ItemMasks]) -> ItemMasks:
    """The parts of one item, whose objects have the numbers of the item already."""
    cells, grids = tuple(len(one.labels) for one in parts), tuple(one.grid for one in parts)
    labels = torch.cat([one.labels for one in parts]) if parts else torch.empty(0, dtype=torch.long)
    return ItemMasks(labels, None, (), Parts(names, cells, grids) if names else None)


def _smallest(labels: Any) -> Any:
    """The labels in the narrowest integers that hold them."""
    top = int(labels.max(initial=0))
    return labels.astype(np.int8 if top < 128 else np.int16 if top < 32768 else np.int32)
