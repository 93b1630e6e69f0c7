"""Laws 5, 7 and 11 of every objective: the equations in naive loops, the numbering irrelevant, absence harmless."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from gestalt.core.objective import AbstractObjective, Combined, Contrastive, Regression, contrastive, regression
from gestalt.core.segmentation import Objects
from tests.house import OBJECTIVES, bare_batch, random_objects, seeded

every_objective = pytest.mark.parametrize("objective", [build() for build in OBJECTIVES.values()], ids=OBJECTIVES)
SHAPES = [(1, 1, 4), (1, 3, 2), (2, 1, 3), (3, 4, 5), (4, 2, 6)]


def cosine(a: Tensor, b: Tensor) -> float:
    """⟨a, b⟩ / (‖a‖ ‖b‖), 0 where one of them is zero."""
    lengths = math.sqrt(sum(float(x) ** 2 for x in a)) * math.sqrt(sum(float(x) ** 2 for x in b))
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0


def naive_regression(online: Objects, teacher: Objects) -> float:
    """2 − 2 cos, averaged over the objects that are present in both views."""
    items, objects = online.present.shape
    terms = []
    for b, k in itertools.product(range(items), range(objects)):
        if online.present[b, k] and teacher.present[b, k]:
            terms.append(2 - 2 * cosine(online.vectors[b, k], teacher.vectors[b, k]))
    return sum(terms) / len(terms) if terms else 0.0


def naive_contrastive(
    online: Objects, teacher: Objects, temperature: float, same_view: Objects | None, same_item: bool
) -> float:
    """−log(e^s / (e^s + Σ e^{s_n})) over the present objects, negatives one by one."""
    items, objects = online.present.shape
    terms = []
    for b, k in itertools.product(range(items), range(objects)):
        if not (online.present[b, k] and teacher.present[b, k]):
            continue
        query = online.vectors[b, k]
        positive = math.exp(cosine(query, teacher.vectors[b, k]) / temperature)
        negatives = 0.0
        for keys in (teacher, same_view):
            for c, m in itertools.product(range(items), range(objects)):
                itself = (c, m) == (b, k)
                if keys is None or itself or not keys.present[c, m] or (c == b and not same_item):
                    continue
                negatives += math.exp(cosine(query, keys.vectors[c, m]) / temperature)
        terms.append(-math.log(positive / (positive + negatives)))
    return sum(terms) / len(terms) if terms else 0.0


def naive(objective: AbstractObjective, online: list[Objects], teacher: list[Objects]) -> float:
    """Twice the mean over ordered pairs of different views."""
    if isinstance(objective, Combined):
        parts = [part for part in objective.objectives if isinstance(part, AbstractObjective)]
        return sum(w * naive(part, online, teacher) for w, part in zip(objective.weights, parts, strict=True))
    pairs = [(i, j) for i in range(len(online)) for j in range(len(teacher)) if i != j]
    losses = []
    for i, j in pairs:
        if isinstance(objective, Regression):
            losses.append(naive_regression(online[i], teacher[j]))
        elif isinstance(objective, Contrastive):
            own = teacher[i] if objective.same_view and i < len(teacher) else None
            losses.append(naive_contrastive(online[i], teacher[j], objective.temperature, own, objective.same_item))
        else:
            raise TypeError(f"write the equation of {type(objective).__name__} as a naive loop here")
    return 2 * sum(losses) / len(losses)


def views(count: int, shape: tuple[int, int, int], seed: int, absent: float = 0.3) -> list[Objects]:
    return [random_objects(*shape, seed=seed + view, absent=absent) for view in range(count)]


def value(objective: AbstractObjective, online: list[Objects], teacher: list[Objects]) -> float:
    return float(objective(tuple(online), tuple(teacher), bare_batch(len(online[0].present))).value)


@every_objective
@pytest.mark.parametrize("absent", [0.0, 0.4])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_is_that_of_a_naive_loop_over_its_equation(
    objective: AbstractObjective, shape: tuple[int, int, int], absent: float
) -> None:
    online, teacher = views(2, shape, 0, absent), views(2, shape, 10, absent)
    assert value(objective, online, teacher) == pytest.approx(naive(objective, online, teacher), rel=1e-4, abs=1e-5)


@every_objective
@pytest.mark.parametrize(("seen", "taught"), [(3, 3), (4, 2)])
def test_many_views_are_compared_in_all_ordered_pairs(objective: AbstractObjective, seen: int, taught: int) -> None:
    online, teacher = views(seen, (3, 2, 4), 0), views(taught, (3, 2, 4), 10)
    assert value(objective, online, teacher) == pytest.approx(naive(objective, online, teacher), rel=1e-4)


@every_objective
def test_duplicate_vectors_are_told_apart_by_their_number_alone(objective: AbstractObjective) -> None:
    once = random_objects(2, 3, 4, seed=0, absent=0.0)
    vectors = once.vectors.clone()
    vectors[:, 2] = vectors[:, 0]
    vectors[1] = vectors[0]
    twice = Objects(vectors, once.present)
    online, teacher = [twice, twice], [twice, once]
    assert value(objective, online, teacher) == pytest.approx(naive(objective, online, teacher), rel=1e-4, abs=1e-5)


@every_objective
def test_the_loss_does_not_depend_on_the_order_of_items_or_the_numbering_of_objects(
    objective: AbstractObjective,
) -> None:
    online, teacher = views(2, (4, 3, 5), 0), views(2, (4, 3, 5), 10)
    items, objects = torch.tensor([2, 0, 3, 1]), torch.tensor([1, 2, 0])

    def moved(views: list[Objects]) -> list[Objects]:
        return [Objects(view.vectors[items][:, objects], view.present[items][:, objects]) for view in views]

    plain = value(objective, online, teacher)
    assert value(objective, moved(online), moved(teacher)) == pytest.approx(plain, rel=1e-5)
    assert plain > 0.1


@every_objective
def test_the_lengths_of_vectors_do_not_matter(objective: AbstractObjective) -> None:
    online, teacher = views(2, (3, 3, 5), 0), views(2, (3, 3, 5), 10)
    longer = [Objects(view.vectors * (7.0 + number), view.present) for number, view in enumerate(online)]
    assert value(objective, longer, teacher) == pytest.approx(value(objective, online, teacher), rel=1e-5)


@every_objective
@pytest.mark.parametrize("why", ["nothing is present", "nothing is shared"])
def test_a_batch_without_shared_objects_gives_a_zero_loss_with_zero_gradient(
    objective: AbstractObjective, why: str
) -> None:
    here = torch.zeros(3, 2, dtype=torch.bool)
    there = here.clone()
    if why == "nothing is shared":
        here[:, 0], there[:, 1] = True, True
    vectors = torch.randn(2, 3, 2, 4, generator=seeded()).requires_grad_()
    online = (Objects(vectors[0] * here[..., None], here), Objects(vectors[1] * there[..., None], there))
    loss = objective(online, online, bare_batch(3)).value
    loss.backward()
    assert loss.item() == 0
    assert vectors.grad is not None
    assert not bool(vectors.grad.any())  # NaN would count as true


@every_objective
def test_what_an_absent_object_holds_changes_nothing(objective: AbstractObjective) -> None:
    online, teacher = views(2, (3, 4, 5), 0), views(2, (3, 4, 5), 10)

    def filled(views: list[Objects]) -> list[Objects]:
        return [Objects(torch.where(view.present[..., None], view.vectors, 3.0), view.present) for view in views]

    assert not bool(torch.stack([view.present for view in online + teacher]).all())
    assert value(objective, filled(online), filled(teacher)) == value(objective, online, teacher)


@every_objective
def test_the_gradient_is_the_slope_of_the_loss(objective: AbstractObjective) -> None:
    """Central differences: losses run in float32, so the step is large and the tolerance wide."""
    present = [random_objects(3, 2, 4, seed=view, absent=0.2).present for view in range(2)]
    teacher = tuple(random_objects(3, 2, 4, seed=10 + view, absent=0.2) for view in range(2))
    vectors = torch.randn(2, 3, 2, 4, generator=seeded(5))

    def loss(vectors: Tensor) -> Tensor:
        online = tuple(Objects(vectors[view], present[view]) for view in range(2))
        value: Tensor = objective(online, teacher, bare_batch(3)).value
        return value

    leaf = vectors.clone().requires_grad_()
    loss(leaf).backward()
    assert leaf.grad is not None
    for trial in range(6):
        direction = torch.randn(vectors.shape, generator=seeded(20 + trial))
        slope = (float(loss(vectors + 1e-2 * direction)) - float(loss(vectors - 1e-2 * direction))) / 2e-2
        assert float((leaf.grad * direction).sum()) == pytest.approx(slope, rel=2e-2, abs=2e-3)
    assert leaf.grad.abs().max() > 1e-2


@every_objective
def test_zero_vectors_give_finite_gradients(objective: AbstractObjective) -> None:
    here = torch.ones(2, 2, dtype=torch.bool)
    vectors = torch.zeros(2, 2, 2, 3).requires_grad_()
    teacher = tuple(views(2, (2, 2, 3), 0, absent=0.0))
    objective((Objects(vectors[0], here), Objects(vectors[1], here)), teacher, bare_batch(2)).value.backward()
    assert vectors.grad is not None
    assert bool(vectors.grad.isfinite().all())


@every_objective
def test_the_parts_are_named_and_without_history(objective: AbstractObjective) -> None:
    online = tuple(Objects(view.vectors.requires_grad_(), view.present) for view in views(2, (3, 2, 4), 0))
    loss = objective(online, tuple(views(2, (3, 2, 4), 10)), bare_batch(3))
    assert loss.parts
    assert loss.value.requires_grad
    assert not any(part.requires_grad for part in loss.parts.values())
    objective.observe(tuple(views(2, (3, 2, 4), 10)), bare_batch(3))


@every_objective
def test_one_view_alone_is_refused(objective: AbstractObjective) -> None:
    with pytest.raises(ValueError, match="at least two views, got one"):
        value(objective, views(1, (2, 2, 3), 0), views(1, (2, 2, 3), 10))


def test_regression_lets_no_gradient_into_the_teacher_and_contrast_does_if_it_is_shared() -> None:
    here = torch.ones(2, 2, dtype=torch.bool)
    online = Objects(torch.randn(2, 2, 3, generator=seeded(1)).requires_grad_(), here)
    for loss, enters in ((regression, False), (contrastive, True)):
        teacher = torch.randn(2, 2, 3, generator=seeded(2)).requires_grad_()
        loss(online, Objects(teacher, here)).backward()
        assert (teacher.grad is not None) == enters


def test_options_of_the_contrastive_loss_choose_its_negatives() -> None:
    """One item, two objects, orthogonal vectors: every loss is a closed formula."""
    here = torch.ones(1, 2, dtype=torch.bool)
    axes = Objects(torch.eye(2)[None], here)
    e = math.e
    assert float(contrastive(axes, axes, 1.0)) == pytest.approx(math.log((e + 1) / e), rel=1e-5)
    assert float(contrastive(axes, axes, 1.0, same_item=False)) == pytest.approx(0.0, abs=1e-6)
    both = contrastive(axes, axes, 1.0, same_view=axes)
    assert float(both) == pytest.approx(math.log((e + 2) / e), rel=1e-5)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="temperature must be positive, got 0"):
        Contrastive(temperature=0.0)
    with pytest.raises(ValueError, match="at least one"):
        Combined()
