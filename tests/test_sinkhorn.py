"""Sinkhorn–Knopp: its equation in loops, what its assignments are, temperatures that no exponential bears."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gestalt.core.losses import sinkhorn
from gestalt.core.losses.sinkhorn import cluster_offsets
from tests.cluster_oracles import naive_sinkhorn
from tests.implementations import seeded


def scores(rows: int, clusters: int, seed: int = 0) -> Tensor:
    return torch.randn(rows, clusters, generator=seeded(seed)) / 2


@given(st.integers(1, 12), st.integers(1, 7), st.sampled_from([0.05, 0.5, 3.0]), st.integers(0, 5))
def test_assignments_are_those_of_the_naive_loop(rows: int, clusters: int, epsilon: float, iterations: int) -> None:
    given_scores = scores(rows, clusters)
    found = sinkhorn(given_scores, epsilon, iterations)
    if iterations:
        expected = torch.tensor(naive_sinkhorn(given_scores.tolist(), epsilon, iterations))
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(rows))


def test_many_iterations_give_every_cluster_the_same_share() -> None:
    alike = scores(40, 5) + torch.tensor([9.0, 0, 0, 0, -9.0])  # all rows prefer one cluster
    shares = sinkhorn(alike, 0.5, 2000)
    torch.testing.assert_close(shares.sum(dim=0), torch.full((5,), 8.0), rtol=1e-3, atol=1e-3)


def test_one_iteration_is_the_soft_max_over_the_batch_normalised_by_row() -> None:
    given_scores = scores(9, 4)
    expected = (given_scores / 0.3).softmax(dim=0)
    torch.testing.assert_close(sinkhorn(given_scores, 0.3, 1), expected / expected.sum(dim=1, keepdim=True))


def test_a_small_temperature_finds_the_best_permutation() -> None:
    """As many rows as clusters and next to no entropy: each row has a cluster of its own, and scores are greatest."""
    given_scores = scores(4, 4, seed=3)
    found = sinkhorn(given_scores, 0.01, 3000).argmax(dim=1).tolist()
    orders = torch.cartesian_prod(*[torch.arange(4)] * 4)
    orders = orders[[len(set(order.tolist())) == 4 for order in orders]]
    best = orders[given_scores[torch.arange(4), orders].sum(dim=1).argmax()].tolist()
    assert found == best


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_no_temperature_overflows(dtype: torch.dtype) -> None:
    found = sinkhorn((scores(6, 3) * 100).to(dtype), 1e-3, 50)
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert bool(found.isfinite().all())


def test_rows_that_are_absent_enter_no_sum_and_get_nothing() -> None:
    given_scores, present = scores(8, 3), torch.tensor([True, False, True, True, False, True, True, False])
    torn = torch.where(present[:, None], given_scores, torch.nan)
    found = sinkhorn(torn, 0.2, 3, present=present)
    torch.testing.assert_close(found[present], sinkhorn(given_scores[present], 0.2, 3))
    assert not bool(found[~present].any())
    assert not bool(sinkhorn(torn, 0.2, 3, present=torch.zeros(8, dtype=torch.bool)).any())


def test_the_order_of_rows_and_the_numbering_of_clusters_do_not_matter() -> None:
    given_scores, rows, clusters = scores(6, 4), torch.randperm(6), torch.randperm(4)
    moved = sinkhorn(given_scores[rows][:, clusters], 0.1, 3)
    torch.testing.assert_close(moved, sinkhorn(given_scores, 0.1, 3)[rows][:, clusters])


def test_no_gradient_enters_and_no_rows_are_no_assignments() -> None:
    assert not sinkhorn(scores(4, 3).requires_grad_()).requires_grad
    assert sinkhorn(torch.zeros(0, 3)).shape == (0, 3)


def test_rows_that_come_in_parts_are_assigned_as_all_of_them_at_once() -> None:
    logits = scores(23, 4).double() / 0.1
    parts = cluster_offsets(lambda: logits.split(5), logits[:0], 7)
    torch.testing.assert_close((logits + parts).softmax(dim=1), sinkhorn(scores(23, 4).double(), 0.1, 7))


def test_iterations_end_once_nothing_moves() -> None:
    passes = []

    def chunks() -> list[Tensor]:
        passes.append(1)
        return [scores(20, 3)]

    cluster_offsets(chunks, torch.zeros(0, 3), 500, tolerance=0.01)
    assert 2 < len(passes) < 50


def test_a_temperature_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="must be positive and finite, got 0"):
        sinkhorn(scores(2, 2), temperature=0.0)
