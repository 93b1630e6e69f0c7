"""Segments of a whole training set, kept on disk: found once, read by all workers and ranks until the next round."""

import io
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

from ..data.feature_map import Grid
from ..data.items import BadItemError
from ..data.masks import AbstractMasks, ItemMasks
from ..storage.atomic import write_bytes

SHARD = 256
"""Items whose segments are in one file."""


@final
class KeptSegments(AbstractMasks[Any]):
    """The segments of all items that one round found, in a folder of compressed NumPy archives, one per 256 items.

    Each archive has for item `i` the array `labels_i`, shaped as its lattice, and its edges along axis `a` as
    `edges_i_a`; a set has no edges. An item that could not be read is absent.

    Args:
        folder: of the round.
        items: of the data set.

    Example:
        >>> import tempfile
        >>> kept = KeptSegments(Path(tempfile.mkdtemp()), items=2)
        >>> kept.write(0, {0: ItemMasks(torch.tensor([0, 0, 1]), None)})
        >>> kept.complete, kept.of_item(0, None).labels.tolist(), kept.of_item(1, None)
        (True, [0, 0, 1], None)
    """

    def __init__(self, folder: Path, items: int) -> None:
        self.folder = folder
        self.items = items

    @property
    def shards(self) -> int:
        """Number of files."""
        return -(-self.items // SHARD)

    def path(self, shard: int) -> Path:
        """The file of one shard."""
        return self.folder / f"segments-{shard:05d}.npz"

    def numbers(self, shard: int) -> range:
        """The items of one shard."""
        return range(shard * SHARD, min(self.items, (shard + 1) * SHARD))

    @property
    def complete(self) -> bool:
        """Whether all files are there."""
        return all(self.path(shard).is_file() for shard in range(self.shards))

    def write(self, shard: int, segments: Mapping[int, ItemMasks]) -> None:
        """Write one shard, whole or not at all.

        Raises:
            OSError: if the disk is full or refuses.
        """
        arrays: dict[str, Any] = {}
        for number, masks in segments.items():
            shape = (-1,) if masks.grid is None else masks.grid.shape
            arrays[f"labels_{number}"] = _smallest(masks.labels.numpy()).reshape(shape)
            for axis, edges in enumerate(() if masks.grid is None else masks.grid.edges):
                arrays[f"edges_{number}_{axis}"] = edges[0].numpy().astype(np.float32)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_bytes(self.path(shard), buffer.getvalue())

    def has(self, index: int) -> bool:  # noqa: ARG002
        """Every item may have segments."""
        return True

    def of_item(self, index: int, item: Any) -> ItemMasks | None:  # noqa: ARG002
        """The segments of item `index`, None if it could not be read when they were found.

        Raises:
            BadItemError: if the file cannot be read.
        """
        path = self.path(index // SHARD)
        try:
            archive = _opened(path, os.getpid())
            if f"labels_{index}" not in archive:
                return None
            labels = archive[f"labels_{index}"]
            edges = []
            while f"edges_{index}_{len(edges)}" in archive:
                edges.append(torch.from_numpy(archive[f"edges_{index}_{len(edges)}"])[None])
        except (OSError, ValueError) as error:
            raise BadItemError(
                str(path), f"the segments of this round cannot be read ({error}); remove its folder and --resume"
            ) from error
        grid = Grid(tuple(edges)) if edges else None
        return ItemMasks(torch.from_numpy(labels.reshape(-1).astype(np.int64)), grid)


@lru_cache(maxsize=64)
def _opened(path: Path, process: int) -> Any:  # noqa: ARG001
    """An open archive, of this process alone: two processes must not share one place in a file."""
    return np.load(path, allow_pickle=False)


def _smallest(labels: Any) -> Any:
    """The labels in the narrowest integers that hold them."""
    top = int(labels.max(initial=0))
    return labels.astype(np.int8 if top < 128 else np.int16 if top < 32768 else np.int32)
