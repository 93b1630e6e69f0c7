"""Retrieval: ranks and recall agree with the definition, and ties win nothing."""

from itertools import permutations
from math import comb

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gestalt.core.evaluation import ranks, retrieval


def naive(queries: Tensor, bank: Tensor, asked: Tensor, given: Tensor, at: int) -> tuple[list[float], float]:
    """Expected ranks, and recall at k, over every order of equal rows: one query and one order at a time."""
    expected, recalled = [], []
    for query, label in zip(queries, asked, strict=True):
        similarity = [round(float(torch.cosine_similarity(query.double(), row.double(), dim=0)), 9) for row in bank]
        first = []
        for order in permutations(range(len(bank))):
            listed = sorted(order, key=lambda row: -similarity[row])  # stable: equal rows stay as drawn
            first.append(1 + next(place for place, row in enumerate(listed) if given[row] == label))
        expected.append(sum(first) / len(first))
        recalled.append(sum(rank <= at for rank in first) / len(first))
    return expected, sum(recalled) / len(recalled)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.booleans())
def test_ranks_are_those_over_all_orders_of_equal_rows(seed: int, at: int, several: bool) -> None:
    """Law 11, Oracle: few values, so that many rows are equal; several rows may be right."""
    generator = torch.Generator().manual_seed(seed)
    queries, bank = (torch.randint(-1, 2, (5, 2), generator=generator).float() for _ in range(2))
    labels = torch.arange(5) // (2 if several else 1)
    expected, recall = naive(queries, bank, labels, labels, at)
    for chunk in (2, 100):
        found = ranks(queries, bank, labels, labels, chunk)
        assert found.expected().tolist() == pytest.approx(expected)
        assert found.recall(at) == pytest.approx(recall)


def test_one_vector_for_all_is_chance() -> None:
    same = torch.full((50, 8), 0.3)
    found = retrieval(same, same, at=(1, 5, 50))
    assert found.recall == {1: pytest.approx(1 / 50), 5: pytest.approx(5 / 50), 50: 1.0}
    assert found.median_rank == pytest.approx(25.5)
    labels = torch.arange(50) // 2
    both = retrieval(same, same, labels, labels, at=(5,))
    assert both.recall[5] == pytest.approx(1 - comb(48, 5) / comb(50, 5))


def test_both_directions_are_told_apart_and_the_perfect_is_perfect() -> None:
    vectors = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    found = retrieval(vectors, 3 * vectors, chunk=7)
    assert (found.recall, found.median_rank, found.mean_reciprocal_rank) == ({1: 1.0, 5: 1.0}, 1.0, 1.0)
    one = torch.tensor([[1.0, 0.0], [1.0, 0.1]])
    other = torch.tensor([[1.0, 0.1], [-1.0, 0.0]])
    assert retrieval(one, other).recall[1] == 0.5
    assert retrieval(other, one).recall[1] == 0.5
    assert ranks(one, other).expected().tolist() == [1.0, 2.0]
    assert ranks(other, one).expected().tolist() == [2.0, 1.0]


def test_what_cannot_be_ranked_is_refused() -> None:
    two = torch.eye(2)
    with pytest.raises(ValueError, match="those of the bank are not"):
        ranks(two, torch.tensor([[1.0, float("nan")], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="1 have none"):
        ranks(two, two, torch.tensor([0, 5]), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="got 2 queries and 3 rows"):
        ranks(two, torch.ones(3, 2))
    with pytest.raises(ValueError, match="for neither"):
        ranks(two, two, torch.tensor([0, 1]))
