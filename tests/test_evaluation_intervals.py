"""Boundaries and events, against matching by trying every pairing."""

import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gestalt.core.evaluation import (
    Counts,
    Intervals,
    boundary_counts,
    boundary_f1,
    collar_counts,
    event_counts,
    event_f1,
    pooled,
    segment_counts,
)

Pairs = list[tuple[float, float]]
# Multiples of 1/8 are exact in floating point, so that ties at a collar are ties in both ways of counting.
interval = st.tuples(st.integers(0, 40), st.integers(1, 16)).map(lambda p: (p[0] / 8, (p[0] + p[1]) / 8))
events = st.lists(interval, max_size=5)


def most_by_trial(found: int, true: int, fits: Callable[[int, int], bool]) -> int:
    """The greatest one-to-one matching, by trying every assignment."""
    if found > true:
        return most_by_trial(true, found, lambda i, j: fits(j, i))
    return max(sum(fits(i, j) for i, j in enumerate(order)) for order in itertools.permutations(range(true), found))


def overlap(a: tuple[float, float], b: tuple[float, float]) -> float:
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (a[1] - a[0] + b[1] - b[0] - shared)


@settings(max_examples=60, deadline=None)
@given(st.lists(interval, max_size=3), st.lists(interval, max_size=3), st.sampled_from([0.0, 0.25, 0.5]))
def test_boundaries_are_matched_as_by_trial(found: Pairs, true: Pairs, collar: float) -> None:
    left, right = sorted({end for pair in found for end in pair}), sorted({end for pair in true for end in pair})
    hits = most_by_trial(len(left), len(right), lambda i, j: abs(left[i] - right[j]) <= collar)
    assert boundary_counts(Intervals.of(found), Intervals.of(true), collar) == Counts(hits, len(left), len(right))


@settings(max_examples=100, deadline=None)
@given(events, events, st.sampled_from([0.1, 0.5, 1.0]))
def test_events_are_matched_by_overlap_as_by_trial(found: Pairs, true: Pairs, least: float) -> None:
    hits = most_by_trial(len(found), len(true), lambda i, j: overlap(found[i], true[j]) >= least)
    assert event_counts(Intervals.of(found), Intervals.of(true), least) == Counts(hits, len(found), len(true))


@settings(max_examples=100, deadline=None)
@given(events, events)
def test_events_are_matched_by_collar_as_by_trial(found: Pairs, true: Pairs) -> None:
    def fits(i: int, j: int) -> bool:
        (a, b), (c, d) = found[i], true[j]
        return abs(a - c) <= 0.25 and abs(b - d) <= max(0.25, 0.5 * (d - c))

    counts = collar_counts(Intervals.of(found), Intervals.of(true), collar=0.25, share=0.5)
    assert counts == Counts(most_by_trial(len(found), len(true), fits), len(found), len(true))


@settings(max_examples=60, deadline=None)
@given(events, events)
def test_segments_are_active_where_an_event_reaches_into_them(found: Pairs, true: Pairs) -> None:
    def active(pairs: Pairs) -> set[int]:
        return {s for s in range(60) if any(a < s + 1 and b > s for a, b in pairs)}

    left, right = active(found), active(true)
    counts = segment_counts(Intervals.of(found), Intervals.of(true), segment=1.0)
    assert counts == Counts(len(left & right), len(left), len(right))


@given(events, events)
@settings(max_examples=30, deadline=None)
def test_what_is_found_exactly_scores_one_and_the_score_has_no_side(found: Pairs, true: Pairs) -> None:
    left, right = Intervals.of(found), Intervals.of(true)
    assert event_f1([left], [left]).f1 == 1.0
    forth, back = event_f1([left], [right]), event_f1([right], [left])
    assert (forth.precision, forth.recall, forth.f1) == (back.recall, back.precision, back.f1)


def test_items_are_pooled_before_any_ratio() -> None:
    many, one = Intervals.of([(float(i), i + 0.5) for i in range(9)]), Intervals.of([(0.0, 1.0)])
    nothing = Intervals.of([])
    score = event_f1([many, nothing], [many, one])
    assert (score.precision, score.recall) == (1.0, 0.9)
    assert boundary_f1([many, nothing], [many, one], collar=0.1).recall == 0.9


@pytest.mark.parametrize(("found", "true", "f1"), [(0, 0, 1.0), (0, 3, 0.0), (3, 0, 0.0)])
def test_empty_items_give_numbers(found: int, true: int, f1: float) -> None:
    assert Counts(0, found, true).score.f1 == f1


def test_counts_add_up() -> None:
    assert pooled([]) == Counts(0, 0, 0)
    assert pooled([Counts(1, 2, 3), Counts(0, 1, 0)]) == Counts(1, 3, 3)
    with pytest.raises(ValueError, match="cannot exceed"):
        Counts(2, 1, 5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-1, 2), max_size=12))
def test_runs_of_labels_are_intervals(labels: list[int]) -> None:
    edges = torch.arange(len(labels) + 1) * 0.5
    intervals = Intervals.from_labels(torch.tensor(labels, dtype=torch.long), edges)
    expected = []
    start = 0
    for label, run in itertools.groupby(labels):
        end = start + len(list(run))
        if label >= 0:
            expected.append((start / 2, end / 2))
        start = end
    assert list(zip(intervals.onset.tolist(), intervals.offset.tolist(), strict=True)) == expected


def test_intervals_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValueError, match="ends after it begins"):
        Intervals.of([(0.0, 1.0), (2.0, 2.0)])
    with pytest.raises(ValueError, match="3 edges"):
        Intervals.from_labels(torch.tensor([0, 1]), torch.arange(2.0))


def test_what_lies_exactly_at_the_collar_counts() -> None:
    found, true = Intervals.of([(0.9, 2.0)]), Intervals.of([(0.7, 2.0)])
    assert 0.9 - 0.7 > 0.2  # in floating point
    assert collar_counts(found, true).hits == 1
    assert boundary_counts(found, true, collar=0.2).hits == 2
