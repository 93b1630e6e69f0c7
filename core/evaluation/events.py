"""Were the events found? Three answers, all blind to what kind of event it is.

Each counts one item (`…_counts`) or pools items (`…_f1`).
"""

import math
from collections.abc import Sequence

from .boundaries import ROUNDING
from .counts import Counts, Score, pooled
from .intervals import Intervals
from .matching import most_pairs


def event_counts(found: Intervals, true: Intervals, overlap: float = 0.5) -> Counts:
    """Events of one item, matched one-to-one where their intersection over union is at least `overlap`.

    Raises:
        ValueError: if `overlap` is not in (0, 1].
    """
    if not 0 < overlap <= 1:
        raise ValueError(f"an overlap lies in (0, 1], got {overlap}")
    return Counts(most_pairs(found.overlap(true) >= overlap - ROUNDING), len(found), len(true))


def event_f1(found: Sequence[Intervals], true: Sequence[Intervals], overlap: float = 0.5) -> Score:
    """Precision, recall and F1 of events by overlap, pooled over items.

    Example:
        >>> event_f1([Intervals.of([(0.0, 2.0), (4.0, 5.0)])], [Intervals.of([(0.0, 3.0)])])
        Score(precision=0.5, recall=1.0, f1=0.666...)
    """
    return pooled(event_counts(f, t, overlap) for f, t in zip(found, true, strict=True)).score


def collar_counts(found: Intervals, true: Intervals, collar: float = 0.2, share: float = 0.2) -> Counts:
    """Events of one item, matched one-to-one where onset and offset both agree.

    `|onset − onset*| ≤ collar` and `|offset − offset*| ≤ max(collar, share · length*)`, the starred being true.
    """
    if collar < 0 or share < 0:
        raise ValueError(f"collar and share are at least 0, got {collar} and {share}")
    onset = (found.onset[:, None] - true.onset).abs() <= collar + ROUNDING
    offset = (found.offset[:, None] - true.offset).abs() <= (share * true.length).clamp(min=collar) + ROUNDING
    return Counts(most_pairs(onset & offset), len(found), len(true))


def collar_f1(found: Sequence[Intervals], true: Sequence[Intervals], collar: float = 0.2, share: float = 0.2) -> Score:
    """Precision, recall and F1 of events by collar, pooled over items: DCASE's event-based score with one class.

    Example:
        >>> collar_f1([Intervals.of([(0.1, 12.0)])], [Intervals.of([(0.0, 10.0)])]).f1
        1.0

    Source: Mesaros et al., Metrics for polyphonic sound event detection (2016), section 3.2; collars in seconds as in
    the DCASE challenge's task 4. Matching is optimal, as sed_eval's default.
    """
    return pooled(collar_counts(f, t, collar, share) for f, t in zip(found, true, strict=True)).score


def segment_counts(found: Intervals, true: Intervals, segment: float = 1.0) -> Counts:
    """Segments of length `segment` (axis units) of one item in which an event is active: found, true, and both.

    Raises:
        ValueError: if the segment is not longer than 0.
    """
    if segment <= 0:
        raise ValueError(f"a segment is longer than 0, got {segment}")
    left, right = _active(found, segment), _active(true, segment)
    return Counts(len(left & right), len(left), len(right))


def segment_f1(found: Sequence[Intervals], true: Sequence[Intervals], segment: float = 1.0) -> Score:
    """Precision, recall and F1 of active segments, pooled over items: DCASE's segment-based score with one class.

    Example:
        >>> segment_f1([Intervals.of([(0.0, 2.0)])], [Intervals.of([(1.5, 2.5)])])
        Score(precision=0.5, recall=0.5, f1=0.5)

    Source: Mesaros et al. (2016), section 3.1.
    """
    return pooled(segment_counts(f, t, segment) for f, t in zip(found, true, strict=True)).score


def _active(events: Intervals, segment: float) -> set[int]:
    onset, offset = events.onset.tolist(), events.offset.tolist()
    active: set[int] = set()
    for begin, end in zip(onset, offset, strict=True):
        # An event that ends on a segment's edge, but for rounding, does not touch the next one.
        first, last = math.floor(begin / segment + ROUNDING), math.ceil(end / segment - ROUNDING)
        active.update(range(first, max(last, first + 1)))
    return active
