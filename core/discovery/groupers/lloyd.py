"""Lloyd's algorithm on batches of padded point sets: what k-means is made of, and where other groupers start."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

DUPLICATE = 1e-6
"""Points whose squared distance is below this share of their squared lengths are one point to k-means++."""
ASKED = {"cpu": 1}
"""In every so many iterations it is seen whether anything changed, by the sort of device."""
ASKED_ELSEWHERE = 4
"""Where the answer has to be waited for."""


@final
@dataclass(frozen=True)
class Draws:
    """The random numbers of one grouping, the same for every item, so that items do not depend on their batch.

    `place` gives every element a place on a line, so that a draw does not depend on the order of the elements either.
    """

    chances: Float[Tensor, " objects"]
    place: Float[Tensor, "batch elements"]

    @classmethod
    def along_a_random_direction(
        cls, points: Float[Tensor, "batch elements dim"], objects: int, generator: torch.Generator
    ) -> "Draws":
        """Fresh draws; elements are placed by their points' projections on a random direction."""
        chances = torch.rand(objects, generator=generator).to(points)
        direction = torch.randn(points.shape[-1], generator=generator).to(points)
        return cls(chances, points @ direction)


def clusters(
    points: Float[Tensor, "batch elements dim"],
    valid: Bool[Tensor, "batch elements"],
    draws: Draws,
    iterations: int,
    on_sphere: bool = False,
    parts: Int[Tensor, " batch"] | None = None,
) -> Int[Tensor, "batch elements"]:
    """k-means from k-means++ seeds: the cluster of every element, −1 on padding.

    An empty cluster keeps its centre and may win elements back later. `on_sphere` keeps centres at unit length. `parts`
    are the clusters that each item may have, where they differ.

    Example:
        >>> x = torch.tensor([[[0.0], [5.0], [0.1], [5.1]]])
        >>> draws = Draws.along_a_random_direction(x, 2, torch.Generator().manual_seed(0))
        >>> a, b, c, d = clusters(x, torch.ones(1, 4, dtype=torch.bool), draws, iterations=5)[0].tolist()
        >>> a == c, b == d, a == b
        (True, True, False)
    """
    centres = seeds(points, valid, draws)
    closed = None if parts is None else torch.arange(centres.shape[1], device=centres.device) >= parts[:, None]
    return improved(points, valid, centres, iterations, on_sphere, closed)[0]


def improved(
    points: Float[Tensor, "batch elements dim"],
    valid: Bool[Tensor, "batch elements"],
    centres: Float[Tensor, "batch objects dim"],
    iterations: int,
    on_sphere: bool = False,
    closed: Bool[Tensor, "batch objects"] | None = None,
) -> tuple[Int[Tensor, "batch elements"], Float[Tensor, "batch objects dim"]]:
    """k-means from given centres: the cluster of every element, −1 on padding, and where the centres are in the end.

    An item of which no element changes its cluster is done: nothing would change any more. So it ends early, and what
    few items take longer for is computed for these alone. A GPU, which has to be waited for to see that, is asked in
    every fourth iteration; further ones change nothing.
    """
    labels = nearest(points, centres, closed)
    every = ASKED.get(points.device.type, ASKED_ELSEWHERE)
    all_valid, found, rows = valid, (labels, centres), torch.arange(len(points), device=points.device)
    for number in range(1, iterations + 1):
        centres = means(points, valid, labels, centres)
        if on_sphere:
            centres = torch.nn.functional.normalize(centres, dim=-1)
        former, labels = labels, nearest(points, centres, closed)
        if number % every:
            continue
        going = changing(former, labels, valid)
        if not len(going):
            break
        if 2 * len(going) <= len(points):
            found = found[0].index_copy(0, rows, labels), found[1].index_copy(0, rows, centres)
            rows, points, valid, labels, centres = (x[going] for x in (rows, points, valid, labels, centres))
            closed = None if closed is None else closed[going]
    if len(rows) < len(all_valid):
        labels, centres = found[0].index_copy(0, rows, labels), found[1].index_copy(0, rows, centres)
    return torch.where(all_valid, labels, -1), centres


def changing(
    former: Int[Tensor, "batch elements"], labels: Int[Tensor, "batch elements"], valid: Bool[Tensor, "batch elements"]
) -> Int[Tensor, " rows"]:
    """The items of which some element changed its cluster. The answer of a GPU has to be waited for."""
    return ((former != labels) & valid).any(dim=1).nonzero()[:, 0]


def seeds(
    points: Float[Tensor, "batch elements dim"], valid: Bool[Tensor, "batch elements"], draws: Draws
) -> Float[Tensor, "batch objects dim"]:
    """k-means++: each seed is drawn with probability proportional to its squared distance from the nearest so far.

    A draw u in [0, 1) picks the element at which the cumulative probability, along the draws' line, passes u. An item
    with fewer distinct elements than clusters repeats a seed; the repeated clusters stay empty.
    """
    order = torch.where(valid, draws.place, torch.inf).argsort(dim=1)
    squares = points.square().sum(dim=-1)
    anything = valid.to(points)
    chance = anything
    closest = torch.where(valid, torch.inf, 0.0)  # padding is as if it were a seed already: it never is chosen
    found = []
    for draw in draws.chances:
        cumulative = chance.gather(1, order).cumsum(dim=1)
        total = cumulative[:, -1:].contiguous()
        chosen = torch.searchsorted(cumulative, draw * total, right=True)
        # Rounding may run past the last element of positive chance; step back onto it.
        last = torch.searchsorted(cumulative, total)
        element = order.gather(1, torch.minimum(chosen, last))
        seed = points.gather(1, element[..., None].expand(-1, -1, points.shape[-1]))
        found.append(seed)
        # ‖x − s‖² = ‖x‖² + ‖s‖² − 2 ⟨x, s⟩ reads the points once and writes no difference. What cancellation leaves of
        # a distance between equal points must not make one of them a seed again.
        reach = squares + squares.gather(1, element)
        distance = torch.baddbmm(reach[..., None], points, seed.mT, alpha=-2)[..., 0]
        closest = torch.minimum(closest, torch.where(distance > DUPLICATE * reach, distance, 0.0))
        chance = torch.where(closest.amax(dim=1, keepdim=True) > 0, closest, anything)
    return torch.cat(found, dim=1)


def nearest(
    points: Float[Tensor, "batch elements dim"],
    centres: Float[Tensor, "batch objects dim"],
    closed: Bool[Tensor, "batch objects"] | None = None,
) -> Int[Tensor, "batch elements"]:
    """The nearest centre of every point, among those that are not closed; ‖x‖² is the same for all and left out."""
    half = centres.square().sum(dim=-1) / 2
    if closed is not None:
        half = half.masked_fill(closed, torch.inf)
    # Centres in rows: the least of them is found for many points at a time. Of equal ones it is the first.
    return torch.baddbmm(half[:, :, None], centres, points.mT, alpha=-1).min(dim=1).indices


def means(
    points: Float[Tensor, "batch elements dim"],
    valid: Bool[Tensor, "batch elements"],
    labels: Int[Tensor, "batch elements"],
    former: Float[Tensor, "batch objects dim"],
) -> Float[Tensor, "batch objects dim"]:
    """The mean of every cluster; an empty one keeps its former centre."""
    objects = former.shape[1]
    # Every item has a row of its own for every cluster, and a last one for what is padding.
    first = (objects + 1) * torch.arange(len(points), device=points.device)[:, None]
    rows = (torch.where(valid, labels, objects) + first).flatten()
    # Not bincount: it waits for a GPU.
    counts = points.new_zeros(len(points) * (objects + 1)).scatter_add_(0, rows, points.new_ones(len(rows)))
    sums = points.new_zeros(len(counts), points.shape[2]).index_add_(0, rows, points.flatten(0, 1))
    sums, counts = (x.view(len(points), objects + 1, -1)[:, :objects] for x in (sums, counts))
    return torch.where(counts > 0, sums / counts.clamp(min=1), former)
