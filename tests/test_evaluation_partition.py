"""Laws of partitions with measure, against scikit-learn and against loops written from the definitions."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from gestalt.core.evaluation import (
    adjusted_rand_index,
    best_overlaps,
    contingency,
    foreground_adjusted_rand_index,
    has_objects,
    mean_best_overlap,
    object_recovery,
)


def partitions(seed: int, batch: int = 3, elements: int = 12, least: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    found = torch.randint(least, 4, (batch, elements), generator=generator)
    return found, torch.randint(0, 5, (batch, elements), generator=generator)


def naive_overlaps(found: Tensor, true: Tensor, measure: Tensor) -> dict[int, float]:
    """The best intersection over union of every true object, element by element."""
    elements = [i for i in range(len(true)) if true[i] >= 0]
    best = {}
    for t in {int(true[i]) for i in elements if measure[i] > 0}:
        scores = [0.0]
        for f in {int(found[i]) for i in elements if found[i] >= 0}:
            shared = sum(float(measure[i]) for i in elements if true[i] == t and found[i] == f)
            union = sum(float(measure[i]) for i in elements if true[i] == t or found[i] == f)
            scores.append(shared / union)
        best[t] = max(scores)
    return best


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30))
def test_with_unit_measure_the_rand_index_is_that_of_scikit_learn(seed: int, elements: int) -> None:
    found, true = partitions(seed, elements=elements, least=-1)
    expected = [adjusted_rand_score(t, f) for f, t in zip(found.tolist(), true.tolist(), strict=True)]
    torch.testing.assert_close(adjusted_rand_index(found, true), torch.tensor(expected, dtype=torch.float64))
    torch.testing.assert_close(
        adjusted_rand_index(found, true, torch.ones(found.shape)), torch.tensor(expected, dtype=torch.float64)
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 11))
def test_doubling_an_element_is_doubling_its_measure(seed: int, twin: int) -> None:
    found, true = partitions(seed, least=-1)
    measure = torch.rand(found.shape, generator=torch.Generator().manual_seed(seed)) + 1
    doubled = measure.clone()
    doubled[:, twin] *= 2
    copies = torch.cat([torch.arange(12), torch.tensor([twin])])
    pair, light, heavy = (found[:, copies], true[:, copies]), measure[:, copies], doubled
    torch.testing.assert_close(adjusted_rand_index(*pair, light), adjusted_rand_index(found, true, heavy))
    torch.testing.assert_close(mean_best_overlap(*pair, light), mean_best_overlap(found, true, heavy))
    torch.testing.assert_close(object_recovery(*pair, light), object_recovery(found, true, heavy))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_numbering_and_order_mean_nothing(seed: int) -> None:
    found, true = partitions(seed)
    generator = torch.Generator().manual_seed(seed)
    measure = torch.rand(found.shape, generator=generator) + 1
    order = torch.randperm(12, generator=generator)
    names, other = torch.randperm(9, generator=generator), torch.randperm(9, generator=generator)
    for score in (adjusted_rand_index, mean_best_overlap, object_recovery):
        renamed = score(names[found][:, order], other[true][:, order], measure[:, order])
        torch.testing.assert_close(renamed, score(found, true, measure))


def test_measure_and_unit_scale_together() -> None:
    found, true = partitions(1)
    measure = torch.randint(1, 5, found.shape).double()
    seconds = adjusted_rand_index(found, true, measure / 100, unit=0.01)
    torch.testing.assert_close(seconds, adjusted_rand_index(found, true, measure))


def test_a_measure_below_the_unit_is_refused_because_it_has_no_pairs() -> None:
    found, true = partitions(1)
    with pytest.raises(ValueError, match="pass `unit=`"):
        adjusted_rand_index(found, true, torch.full(found.shape, 0.02))


def test_elements_without_truth_or_measure_do_not_count() -> None:
    found, true = partitions(2)
    extra = torch.tensor([[0], [1], [2]])
    longer, unknown = torch.cat([found, extra], dim=1), torch.cat([true, torch.full((3, 1), -1)], dim=1)
    known, weightless = torch.cat([true, extra], dim=1), torch.ones(3, 13)
    weightless[:, -1] = 0
    for score in (adjusted_rand_index, mean_best_overlap, object_recovery):
        torch.testing.assert_close(score(longer, unknown), score(found, true))
        torch.testing.assert_close(score(longer, known, weightless), score(found, true))


@pytest.mark.parametrize(
    ("found", "true", "expected"),
    [
        ([0, 0, 0], [4, 4, 4], 1.0),  # one object, found as one
        ([0, 1, 0], [0, 0, 0], 0.0),  # one object, found in parts
        ([0, 1, 2], [2, 1, 0], 1.0),  # every element an object
        ([0, 0, 0], [0, 1, 2], 0.0),
        ([0, 1, 2], [-1, -1, -1], 1.0),  # nothing is known
        ([], [], 1.0),
    ],
)
def test_trivial_partitions_give_numbers(found: list[int], true: list[int], expected: float) -> None:
    pair = torch.tensor([found], dtype=torch.long), torch.tensor([true], dtype=torch.long)
    assert adjusted_rand_index(*pair).item() == pytest.approx(expected, abs=1e-12)
    assert not mean_best_overlap(*pair).isnan().any()
    assert not object_recovery(*pair).isnan().any()


def test_trivial_partitions_with_rounding_in_their_measure_give_numbers() -> None:
    measure = torch.rand(1, 1000, generator=torch.Generator().manual_seed(0)) * 1e4 + 1
    one = torch.zeros(1, 1000, dtype=torch.long)
    assert adjusted_rand_index(one, one, measure).item() == 1.0


def test_the_foreground_index_is_that_of_the_elements_in_true_objects() -> None:
    found, true = partitions(3, least=-1)
    for f, t, score in zip(found, true, foreground_adjusted_rand_index(found, true, background=2), strict=True):
        kept = t != 2
        assert score.item() == pytest.approx(adjusted_rand_score(t[kept].tolist(), f[kept].tolist()))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_overlaps_are_those_counted_element_by_element(seed: int) -> None:
    found, true = partitions(seed, least=-1)
    true = torch.where(true == 4, -1, true)
    measure = torch.randint(0, 3, found.shape, generator=torch.Generator().manual_seed(seed)).float()
    overlap, exists = best_overlaps(found, true, measure)
    means, shares = mean_best_overlap(found, true, measure), object_recovery(found, true, measure, overlap=0.3)
    for item in range(3):
        expected = naive_overlaps(found[item], true[item], measure[item])
        objects = exists[item].nonzero().flatten().tolist()
        assert objects == sorted(expected)
        assert overlap[item, objects].tolist() == pytest.approx([expected[t] for t in objects])
        values = list(expected.values()) or [1.0]
        assert means[item].item() == pytest.approx(sum(values) / len(values))
        assert shares[item].item() == pytest.approx(sum(v > 0.3 for v in values) / len(values))


def test_the_background_is_no_object_but_can_spoil_one() -> None:
    true = torch.tensor([[0, 0, 0, 1]])
    assert mean_best_overlap(torch.tensor([[2, 2, 2, 2]]), true, background=0).item() == pytest.approx(0.25)
    assert mean_best_overlap(torch.tensor([[0, 0, 0, 1]]), true, background=0).item() == 1.0
    assert mean_best_overlap(torch.tensor([[0, 0, 0, -1]]), true, background=0).item() == 0.0
    assert has_objects(torch.tensor([[0, 0], [0, 1], [-1, -1]]), background=0).tolist() == [False, True, False]


def test_a_background_of_minus_one_is_explained() -> None:
    with pytest.raises(ValueError, match="renumber"):
        foreground_adjusted_rand_index(*partitions(0), background=-1)


def test_the_table_holds_all_of_the_measure() -> None:
    found, true = partitions(5, least=-1)
    table = contingency(found, true)
    for item, k, t in itertools.product(range(3), range(-1, 4), range(5)):
        expected = sum(f == k and u == t for f, u in zip(found[item], true[item], strict=True))
        assert table[item, k + 1, t] == expected


def test_labels_and_measures_are_checked() -> None:
    found, true = partitions(0)
    with pytest.raises(ValueError, match="start at −1"):
        contingency(found - 3, true)
    with pytest.raises(ValueError, match="at least 0"):
        contingency(found, true, -torch.ones(found.shape))
