"""Neighbours, probes and spread of vectors."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from gestalt.core.evaluation import (
    effective_rank,
    feature_spread,
    linear_probe,
    linear_value_probe,
    nearest_neighbour_accuracy,
    neighbours_vote,
)


def blobs(rows: int = 60, classes: int = 3, noise: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(rows) % classes
    return torch.eye(8)[labels] + noise * torch.randn(rows, 8, generator=generator), labels


def naive_vote(query: Tensor, bank: Tensor, labels: Tensor, allowed: Tensor, k: int, temperature: float) -> int:
    """Weighted votes of the k nearest allowed rows, one at a time."""
    similarity = [(float(torch.cosine_similarity(query, row, dim=0)), i) for i, row in enumerate(bank) if allowed[i]]
    votes: dict[int, float] = {}
    for s, i in sorted(similarity, reverse=True)[:k]:
        votes[int(labels[i])] = votes.get(int(labels[i]), 0.0) + math.exp(s / temperature)
    return max(votes, key=lambda label: votes[label])


@pytest.mark.parametrize("neighbours", [1, 5, 20, 500])
def test_votes_are_those_of_the_definition_whatever_the_chunk(neighbours: int) -> None:
    vectors, labels = blobs(noise=0.8)
    groups = torch.arange(60) // 4
    expected = [naive_vote(vectors[i], vectors, labels, groups != groups[i], neighbours, 0.07) for i in range(60)]
    for chunk in (7, 1000):
        found = neighbours_vote(vectors, vectors, labels, neighbours, 0.07, groups, groups, chunk)
        assert found.tolist() == expected


def test_one_neighbour_is_that_of_scikit_learn() -> None:
    vectors, labels = blobs(noise=0.8)
    oracle = KNeighborsClassifier(1, metric="cosine", algorithm="brute").fit(vectors[::2], labels[::2])
    found = neighbours_vote(vectors[1::2], vectors[::2], labels[::2])
    assert found.tolist() == oracle.predict(vectors[1::2]).tolist()


def test_separate_kinds_are_told_apart_by_neighbours() -> None:
    vectors, labels = blobs()
    assert nearest_neighbour_accuracy(vectors, labels, neighbours=5) == 1.0
    assert nearest_neighbour_accuracy(vectors, labels, neighbours=5, temperature=0.07) == 1.0


def test_what_an_item_says_of_itself_is_left_out() -> None:
    # Vectors say which item they are from, and nothing of their class: each class has one item of its own.
    item = torch.arange(40) // 4
    vectors = torch.eye(10)[item] + 0.01 * torch.randn(40, 10, generator=torch.Generator().manual_seed(0))
    assert nearest_neighbour_accuracy(vectors, item) == 1.0
    assert nearest_neighbour_accuracy(vectors, item, groups=item) == 0.0


def test_ties_go_to_the_nearer_class_and_never_overturn_a_majority() -> None:
    bank = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    query = torch.tensor([[1.0, 0.5]])
    assert neighbours_vote(query, bank, torch.tensor([9, 7, 4]), neighbours=3).tolist() == [9]
    assert neighbours_vote(query, bank, torch.tensor([4, 7, 7]), neighbours=3).tolist() == [7]


def test_unlabelled_rows_are_neither_asked_nor_heard() -> None:
    vectors, labels = blobs()
    noisy = torch.cat([vectors, vectors]), torch.cat([labels, torch.full((60,), -1)])
    assert nearest_neighbour_accuracy(*noisy) == 1.0
    assert neighbours_vote(vectors, *noisy, neighbours=9).tolist() == labels.tolist()
    assert math.isnan(nearest_neighbour_accuracy(vectors, torch.full((60,), -1)))


def test_a_query_without_neighbours_gets_no_label() -> None:
    one = torch.ones(2, 3)
    group = torch.zeros(2, dtype=torch.long)
    for temperature in (None, 0.07):
        found = neighbours_vote(one, one, group, 1, temperature, group, group)
        assert found.tolist() == [-1, -1]
    assert neighbours_vote(one, one[:0], group[:0]).tolist() == [-1, -1]


def test_neighbour_settings_are_checked() -> None:
    vectors, labels = blobs()
    with pytest.raises(ValueError, match="must be positive"):
        neighbours_vote(vectors, vectors, labels, neighbours=0)
    with pytest.raises(ValueError, match="or for neither"):
        neighbours_vote(vectors, vectors, labels, query_groups=labels)


def test_a_line_separates_separate_kinds() -> None:
    vectors, labels = blobs()
    rows = torch.arange(60)
    score = linear_probe(vectors, labels, rows[:30], rows[30:])
    assert (score.accuracy, score.balanced, score.unseen) == (1.0, 1.0, 0.0)
    assert score.majority == pytest.approx(1 / 3)
    assert score.support == ((0, 10, 10), (1, 10, 10), (2, 10, 10))


def test_classes_that_training_never_saw_count_as_wrong_and_are_counted() -> None:
    vectors, labels = blobs()
    rows = torch.arange(60)
    train = rows[:30][labels[:30] != 2]
    score = linear_probe(vectors, labels, train, rows[30:])
    assert score.unseen == pytest.approx(1 / 3)
    assert score.accuracy == pytest.approx(2 / 3)
    assert score.support[2] == (2, 0, 10)


def test_a_single_training_class_is_what_the_probe_says() -> None:
    vectors, labels = blobs()
    rows = torch.arange(60)
    assert linear_probe(vectors, labels, rows[:30][labels[:30] == 1], rows[30:]).accuracy == pytest.approx(1 / 3)


def test_a_probe_reads_no_scale() -> None:
    vectors, labels = blobs(noise=0.7)
    rows, scale = torch.arange(60), torch.logspace(-3, 3, 8)
    plain = linear_probe(vectors, labels, rows[:30], rows[30:])
    assert linear_probe(vectors * scale, labels, rows[:30], rows[30:]).accuracy == plain.accuracy


def test_probes_refuse_rows_on_both_sides_or_no_rows() -> None:
    vectors, labels = blobs()
    rows = torch.arange(60)
    with pytest.raises(ValueError, match="both train and test"):
        linear_probe(vectors, labels, rows, rows)
    with pytest.raises(ValueError, match="both sides"):
        linear_probe(vectors, torch.full((60,), -1), rows[:30], rows[30:])
    with pytest.raises(ValueError, match="both sides"):
        linear_value_probe(vectors, torch.full((60,), torch.nan), rows[:30], rows[30:])


def test_a_value_on_a_line_is_read_off() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(80, 4, generator=generator)
    targets = vectors @ torch.tensor([1.0, -2.0, 0.0, 3.0]) + 5
    targets[3] = torch.nan
    rows = torch.arange(80)
    score = linear_value_probe(vectors, targets, rows[:40], rows[40:], penalty=1e-3)
    assert score.r2 > 0.999
    assert score.rmse < 0.05
    assert linear_value_probe(vectors, torch.zeros(80), rows[:40], rows[40:]).r2 == 0.0


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(1, 12), st.integers(1, 12))
def test_equal_directions_are_the_effective_rank(rank: int, more_rows: int, more_dims: int) -> None:
    rows = torch.zeros(rank + more_rows, rank + more_dims)
    rows[:rank, :rank] = torch.eye(rank) * 3
    turn = torch.linalg.qr(torch.randn(len(rows[0]), len(rows[0]), generator=torch.Generator().manual_seed(rank)))[0]
    assert effective_rank(rows @ turn).item() == pytest.approx(rank, rel=1e-3)


def test_the_effective_rank_is_the_entropy_of_the_singular_values() -> None:
    sizes = torch.tensor([4.0, 2.0, 2.0])
    expected = math.exp(-sum(p * math.log(p) for p in (0.5, 0.25, 0.25)))
    assert effective_rank(torch.diag(sizes)).item() == pytest.approx(expected, rel=1e-5)


def test_spread_is_one_for_even_directions_and_zero_for_collapse() -> None:
    rows = torch.randn(4000, 32, generator=torch.Generator().manual_seed(0))
    assert feature_spread(rows).item() == pytest.approx(1.0, abs=0.02)
    assert feature_spread(rows * torch.rand(4000, 1)).item() == pytest.approx(1.0, abs=0.02)
    assert feature_spread(rows[:1].expand(50, -1)).item() == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("rows", [0, 1])
def test_of_fewer_than_two_rows_nothing_is_said(rows: int) -> None:
    assert feature_spread(torch.ones(rows, 4)).isnan()
    assert effective_rank(torch.ones(rows, 4)).isnan()


def test_broken_and_empty_vectors_do_not_stop_a_run() -> None:
    assert effective_rank(torch.zeros(4, 4)).item() == 0.0
    assert effective_rank(torch.full((4, 4), torch.inf)).isnan()
