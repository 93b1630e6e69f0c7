"""Targets: what they say of objects, their losses and scores, against naive loops; what is unknown counts nowhere."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import log_softmax

from gestalt.core.data.segmentation import Objects, Segmentation
from gestalt.core.methods.target_head import TargetHead
from gestalt.core.methods.targets import Classes, Values, any_known, standardised
from tests.implementations import seeded

VALUES = Values(("a", "b"), mean=(10.0, -1.0), scale=(2.0, 0.5))


def holes(tensor: Tensor, seed: int, share: float = 0.3) -> Tensor:
    """The tensor with NaN in places."""
    return torch.where(torch.rand(tensor.shape, generator=seeded(seed)) < share, torch.nan, tensor)


def segments(items: int, objects: int, elements: int, seed: int) -> Segmentation:
    """Soft segments of which some elements belong to none; the second item is taken as a whole."""
    weights = torch.rand(items, objects, elements, generator=seeded(seed))
    weights = weights / weights.sum(dim=1, keepdim=True)
    weights = weights * (torch.rand(items, 1, elements, generator=seeded(seed + 1)) < 0.8)
    return Segmentation(weights, None, torch.arange(items) == 1)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 5), st.integers(-2, 2), st.integers(0, 9))
def test_the_values_of_objects_are_means_over_their_known_elements(
    items: int, objects: int, elements: int, more: int, seed: int
) -> None:
    """What is known may cover fewer or more elements than the features have: it is padded for another batch."""
    segmentation = segments(items, objects, elements, seed)
    known = holes(torch.randn(items, max(elements + more, 1), 2, generator=seeded(seed)), seed)
    found = VALUES.of_objects(known, segmentation)
    for b in range(items):
        for k in range(objects):
            for v in range(2):
                whole = bool(segmentation.whole[b])
                total, weight = 0.0, 0.0
                for e in range(known.shape[1]):
                    inside = 0.0 if e >= elements else float(segmentation.weights[b, k, e])
                    share = float(k == 0) if whole else inside
                    if not known[b, e, v].isnan():
                        total, weight = total + share * float(known[b, e, v]), weight + share
                expected = total / weight if weight else math.nan
                assert float(found[b, k, v]) == pytest.approx(expected, rel=1e-4, abs=1e-5, nan_ok=True)


def test_the_objects_of_an_item_have_its_values() -> None:
    known = torch.tensor([[1.0, torch.nan], [2.0, 3.0]])
    found = VALUES.of_objects(known, segments(2, 3, 4, 0))
    torch.testing.assert_close(found, known[:, None].expand(2, 3, 2), equal_nan=True)


@given(st.integers(1, 6), st.integers(0, 9))
def test_the_loss_and_score_of_values_are_naive_loops_over_what_is_known(rows: int, seed: int) -> None:
    outputs = torch.randn(rows, 2, generator=seeded(seed))
    known = holes(torch.randn(rows, 2, generator=seeded(seed + 1)) * 3 + 5, seed)
    known[0] = torch.tensor([1.0, 2.0])
    there = ~known.isnan()
    loss = VALUES.loss(outputs, known)
    errors: list[float] = []
    for r in range(rows):
        units = [
            (float(known[r, v]) - (10, -1)[v]) / (2, 0.5)[v] - float(outputs[r, v]) for v in range(2) if there[r, v]
        ]
        assert float(loss[r]) == pytest.approx(sum(u * u for u in units) / max(len(units), 1), rel=1e-4, abs=1e-5)
        errors += [
            float(known[r, v]) - (float(outputs[r, v]) * (2, 0.5)[v] + (10, -1)[v]) for v in range(2) if there[r, v]
        ]
    score = VALUES.score(outputs, known)
    assert score["rmse"] == pytest.approx(math.sqrt(sum(e * e for e in errors) / len(errors)), rel=1e-4)
    scatter = float((known - known.nanmean(dim=0)).square().nansum())
    if scatter > 1e-6:
        assert score["r2"] == pytest.approx(1 - sum(e * e for e in errors) / scatter, rel=1e-3)
    torch.testing.assert_close(VALUES.decode(outputs), outputs * torch.tensor([2, 0.5]) + torch.tensor([10.0, -1]))


def test_the_gradient_of_values_does_not_feel_what_is_unknown() -> None:
    outputs = torch.ones(2, 2, requires_grad=True)
    VALUES.loss(outputs, torch.tensor([[1.0, torch.nan], [torch.nan, torch.nan]])).sum().backward()
    assert outputs.grad is not None
    assert (outputs.grad != 0).tolist() == [[True, False], [False, False]]


def test_values_are_standardised_by_what_is_known_and_classes_are_not() -> None:
    known = torch.tensor([[1.0, 7.0], [3.0, 7.0], [torch.nan, torch.nan], [8.0, 7.0]])
    found = standardised(Values(("a", "b")), known)
    assert isinstance(found, Values)
    assert found.mean == pytest.approx((4.0, 7.0))
    assert found.scale == pytest.approx((math.sqrt((9 + 1 + 16) / 3), 1.0))
    elements = standardised(Values(("a", "b")), known.view(2, 2, 2))
    assert elements == found
    target = Classes(("a",))
    assert standardised(target, torch.tensor([0, -1])) is target
    unknown = standardised(Values(), torch.full((3, 1), torch.nan))
    assert unknown == Values(("value",), (0.0,), (1.0,))


@given(st.integers(1, 8), st.integers(0, 9))
def test_the_loss_and_score_of_classes_are_naive_loops(rows: int, seed: int) -> None:
    target = Classes(("a", "b", "c"))
    outputs, known = torch.randn(rows, 3, generator=seeded(seed)), torch.randint(3, (rows,), generator=seeded(seed))
    expected = [-float(log_softmax(row, dim=0)[int(name)]) for row, name in zip(outputs, known, strict=True)]
    assert target.loss(outputs, known).tolist() == pytest.approx(expected, rel=1e-5)
    right = [int(row.argmax()) == int(name) for row, name in zip(outputs, known, strict=True)]
    score = target.score(outputs, known)
    assert score["accuracy"] == pytest.approx(sum(right) / rows)
    shares = [
        sum(r for r, name in zip(right, known.tolist(), strict=True) if name == c) / known.tolist().count(c)
        for c in set(known.tolist())
    ]
    assert score["balanced_accuracy"] == pytest.approx(sum(shares) / len(shares))
    torch.testing.assert_close(target.decode(outputs).sum(dim=1), torch.ones(rows))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (torch.tensor([[0, -1], [-1, -1]]), [[True, False], [False, False]]),
        (torch.tensor([[[0.0, torch.nan]], [[torch.nan, torch.nan]]]), [[True], [False]]),
    ],
)
def test_something_known_of_an_object_is_enough(known: Tensor, expected: list[list[bool]]) -> None:
    assert any_known(known, axes=2).tolist() == expected
    assert any_known(known).tolist() == [any(row) for row in expected]


@pytest.mark.parametrize(
    ("target", "known"),
    [
        (Classes(("a", "b")), torch.tensor([[0, -1], [-1, 1]])),
        (
            Values(("v", "w")),
            torch.tensor([[[1.0, torch.nan], [torch.nan, torch.nan]], [[torch.nan, torch.nan], [2.0, 3.0]]]),
        ),
    ],
)
def test_a_head_learns_from_the_objects_that_are_known_and_present_in_all_views(target: Any, known: Tensor) -> None:
    """Two items of two objects, one known in each; the second item's is absent from the second view."""
    here, there = torch.ones(2, 2, dtype=torch.bool), torch.tensor([[True, True], [True, False]])
    vectors = [torch.randn(2, 2, 3, generator=seeded(view)) for view in range(2)]
    head = TargetHead(torch.nn.Linear(3, 2), target)
    views = (Objects(vectors[0], here), Objects(vectors[1] * there[..., None], there))
    rows = torch.stack([vectors[0][0, 0], vectors[0][1, 1], vectors[1][0, 0]])
    truth = torch.stack([known[0, 0], known[1, 1], known[0, 0]])
    loss = head(views, known)
    torch.testing.assert_close(loss.value, target.loss(head.head(rows), truth).mean())
    first = next(iter(target.score(head.head(rows), truth).items()))
    assert float(loss.parts[f"task_{first[0]}"]) == pytest.approx(first[1], rel=1e-5)
