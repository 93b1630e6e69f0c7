"""PAWS and SimMatch: the equations by naive loops, special cases, state, refusals, and that they learn."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from gestalt.core.data.segmentation import Objects
from gestalt.core.losses import sharpened, soft_neighbours
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.objectives import AbstractObjective, Paws, Queue, SimMatch
from gestalt.core.methods.presets import preset_named
from gestalt.core.methods.settings import Heads
from gestalt.core.optimization.progress import Progress
from tests.few_label_objectives import SUPPORTED, naive_paws, naive_simmatch
from tests.implementations import DATA, PROGRESS, make_batch, output, random_objects, seeded
from tests.small_learners import batch, built, trained
from tests.toy import point_items

CLASSES = 5


def known(labels: list[int], objects: int, step: int = 0, shift: int = 0) -> BatchInfo:
    """Items whose objects all have the item's class, in the order of their numbers."""
    rows = torch.tensor(labels)
    return BatchInfo(
        torch.arange(len(labels)) + shift, rows[:, None].expand(-1, objects), seeded(), Progress(step, 10, 2)
    )


def views(count: int, objects: int, dim: int, seed: int, items: int = 7) -> list[Objects]:
    return [random_objects(items, objects, dim, seed=seed + place, absent=0.2) for place in range(count)]


LABELS = [0, -1, 3, 0, 1, -1, -1]


@pytest.mark.parametrize(("seen", "taught"), [(2, 2), (3, 2), (4, 3)])
@pytest.mark.parametrize("name", SUPPORTED)
def test_paws_is_its_equation_in_a_naive_loop_over_steps_and_any_number_of_views(
    name: str, seen: int, taught: int
) -> None:
    objective = SUPPORTED[name](4, taught)
    assert isinstance(objective, Paws)
    for step in range(3):
        online, teacher, info = views(seen, 2, 4, 20 * step), views(taught, 2, 4, 20 * step + 10), known(LABELS, 2)
        found = objective(tuple(online), tuple(teacher), info)
        assert float(found.value) == pytest.approx(naive_paws(objective, online, teacher, info), rel=1e-4)
        compared = output(tuple(teacher), info)
        compared = replace(compared, details=replace(compared.details, online=tuple(online)))
        objective.after_step([compared], PROGRESS)
        if objective.queue is not None and objective.predicted is not None:
            assert int((objective.queue.labels >= 0).any(dim=0).sum()) == min(12, 8 * (step + 1))
            assert not torch.equal(objective.queue.vectors, objective.predicted.vectors)


@pytest.mark.parametrize(("seen", "taught"), [(2, 2), (3, 2)])
def test_simmatch_is_its_equation_in_a_naive_loop_over_steps(seen: int, taught: int) -> None:
    objective = SimMatch(7, 4, CLASSES, threshold=0.3, batches=3)
    terms = []
    for step in range(5):
        online, teacher = (views(count, 1, 4 + CLASSES, 30 * step + part) for count, part in ((seen, 0), (taught, 9)))
        info = known(LABELS, 1, step)
        found = objective(tuple(online), tuple(teacher), info)
        assert float(found.value) == pytest.approx(naive_simmatch(objective, online, teacher, info), rel=1e-4)
        terms.append(float(found.parts["instances"]))
        objective.after_step([output(tuple(teacher), info)], PROGRESS)
    assert terms[:2] == [0, 0], "the memory fills for an epoch"
    assert min(terms[2:]) > 0
    assert set(objective.bank_labels.tolist()) == {-1, 0, 1, 3}


def slope(objective: AbstractObjective, width: int, objects: int, classes: list[int], step: int) -> None:
    """Central differences in double precision."""
    present = torch.ones(len(classes), objects, dtype=torch.bool)
    vectors = torch.randn(2, len(classes), objects, width, generator=seeded(5)).double()
    teacher = tuple(
        Objects(torch.randn(len(classes), objects, width, generator=seeded(8 + place)).double(), present)
        for place in range(2)
    )

    def loss(moved: Tensor) -> Tensor:
        online = tuple(Objects(moved[place], present) for place in range(2))
        value: Tensor = objective(online, teacher, known(classes, objects, step)).value
        return value

    leaf = vectors.clone().requires_grad_()
    loss(leaf).backward()
    assert leaf.grad is not None
    assert float(leaf.grad.abs().max()) > 1e-3
    for trial in range(4):
        direction = torch.randn(vectors.shape, generator=seeded(20 + trial)).double()
        found = float(loss(vectors + 1e-5 * direction) - loss(vectors - 1e-5 * direction)) / 2e-5
        assert float((leaf.grad * direction).sum()) == pytest.approx(found, rel=1e-4, abs=1e-7)


def test_the_gradient_of_both_is_the_slope_of_the_loss_and_reaches_the_labelled_items() -> None:
    slope(Paws(CLASSES), 4, 2, LABELS, 0)
    objective = SimMatch(7, 4, CLASSES, threshold=0.0)
    objective.after_step([output(tuple(views(2, 1, 4 + CLASSES, 3)), known(LABELS, 1))], PROGRESS)
    slope(objective, 4 + CLASSES, 1, LABELS, 5)


def test_soft_neighbours_with_one_label_of_each_class_are_a_soft_max_of_similarities() -> None:
    query, support = torch.randn(6, 4, generator=seeded(1)), torch.randn(3, 4, generator=seeded(2))
    found = soft_neighbours(query, support, torch.arange(3), 3, temperature=0.5)
    cosines = torch.nn.functional.cosine_similarity(query[:, None], support[None], dim=2)
    torch.testing.assert_close(found, (cosines / 0.5).softmax(dim=1))
    twice = soft_neighbours(
        query, torch.cat([support, support[:1], support[:1]]), torch.tensor([0, 1, 2, 0, 0]), 3, 0.5
    )
    torch.testing.assert_close(twice, found)  # a class weighs the same however often it is there
    unknown = soft_neighbours(query, torch.cat([support, query[:1]]), torch.tensor([0, 1, 2, -1]), 3, 0.5)
    torch.testing.assert_close(unknown, found)
    nobody = soft_neighbours(query, support[:0], torch.arange(0), 3)
    torch.testing.assert_close(nobody, torch.full((6, 3), 1 / 3))


def test_sharpening_leaves_the_order_and_makes_the_first_surer() -> None:
    p = torch.tensor([[0.5, 0.3, 0.2]])
    torch.testing.assert_close(sharpened(p, 1.0), p)
    assert float(sharpened(p, 0.25)[0, 0]) > 0.85
    assert sharpened(p, 0.25).argsort().tolist() == p.argsort().tolist()


@pytest.mark.parametrize("name", ["paws", "simmatch"])
def test_without_labels_the_methods_are_refused_and_a_batch_without_any_gives_a_zero_gradient(name: str) -> None:
    with pytest.raises(ValueError, match="learns from classes of some items, and there are none"):
        built(name, replace(DATA, target=None))
    learner = built(name)
    outcome = learner(replace(batch(), labels=None), seeded(), Progress(0, 10, 2))
    outcome.loss.backward()
    assert bool(outcome.loss.isfinite())


def test_one_item_is_not_told_by_itself() -> None:
    """The only labelled item asks nobody, so nothing is learned of it, and all others ask it."""
    objective = Paws(CLASSES)
    online = tuple(views(2, 1, 4, 0))
    alone = known([2, -1, -1, -1, -1, -1, -1], 1)
    found = objective(online, online, alone)
    assert bool(found.parts["pseudo_label_accuracy"].isnan())
    assert float(found.parts["entropy"]) < 1.6, "all are of the one class"


LEARNED: dict[str, Callable[[], Any]] = {
    "paws": lambda: built("paws", heads=Heads(16, 8)),
    "simmatch": lambda: built("simmatch", heads=Heads(16, 8), instances=0.0),
}


@pytest.mark.parametrize("name", LEARNED)
def test_a_few_steps_learn(name: str) -> None:
    apart = [item + 5 * (number % 2) for number, item in enumerate(point_items(18))]
    losses = trained(LEARNED[name](), 60, make_batch("points", apart), epoch=10)
    assert sum(losses[-5:]) / 5 < losses[0] - 0.05


def test_what_does_not_fit_is_refused_by_name() -> None:
    objective = SimMatch(3, 4, CLASSES)
    seen = tuple(views(2, 1, 4 + CLASSES, 0))
    with pytest.raises(ValueError, match="memory has 3 places, got item number 6"):
        objective(seen, seen, known(LABELS, 1))
    with pytest.raises(ValueError, match="one place per item, got 2 objects"):
        objective(*[tuple(views(2, 2, 9, 0))] * 2, known(LABELS, 2))
    with pytest.raises(ValueError, match="embeddings of 4 with 5 logits behind them, got vectors of 6"):
        SimMatch(9, 4, CLASSES)(*[tuple(views(2, 1, 6, 0))] * 2, known(LABELS, 1))
    with pytest.raises(ValueError, match="at least two views, got one"):
        SimMatch(9, 4, CLASSES)(seen[:1], seen[:1], known(LABELS, 1))
    with pytest.raises(ValueError, match="give both queues or neither"):
        Paws(CLASSES, queue=Queue(4, 3))
    with pytest.raises(ValueError, match="SimMatch compares projections"):
        built("simmatch", heads=Heads(8, None))


def test_the_weak_view_of_simmatch_is_the_untransformed_item() -> None:
    assert preset_named("simmatch").method.inputs.teacher_sees == "source"  # type: ignore[attr-defined]
    details = built("simmatch")(batch(), seeded(), PROGRESS).details
    assert torch.equal(details.teacher[0].vectors, details.teacher[1].vectors)
