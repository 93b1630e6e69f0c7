"""Laws 5, 7 and 11 of every objective: the equations in naive loops, the numbering irrelevant, absence harmless."""

import math
from collections.abc import Callable
from typing import final

import pytest
import torch
from torch import Tensor, nn

from gestalt.core.data.segmentation import Objects
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.objectives import (
    AbstractObjective,
    Combined,
    Contrastive,
    Loss,
    Queue,
    Regression,
    Relic,
    Semantic,
    contrastive,
)
from gestalt.core.optimization.after_step import AfterStep
from tests.few_label_objectives import SUPPORTED
from tests.implementations import EVERY_OBJECTIVE, PROGRESS, WITH_THEMSELVES, labelled, output, random_objects, seeded
from tests.oracles import naive, naive_relic, naive_semantic

Build = Callable[[int, int], AbstractObjective]
every_objective = pytest.mark.parametrize("build", EVERY_OBJECTIVE.values(), ids=EVERY_OBJECTIVE)
SHAPES = [(1, 1, 4), (1, 3, 2), (2, 1, 3), (3, 4, 5), (4, 2, 6)]
LENGTH_MATTERS = {
    "contrastive by dot product",
    "regression, plain",
    "regression, cross-entropy",
    "semantic, by distance",
}
STOPPED = {"relic", "semantic with invariance"}
"""A stopped gradient is not the slope of the loss."""


def views(count: int, shape: tuple[int, int, int], seed: int, absent: float = 0.3) -> list[Objects]:
    return [random_objects(*shape, seed=seed + view, absent=absent) for view in range(count)]


def built(build: Build, teacher: list[Objects]) -> AbstractObjective:
    return build(teacher[0].vectors.shape[2], len(teacher))


def value(build: Build, online: list[Objects], teacher: list[Objects], known: BatchInfo | None = None) -> float:
    known = labelled(online[0]) if known is None else known
    return float(built(build, teacher)(tuple(online), tuple(teacher), known).value.detach())


def expected(build: Build, online: list[Objects], teacher: list[Objects]) -> float:
    return naive(built(build, teacher), online, teacher, labelled(online[0]))


@every_objective
@pytest.mark.parametrize("absent", [0.0, 0.4])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_is_that_of_a_naive_loop_over_its_equation(
    build: Build, shape: tuple[int, int, int], absent: float
) -> None:
    online, teacher = views(2, shape, 0, absent), views(2, shape, 10, absent)
    assert value(build, online, teacher) == pytest.approx(expected(build, online, teacher), rel=1e-4, abs=1e-5)


ASKING = {
    name: build
    for name, build in (EVERY_OBJECTIVE | WITH_THEMSELVES).items()
    if name.startswith(("semantic", "supervised")) or name in WITH_THEMSELVES
}


@pytest.mark.parametrize(("seen", "taught"), [(2, 2), (3, 2)])
@pytest.mark.parametrize("shape", [(6, 1, 3), (5, 3, 4)])
@pytest.mark.parametrize("name", ASKING)
def test_objects_that_share_a_class_are_positives_of_one_another_as_in_the_naive_loop(
    name: str, shape: tuple[int, int, int], seen: int, taught: int
) -> None:
    """Two classes for many objects: what is drawn, guessed and summed depends on which of them are alike."""
    online, teacher = views(seen, shape, 0), views(taught, shape, 10)
    known, again = (labelled(online[0], classes=2, seed=4) for _ in range(2))
    classes = known.labels[known.labels >= 0]
    assert 1 < len(classes.unique()) < len(classes)
    found = value(ASKING[name], online, teacher, known)
    assert found == pytest.approx(naive(built(ASKING[name], teacher), online, teacher, again), rel=1e-4, abs=1e-5)


@every_objective
@pytest.mark.parametrize(("seen", "taught"), [(3, 3), (4, 2)])
def test_many_views_are_compared_in_all_ordered_pairs(build: Build, seen: int, taught: int) -> None:
    online, teacher = views(seen, (3, 2, 4), 0), views(taught, (3, 2, 4), 10)
    assert value(build, online, teacher) == pytest.approx(expected(build, online, teacher), rel=1e-4)


@every_objective
def test_duplicate_vectors_are_distinguished_by_their_number_alone(build: Build) -> None:
    once = random_objects(2, 3, 4, seed=0, absent=0.0)
    vectors = once.vectors.clone()
    vectors[:, 2] = vectors[:, 0]
    vectors[1] = vectors[0]
    twice = Objects(vectors, once.present)
    online, teacher = [twice, twice], [twice, once]
    assert value(build, online, teacher) == pytest.approx(expected(build, online, teacher), rel=1e-4, abs=1e-5)


@every_objective
def test_the_loss_does_not_depend_on_the_order_of_items_or_the_numbering_of_objects(
    build: Build,
) -> None:
    online, teacher = views(2, (4, 3, 5), 0), views(2, (4, 3, 5), 10)
    items, objects = torch.tensor([2, 0, 3, 1]), torch.tensor([1, 2, 0])

    def moved(views: list[Objects]) -> list[Objects]:
        return [Objects(view.vectors[items][:, objects], view.present[items][:, objects]) for view in views]

    known = labelled(online[0])
    plain = value(build, online, teacher, known)
    other = BatchInfo(known.index[items], known.labels[items][:, objects], seeded())
    assert value(build, moved(online), moved(teacher), other) == pytest.approx(plain, rel=1e-4)
    assert plain > 0.1


@pytest.mark.parametrize("name", [name for name in EVERY_OBJECTIVE if name not in LENGTH_MATTERS])
def test_the_lengths_of_vectors_do_not_matter(name: str) -> None:
    build = EVERY_OBJECTIVE[name]
    online, teacher = views(2, (3, 3, 5), 0), views(2, (3, 3, 5), 10)
    longer = [Objects(view.vectors * (7.0 + number), view.present) for number, view in enumerate(online)]
    assert value(build, longer, teacher) == pytest.approx(value(build, online, teacher), rel=1e-5)


@every_objective
@pytest.mark.parametrize("why", ["nothing is present", "nothing is shared"])
def test_a_batch_without_shared_objects_gives_a_zero_loss_with_zero_gradient(build: Build, why: str) -> None:
    here = torch.zeros(3, 2, dtype=torch.bool)
    there = here.clone()
    if why == "nothing is shared":
        here[:, 0], there[:, 1] = True, True
    vectors = torch.randn(2, 3, 2, 4, generator=seeded()).requires_grad_()
    online = (Objects(vectors[0] * here[..., None], here), Objects(vectors[1] * there[..., None], there))
    loss = build(4, 2)(online, online, labelled(online[0])).value
    loss.backward()
    assert loss.item() == 0
    assert vectors.grad is not None
    assert not bool(vectors.grad.any())  # NaN would count as true


@every_objective
def test_what_an_absent_object_holds_changes_nothing(build: Build) -> None:
    online, teacher = views(2, (3, 4, 5), 0), views(2, (3, 4, 5), 10)

    def filled(views: list[Objects]) -> list[Objects]:
        return [Objects(torch.where(view.present[..., None], view.vectors, 3.0), view.present) for view in views]

    assert not bool(torch.stack([view.present for view in online + teacher]).all())
    assert value(build, filled(online), filled(teacher)) == value(build, online, teacher)


SLOPES = {name: build for name, build in EVERY_OBJECTIVE.items() if name not in STOPPED and name not in SUPPORTED} | {
    "semantic with drawn negatives": lambda dim, views: Semantic(
        Queue(40, dim, views), negatives=2, positives=2, same_view=True
    )
}


def doubled() -> tuple[list[Tensor], tuple[Objects, ...], Tensor]:
    """Which objects are there in two views, those of the teacher, and the vectors, in double precision."""
    present = [random_objects(3, 2, 4, seed=view, absent=0.2).present for view in range(2)]
    taught = [random_objects(3, 2, 4, seed=10 + view, absent=0.2) for view in range(2)]
    teacher = tuple(Objects(view.vectors.double(), view.present) for view in taught)
    return present, teacher, torch.randn(2, 3, 2, 4, generator=seeded(5)).double()


def assert_slope(gradient: Tensor, loss: Callable[[Tensor], float], vectors: Tensor, rel: float = 1e-5) -> None:
    """Central differences in double precision, in six directions."""
    for trial in range(6):
        direction = torch.randn(vectors.shape, generator=seeded(20 + trial)).double()
        slope = (loss(vectors + 1e-5 * direction) - loss(vectors - 1e-5 * direction)) / 2e-5
        assert float((gradient * direction).sum()) == pytest.approx(slope, rel=rel, abs=1e-7)
    assert gradient.abs().max() > 1e-2


@pytest.mark.parametrize("name", SLOPES)
def test_the_gradient_is_the_slope_of_the_loss(name: str) -> None:
    present, teacher, vectors = doubled()

    def loss(vectors: Tensor) -> Tensor:
        online = tuple(Objects(vectors[view], present[view]) for view in range(2))
        value: Tensor = SLOPES[name](4, 2)(online, teacher, labelled(online[0], classes=2)).value
        return value

    leaf = vectors.clone().requires_grad_()
    loss(leaf).backward()
    assert leaf.grad is not None
    assert_slope(leaf.grad, lambda moved: float(loss(moved).detach()), vectors)


@pytest.mark.parametrize("name", [*sorted(STOPPED), *WITH_THEMSELVES])
def test_the_gradient_of_a_penalty_is_its_slope_with_what_it_is_held_against_frozen(name: str) -> None:
    """The slope is that of the naive loop, whose references do not move: the gradient is stopped at one side."""
    present, teacher, vectors = doubled()
    objective = (EVERY_OBJECTIVE | WITH_THEMSELVES)[name](4, 2)

    def shown(vectors: Tensor) -> list[Objects]:
        return [Objects(vectors[view], present[view]) for view in range(2)]

    def loss(moved: Tensor) -> float:
        if isinstance(objective, Relic):
            return naive_relic(objective, shown(moved), list(teacher), shown(vectors))
        assert isinstance(objective, Semantic)
        known = labelled(shown(vectors)[0], classes=2)
        return naive_semantic(objective, shown(moved), list(teacher), known, shown(vectors))

    leaf = vectors.clone().requires_grad_()
    online = tuple(shown(leaf))
    objective(online, teacher, labelled(online[0], classes=2)).value.backward()
    assert leaf.grad is not None
    # The queue keeps its embeddings in float32, and so are the positives that come from it.
    assert_slope(leaf.grad, loss, vectors, rel=1e-4)


@every_objective
def test_zero_vectors_give_finite_gradients(build: Build) -> None:
    here = torch.ones(2, 2, dtype=torch.bool)
    vectors = torch.zeros(2, 2, 2, 3).requires_grad_()
    teacher = tuple(views(2, (2, 2, 3), 0, absent=0.0))
    online = (Objects(vectors[0], here), Objects(vectors[1], here))
    build(3, 2)(online, teacher, labelled(online[0])).value.backward()
    assert vectors.grad is not None
    assert bool(vectors.grad.isfinite().all())


@every_objective
def test_the_parts_are_named_and_without_history(build: Build) -> None:
    online = tuple(Objects(view.vectors.requires_grad_(), view.present) for view in views(2, (3, 2, 4), 0))
    objective = build(4, 2)
    loss = objective(online, tuple(views(2, (3, 2, 4), 10)), labelled(online[0]))
    assert loss.parts
    assert loss.value.requires_grad
    assert not any(part.requires_grad for part in loss.parts.values())
    if isinstance(objective, AfterStep):
        objective.after_step([output(tuple(views(2, (3, 2, 4), 10)), labelled(online[0]))], PROGRESS)
    again = objective(online, tuple(views(2, (3, 2, 4), 10)), labelled(online[0]))
    assert list(again.parts) == list(loss.parts)


@every_objective
def test_one_view_alone_is_refused(build: Build) -> None:
    with pytest.raises(ValueError, match="at least two views, got one"):
        value(build, views(1, (2, 2, 3), 0), views(1, (2, 2, 3), 10))


def test_regression_lets_no_gradient_into_the_teacher_and_contrast_does_if_it_is_shared() -> None:
    here = torch.ones(2, 2, dtype=torch.bool)
    online = Objects(torch.randn(2, 2, 3, generator=seeded(1)).requires_grad_(), here)
    for objective, enters in ((Regression(), False), (Contrastive(), True)):
        teacher = torch.randn(2, 2, 3, generator=seeded(2)).requires_grad_()
        taught = Objects(teacher, here)
        objective((online, online), (taught, taught), labelled(online)).value.backward()
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


def test_objectives_that_compare_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="from the same item, from other items, or from both; got neither"):
        Contrastive(same_item=False, other_items=False)
    with pytest.raises(ValueError, match="at least one"):
        Combined([], [])
    with pytest.raises(ValueError, match="one weight for each, got 1 objectives and 2 weights"):
        Combined([Contrastive()], [1.0, 2.0])


@final
class _Prototypes(AbstractObjective):
    """An objective with a trained part."""

    def __init__(self) -> None:
        super().__init__()
        self.prototypes = nn.Linear(4, 3)

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The sum of what the prototypes say of the first view."""
        return Loss(self.prototypes(online[0].vectors).sum())

    def heads(self) -> dict[str, nn.Module]:
        """The prototypes."""
        return {"prototypes": self.prototypes}


def test_combined_objectives_keep_the_heads_of_each_under_names_of_their_own() -> None:
    first, second = _Prototypes(), _Prototypes()
    heads = Combined([first, Regression(), second], [1.0, 1.0, 1.0]).heads()
    assert list(heads) == ["prototypes", "prototypes 3"]
    assert heads["prototypes"] is first.prototypes
    assert heads["prototypes 3"] is second.prototypes
