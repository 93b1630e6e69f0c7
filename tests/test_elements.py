"""Elements against objects: the equation in a naive loop, absence, padding, ranks of meaning, precision."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.segmentation import Elements, Objects, Segmentation
from gestalt.core.losses import elements_to_objects
from gestalt.core.losses.elements_to_objects import object_centres
from gestalt.core.methods.info import no_info
from gestalt.core.methods.objectives import Combined, Contrastive, ElementsToObjects, Regression
from gestalt.core.methods.objectives.base import compares_elements
from tests.implementations import random_objects, seeded
from tests.oracles import cosine

OBJECTIVES: dict[str, Callable[[], ElementsToObjects]] = {
    "items": ElementsToObjects,
    "batch": lambda: ElementsToObjects(0.3, candidates="batch"),
    "all objects alike": lambda: ElementsToObjects(0.2, size_power=0.0),
    "by size": lambda: ElementsToObjects(0.2, size_power=1.0),
    "one level": lambda: ElementsToObjects(0.5, first=1, dims=2),
}
every_objective = pytest.mark.parametrize("name", OBJECTIVES)


def view(seed: int, items: int = 3, elements: int = 7, objects: int = 4, dim: int = 4, soft: bool = False) -> Objects:
    """Objects with their elements; some elements are of none, some objects have none, padding is NaN-free zero."""
    generator = seeded(seed)
    if soft:
        weights = torch.rand(items, objects, elements, generator=generator).softmax(dim=1)
    else:
        labels = torch.randint(-1, objects, (items, elements), generator=generator)
        weights = (labels[:, None] == torch.arange(objects)[:, None]).float()
    vectors = torch.randn(items, elements, dim, generator=generator)
    return made(vectors, weights)


def made(vectors: Tensor, weights: Tensor) -> Objects:
    present = weights.sum(dim=2) > 0
    return Objects(torch.zeros(*present.shape, 2), present, Elements(vectors, weights))


def elements_of(objects: Objects) -> Elements:
    assert objects.elements is not None
    return objects.elements


def centre(objects: Objects, item: int, number: int) -> Tensor:
    """The mean of unit vectors, one by one."""
    part = elements_of(objects)
    total = torch.zeros(part.vectors.shape[2])
    for place in range(part.vectors.shape[1]):
        vector = part.vectors[item, place]
        total += part.weights[item, number, place] * vector / max(float(vector.norm()), 1e-6)
    return total


def naive(seen: Objects, taught: Objects, objective: ElementsToObjects) -> float:
    """−log of the own object's share of e^{s/τ} among its candidates, weighted by the size of the object."""
    last = None if objective.dims is None else objective.first + objective.dims

    def levelled(objects: Objects) -> Objects:
        part = elements_of(objects)
        return made(part.vectors[..., objective.first : last], part.weights)

    seen, taught = levelled(seen), levelled(taught)
    part = elements_of(seen)
    items, objects, elements = part.weights.shape
    there = [(b, k) for b in range(items) for k in range(objects) if seen.present[b, k] and taught.present[b, k]]
    total = weight = 0.0
    for (b, k), i in itertools.product(there, range(elements)):
        share = float(part.weights[b, k, i])
        among = [pair for pair in there if objective.candidates == "batch" or pair[0] == b]
        scores = {pair: cosine(part.vectors[b, i], centre(taught, *pair)) / objective.temperature for pair in among}
        loss = math.log(sum(math.exp(score) for score in scores.values())) - scores[b, k]
        w = share * float(part.weights[b, k].sum()) ** (objective.size_power - 1)
        total, weight = total + w * loss, weight + w
    return total / weight if weight else 0.0


def value(name: str, online: list[Objects], teacher: list[Objects]) -> Tensor:
    loss: Tensor = OBJECTIVES[name]()(tuple(online), tuple(teacher), no_info(online[0])).value
    return loss


@every_objective
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("shape", [(1, 5, 2, 4), (3, 7, 4, 4), (2, 1, 1, 4)])
def test_the_loss_is_that_of_a_naive_loop(name: str, shape: tuple[int, int, int, int], soft: bool) -> None:
    online, teacher = [view(s, *shape, soft=soft) for s in (0, 1)], [view(s, *shape, soft=soft) for s in (2, 3)]
    objective = OBJECTIVES[name]()
    expected = naive(online[0], teacher[1], objective) + naive(online[1], teacher[0], objective)
    assert float(value(name, online, teacher)) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@every_objective
def test_a_third_view_is_one_more_pair_of_each(name: str) -> None:
    online, objective = [view(s) for s in range(3)], OBJECTIVES[name]()
    pairs = [naive(online[one], online[two], objective) for one, two in itertools.permutations(range(3), 2)]
    assert float(value(name, online, online)) == pytest.approx(sum(pairs) / 3, rel=1e-4)


@every_objective
def test_neither_order_nor_numbering_nor_padding_matters(name: str) -> None:
    online, teacher = [view(s) for s in (0, 1)], [view(s) for s in (2, 3)]
    items, objects, elements = torch.tensor([2, 0, 1]), torch.tensor([3, 1, 0, 2]), torch.randperm(7)

    def moved(one: Objects) -> Objects:
        part = elements_of(one)
        vectors, weights = part.vectors[items][:, elements], part.weights[items][:, objects][:, :, elements]
        pad = torch.nn.functional.pad
        return made(pad(vectors, (0, 0, 0, 3), value=9.0), pad(weights, (0, 3)))

    plain = value(name, online, teacher)
    torch.testing.assert_close(value(name, list(map(moved, online)), list(map(moved, teacher))), plain)
    assert float(plain) > 0.1


@every_objective
@pytest.mark.parametrize("why", ["nothing is present", "nothing is shared"])
def test_what_is_not_shared_gives_a_zero_loss_with_zero_gradient(name: str, why: str) -> None:
    weights = torch.zeros(2, 2, 5)
    other = weights.clone()
    if why == "nothing is shared":
        weights[:, 0], other[:, 1] = 1.0, 1.0
    vectors = torch.randn(2, 2, 5, 4, generator=seeded()).requires_grad_()
    loss = value(
        name, [made(vectors[0], weights), made(vectors[1], other)], [made(vectors[0], weights), made(vectors[1], other)]
    )
    loss.backward()
    assert float(loss.detach()) == 0
    assert vectors.grad is not None
    assert not bool(vectors.grad.any())  # NaN would count as true


@every_objective
def test_the_gradient_is_the_slope_and_zero_vectors_keep_it_finite(name: str) -> None:
    seen, taught = view(0), view(1)
    weights = [elements_of(one).weights.double() for one in (seen, taught)]
    vectors = torch.stack([elements_of(one).vectors for one in (seen, taught)]).double()

    def loss(moved: Tensor) -> Tensor:
        views = [made(moved[number], weights[number]) for number in range(2)]
        return value(name, views, views)

    leaf = vectors.clone().requires_grad_()
    loss(leaf).backward()
    assert leaf.grad is not None
    for trial in range(4):
        direction = torch.randn(vectors.shape, generator=seeded(20 + trial)).double()
        slope = float(loss(vectors + 1e-5 * direction) - loss(vectors - 1e-5 * direction)) / 2e-5
        assert float((leaf.grad * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-7)
    zero = torch.zeros_like(vectors).float().requires_grad_()
    loss(zero).backward()
    assert zero.grad is not None
    assert bool(zero.grad.isfinite().all())


@every_objective
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_comes_in_and_full_precision_comes_out(name: str, dtype: torch.dtype) -> None:
    def halved(one: Objects) -> Objects:
        part = elements_of(one)
        return made(part.vectors.to(dtype), part.weights)

    def back(one: Objects) -> Objects:
        part = elements_of(one)
        return made(part.vectors.float(), part.weights)

    online = [halved(view(s)) for s in (0, 1)]
    with torch.autocast("cpu", dtype):
        loss = value(name, online, online)
    assert loss.dtype == torch.float32
    exact = value(name, list(map(back, online)), list(map(back, online)))
    torch.testing.assert_close(loss, exact, rtol=1e-4, atol=1e-5)


def test_pooled_means_can_agree_while_half_of_the_elements_belong_elsewhere() -> None:
    """Why the loss must reach the elements: two objects whose means are right, and whose elements are swapped."""
    weights = torch.tensor([[[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]])
    a, b = torch.tensor([1.0, 0.0, 0.5]), torch.tensor([0.0, 1.0, 0.5])
    mixed = made(torch.stack([2 * a - 0.2 * b, 0.2 * b, 2 * b - 0.2 * a, 0.2 * a])[None], weights)
    clean = made(torch.stack([a, a, b, b])[None], weights)
    pooled = [Segmentation(weights, None, torch.zeros(1, dtype=torch.bool)).pool(_map(one)) for one in (mixed, clean)]
    torch.testing.assert_close(pooled[0].vectors, pooled[1].vectors)
    objective = ElementsToObjects()
    assert naive(mixed, clean, objective) > 2 * naive(clean, clean, objective)


def _map(objects: Objects) -> FeatureMap:
    vectors = elements_of(objects).vectors
    return FeatureMap(vectors, torch.ones(vectors.shape[:2], dtype=torch.bool))


def test_the_public_loss_is_one_direction_of_the_objective() -> None:
    one, two = view(0, soft=True), view(1, soft=True)
    parts = [elements_of(objects) for objects in (one, two)]
    losses = [
        elements_to_objects(a.vectors, a.weights, object_centres(b.vectors, b.weights)) for a, b in (parts, parts[::-1])
    ]
    torch.testing.assert_close(losses[0] + losses[1], value("items", [one, two], [one, two]))


def test_the_sum_and_the_rows_of_the_public_loss() -> None:
    part = elements_of(view(0))
    vectors, weights, centres = part.vectors, part.weights, object_centres(part.vectors, part.weights)
    rows = elements_to_objects(vectors, weights, centres, reduction="none")
    assert rows.shape == (3, 7)
    torch.testing.assert_close(rows.sum(), elements_to_objects(vectors, weights, centres, reduction="sum"))
    assert bool((rows[part.weights.sum(dim=1) == 0] == 0).all())


def test_objects_without_elements_are_refused() -> None:
    objects = random_objects(2, 2, 3, seed=0, absent=0.0)
    with pytest.raises(ValueError, match="bring none"):
        ElementsToObjects()((objects, objects), (objects, objects), no_info(objects))


def test_a_weighted_sum_asks_for_elements_if_any_of_its_terms_does() -> None:
    assert compares_elements(Combined([Contrastive(), ElementsToObjects()], [1.0, 0.5]))
    assert not compares_elements(Combined([Contrastive(), Regression()], [1.0, 0.5]))
    views = (view(0), view(1))
    both = Combined([Contrastive(), ElementsToObjects()], [2.0, 0.5])(views, views, no_info(views[0]))
    alone = Contrastive()(views, views, no_info(views[0])).value, value("items", list(views), list(views))
    torch.testing.assert_close(both.value, 2 * alone[0] + 0.5 * alone[1])
