"""Optimal cuts of a sequence into homogeneous stretches."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...components.ranges import ObjectCount, Positive, check_ranges
from ...data.feature_map import FeatureMap
from ...data.segmentation import Segmentation
from ..concat_features import centred, standardised
from .base import AbstractGrouper
from .long import TOGETHER, begins_of, pieces, stitched
from .stitching import Stitched


@final
class ChangePoints(AbstractGrouper):
    """Cuts every item where its features change: the best segmentation of a sequence, found exactly.

    Minimises Σ_s Σ_{i∈s} ‖x_i − μ_s‖² / Σ_i ‖x_i − μ‖² + β S over all cuts of the sequence into S ≤ `objects`
    stretches, by dynamic programming over all items of a batch at once. Where k-means finds kinds, this finds
    instances, and it needs no number of objects, only what one more is worth.

    Args:
        penalty: β, the share of an item's variance that a further stretch must explain.
        objects: greatest number of stretches per item.
        standardise: scale every feature to unit variance within the item, so that no single one rules.

    Features must lie on a grid of one axis. Time and memory grow with the square of the elements; in long items, which
    are cut in pieces, with their number.

    Source: the optimal partitioning of Jackson et al. (2005) and Auger and Lawrence (1989), with the number of
    stretches bounded; the penalty is relative to the item's variance, so that it means the same for any encoder.

    Example:
        >>> from gestalt.core.data.feature_map import Grid
        >>> x = torch.tensor([[[0.0], [0.1], [5.0], [5.1], [0.0], [0.0]]])
        >>> features = FeatureMap(x, torch.ones(1, 6, dtype=torch.bool), Grid.uniform((6,), (1.0,)))
        >>> ChangePoints(penalty=0.1, objects=4)(features, torch.Generator()).labels().tolist()
        [[0, 0, 1, 1, 2, 2]]
    """

    def __init__(self, penalty: Positive = 0.02, objects: ObjectCount = 16, standardise: bool = True) -> None:
        super().__init__()
        self.penalty = penalty
        self.objects = objects
        self.standardise = standardise
        check_ranges(self)

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """Hard segments, numbered along the sequence; nothing is drawn at random.

        Raises:
            ValueError: if the features do not lie on a grid of one axis.
        """
        points = self._points(features)
        labels = self._cut(points, features.valid, self.objects, None)
        return Segmentation.from_labels(torch.where(features.valid, labels, -1), self.objects, features.places)

    def group_long(self, features: FeatureMap, window: int, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """As `forward`, for one item of any length; a further stretch costs β of the variance of a `window` anywhere.

        Pieces of two windows, one window apart, are cut exactly and stitched; nearly always they agree on some cut.

        Raises:
            ValueError: if the features do not lie on a grid of one axis.
        """
        points = self._points(features)
        cells = points.shape[1]
        length = min(cells, 2 * window)
        unit = points.square().sum() / cells * min(cells, window)
        most = self.objects * -(-length // window)
        scaled, whole = features.with_values(points), Stitched()
        begins = begins_of(cells, length, window)
        for start in range(0, len(begins), TOGETHER):
            some = begins[start : start + TOGETHER]
            part = pieces(scaled, some, length)
            labels = self._cut(part.values, part.valid, most, unit.expand(len(some), 1))
            for begin, piece in zip(some, labels, strict=True):
                whole.add(piece[:, None], begin)
        return stitched(whole, features)

    def _points(self, features: FeatureMap) -> Float[Tensor, "batch elements dim"]:
        if features.grid is None or len(features.grid.shape) != 1:
            raise ValueError("change points need elements along one axis; use another grouper for sets and images")
        return standardised(features) if self.standardise else centred(features)

    def _cut(
        self,
        points: Float[Tensor, "batch elements dim"],
        valid: Bool[Tensor, "batch elements"],
        objects: int,
        unit: Float[Tensor, "batch 1"] | None,
    ) -> Int[Tensor, "batch elements"]:
        """The best stretches; costs are relative to `unit`, or where it is None to those of one stretch."""
        cost = _cost(points, valid)
        most = min(objects, points.shape[1])
        best = cost[:, 0]  # of the first e elements as one stretch
        totals, starts = [best[:, -1]], []
        for _ in range(1, most):
            best, start = (best[:, :, None] + cost).min(dim=1)
            totals.append(best[:, -1])
            starts.append(start)
        total = torch.stack(totals, dim=1)
        relative = total / (total[:, :1] if unit is None else unit).clamp(min=1e-12)
        stretches = (relative + self.penalty * torch.arange(most, device=total.device)).argmin(dim=1) + 1
        return _trace(starts, stretches, points.shape[1])


def _cost(
    points: Float[Tensor, "batch elements dim"], valid: Bool[Tensor, "batch elements"]
) -> Float[Tensor, "batch edges edges"]:
    """Σ ‖x − μ‖² of every stretch [s, e): Σ ‖x‖² − ‖Σ x‖² / n from cumulative sums; ∞ where e ≤ s.

    Centred points keep the cancellation harmless; padding adds neither cost nor count.
    """
    pad = torch.nn.functional.pad
    sums = pad(points.cumsum(dim=1), (0, 0, 1, 0))
    squares = pad(points.square().sum(dim=-1).cumsum(dim=1), (1, 0))
    counts = pad(valid.to(points).cumsum(dim=1), (1, 0))
    inner = sums @ sums.transpose(1, 2)
    own = inner.diagonal(dim1=1, dim2=2)
    between = own[:, :, None] + own[:, None] - 2 * inner
    number = (counts[:, None] - counts[:, :, None]).clamp(min=1)
    cost = (squares[:, None] - squares[:, :, None] - between / number).clamp(min=0)
    edge = torch.arange(points.shape[1] + 1, device=points.device)
    return torch.where(edge[None] > edge[:, None], cost, torch.inf)


def _trace(starts: list[Tensor], stretches: Int[Tensor, " batch"], elements: int) -> Int[Tensor, "batch elements"]:
    """Walk back from the end: `starts[j][b, e]` is where the last of j + 2 stretches that end at e begins."""
    batch = torch.arange(len(stretches), device=stretches.device)
    end = torch.full_like(stretches, elements)
    cut = torch.zeros(len(stretches), elements + 1, dtype=torch.long, device=stretches.device)
    for number in range(len(starts) + 1, 1, -1):
        start = starts[number - 2][batch, end]
        active = stretches >= number
        cut[batch, torch.where(active, start, elements)] = 1  # the last edge is no element: a bin for idle items
        end = torch.where(active, start, end)
    return cut[:, :elements].cumsum(dim=1)
