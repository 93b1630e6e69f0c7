"""Supervoxels: the fine segments of clips whose borders are those of colours, in every frame and over time."""

from dataclasses import dataclass
from typing import final

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.ranges import Count, ObjectCount, Positive, check_ranges
from gestalt.core.data.course import Course
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.regions import AbstractOverSegmentation, FineSegments, Seen

from .data import Clips
from .lattice import Tubes
from .spanning_tree import tree_segments


@final
@dataclass(frozen=True)
class Supervoxels(AbstractOverSegmentation):
    """Segments of like colour over frames, rows and columns; see `tree_segments`.

    A pixel touches the eight around it and the same one in the frames before and after. Every tube tells the colours of
    its pixels, so that the windows of a long video are looked at one by one and cut together.

    Args:
        scale: larger values give larger segments; as in Felzenszwalb's of pictures, for colours from 0 to 255.
        min_size: of a segment, in pixels of all its frames together.
    """

    scale: Positive = 100.0
    min_size: Count = 30

    def __post_init__(self) -> None:
        check_ranges(self)

    def look(self, data: Clips, features: FeatureMap) -> Seen | None:
        """The colours of the pixels in every tube, one behind the other.

        Raises:
            ValueError: if the features lie on no lattice of frames, rows and columns.
        """
        grid = _lattice(features)
        sides = torch.tensor([self._frames(data, grid), *_pixels(grid)])
        fine = _divided(grid, sides.tolist())
        middles = [(edges[:, 1:] + edges[:, :-1]) / 2 for edges in fine.edges]
        pixels = Tubes((1, 1, 1)).grid(data, (data.frames.shape[1], *data.frames.shape[3:]))
        device, rows = data.frames.device, torch.arange(len(data.frames))
        # The axes are independent: an index per axis replaces one per pixel. What lies outside takes the nearest.
        places = [
            torch.searchsorted(
                own.expand(len(rows), -1).contiguous(), at.expand(len(rows), -1).contiguous(), right=True
            )
            for own, at in zip(pixels.edges, middles, strict=True)
        ]
        t, y, x = (
            torch.minimum((place - 1).clamp(min=0), data.sizes[:, axis, None] - 1).to(device)
            for axis, place in enumerate(places)
        )
        frames = data.frames.permute(0, 1, 3, 4, 2)
        colours = frames[
            rows.to(device)[:, None, None, None], t[:, :, None, None], y[:, None, :, None], x[:, None, None]
        ]
        q, j, k = sides.tolist()
        return rearrange(colours.float(), "b (t q) (y j) (x k) c -> b (t y x) (q j k c)", q=q, j=j, k=k)

    def cut(
        self,
        features: FeatureMap,
        seen: Seen | None,
        generator: torch.Generator,  # noqa: ARG002
        window: int | Course | None = None,  # noqa: ARG002
    ) -> FineSegments:
        """The segments of the pixels that `look` saw, on their lattice; found on the CPU, clip by clip.

        Raises:
            TypeError: if `seen` is something else.
            ValueError: if the features lie on no lattice of frames, rows and columns.
        """
        if not isinstance(seen, Tensor):
            raise TypeError(f"supervoxels are cut by the colours that `look` saw, got {type(seen).__name__}")
        grid, (rows, columns) = _lattice(features), _pixels(_lattice(features))
        frames = seen.shape[2] // (3 * rows * columns)
        t, y, _ = grid.shape
        shape = {"t": t, "y": y, "q": frames, "j": rows, "k": columns}
        colours = rearrange(seen.cpu(), "b (t y x) (q j k c) -> b (t q) (y j) (x k) c", **shape)
        labels = torch.full(colours.shape[:-1], -1)
        for row, valid in enumerate(features.valid.cpu().view(-1, *grid.shape)):
            own = tuple(slice(0, n * side) for n, side in zip(_extent(valid), (frames, rows, columns), strict=True))
            found = tree_segments(colours[row][own].double().numpy(), self.scale, self.min_size)
            labels[row][own] = torch.from_numpy(found)
        return FineSegments(labels.flatten(1), _divided(grid, [frames, rows, columns]))

    def of(self, data: Clips) -> FineSegments:
        """The supervoxels of a batch of clips by themselves."""
        batch, time, _, height, width = data.frames.shape
        size = torch.tensor([time, height, width])
        places = torch.cartesian_prod(*(torch.arange(n) for n in size.tolist()))
        valid = (places < data.sizes[:, None]).all(dim=2)
        grid = Tubes((1, 1, 1)).grid(data, (time, height, width))
        pixels = FeatureMap(torch.zeros(batch, len(places), 0), valid, grid)
        return self.cut(pixels, self.look(data, pixels), torch.Generator())

    def _frames(self, data: Clips, grid: Grid) -> int:
        """Frames of a tube: as many as lie in the longest clip for each of its tubes, but for what is cut off."""
        return max(1, round(data.frames.shape[1] / grid.shape[0]))


@final
@dataclass(frozen=True)
class LargestSupervoxels:
    """Supervoxels as objects, the `objects` largest of a clip: what `GivenMasks` takes as a rule made by hand."""

    supervoxels: Supervoxels
    objects: ObjectCount = 64

    def __call__(self, data: Clips) -> Segmentation:
        """Numbered by size; pixels of smaller ones belong to no object."""
        fine = self.supervoxels.of(data)
        labels = torch.stack([_by_size(row, self.objects) for row in fine.labels]).to(data.frames.device)
        return Segmentation.from_labels(labels, self.objects, fine.grid)


def _lattice(features: FeatureMap) -> Grid:
    if features.grid is None or len(features.grid.edges) != 3:
        raise ValueError("supervoxels lie on frames, rows and columns; these features are on no such lattice")
    return features.grid


def _pixels(grid: Grid) -> tuple[int, int]:
    """Pixels of a tube along its height and width."""
    rows, columns = (max(1, round(float(edges[0, 1] - edges[0, 0]))) for edges in grid.edges[1:])
    return rows, columns


def _divided(grid: Grid, sides: list[int]) -> Grid:
    """Every cell cut evenly in so many along each axis."""

    def cut(edges: Float[Tensor, "_ edges"], side: int) -> Float[Tensor, "_ finer"]:
        steps = torch.arange(side) / side
        inner = edges[:, :-1, None] + steps * edges.diff(dim=1)[..., None]
        return torch.cat([inner.flatten(1), edges[:, -1:]], dim=1)

    return Grid(tuple(cut(edges.cpu(), side) for edges, side in zip(grid.edges, sides, strict=True)))


def _extent(valid: Bool[Tensor, "times rows columns"]) -> list[int]:
    """How many cells along each axis are no padding, which lies at the far ends."""
    return [int(valid.any(dim=d).sum()) for d in ((1, 2), (0, 2), (0, 1))]


def _by_size(labels: Int[Tensor, " elements"], objects: int) -> Int[Tensor, " elements"]:
    """Numbered from 0, the largest first; −1 beyond `objects`."""
    inside = labels >= 0
    rank = labels[inside].bincount().argsort(descending=True, stable=True).argsort()
    ranked = torch.where(inside, rank[labels.clamp(min=0)], -1)
    return torch.where(ranked < objects, ranked, -1)
