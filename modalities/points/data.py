"""Point clouds: places and what is known of every point, the batches made of them, and clouds as numbered items."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.data.voxels import BITS, coarser, codes_of, summed, tile_count, tiles
from gestalt.core.modality.base import Reading
from gestalt.core.modality.files import ADVICE, find_files
from gestalt.core.modality.probing import none_usable, probe
from gestalt.core.modality.windows import WindowIndex
from gestalt.core.shards.files import bytes_of

from .formats import FORMATS, blocks_of

COLUMNS = ("red", "green", "blue", "intensity", "nx", "ny", "nz")
"""What may be known of a point beside its place, in this order: colours and intensity from 0 to 1, a unit normal."""


@final
@dataclass(frozen=True)
class Cloud:
    """Points as the network sees them: `places` are centred, their unit the root mean square distance from there.

    In the unit of the file a point lies at `places · scale + centre`. `columns` names the `features`, `ids` says which
    element of the whole cloud each point is.

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
    voxels lie, `left` which rows of the file are points.
    """

    places: Float[np.ndarray, "elements 3"]
    features: Float[np.ndarray, "elements columns"]
    columns: tuple[str, ...]
    low: Float[np.ndarray, " 3"]
    edge: float = 0.0
    codes: Int[np.ndarray, " elements"] | None = None

    def of_points(self, places: Float[np.ndarray, "points 3"], first: int) -> Int[np.ndarray, " points"]:
        """The element of every point of a block, the first of which has `first` points before it in the file."""
        if self.codes is None:
            return np.arange(first, first + len(places))
        found: Int[np.ndarray, " points"] = np.searchsorted(self.codes, codes_of(places, self.low, self.edge))
        return found


FARTHEST = 1e30
"""No number of a point is greater: beyond it sums of squares are none."""


def points_of(path: Path) -> Iterator[tuple[tuple[str, ...], Float[np.ndarray, "rows columns"]]]:
    """Blocks of the points of a file, x, y and z first; rows without coordinates, in organised clouds, are left out.

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
        row += len(own)
        yield wanted, own[there]


def whole_of(path: Path, most: int, voxel: float) -> Whole:
    """The elements of a file, at most `most`.

    With `voxel`, an element is the mean of the points in a cube of that edge; without, it is a point, unless there are
    more than `most`: then cubes are as small as gives no more, their edge a 2^k-th of the cloud's own. The file is read
    in blocks, twice where there are voxels.

    Raises:
        ValueError: if it holds no point, cannot be read, or has more voxels than `most`.
    """
    kept, count, columns = list[np.ndarray](), 0, None
    low, high, largest = np.full(3, np.inf), np.full(3, -np.inf), None
    for names, block in points_of(path):
        if columns is not None and names != columns:
            raise ValueError("has other columns in later rows than in the first")
        columns = names
        if not len(block):
            continue
        count += len(block)
        low, high = np.minimum(low, block[:, :3].min(axis=0)), np.maximum(high, block[:, :3].max(axis=0))
        peak = np.abs(block[:, 3:]).max(axis=0)
        largest = peak if largest is None else np.maximum(largest, peak)
        kept = [*kept, block] if count <= most and not voxel else []
    if columns is None or largest is None:
        raise ValueError("holds no point")
    if kept:
        table, edge, codes = np.concatenate(kept), 0.0, None
    else:
        table, edge, codes = _thinned(path, low, float((high - low).max()), most, voxel)
    return Whole(table[:, :3], _scaled(table[:, 3:], columns[3:], largest), columns[3:], low, edge, codes)


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
    """

    def __init__(
        self,
        paths: Sequence[Path],
        counts: Sequence[int],
        columns: tuple[str, ...],
        most: int,
        limit: int,
        voxel: float,
    ) -> None:
        self.paths = tuple(paths)
        self.columns = columns
        self.most = most
        self.limit = limit
        self.voxel = voxel
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
        number, tile = self.index.place(index)
        whole, parts = self.elements_of(number)
        if tile >= len(parts) or whole.columns != self.columns:
            raise BadItemError(str(self.paths[number]), f"has other points than when it was read first; {ADVICE}")
        own = parts[tile]
        return Cloud.of(whole.places[own], whole.features[own], whole.columns, own, self.paths[number].name)


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


def read_clouds(paths: Sequence[Path], most: int, limit: int, voxel: float, skip_bad: bool = False) -> Reading[Cloud]:
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
    items = CloudFiles([path for path, _ in good], [count for _, count in good], first[0], most, limit, voxel)
    return Reading(items, tuple(skipped))
