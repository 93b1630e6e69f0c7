"""Were the places found where something begins or ends?"""

from collections.abc import Sequence

from .counts import Counts, Score, pooled
from .intervals import Intervals
from .matching import most_pairs_on_a_line

ROUNDING = 1e-6  # axis units: an onset exactly at the collar's end is within it


def boundary_counts(found: Intervals, true: Intervals, collar: float) -> Counts:
    """Boundaries of one item, matched one-to-one if no further than `collar` (axis units) apart.

    Both ends of the item are boundaries only where an interval begins or ends there.

    Raises:
        ValueError: if the collar is negative.
    """
    if collar < 0:
        raise ValueError(f"a collar is at least 0, got {collar}")
    left, right = found.boundaries().double(), true.boundaries().double()
    return Counts(most_pairs_on_a_line(left, right, collar + ROUNDING), len(left), len(right))


def boundary_f1(found: Sequence[Intervals], true: Sequence[Intervals], collar: float) -> Score:
    """Precision, recall and F1 of boundaries, pooled over items.

    Example:
        >>> found, true = Intervals.of([(0.1, 1.0), (1.0, 3.0)]), Intervals.of([(0.0, 3.0)])
        >>> boundary_f1([found], [true], collar=0.2)
        Score(precision=0.666..., recall=1.0, f1=0.8)
    """
    return pooled(boundary_counts(f, t, collar) for f, t in zip(found, true, strict=True)).score
