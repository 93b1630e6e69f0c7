"""The field's hand-made segments, for DetCon (`Given(OnCells(Felzenszwalb()))`) and for comparison."""

import abc
from typing import Annotated, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.components.ranges import Between, Count, Positive, Weight, check_ranges
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.segmentation import Segmentation

from .data import Pictures
from .layout import counted
from .masks import displayed

Segments = Int[np.ndarray, "height width"]


class AbstractHeuristic(abc.ABC):
    """Segments of one picture at its pixels."""

    @abc.abstractmethod
    def segments(self, item: Float[Tensor, "channels height width"]) -> Segments:
        """A number for every pixel."""


@final
class Felzenszwalb(AbstractHeuristic):
    """Felzenszwalb and Huttenlocher's graph-based segments.

    Args:
        scale: larger values give larger segments.
        sigma: of the blur before it, in pixels.
        min_size: of a segment, in pixels.

    Source: DetCon's masks of ImageNet, scale 1000 and min_size 1000 at some 500 × 375 pixels; smaller pictures need
    less (`Felzenszwalb(60, min_size=60)` at 64 × 64). scikit-image's implementation.
    """

    def __init__(self, scale: Positive = 1000.0, sigma: Weight = 0.8, min_size: Count = 1000) -> None:
        self.scale = scale
        self.sigma = sigma
        self.min_size = min_size
        check_ranges(self)

    def segments(self, item: Float[Tensor, "channels height width"]) -> Segments:
        """A number for every pixel."""
        from skimage.segmentation import felzenszwalb

        pixels = displayed(item).permute(1, 2, 0).numpy()
        found: Segments = felzenszwalb(
            pixels, scale=self.scale, sigma=self.sigma, min_size=self.min_size, channel_axis=-1
        )
        return found


@final
class Slic(AbstractHeuristic):
    """SLIC superpixels: k-means on colour and place.

    Args:
        wanted: about how many segments.
        compactness: weight of place against colour.

    Source: Achanta et al. (2012); scikit-image's implementation.
    """

    def __init__(self, wanted: Count = 16, compactness: Positive = 10.0) -> None:
        self.wanted = wanted
        self.compactness = compactness
        check_ranges(self)

    def segments(self, item: Float[Tensor, "channels height width"]) -> Segments:
        """A number for every pixel."""
        from skimage.segmentation import slic

        pixels = displayed(item).permute(1, 2, 0).numpy().astype(np.float64)
        found: Segments = slic(
            pixels, n_segments=self.wanted, compactness=self.compactness, start_label=0, channel_axis=-1
        )
        return found


@final
class Blocks(AbstractHeuristic):
    """A lattice of `rows` × `columns` equal blocks: segments that know nothing of the picture.

    Source: DetCon compares with grids, of which 5 × 5 did best.
    """

    def __init__(self, rows: Count = 5, columns: Count = 5) -> None:
        self.rows = rows
        self.columns = columns
        check_ranges(self)

    def segments(self, item: Float[Tensor, "channels height width"]) -> Segments:
        """A number for every pixel."""
        height, width = item.shape[1:]
        down, across = np.arange(height) * self.rows // height, np.arange(width) * self.columns // width
        numbers: Segments = down[:, None] * self.columns + across[None]
        return numbers


@final
class OnCells:
    """A heuristic's segments on the cells of a lattice: what `Given` takes.

    Every cell joins the segment that holds most of its pixels, so that the smallest segments vanish, as in DetCon.
    Segments are numbered by size; beyond the `objects` largest of a picture they belong to no object.

    Args:
        heuristic: runs on the CPU, picture by picture.
        stride: pixels of a cell.
        objects: greatest number per picture.

    Example:
        >>> from .data import collate
        >>> OnCells(Blocks(2, 2), stride=8)(collate([torch.rand(3, 32, 32)])).labels().view(4, 4)[0].tolist()
        [0, 0, 1, 1]
    """

    def __init__(
        self,
        heuristic: AbstractHeuristic,
        stride: Annotated[int, Between(1, 1024)] = 4,
        objects: Annotated[int, Between(1, 4096)] = 64,
    ) -> None:
        self.heuristic = heuristic
        self.stride = stride
        self.objects = objects
        check_ranges(self)

    def __call__(self, data: Pictures) -> Segmentation:
        """The segments of every picture of a batch."""
        rows, columns = (-(-length // self.stride) for length in data.pixels.shape[2:])
        labels = torch.full((len(data.pixels), rows, columns), -1)
        for number, (item, size) in enumerate(zip(data.pixels.cpu(), data.sizes.tolist(), strict=True)):
            found = torch.from_numpy(self.heuristic.segments(item[:, : size[0], : size[1]]).astype(np.int64))
            cells = _majority(found, self.stride)
            own = counted(torch.tensor([size]), self.stride, 0.0)[0].tolist()
            labels[number, : own[0], : own[1]] = _by_size(cells[: own[0], : own[1]], self.objects)
        grid = Grid.uniform((rows, columns), (float(self.stride), float(self.stride)))
        flat = labels.flatten(1).to(data.pixels.device)
        return Segmentation.from_labels(flat, max(1, int(labels.max()) + 1), grid)


def _majority(found: Int[Tensor, "height width"], stride: int) -> Int[Tensor, "rows columns"]:
    """The commonest number in every cell of `stride` pixels; cells at the rim hold what there is."""
    height, width = found.shape
    # −1 fills up the cells at the rim, and has no vote.
    padded = torch.nn.functional.pad(found, (0, -width % stride, 0, -height % stride), value=-1)
    cells = padded.unfold(0, stride, stride).unfold(1, stride, stride).flatten(2)
    agree = (cells[..., :, None] == cells[..., None, :]) & (cells >= 0)[..., None]
    best = agree.sum(dim=-1).argmax(dim=-1, keepdim=True)
    return cells.gather(2, best)[..., 0]


def _by_size(cells: Int[Tensor, "rows columns"], objects: int) -> Int[Tensor, "rows columns"]:
    """Numbered from 0, the largest first; −1 beyond `objects`."""
    _, number, counts = cells.unique(return_inverse=True, return_counts=True)
    rank = counts.argsort(descending=True, stable=True).argsort()
    ranked = rank[number]
    return torch.where(ranked < objects, ranked, -1)
