"""Loops as machine code give what they give as Python."""

import importlib.util
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Int

from gestalt.core.components.machine_code import machine_code
from gestalt.core.discovery.groupers.cheapest_first import _run, merge_each
from gestalt.modalities.video.spanning_tree import _join


def touching(rows: int, columns: int) -> Int[np.ndarray, "2 pairs"]:
    """Neighbours on a lattice."""
    number = np.arange(rows * columns).reshape(rows, columns)
    down = [number[:-1].ravel(), number[1:].ravel()]
    right = [number[:, :-1].ravel(), number[:, 1:].ravel()]
    return np.concatenate([np.stack(down), np.stack(right)], axis=1)


@pytest.fixture(scope="module", autouse=True)
def compiled_before() -> None:
    """Compiling takes seconds: not within the time that an example may take."""
    one = np.ones(1)
    machine_code(_run)(np.ones((1, 1)), one, one > 0, np.zeros((2, 0), np.int64), True, 0.0, 1)
    places = np.zeros(1, np.int64)
    machine_code(_join)(places, places.copy(), one, places[:0], places[:0], one[:0], 1.0, 1)


@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    ward=st.booleans(),
    most=st.sampled_from([0.0, 0.3, 1.0, 100.0]),
    objects=st.integers(1, 8),
    kept=st.floats(0.3, 1.0),
    seed=st.integers(0, 99),
)
def test_merging(rows: int, columns: int, ward: bool, most: float, objects: int, kept: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-2, 3, (rows * columns, 3)).astype(float)  # whole numbers, so that many cost alike
    there = rng.random(rows * columns) < kept  # what lies apart merges only where there are too many
    pairs = touching(rows, columns)
    pairs = np.ascontiguousarray(pairs[:, there[pairs].all(axis=0)])
    size = np.where(there, rng.integers(1, 4, rows * columns), 0).astype(float)
    given_to = (there, pairs, ward, most, objects)
    plain = _run(values * size[:, None], size.copy(), *given_to)
    compiled = machine_code(_run)(values * size[:, None], size.copy(), *given_to)
    assert (plain == compiled).all()
    parts = merge_each((values * size[:, None])[None], size[None], there[None], [pairs.T], ward, [most], objects)
    assert len(np.unique(parts[0][there])) <= objects


@given(ward=st.booleans(), objects=st.integers(1, 6), count=st.integers(1, 14), seed=st.integers(0, 99))
def test_what_touches_nothing_merges_with_the_nearest_of_all(ward: bool, objects: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sums, size = rng.normal(size=(1, count, 3)), rng.integers(1, 4, (1, count)).astype(float)
    there, none = rng.random((1, count)) < 0.8, np.zeros((0, 2), np.int64)
    found = merge_each(sums.copy(), size.copy(), there, [none], ward, [0.0], objects)[0]
    regions = {place: [place] for place in np.flatnonzero(there[0]).tolist()}
    while len(regions) > objects:
        costs = {}
        for one, two in combinations(sorted(regions), 2):
            a, b = sums[0, regions[one]].sum(axis=0), sums[0, regions[two]].sum(axis=0)
            n, m = size[0, regions[one]].sum(), size[0, regions[two]].sum()
            apart = n * m / (n + m) * np.square(a / n - b / m).sum()
            costs[one, two] = apart if ward else 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        one, two = min(costs, key=lambda pair: costs[pair])
        regions[one] += regions.pop(two)
    expected = {place: first for first, places in regions.items() for place in places}
    assert {place: found[place] for place in expected} == expected


def test_many_pairs_are_merged_by_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def recorded(loop: Callable[..., Any]) -> Callable[..., Any]:
        asked.append(loop)
        return machine_code(loop)

    monkeypatch.setattr("gestalt.core.discovery.groupers.cheapest_first.machine_code", recorded)
    for side, times in ((20, 0), (25, 1)):
        values, size = np.random.default_rng(0).normal(size=(2, side * side, 4)), np.ones((2, side * side))
        region = merge_each(values, size, size > 0, [touching(side, side).T] * 2, True, [0.0, 0.0], 9)
        assert [len(np.unique(row)) for row in region] == [9, 9]
        assert len(asked) == times


@given(count=st.integers(2, 30), scale=st.floats(0.1, 3.0), smallest=st.integers(1, 5), seed=st.integers(0, 99))
def test_fine_segments_along_a_spanning_tree(count: int, scale: float, smallest: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    second = np.arange(1, count)
    first = np.array([rng.integers(place) for place in second])
    weight = np.sort(rng.random(count - 1))
    parents = []
    for loop in (_join, machine_code(_join)):
        parent = np.arange(count)
        loop(parent, np.ones(count, np.int64), np.full(count, scale), first, second, weight, scale, smallest)
        parents.append(parent)
    assert (parents[0] == parents[1]).all()


def twice(number: float) -> float:
    """Something to compile."""
    return 2 * number


def test_without_numba_a_loop_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert machine_code.__wrapped__(twice) is twice


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    njit = numba.njit

    def refusing(**settings: Any) -> Any:
        if settings.get("cache"):
            raise RuntimeError("cannot cache function 'twice': no locator available")
        return njit(**settings)

    monkeypatch.setattr(numba, "njit", refusing)
    compiled = machine_code.__wrapped__(twice)
    assert compiled(3.0) == 6.0
    assert compiled is not twice
