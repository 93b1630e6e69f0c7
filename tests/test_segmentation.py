"""Laws 1, 4, 6 and 7 of segmentations: a partition, pooled as the equation says, absent objects harmless."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gestalt.core.data.correspondence import Affine, Index
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.segmentation import Objects, Segmentation
from tests.implementations import blobs, feature_map, random_objects, seeded

few = settings(derandomize=True, deadline=None, max_examples=25)
sizes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 6), st.integers(0, 99))


def features_of(batch: int, elements: int, dim: int, seed: int) -> FeatureMap:
    generator = seeded(seed)
    valid = torch.rand(batch, elements, generator=generator) < 0.8
    return FeatureMap(torch.randn(batch, elements, dim, generator=generator), valid)


def soft(batch: int, objects: int, elements: int, seed: int) -> Segmentation:
    """Soft weights that sum to at most 1, with one object that has no weight at all."""
    weights = torch.rand(batch, objects, elements, generator=seeded(seed)) / objects
    weights[0, -1] = 0
    return Segmentation(weights, None, torch.zeros(batch, dtype=torch.bool))


@few
@given(sizes)
def test_pooled_vectors_are_the_weighted_means_of_the_equation(size: tuple[int, int, int, int]) -> None:
    batch, objects, elements, seed = size
    features, segments = features_of(batch, elements, 3, seed), soft(batch, objects, elements, seed)
    pooled = segments.pool(features)
    for b in range(batch):
        for k in range(objects):
            area, total = 0.0, [0.0, 0.0, 0.0]
            for i in range(elements):
                if features.valid[b, i]:
                    weight = float(segments.weights[b, k, i])
                    area += weight
                    total = [t + weight * float(h) for t, h in zip(total, features.values[b, i], strict=True)]
            assert bool(pooled.present[b, k]) == (area > 0)
            expected = [t / area for t in total] if area > 0 else [0.0, 0.0, 0.0]
            assert pooled.vectors[b, k].tolist() == pytest.approx(expected, abs=1e-5)


@few
@given(sizes)
def test_segments_from_labels_partition_the_labelled_elements(size: tuple[int, int, int, int]) -> None:
    batch, objects, elements, seed = size
    labels = torch.randint(-1, objects, (batch, elements), generator=seeded(seed))
    segments = Segmentation.from_labels(labels, objects)
    assert torch.equal(segments.weights.sum(dim=1), (labels >= 0).float())
    assert torch.equal(segments.labels(), labels)


def test_every_element_is_an_object_of_its_own_and_padding_is_none() -> None:
    features = feature_map([blobs(4, 2), blobs(2, 2)], on_grid=False)
    pooled = Segmentation.every_element(features).pool(features)
    assert torch.equal(pooled.present, features.valid)
    assert torch.equal(pooled.vectors[features.valid], features.values[features.valid])


@few
@given(sizes)
def test_pooling_does_not_depend_on_the_order_of_elements(size: tuple[int, int, int, int]) -> None:
    batch, objects, elements, seed = size
    features, segments = features_of(batch, elements, 3, seed), soft(batch, objects, elements, seed)
    order = torch.randperm(elements, generator=seeded(seed))
    shuffled = FeatureMap(features.values[:, order], features.valid[:, order])
    pooled = Segmentation(segments.weights[..., order], None, segments.whole).pool(shuffled)
    torch.testing.assert_close(pooled.vectors, segments.pool(features).vectors)
    assert torch.equal(pooled.present, segments.pool(features).present)


@pytest.mark.parametrize("poison", [torch.nan, torch.inf, 1e30])
def test_padding_never_influences_pooled_vectors_or_gradients(poison: float) -> None:
    valid = torch.tensor([[True, True, False], [True, True, True]])
    values = torch.randn(2, 3, 4, generator=seeded()).masked_fill(~valid[..., None], poison).requires_grad_()
    segments = Segmentation.from_labels(torch.tensor([[0, 1, 1], [0, 1, 1]]), 2)
    pooled = segments.pool(FeatureMap(values, valid))
    pooled.vectors.square().sum().backward()
    assert torch.equal(pooled.vectors[0], values[0, :2].detach())
    assert values.grad is not None
    assert bool(values.grad.isfinite().all())
    assert not bool(values.grad[0, 2].any())
    assert bool(values.grad[0, :2].all())


def test_an_absent_object_has_a_zero_vector_and_a_finite_gradient() -> None:
    values = torch.randn(1, 4, 3, generator=seeded()).requires_grad_()
    segments = Segmentation.from_labels(torch.tensor([[0, 0, 2, -1]]), 3)
    pooled = segments.pool(FeatureMap(values, torch.ones(1, 4, dtype=torch.bool)))
    assert pooled.present.tolist() == [[True, False, True]]
    assert not bool(pooled.vectors[0, 1].any())
    pooled.vectors.norm(dim=-1).nan_to_num().sum().backward()
    assert values.grad is not None
    assert bool(pooled.vectors.isfinite().all())
    (values.grad,) = torch.autograd.grad(
        segments.pool(FeatureMap(values, torch.ones(1, 4, dtype=torch.bool))).vectors.sum(), values
    )
    assert values.grad[0].tolist() == [[0.5] * 3, [0.5] * 3, [1.0] * 3, [0.0] * 3]


def test_an_object_is_present_only_with_more_than_the_least_number_of_elements() -> None:
    segments = Segmentation.from_labels(torch.tensor([[0, 1, 1, 2, 2, 2]]), 3)
    features = FeatureMap(torch.ones(1, 6, 1), torch.ones(1, 6, dtype=torch.bool))
    assert segments.pool(features, least=1.0).present.tolist() == [[False, True, True]]
    assert segments.pool(features, least=2.5).present.tolist() == [[False, False, True]]
    assert segments.pool(features, least=2.5).vectors[0, :, 0].tolist() == [0.0, 0.0, 1.0]


def test_half_precision_features_are_summed_in_full_precision() -> None:
    values = torch.rand(1, 4096, 1, generator=seeded()).half()
    segments = Segmentation.from_labels(torch.zeros(1, 4096, dtype=torch.long), 1)
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            pooled = segments.pool(FeatureMap(values, torch.ones(1, 4096, dtype=torch.bool)))
        assert pooled.vectors.dtype == torch.float32
        assert pooled.vectors.item() == pytest.approx(float(values.double().mean()), rel=1e-6)


@few
@given(sizes, st.data())
def test_a_view_takes_the_weights_of_the_source_elements_it_shows(
    size: tuple[int, int, int, int], data: st.DataObject
) -> None:
    batch, objects, elements, seed = size
    segments = soft(batch, objects, elements, seed)
    rows = [data.draw(st.lists(st.integers(-1, elements - 1), min_size=1, max_size=7)) for _ in range(batch)]
    correspondence = Index.of(rows[0]).join([Index.of(row) for row in rows[1:]])
    view = feature_map([torch.ones(len(row), 1) for row in rows], on_grid=False)
    seen = segments.seen_from(correspondence, view)
    for b, row in enumerate(rows):
        for k in range(objects):
            expected = [float(segments.weights[b, k, i]) if i >= 0 else 0.0 for i in row]
            padding = [0.0] * (view.valid.shape[1] - len(row))
            assert seen.weights[b, k].tolist() == expected + padding


def test_a_whole_item_is_seen_wherever_it_is_looked_at() -> None:
    view = feature_map([torch.ones(3, 1), torch.ones(2, 1)], on_grid=False)
    correspondence = Index.of([-1, 0, -1]).join([Index.none(2)])
    for segments in (
        Segmentation.whole_items(2),
        Segmentation.from_labels(torch.tensor([[0, 1, 1], [1, 1, 0]]), 2).falling_back(torch.tensor([True, True])),
    ):
        seen = segments.seen_from(correspondence, view)
        assert seen.weights[:, 0].tolist() == [[1, 1, 1], [1, 1, 0]]
        assert not bool(seen.weights[:, 1:].any())


def test_only_unknown_items_fall_back_to_the_whole() -> None:
    segments = Segmentation.from_labels(torch.tensor([[0, 1], [0, 1]]), 2).falling_back(torch.tensor([False, True]))
    view = feature_map([torch.ones(2, 1), torch.ones(2, 1)], on_grid=False)
    seen = segments.seen_from(Index.of([1, 0]).join([Index.none(2)]), view)
    assert seen.weights.tolist() == [[[0, 1], [1, 0]], [[1, 1], [0, 0]]]


def test_a_whole_item_pools_to_the_mean_of_its_valid_elements() -> None:
    items = [blobs(5, 2), blobs(3, 2)]
    features = feature_map(items, on_grid=True)
    pooled = Segmentation.whole_items(2).seen_from(Affine.identity(1).join([Affine.none(1)]), features).pool(features)
    for row, item in enumerate(items):
        torch.testing.assert_close(pooled.vectors[row, 0], item.mean(dim=0))


def test_a_function_of_objects_sees_the_present_rows_alone_in_their_order() -> None:
    objects = random_objects(3, 4, 5, seed=1)
    rows: list[torch.Tensor] = []

    def function(vectors: torch.Tensor) -> torch.Tensor:
        rows.append(vectors)
        return vectors[:, :2] * 3

    mapped = objects.map(function)
    assert torch.equal(rows[0], objects.vectors[objects.present])
    assert torch.equal(mapped.vectors, objects.vectors[..., :2] * 3)
    assert torch.equal(mapped.present, objects.present)
    assert 0 < len(rows[0]) < 12


def test_a_function_of_no_objects_at_all_is_no_trouble() -> None:
    nobody = Objects(torch.zeros(2, 3, 4), torch.zeros(2, 3, dtype=torch.bool))
    assert nobody.map(torch.nn.Linear(4, 2)).vectors.shape == (2, 3, 2)


def test_labels_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"labels must lie in −1 … 1, got -1 … 2"):
        Segmentation.from_labels(torch.tensor([[-1, 2]]), 2)
    with pytest.raises(ValueError, match=r"got -2 … 0"):
        Segmentation.from_labels(torch.tensor([[-2, 0]]), 2)


DISAGREE = {
    "Segmentation(torch.zeros(1, 2, 3), None, yes(2))": "whole must have shape (1,), got (2,)",
    "Segmentation(torch.zeros(1, 2, 3), Grid.uniform((4,), (1.0,)), yes(1))": (
        "the places have 4 elements, the weights have 3"
    ),
    "Objects(torch.zeros(1, 2, 3), yes(1, 3))": "got (1, 2, 3) and (1, 3)",
    "FeatureMap(torch.zeros(1, 2, 3), yes(1, 3))": "got values (1, 2, 3) and valid (1, 3)",
    "FeatureMap(torch.zeros(1, 2, 3), yes(1, 2), Grid.uniform((4,), (1.0,)))": (
        "the places (4,) have 4 elements, the values have 2"
    ),
    "Grid((torch.tensor([[0.0, 3.0, 1.0]]),))": "edges of axis 0 must increase",
    "Grid(())": "at least one axis, got none",
    "Index(torch.zeros(2, 3, dtype=torch.long), yes(1))": "index has 2 items, known has 1",
    "Affine(torch.eye(1)[None], torch.zeros(2, 1), torch.zeros(2, 0, 1, 1), torch.zeros(2, 0, 1), yes(2))": (
        "Affine.matrix must have shape (2, 1, 1), got (1, 1, 1)"
    ),
}


def test_parts_that_disagree_are_refused_without_any_type_checker() -> None:
    """In a process of its own: here, jaxtyping would speak first."""
    script = "\n".join(
        [
            "import torch",
            "from gestalt.core.data.correspondence import Affine, Index",
            "from gestalt.core.data.feature_map import FeatureMap, Grid",
            "from gestalt.core.data.segmentation import Objects, Segmentation",
            "yes = lambda *shape: torch.ones(*shape, dtype=torch.bool)",
            f"for construct in {list(DISAGREE)!r}:",
            "    try:",
            "        print('accepted', eval(construct))",
            "    except ValueError as error:",
            "        print(str(error).replace('\\n', ' '))",
        ]
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for message, expected in zip(result.stdout.splitlines(), DISAGREE.values(), strict=True):
        assert expected in message
