"""Optimal cuts of a sequence into homogeneous stretches."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...components.ranges import ObjectCount, Positive, check_ranges
from ...data.course import Course
from ...data.feature_map import FeatureMap
from ...data.segmentation import Segmentation
from ..concat_features import centred, standardised
from .base import AbstractGrouper
from .long import TOGETHER, begins_of, pieces, stitched
from .stitching import Stitched

NEAR, FAR = 1 << 20, 1 << 25
"""Costs that are computed at a time, on a CPU and elsewhere, where few large operations are the faster ones."""


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

    Features must lie on a grid of one axis. Time grows with the square of the elements; in long items, which are cut in
    pieces, with their number. Where the penalty alone gives more stretches than `objects`, memory grows with the square
    too, and time with `objects`.

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

    def group_long(self, features: FeatureMap, window: int | Course, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """As `forward`, for one item of any length; a further stretch costs β of the variance of a `window` anywhere.

        Pieces of two windows, one window apart, are cut exactly and stitched; nearly always they agree on some cut.

        Raises:
            ValueError: if the features do not lie on a grid of one axis.
        """
        points = self._points(features)  # refuses items with parts
        assert isinstance(window, int)
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

    @torch.no_grad()
    def _cut(
        self,
        points: Float[Tensor, "batch elements dim"],
        valid: Bool[Tensor, "batch elements"],
        objects: int,
        unit: Float[Tensor, "batch 1"] | None,
    ) -> Int[Tensor, "batch elements"]:
        """The best stretches; costs are relative to `unit`, or where it is None to those of one stretch."""
        sums = _Sums.over(points, valid)
        price = self.penalty * (sums.whole() if unit is None else unit).clamp(min=1e-12)
        labels, count = _penalised(sums, price)
        many = count > objects
        if bool(many.any()):
            labels[many] = _bounded(sums.of(many), price[many], objects)
        return labels


@final
@dataclass(frozen=True)
class _Sums:
    """Sums over the elements before every edge, from which the cost of any stretch follows.

    Centred points keep the cancellation harmless; padding adds neither cost nor count.
    """

    points: Float[Tensor, "batch edges dim"]
    lengths: Float[Tensor, "batch edges"]
    """‖Σ x‖²."""
    squares: Float[Tensor, "batch edges"]
    """Σ ‖x‖²."""
    counts: Float[Tensor, "batch edges"]

    @classmethod
    def over(cls, points: Float[Tensor, "batch elements dim"], valid: Bool[Tensor, "batch elements"]) -> "_Sums":
        """Of a batch of sequences."""
        pad = torch.nn.functional.pad
        sums = pad(points.cumsum(dim=1), (0, 0, 1, 0))
        squares = pad(points.square().sum(dim=-1).cumsum(dim=1), (1, 0))
        return cls(sums, sums.square().sum(dim=-1), squares, pad(valid.to(points).cumsum(dim=1), (1, 0)))

    def of(self, rows: Bool[Tensor, " batch"]) -> "_Sums":
        """Of some of the sequences."""
        return _Sums(self.points[rows], self.lengths[rows], self.squares[rows], self.counts[rows])

    def whole(self) -> Float[Tensor, "batch 1"]:
        """What one stretch costs."""
        return (self.squares - self.lengths / self.counts.clamp(min=1))[:, -1:].clamp(min=0)

    def costs(self, first: int, last: int) -> Float[Tensor, "batch ends starts"]:
        """C(s, e) = Σ ‖x − μ‖² of stretches [s, e), at [e, s], of the ends first ≤ e < last and the starts s < last.

        Σ ‖x‖² − ‖Σ x‖² / n; what stands where s ≥ e means nothing.
        """
        ends, starts = slice(first, last), slice(0, last)
        between = torch.baddbmm(
            self.lengths[:, None, starts], self.points[:, ends], self.points[:, starts].mT, alpha=-2
        )
        number = (self.counts[:, ends, None] - self.counts[:, None, starts]).clamp_(min=1)
        # In place: the matrices are the largest by far, and passes over them are what takes the time.
        between.add_(self.lengths[:, ends, None]).div_(number)
        squares = torch.sub(self.squares[:, ends, None], self.squares[:, None, starts], out=number)
        return squares.sub_(between).clamp_(min=0)


def _penalised(
    sums: _Sums, price: Float[Tensor, "batch 1"]
) -> tuple[Int[Tensor, "batch elements"], Int[Tensor, " batch"]]:
    """The best stretches of any number, and how many they are.

    F(e) = min_{s < e} F(s) + C(s, e) + β: one pass over the sequence, whatever the number of stretches. Costs are
    computed for some ends at a time, so that they stay near the processor.
    """
    batch, edges = sums.squares.shape
    best = sums.squares.new_zeros(edges, batch)
    starts = torch.zeros(edges, batch, dtype=torch.long, device=best.device)
    some = max(1, (NEAR if best.device.type == "cpu" else FAR) // max(1, batch * edges))
    for first in range(1, edges, some):
        last = min(edges, first + some)
        cost = sums.costs(first, last)
        for end in range(first, last):
            torch.min(best[:end].T + cost[:, end - first, :end], dim=1, out=(best[end], starts[end]))
            best[end] += price[:, 0]
    rows, begin = torch.arange(batch, device=best.device), torch.full((batch,), edges - 1, device=best.device)
    cut, count = torch.zeros(batch, edges, dtype=torch.long, device=best.device), torch.zeros_like(begin)
    while bool((begin > 0).any()):  # back from the end
        count += begin > 0
        begin = starts[begin, rows]
        cut[rows, begin] = 1
    return cut[:, : edges - 1].cumsum(dim=1) - 1, count


def _bounded(sums: _Sums, price: Float[Tensor, "batch 1"], objects: int) -> Int[Tensor, "batch elements"]:
    """The best cuts into at most `objects` stretches, for items whose best cuts are more: one pass for each stretch."""
    edges = sums.squares.shape[1]
    edge = torch.arange(edges, device=price.device)
    cost = sums.costs(0, edges).masked_fill_(edge >= edge[:, None], torch.inf)
    most = min(objects, edges - 1)
    best = cost[:, :, 0]  # of the first e elements as one stretch
    bests, totals, work = [best], [best[:, -1]], torch.empty_like(cost)
    for _ in range(1, most):
        best = torch.add(best[:, None], cost, out=work).amin(dim=2)
        bests.append(best)
        totals.append(best[:, -1])
    number = torch.arange(most, device=cost.device)
    stretches = (torch.stack(totals, dim=1) + price * number).argmin(dim=1) + 1

    def start(before: int, rows: Tensor, end: Tensor) -> Tensor:
        """Found again for the few ends that are asked for, in place of being kept for all."""
        return (bests[before - 1][rows] + cost[rows, end]).argmin(dim=1)

    return _trace(start, stretches, edges - 1)


def _trace(
    start: Callable[[int, Tensor, Tensor], Tensor], stretches: Int[Tensor, " batch"], elements: int
) -> Int[Tensor, "batch elements"]:
    """Walk back from the end: `start` tells where the last stretch before an edge begins, if so many are before it."""
    rows = torch.arange(len(stretches), device=stretches.device)
    end = torch.full_like(stretches, elements)
    cut = torch.zeros(len(stretches), elements + 1, dtype=torch.long, device=stretches.device)
    for number in range(int(stretches.max()), 1, -1):
        begin = start(number - 1, rows, end)
        active = stretches >= number
        cut[rows, torch.where(active, begin, elements)] = 1  # the last edge is no element: a bin for idle items
        end = torch.where(active, begin, end)
    return cut[:, :elements].cumsum(dim=1)
