"""Losses on plain tensors: each is a naive loop over its equation, in any precision, with the gradient of its slope."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gestalt.core.data.segmentation import Objects
from gestalt.core.losses import (
    info_nce,
    info_nce_of_scores,
    instance_discrimination,
    invariance,
    nearest_labels,
    nt_xent,
    partition_function,
    regression,
    semantic_positives,
    similarities,
    supervised_contrastive,
)
from gestalt.core.losses.nearest_labels import Metric
from gestalt.core.losses.regression import Distance
from gestalt.core.methods.objectives import Contrastive, SupervisedContrastive
from tests.implementations import labelled, seeded
from tests.oracles import cosine, dot, softmax

sizes = st.tuples(st.integers(1, 7), st.integers(1, 6))


def rows(count: int, dim: int, seed: int) -> Tensor:
    return torch.randn(count, dim, generator=seeded(seed))


def classes(count: int, seed: int, known: int = -1) -> Tensor:
    return torch.randint(known, 3, (count,), generator=seeded(seed))


# InfoNCE


def naive_info_nce(
    query: Tensor, key: Tensor, positive: Any, allowed: Any, t: float, alike: Any = cosine
) -> list[float]:
    """−log of the share of e^{s/τ} that the positive has, query by query; the positive is a vector or a number."""
    terms = []
    for i, q in enumerate(query):
        own = i if positive is None else positive[i]
        right = math.exp(alike(q, own if torch.is_tensor(own) and own.ndim else key[int(own)]) / t)
        others = 0.0
        for n, k in enumerate(key):
            mine = not (torch.is_tensor(own) and own.ndim) and n == int(own)
            if not mine and (allowed is None or allowed[i][n]):
                others += math.exp(alike(q, k) / t)
        terms.append(-math.log(right / (right + others)))
    return terms


@given(sizes, st.integers(0, 5), st.booleans())
def test_info_nce_is_a_naive_loop_whatever_is_positive_and_whatever_is_allowed(
    size: tuple[int, int], more: int, masked: bool
) -> None:
    count, dim = size
    query, key = rows(count, dim, 1), rows(count + more, dim, 2)
    allowed = torch.rand(count, count + more, generator=seeded(3)) < 0.5 if masked else None
    number = torch.randint(count + more, (count,), generator=seeded(4))
    for positive in (rows(count, dim, 5), number, *([None] if not more else [])):
        found = info_nce(query, key, positive, allowed, temperature=0.5, reduction="none")
        assert found.tolist() == pytest.approx(naive_info_nce(query, key, positive, allowed, 0.5), rel=1e-4, abs=1e-5)


def test_the_dot_product_leaves_lengths_in_and_a_temperature_may_be_learned() -> None:
    query, key = rows(4, 3, 1), rows(4, 3, 2)
    found = info_nce(query, key, temperature=2.0, similarity="dot", reduction="none")
    assert found.tolist() == pytest.approx(naive_info_nce(query, key, None, None, 2.0, dot), rel=1e-4)
    temperature = torch.tensor(0.5).requires_grad_()
    info_nce(query, key, temperature=temperature).backward()
    assert temperature.grad is not None
    step = (float(info_nce(query, key, temperature=0.501)) - float(info_nce(query, key, temperature=0.499))) / 0.002
    assert float(temperature.grad) == pytest.approx(step, rel=1e-2)


def test_a_row_without_negatives_has_no_loss_and_no_gradient() -> None:
    query, key = rows(2, 3, 1).requires_grad_(), rows(2, 3, 2)
    info_nce(query, key, allowed=torch.zeros(2, 2, dtype=torch.bool)).backward()
    assert query.grad is not None
    assert not bool(query.grad.any())
    assert info_nce_of_scores(torch.tensor([3.0]), torch.zeros(1, 0)).tolist() == [0.0]


# SimCLR


@given(sizes)
def test_nt_xent_is_a_naive_loop_over_both_views(size: tuple[int, int]) -> None:
    count, dim = size
    views = [rows(count, dim, 1), rows(count, dim, 2)]
    terms = []
    for i in range(2 * count):
        z = views[i // count][i % count]
        scores = {n: cosine(z, views[n // count][n % count]) / 0.5 for n in range(2 * count) if n != i}
        terms.append(math.log(sum(math.exp(score) for score in scores.values())) - scores[(i + count) % (2 * count)])
    assert float(nt_xent(views[0], views[1], temperature=0.5)) == pytest.approx(
        sum(terms) / len(terms), rel=1e-4, abs=1e-5
    )


def test_nt_xent_is_the_objective_of_simclr_which_sums_two_directions() -> None:
    z0, z1 = rows(5, 4, 1), rows(5, 4, 2)
    here = torch.ones(5, 1, dtype=torch.bool)
    views = (Objects(z0[:, None], here), Objects(z1[:, None], here))
    objective = Contrastive(0.3, same_view=True)
    torch.testing.assert_close(objective(views, views, labelled(views[0])).value, 2 * nt_xent(z0, z1, 0.3))


# BYOL


@given(sizes, st.sampled_from(["normalised", "plain", "cosine", "cross-entropy"]))
def test_regression_is_a_naive_loop_for_every_distance(size: tuple[int, int], distance: Distance) -> None:
    prediction, target = rows(*size, 1), rows(*size, 2)
    terms = []
    for q, z in zip(prediction, target, strict=True):
        if distance == "plain":
            terms.append(sum((float(a) - float(b)) ** 2 for a, b in zip(q, z, strict=True)) / len(q))
        elif distance == "cross-entropy":
            p, r = softmax(z.tolist()), softmax(q.tolist())
            terms.append(-sum(a * math.log(b) for a, b in zip(p, r, strict=True)))
        else:
            terms.append({"cosine": 1, "normalised": 2}[distance] * (1 - cosine(q, z)))
    found = regression(prediction, target, distance, reduction="none")
    assert found.tolist() == pytest.approx(terms, rel=1e-4, abs=1e-5)


def test_no_gradient_enters_the_target_of_a_regression_or_the_reference_of_invariance() -> None:
    for loss in (regression, invariance):
        moved, held = rows(3, 4, 1).requires_grad_(), rows(3, 4, 2).requires_grad_()
        loss(moved, held).backward()
        assert held.grad is None
        assert moved.grad is not None
        assert bool(moved.grad.any())


# ReLIC


@given(sizes, st.booleans())
def test_invariance_is_the_divergence_of_two_soft_maxes(size: tuple[int, int], masked: bool) -> None:
    scores, reference = rows(*size, 1), rows(*size, 2)
    allowed = torch.rand(size, generator=seeded(3)) < 0.6
    terms = []
    for i in range(size[0]):
        kept = [n for n in range(size[1]) if not masked or allowed[i, n]]
        p, r = (softmax([float(side[i, n]) for n in kept]) for side in (scores, reference))
        terms.append(sum(a * math.log(a / b) for a, b in zip(p, r, strict=True)))
    found = invariance(scores, reference, allowed if masked else None, reduction="none")
    assert found.tolist() == pytest.approx(terms, rel=1e-4, abs=1e-6)


def test_two_views_in_the_same_place_are_invariant() -> None:
    z0, z1 = rows(4, 3, 1), rows(4, 3, 2)
    assert float(invariance(similarities(z0, z0, 0.2), similarities(z0, z0, 0.2))) == 0
    assert float(invariance(similarities(z0, z1, 0.2), similarities(z1, z0, 0.2))) > 0.01


# Supervised contrast


@given(sizes, st.integers(0, 3))
def test_supervised_contrast_is_a_naive_loop(size: tuple[int, int], seed: int) -> None:
    vectors, labels = rows(*size, seed), classes(size[0], seed)
    terms = []
    for i, z in enumerate(vectors):
        scores = {a: cosine(z, other) / 0.5 for a, other in enumerate(vectors) if a != i}
        right = [a for a in scores if labels[a] == labels[i] >= 0]
        total = math.log(sum(math.exp(score) for score in scores.values())) if scores else 0.0
        terms.append(-sum(scores[a] - total for a in right) / len(right) if right else 0.0)
    found = supervised_contrastive(vectors, labels, 0.5, reduction="none")
    assert found.tolist() == pytest.approx(terms, rel=1e-4, abs=1e-5)
    there = [term for i, term in enumerate(terms) if bool(((labels == labels[i]) & (labels >= 0)).sum() > 1)]
    assert float(supervised_contrastive(vectors, labels, 0.5)) == pytest.approx(
        sum(there) / max(len(there), 1), rel=1e-4, abs=1e-5
    )


def test_supervised_contrast_is_the_objective_where_all_is_labelled() -> None:
    z0, z1, labels = rows(6, 4, 1), rows(6, 4, 2), torch.tensor([0, 1, 0, 2, 1, 1])
    here = torch.ones(6, 1, dtype=torch.bool)
    views = (Objects(z0[:, None], here), Objects(z1[:, None], here))
    info = labelled(views[0])
    value = SupervisedContrastive(0.2)(views, views, type(info)(info.index, labels[:, None], seeded())).value
    torch.testing.assert_close(value, 2 * supervised_contrastive(torch.cat([z0, z1]), labels.repeat(2), 0.2))


# Instance discrimination


@given(sizes, st.booleans())
def test_instance_discrimination_is_a_naive_loop(size: tuple[int, int], noisy: bool) -> None:
    count, dim = size
    vectors, bank = rows(count, dim, 1), rows(9, dim, 2) / dim**0.5
    index, noise = torch.arange(count) + 2, torch.randint(9, (count, 4), generator=seeded(3))
    exps = [[math.exp(dot(v / v.norm(), m) / 0.5) for m in bank] for v in vectors]
    z = sum(sum(row) for row in exps) / count
    terms = []
    for i, row in enumerate(exps):
        if not noisy:
            terms.append(-math.log(row[int(index[i])] / sum(row)))
            continue
        p = row[int(index[i])] / z
        terms.append(-math.log(p / (p + 4 / 9)))
        terms[-1] -= sum(math.log(1 - row[n] / z / (row[n] / z + 4 / 9)) for n in noise[i].tolist())
    assert float(partition_function(vectors, bank, 0.5)) == pytest.approx(z, rel=1e-4)
    for partition in (None, torch.tensor(z)):
        found = instance_discrimination(
            vectors, bank, index, noise if noisy else None, partition, 0.5, reduction="none"
        )
        assert found.tolist() == pytest.approx(terms, rel=1e-4, abs=1e-5)


# SemPPL


@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 3))
def test_semantic_positives_are_drawn_from_the_class_and_contrasted_with_the_other_rows(
    count: int, entries: int, seed: int
) -> None:
    query, key, bank = rows(count, 3, seed + 10), rows(count, 3, seed + 20), rows(entries, 3, seed + 30)
    labels, bank_labels = classes(count, seed), classes(entries, seed + 1)
    allowed = torch.rand(count, count, generator=seeded(seed)) < 0.7
    luck, terms = torch.rand(count, generator=seeded(7)).tolist(), {}
    for i in range(count):
        choice = [n for n in range(entries) if bank_labels[n] == labels[i] >= 0]
        if choice:
            positive = bank[choice[int(luck[i] * len(choice))]]
            right = math.exp(cosine(query[i], positive) / 0.5)
            others = sum(math.exp(cosine(query[i], k) / 0.5) for n, k in enumerate(key) if n != i and allowed[i, n])
            terms[i] = -math.log(right / (right + others))
    each = semantic_positives(query, key, labels, bank, bank_labels, allowed, 0.5, seeded(7), reduction="none")
    assert each.tolist() == pytest.approx([terms.get(i, 0.0) for i in range(count)], rel=1e-4, abs=1e-5)
    mean = float(semantic_positives(query, key, labels, bank, bank_labels, allowed, 0.5, seeded(7)))
    assert mean == pytest.approx(sum(terms.values()) / max(len(terms), 1), rel=1e-4, abs=1e-5)


def naive_nearest(query: Tensor, bank: Tensor, labels: Tensor, neighbours: int, metric: str) -> list[int]:
    found = []
    for q in query:
        near = []
        for place, (b, label) in enumerate(zip(bank, labels.tolist(), strict=True)):
            close = (1 + cosine(q, b)) / 2 if metric == "cosine" else 1 / (1 + math.dist(q.tolist(), b.tolist()))
            near += [(-close, place, label)] if label >= 0 else []
        chosen = sorted(near)[:neighbours]
        votes = {label: sum(1 for _, _, other in chosen if other == label) for _, _, label in chosen}
        close_to = {label: sum(-near for near, _, other in chosen if other == label) for label in votes}
        found.append(max(votes, key=lambda label: (votes[label], close_to[label])) if votes else -1)
    return found


@given(st.integers(1, 5), st.integers(0, 9), st.integers(1, 4), st.sampled_from(["cosine", "euclidean"]))
def test_nearest_labels_are_voted_for_by_the_nearest_labelled_entries(
    count: int, entries: int, neighbours: int, metric: Metric
) -> None:
    query, bank, labels = rows(count, 3, 1), rows(entries, 3, 2), classes(entries, 3)
    found = nearest_labels(query, bank, labels, neighbours, metric)
    assert found.tolist() == naive_nearest(query, bank, labels, neighbours, metric)
