"""Point clouds: places and what is known of every point, the batches made of them, and the elements of files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.data.voxels import BITS, coarser, codes_of, summed

from .formats import blocks_of

COLUMNS = ("red", "green", "blue", "intensity", "nx", "ny", "nz")
"""What may be known of a point beside its place, in this order: colours and intensity from 0 to 1, a unit normal."""


@final
@dataclass(frozen=True)
class Cloud:
    """Points as the network sees them: `places` are centred, their unit the root mean square distance from there.

    In the unit of the file a point lies at `places · scale + centre`. `columns` names the `features`, `ids` says which
    element of the whole cloud each point is, by the numbers of `Whole`.

    Example:
        >>> cloud = Cloud.of(np.array([[10.0, 0, 0], [14.0, 0, 0]]), np.zeros((2, 0)), ())
        >>> cloud.places[:, 0].tolist(), cloud.scale, cloud.centre[0]
        ([-1.0, 1.0], 2.0, 12.0)
    """

    places: Float[Tensor, "points 3"]
    features: Float[Tensor, "points columns"]
    ids: Int[Tensor, " points"]
    columns: tuple[str, ...]
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0
    title: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.features.shape[1] != len(self.columns):
            raise ValueError(f"features have {self.features.shape[1]} columns, {len(self.columns)} are named")

    @classmethod
    def of(
        cls,
        places: Float[np.ndarray, "points 3"],
        features: Float[np.ndarray, "points columns"],
        columns: tuple[str, ...],
        ids: Int[np.ndarray, " points"] | None = None,
        title: str = "",
    ) -> "Cloud":
        """A cloud of places in the unit of the file."""
        places = places.astype(np.float64)
        centre = places.mean(axis=0)
        apart = places - centre
        scale = float(np.sqrt((apart**2).sum(axis=1).mean())) or 1.0
        return cls(
            torch.from_numpy((apart / scale).astype(np.float32)),
            torch.from_numpy(features.astype(np.float32)),
            torch.arange(len(places)) if ids is None else torch.from_numpy(ids.astype(np.int64)),
            columns,
            (float(centre[0]), float(centre[1]), float(centre[2])),
            scale,
            title,
        )

    def __len__(self) -> int:
        """Number of points."""
        return len(self.places)

    def take(self, index: Int[Tensor, " kept"]) -> "Cloud":
        """The points `index`, in that order, at their places."""
        return replace(self, places=self.places[index], features=self.features[index], ids=self.ids[index])

    def at(self, places: Float[Tensor, "points 3"]) -> "Cloud":
        """The same points at other places."""
        return replace(self, places=places)

    def normals(self) -> slice | None:
        """Which columns are the normal; None where there is none."""
        first = self.columns.index("nx") if "nx" in self.columns else None
        return None if first is None else slice(first, first + 3)


@final
@dataclass(frozen=True)
class Clouds:
    """A batch of clouds, padded to the largest."""

    places: Float[Tensor, "batch elements 3"]
    features: Float[Tensor, "batch elements columns"]
    valid: Bool[Tensor, "batch elements"]

    def to(self, device: torch.device | str, /) -> "Clouds":
        """The same batch on another device."""
        places, features, valid = (
            one.to(device, non_blocking=True) for one in (self.places, self.features, self.valid)
        )
        return Clouds(places, features, valid)


def collate(items: Sequence[Cloud]) -> Clouds:
    """Clouds as one batch.

    Raises:
        ValueError: if there are none, or their columns differ.
    """
    columns = {item.columns for item in items}
    if len(columns) != 1:
        raise ValueError(f"a batch needs clouds with the same columns, got {columns or 'no clouds'}")
    pad = torch.nn.utils.rnn.pad_sequence
    places = pad([item.places for item in items], batch_first=True)
    valid = torch.arange(places.shape[1]) < torch.tensor([len(item) for item in items])[:, None]
    return Clouds(places, pad([item.features for item in items], batch_first=True), valid)


@final
@dataclass(frozen=True)
class Whole:
    """All elements of a file: its points, or the means of those in each voxel, and how points are told apart.

    `codes` are the numbers of the voxels in order, None where every point is an element; `low` and `edge` say where
    voxels lie. `ids` are the numbers by which elements are called: those of the voxels, or of the rows of the file,
    of which some may be no points.
    """

    places: Float[np.ndarray, "elements 3"]
    features: Float[np.ndarray, "elements columns"]
    columns: tuple[str, ...]
    low: Float[np.ndarray, " 3"]
    ids: Int[np.ndarray, " elements"]
    edge: float = 0.0
    codes: Int[np.ndarray, " elements"] | None = None

    @property
    def numbered(self) -> int:
        """So many numbers there are by which elements may be called."""
        return int(self.ids[-1]) + 1

    def of_points(
        self, places: Float[np.ndarray, "points 3"], rows: Int[np.ndarray, " points"]
    ) -> Int[np.ndarray, " points"]:
        """What the element of every point of a block is called, whose rows in the file are given."""
        if self.codes is None:
            return rows
        found: Int[np.ndarray, " points"] = np.searchsorted(self.codes, codes_of(places, self.low, self.edge))
        return found


FARTHEST = 1e30
"""No number of a point is greater: beyond it sums of squares are none."""


def points_of(path: Path) -> Iterator[tuple[tuple[str, ...], Float[np.ndarray, "rows columns"]]]:
    """Blocks of the points of a file, x, y and z first; rows without coordinates, in organised clouds, are left out.

    Raises:
        ValueError: saying what is wrong with it.
    """
    return ((names, block) for names, block, _ in numbered_points_of(path))


def numbered_points_of(
    path: Path,
) -> Iterator[tuple[tuple[str, ...], Float[np.ndarray, "rows columns"], Int[np.ndarray, " rows"]]]:
    """As `points_of`, with the numbers of their rows in the file, from 0.

    Raises:
        ValueError: saying what is wrong with it.
    """
    wanted: tuple[str, ...] | None = None
    row = 0
    for names, table in blocks_of(path):
        wanted = ("x", "y", "z", *(name for name in COLUMNS if name in names)) if wanted is None else wanted
        colours, normals = {"red", "green", "blue"}, {"nx", "ny", "nz"}
        for some in (colours, normals):  # a part of a colour or of a normal says little
            if not some <= set(names):
                wanted = tuple(name for name in wanted if name not in some)
        own = table[:, [names.index(name) for name in wanted]]
        there = ~np.isnan(own[:, :3]).any(axis=1)
        bad = np.asarray(there & ~(np.abs(own) <= FARTHEST).all(axis=1))
        if bad.any():
            raise ValueError(f"has numbers beyond any measure in row {row + int(bad.argmax()) + 1}")
        yield wanted, own[there], row + np.flatnonzero(there)
        row += len(own)


def whole_of(path: Path, most: int, voxel: float) -> Whole:
    """The elements of a file, at most `most`.

    With `voxel`, an element is the mean of the points in a cube of that edge; without, it is a point, unless there are
    more than `most`: then cubes are as small as gives no more, their edge a 2^k-th of the cloud's own. The file is read
    in blocks, twice where there are voxels.

    Raises:
        ValueError: if it holds no point, cannot be read, or has more voxels than `most`.
    """
    kept, rows, count, columns = list[np.ndarray](), list[np.ndarray](), 0, None
    low, high, largest = np.full(3, np.inf), np.full(3, -np.inf), None
    for names, block, own in numbered_points_of(path):
        if columns is not None and names != columns:
            raise ValueError("has other columns in later rows than in the first")
        columns = names
        if not len(block):
            continue
        count += len(block)
        low, high = np.minimum(low, block[:, :3].min(axis=0)), np.maximum(high, block[:, :3].max(axis=0))
        peak = np.abs(block[:, 3:]).max(axis=0)
        largest = peak if largest is None else np.maximum(largest, peak)
        kept, rows = ([*kept, block], [*rows, own]) if count <= most and not voxel else ([], [])
    if columns is None or largest is None:
        raise ValueError("holds no point")
    if kept:
        table, edge, codes, ids = np.concatenate(kept), 0.0, None, np.concatenate(rows)
    else:
        table, edge, codes = _thinned(path, low, float((high - low).max()), most, voxel)
        ids = np.arange(len(table))
    return Whole(table[:, :3], _scaled(table[:, 3:], columns[3:], largest), columns[3:], low, ids, edge, codes)


def _thinned(
    path: Path, low: Float[np.ndarray, " 3"], extent: float, most: int, voxel: float
) -> tuple[Float[np.ndarray, "elements columns"], float, Int[np.ndarray, " elements"]]:
    """The means of the points in each voxel, the edge of these, and their numbers."""
    edge = voxel or max(extent, 1e-12) / 1024
    codes, sums = np.zeros(0, np.int64), np.zeros((0, 0))
    if extent / edge >= 2**BITS:
        raise ValueError(
            f"spans {extent / edge:.3g} voxels of {voxel:g}, at most {2**BITS} are told apart; enlarge voxel"
        )
    for _, block in points_of(path):
        own = np.column_stack([block, np.ones(len(block))])
        sums = sums if len(codes) else np.zeros((0, own.shape[1]))
        codes, sums = summed(np.concatenate([codes, codes_of(block[:, :3], low, edge)]), np.concatenate([sums, own]))
        while len(codes) > most:
            if voxel:
                raise ValueError(f"has more than {most} voxels of {voxel:g}; enlarge voxel")
            edge *= 2
            codes, sums = summed(coarser(codes), sums)
    return sums[:, :-1] / sums[:, -1:], edge, codes


def _scaled(
    features: Float[np.ndarray, "elements columns"], columns: tuple[str, ...], largest: Float[np.ndarray, " columns"]
) -> Float[np.ndarray, "elements columns"]:
    """Colours as shares of what they can be at most, intensity of the greatest in the file, normals of length one."""
    scaled = features.copy()
    for place, name in enumerate(columns):
        top = (
            largest[[columns.index(colour) for colour in ("red", "green", "blue")]].max()
            if name
            in (
                "red",
                "green",
                "blue",
            )
            else largest[place]
        )
        if name == "intensity":
            scaled[:, place] /= top or 1.0
        elif name in ("red", "green", "blue"):
            scaled[:, place] /= 1.0 if top <= 1 else 255.0 if top <= 255 else max(65535.0, top)
    if "nx" in columns:
        own = slice(columns.index("nx"), columns.index("nx") + 3)
        scaled[:, own] /= np.maximum(np.linalg.norm(scaled[:, own], axis=1, keepdims=True), 1e-12)
    return scaled
