"""Cuts in the spanning tree: those of the definition, on lattices of any number of axes."""

from itertools import product

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float, Int

from gestalt.modalities.video.spanning_tree import tree_segments

SHAPES = [(9,), (5, 6), (3, 4, 4)]


def neighbours(shape: tuple[int, ...], diagonal: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All pairs of places that touch: one step along one axis, or across corners of the last axes."""
    pairs = []
    for place in np.ndindex(shape):
        for step in product((-1, 0, 1), repeat=len(shape)):
            along = sum(map(abs, step))
            corner = not any(step[: len(shape) - diagonal])
            other = tuple(a + b for a, b in zip(place, step, strict=True))
            if (along == 1 or (along > 1 and corner)) and all(0 <= o < n for o, n in zip(other, shape, strict=True)):
                pairs.append((place, other))
    return pairs


def by_hand(
    values: Float[np.ndarray, "*shape dim"], scale: float, smallest: int, diagonal: int
) -> list[frozenset[tuple[int, ...]]]:
    """The definition in sets."""
    graph = networkx.Graph()
    for one, two in neighbours(values.shape[:-1], diagonal):
        graph.add_edge(one, two, weight=float(np.linalg.norm(values[one] - values[two])))
    tree = networkx.minimum_spanning_tree(graph)
    edges = sorted(tree.edges(data="weight"), key=lambda edge: edge[2])
    segments = {place: frozenset([place]) for place in tree}
    inner = dict.fromkeys(segments.values(), 0.0)

    def merge(one: frozenset[tuple[int, ...]], two: frozenset[tuple[int, ...]], weight: float) -> None:
        both = one | two
        inner[both] = max(inner[one], inner[two], weight)
        segments.update(dict.fromkeys(both, both))

    for one, two, weight in edges:
        a, b = segments[one], segments[two]
        if weight <= min(inner[a] + scale / len(a), inner[b] + scale / len(b)):
            merge(a, b, weight)
    for one, two, weight in edges:
        a, b = segments[one], segments[two]
        if a is not b and min(len(a), len(b)) < smallest:
            merge(a, b, weight)
    return list(set(segments.values()))


def as_sets(labels: Int[np.ndarray, "*shape"]) -> list[frozenset[tuple[int, ...]]]:
    return [frozenset(map(tuple, np.argwhere(labels == number).tolist())) for number in np.unique(labels)]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(SHAPES), st.integers(0, 10_000), st.floats(0.01, 20.0), st.integers(1, 6), st.integers(0, 2))
def test_segments_are_those_of_the_definition(
    shape: tuple[int, ...], seed: int, scale: float, smallest: int, diagonal: int
) -> None:
    values = np.random.default_rng(seed).normal(size=(*shape, 2))
    diagonal = min(diagonal, len(shape))
    found = tree_segments(values, scale, smallest, diagonal)
    assert set(as_sets(found)) == set(by_hand(values, scale, smallest, diagonal))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_numbers_count_up_in_the_order_of_the_elements(shape: tuple[int, ...]) -> None:
    found = tree_segments(np.random.default_rng(0).normal(size=(*shape, 3)), 2.0, 1).ravel()
    firsts = [int(np.argmax(found == number)) for number in range(int(found.max()) + 1)]
    assert firsts == sorted(firsts)


def test_even_values_are_one_segment_and_one_element_is_one() -> None:
    assert tree_segments(np.zeros((4, 5, 3)), 1.0, 1).max() == 0
    assert tree_segments(np.zeros((1, 1, 1, 3)), 1.0, 1).tolist() == [[[0]]]
