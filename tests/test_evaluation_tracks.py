"""J, F and the matching of tracks agree with loops written from the benchmark's definitions."""

import math
from itertools import permutations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from gestalt.core.evaluation import contour_accuracy, region_similarity, tracks


def drawn(shape: tuple[int, int, int], objects: int, seed: int) -> Tensor:
    """Boxes that wander over the picture, numbered, on a ground of −1."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.full(shape, -1)
    for number in range(objects):
        y, x, h, w = (int(torch.randint(1, n, (1,), generator=generator)) for n in (shape[1], shape[2], 9, 9))
        for frame in range(shape[0]):
            dy, dx = torch.randint(-1, 2, (2,), generator=generator).tolist()
            y, x = max(0, y + dy), max(0, x + dx)
            if not (number == 1 and frame == 0):  # the second one comes later
                labels[frame, y : y + h, x : x + w] = 3 * number + 1
    return labels


def slow_j(found: Tensor, true: Tensor) -> float:
    both = sum(1 for a, b in zip(found.flatten().tolist(), true.flatten().tolist(), strict=True) if a and b)
    either = sum(1 for a, b in zip(found.flatten().tolist(), true.flatten().tolist(), strict=True) if a or b)
    return both / either if either else 1.0


def slow_boundary(mask: Tensor) -> set[tuple[int, int]]:
    height, width = mask.shape
    points = set()
    for y in range(height):
        for x in range(width):
            neighbours = [(y, x + 1), (y + 1, x)]
            if y + 1 < height and x + 1 < width:
                neighbours.append((y + 1, x + 1))
            if any(a < height and b < width and mask[a, b] != mask[y, x] for a, b in neighbours):
                points.add((y, x))
    return points


def slow_f(found: Tensor, true: Tensor, tolerance: float) -> float:
    reach = tolerance if tolerance >= 1 else math.ceil(tolerance * math.hypot(*found.shape))
    mine, theirs = slow_boundary(found), slow_boundary(true)
    if not mine and not theirs:
        return 1.0
    if not mine or not theirs:
        return 0.0

    def near(point: tuple[int, int], others: set[tuple[int, int]]) -> bool:
        return any((point[0] - y) ** 2 + (point[1] - x) ** 2 <= reach**2 for y, x in others)

    precision = sum(near(point, theirs) for point in mine) / len(mine)
    recall = sum(near(point, mine) for point in theirs) / len(theirs)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([0.008, 0.1, 2.0]))
def test_regions_and_contours_agree_with_loops(seed: int, tolerance: float) -> None:
    found, true = drawn((3, 14, 17), 1, seed) >= 0, drawn((3, 14, 17), 1, seed + 1) >= 0
    found[2] = False
    regions, contours = region_similarity(found, true), contour_accuracy(found, true, tolerance)
    for frame in range(3):
        assert float(regions[frame]) == pytest.approx(slow_j(found[frame], true[frame]))
        assert float(contours[frame]) == pytest.approx(slow_f(found[frame], true[frame], tolerance))


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 3))
def test_tracks_are_matched_one_to_one_for_the_greatest_mean_of_both(seed: int, many: int, objects: int) -> None:
    found, true = drawn((3, 12, 13), many, seed), drawn((3, 12, 13), objects, seed + 7)
    assume(bool((true >= 0).any()))  # the drawn objects may all be empty
    result = tracks(found, true)
    numbers, candidates = true[true >= 0].unique().tolist(), found[found >= 0].unique().tolist()

    def scores(candidate: int, number: int) -> tuple[list[float], list[float]]:
        pairs = [(found[t] == candidate, true[t] == number) for t in range(3)]
        return [slow_j(a, b) for a, b in pairs], [slow_f(a, b, 0.008) for a, b in pairs]

    table = {(c, n): scores(c, n) for c in [*candidates, -2] for n in numbers}  # −2 occurs nowhere: the empty mask
    # An object may go without a track, which then counts as empty.
    choices = permutations([*candidates, *[-2] * len(numbers)], len(numbers))
    best = max(
        sum(sum(table[c, n][0]) + sum(table[c, n][1]) for c, n in zip(choice, numbers, strict=True)) / 6
        for choice in choices
    )
    assert float(result.score.sum()) == pytest.approx(best)
    for place, (number, match) in enumerate(zip(numbers, result.matched.tolist(), strict=True)):
        expected = table[match if match >= 0 else -2, number]
        assert result.regions[place].tolist() == pytest.approx(expected[0])
        assert result.contours[place].tolist() == pytest.approx(expected[1])


def test_numbers_mean_nothing_and_a_perfect_track_scores_one() -> None:
    true = drawn((4, 20, 20), 3, 5)
    found = torch.where(true >= 0, 40 - true, -1)
    result = tracks(found, true)
    assert result.score.tolist() == [1.0] * len(result.matched)
    assert result.matched.tolist() == [40 - number for number in true[true >= 0].unique().tolist()]


def test_an_object_that_changes_its_number_half_way_is_found_in_half_of_the_frames() -> None:
    true = torch.full((4, 10, 10), -1)
    true[:, 2:7, 3:8] = 0
    found = true.clone()
    found[2:][true[2:] == 0] = 1
    assert float(tracks(found, true).regions.mean()) == 0.5


def test_only_the_largest_tracks_take_part() -> None:
    true = torch.full((1, 30, 30), -1)
    true[0, 0, 0] = 0
    found = torch.arange(30)[:, None].expand(1, 30, 30).clone()
    found[0, 0, 1:] = 1  # number 0 is a single pixel, the right one
    assert tracks(found, true).regions.tolist() != [[1.0]]
    assert tracks(found, true, proposals=30).regions.tolist() == [[1.0]]


def test_nothing_found_and_nothing_true() -> None:
    true = drawn((2, 9, 9), 1, 0)
    result = tracks(torch.full_like(true, -1), true)
    assert result.matched.tolist() == [-1]
    assert result.score.tolist() == [0.0]
    with pytest.raises(ValueError, match="at least one true object"):
        tracks(true, torch.full_like(true, -1))
    with pytest.raises(ValueError, match="one shape"):
        tracks(true[:1], true)
