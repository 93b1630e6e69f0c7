"""SemPPL's parts one by one: the queue, the pseudo-labels, the draws; and the bank of instance discrimination."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gestalt.core.data.segmentation import Objects
from gestalt.core.losses.semantic_positives import drawn
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.objectives import Moco, Npid, Queue, Relic, Semantic, pseudo_labels
from gestalt.core.methods.objectives.comparison import choose_negatives, compare, divergence
from gestalt.core.methods.objectives.queue import Entries
from tests.implementations import PROGRESS, labelled, output, random_objects, seeded
from tests.oracles import cosine


def objects(vectors: Tensor, present: Tensor | None = None) -> Objects:
    """One object per row."""
    present = torch.ones(len(vectors), dtype=torch.bool) if present is None else present
    return Objects(vectors[:, None] * present[:, None, None], present[:, None])


def known(labels: list[int], start: int = 0) -> BatchInfo:
    return BatchInfo(torch.arange(start, start + len(labels)), torch.tensor(labels)[:, None], seeded())


def push(queue: Queue, vectors: Tensor, labels: list[int], start: int = 0) -> None:
    there = known(labels, start)
    queue.keep(queue.pushed((objects(vectors),) * len(queue.vectors), there.labels, there.index, there.labels >= 0))


def test_a_new_queue_holds_random_unit_vectors_that_no_label_ever_chooses() -> None:
    queue = Queue(capacity=50, dim=6, views=2)
    torch.testing.assert_close(queue.vectors.norm(dim=2), torch.ones(2, 50))
    assert float(queue.vectors.std()) > 0.3
    assert set(queue.labels.flatten().tolist()) == {-1}
    views = tuple(random_objects(4, 2, 6, seed=view, absent=0.0) for view in range(2))
    labels = torch.full((4, 2), -1)
    nothing = queue.pushed(views, labels, torch.arange(4), labels >= 0)
    assert pseudo_labels(views, nothing, torch.arange(4), neighbours=3).tolist() == [[-1, -1]] * 4
    assert drawn(nothing.labels[0], torch.tensor([0, -1, 5]), torch.rand(3)).tolist() == [-1, -1, -1]


@given(st.lists(st.lists(st.integers(-1, 3), min_size=1, max_size=4), max_size=6))
def test_a_queue_keeps_the_newest_labelled_rows_in_their_order(steps: list[list[int]]) -> None:
    queue, expected, number = Queue(capacity=5, dim=2), list[tuple[float, int, int, int]](), 0
    for labels in steps:
        vectors = torch.arange(number, number + len(labels)).float()[:, None] + torch.zeros(2)
        push(queue, vectors, labels, start=number)
        fresh = [(float(number + n), label, number + n, 0) for n, label in enumerate(labels) if label >= 0]
        expected = [*fresh, *((v, label, index, age + 1) for v, label, index, age in expected)][:5]
        number += len(labels)
    rows = zip(
        queue.vectors[0, :, 0].tolist(), queue.labels[0].tolist(), queue.index.tolist(), queue.age.tolist(), strict=True
    )
    assert [row for row in rows if row[1] >= 0] == expected


def test_a_view_that_does_not_show_an_object_leaves_it_unlabelled_there() -> None:
    queue = Queue(capacity=4, dim=2, views=2)
    here, there = torch.tensor([True, True, False]), torch.tensor([True, False, False])
    views = (objects(torch.ones(3, 2), here), objects(torch.ones(3, 2), there))
    labels = torch.tensor([[7], [8], [9]])
    entries = queue.pushed(views, labels, torch.arange(3), labels >= 0)
    assert entries.labels.tolist() == [[7, 8, -1, -1], [7, -1, -1, -1]]
    assert queue.labels.max() == -1  # nothing was changed yet


def test_a_queue_says_when_it_does_not_fit() -> None:
    queue, there = Queue(4, 3, 2), known([0])
    views = (objects(torch.ones(1, 2)),)
    with pytest.raises(ValueError, match="built for 2 views of the teacher and vectors of 3, got 1 and 2"):
        queue.pushed(views, there.labels, there.index, there.labels >= 0)


NEAR = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])


def guess(query: Tensor, labels: list[int], neighbours: int, keys: Tensor = NEAR, **more: str) -> int:
    queue = Queue(capacity=8, dim=2)
    push(queue, keys, labels, start=10)
    there = known([-1])
    entries = queue.pushed((objects(query[None]),), there.labels, there.index, there.labels >= 0)
    return int(pseudo_labels((objects(query[None]),), entries, there.index, neighbours, **more))  # type: ignore[arg-type]


def test_one_neighbour_gives_its_label_and_several_vote() -> None:
    query = torch.tensor([1.0, 0.01])
    assert guess(query, [3, 5, 5], 1) == 3
    assert guess(query, [3, 5, 5], 3) == 5
    assert guess(query, [3, 5, 4], 3) == 3  # a tie: the nearest
    assert guess(query, [5, 4, 3], 50) == 5
    assert guess(query, [-1, -1, 4], 1) == 4  # rows without label are not asked


def test_distance_and_angle_differ_where_lengths_do() -> None:
    keys = torch.tensor([[10.0, 0.0], [0.5, 0.5], [-9.0, 0.0]])
    query = torch.tensor([1.0, 0.0])
    assert guess(query, [1, 2, 3], 1, keys) == 1
    assert guess(query, [1, 2, 3], 1, keys, metric="euclidean") == 2


def test_an_items_own_entry_tells_it_nothing() -> None:
    queue = Queue(capacity=8, dim=2)
    there = known([1, 2, 2])
    views = (objects(NEAR),)
    entries = queue.pushed(views, there.labels, there.index, there.labels >= 0)
    assert pseudo_labels(views, entries, there.index).flatten().tolist() == [2, 1, 2]


def test_views_vote_together_with_a_search_of_their_own_each() -> None:
    queue = Queue(capacity=8, dim=2, views=2)
    there = known([1, 2], start=10)
    first = objects(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    second = objects(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    queue.keep(queue.pushed((first, second), there.labels, there.index, there.labels >= 0))
    asks = known([-1])
    query = (objects(torch.tensor([[1.0, 0.1]])), objects(torch.tensor([[0.9, 0.2]])))
    entries = queue.pushed(query, asks.labels, asks.index, asks.labels >= 0)
    # View one of the queue says 1 twice, view two says 2 twice; the first is nearer by a hair in neither: class 1.
    assert int(pseudo_labels(query, entries, asks.index)) == 1
    absent = (query[0], objects(torch.tensor([[0.0, 1.0]]), torch.tensor([False])))
    assert int(pseudo_labels(absent, entries, asks.index)) == 1


def test_every_view_of_the_queue_has_a_vote() -> None:
    """Three views of a queue, one of an item: the first view's neighbour says 1, those of the two others say 2."""
    queue = Queue(capacity=8, dim=2, views=3)
    there = known([1, 2], start=10)
    near_one, near_two = objects(torch.eye(2)), objects(torch.eye(2).flip(0))
    queue.keep(queue.pushed((near_one, near_two, near_two), there.labels, there.index, there.labels >= 0))
    asks, query = known([-1]), objects(torch.tensor([[1.0, 0.1]]))
    entries = queue.pushed((query,) * 3, asks.labels, asks.index, asks.labels >= 0)
    assert int(pseudo_labels((query,), entries, asks.index)) == 2
    # Three views of an item as well: two that are near 2 in the first view of the queue outvote one that is not.
    queue.keep(queue.pushed((near_one,) * 3, there.labels, there.index, there.labels >= 0))
    other = objects(torch.tensor([[0.1, 1.0]]))
    entries = queue.pushed((query,) * 3, asks.labels, asks.index, asks.labels >= 0)
    fresh = Entries(entries.vectors[:, :2], entries.labels[:, :2], entries.index[:2], entries.age[:2])
    assert int(pseudo_labels((query, other, other), fresh, asks.index)) == 2
    assert int(pseudo_labels((query, query, other), fresh, asks.index)) == 1


def test_positives_are_drawn_evenly_from_the_entries_of_their_class() -> None:
    labels = torch.tensor([2, 0, 2, -1, 2, 1])
    uniform = torch.rand(6000, generator=seeded())
    place = drawn(labels, torch.full((6000,), 2), uniform)
    assert set(place.tolist()) == {0, 2, 4}
    assert all(abs(int((place == p).sum()) - 2000) < 200 for p in (0, 2, 4))
    assert drawn(labels, torch.tensor([2]), torch.tensor([0.99999999])).tolist() == [4]


def test_drawn_negatives_are_as_many_as_asked_present_even_and_never_the_object_itself() -> None:
    view = random_objects(6, 2, 3, seed=1, absent=0.3)
    counts = torch.zeros(12, 12)
    for seed in range(200):
        chosen = choose_negatives((view, view), 4, same_item=False, generator=seeded(seed))
        assert chosen.sum(dim=1).tolist() == [4] * 12
        counts += chosen
    present = view.present.flatten()
    assert not bool(counts[:, ~present].any())
    for row in range(12):
        others = [c for c in range(12) if present[c] and c // 2 != row // 2]
        assert not bool(counts[row, [c for c in range(12) if c // 2 == row // 2]].any())
        expected = 200 * 4 / len(others)
        assert all(abs(float(counts[row, c]) - expected) < 6 * math.sqrt(expected) for c in others)
    everything = choose_negatives((view, view), None, same_item=True, generator=seeded())
    assert torch.equal(everything, ~torch.eye(12, dtype=torch.bool))
    many = choose_negatives((view,), 50, same_item=True, generator=seeded())
    assert torch.equal(many, ~torch.eye(12, dtype=torch.bool) & present)


def test_the_gradient_of_the_divergence_is_its_slope_with_the_reference_held_still() -> None:
    present = torch.tensor([[True, True], [True, False], [True, True]])
    teacher = [Objects(torch.randn(3, 2, 4, generator=seeded(n)).double(), present) for n in range(2)]
    others = choose_negatives(tuple(teacher), None, same_item=True, generator=seeded())
    vectors = torch.randn(3, 2, 4, generator=seeded(9)).double()
    reference = compare(Objects(vectors.flip(0), present), teacher[1], 0.5, others)

    def value(vectors: Tensor) -> Tensor:
        return divergence(compare(Objects(vectors, present), teacher[0], 0.5, others), reference)

    leaf = vectors.clone().requires_grad_()
    value(leaf).backward()
    assert leaf.grad is not None
    direction = torch.randn(3, 2, 4, generator=seeded(10)).double()
    slope = (value(vectors + 1e-5 * direction) - value(vectors - 1e-5 * direction)) / 2e-5
    assert float((leaf.grad * direction).sum()) == pytest.approx(float(slope), rel=1e-5)
    assert abs(float(slope)) > 1e-3


def test_a_prediction_that_is_the_same_in_both_views_is_not_penalised() -> None:
    view = random_objects(4, 2, 5, seed=3, absent=0.0)
    loss = Relic(negatives=None)((view, view), (view, view), labelled(view))
    assert float(loss.parts["invariance"]) == pytest.approx(0, abs=1e-6)
    other = random_objects(4, 2, 5, seed=4, absent=0.0)
    assert float(Relic()((view, other), (view, view), labelled(view)).parts["invariance"]) > 0.1


def test_what_is_logged_of_pseudo_labels_is_counted_right() -> None:
    """Six items in two groups; the third is labelled against its group, the last two are unlabelled."""
    vectors = torch.tensor([[1.0, 0], [1, 0.01], [1, 0.03], [0, 1], [0.01, 1], [1, 0.04]])
    view = objects(vectors)
    objective = Semantic(Queue(60, 2, 2))
    there = known([0, 0, 1, 1, -1, -1])
    parts = objective((view, view), (view, view), there).parts
    # Each is guessed without itself: 0 → 0 (item 1), 1 → 0 (item 0), 2 → 0 (item 1), wrongly, 3 → 1 (item 2).
    assert float(parts["pseudo_label_accuracy"]) == pytest.approx(3 / 4)
    assert float(parts["labelled_positives"]) == pytest.approx(4 / 6)
    assert float(parts["queue_age"]) == 0
    objective.after_step([output((view, view), there)], PROGRESS)
    later = objective((view, view), (view, view), known([-1] * 6, start=50)).parts
    assert float(later["queue_age"]) == 1
    assert float(later["labelled_positives"]) == 0
    assert bool(later["pseudo_label_accuracy"].isnan())


def test_an_object_that_only_one_side_sees_is_not_pulled_to_its_class() -> None:
    """Item 1 is unlabelled and like item 0, whose class it takes; the teacher does not see it in the other view."""
    vectors = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    here, there = torch.tensor([True, True, True]), torch.tensor([True, False, True])
    losses = []
    for second in (torch.tensor([0.9, 0.1]), torch.tensor([0.2, -0.9])):
        moved = vectors.clone()
        moved[1] = second
        online, teacher = (
            (objects(moved, here), objects(vectors, there)),
            (objects(vectors, here), objects(vectors, there)),
        )
        only_first = Semantic(Queue(30, 2, 2), same_view=False)
        losses.append(only_first(online, teacher, known([0, -1, 1])).parts["semantic"])
    torch.testing.assert_close(losses[0], losses[1])


def naive_npid(objective: Npid, online: list[Objects], index: list[int], noise: Tensor | None) -> float:
    """The equations, one item at a time; the bank's rows are taken as they are."""
    bank, t, n = objective.bank, objective.temperature, len(objective.bank)
    losses = []
    for view in online:
        units = [view.vectors[b, 0] / view.vectors[b, 0].norm() for b in range(len(index))]
        exps = [[math.exp(float(unit @ row) / t) for row in bank] for unit in units]
        here = [b for b in range(len(index)) if view.present[b, 0]]
        terms = []
        z = sum(sum(exps[b]) for b in here) / len(here)
        for b in here:
            if noise is None:
                terms.append(-math.log(exps[b][index[b]] / sum(exps[b])))
                continue
            share = noise.shape[1] / n
            right = [exps[b][int(k)] / z for k in (index[b], *noise[b])]
            terms.append(-math.log(right[0] / (right[0] + share)))
            terms[-1] -= sum(math.log(1 - p / (p + share)) for p in right[1:])
        losses.append(sum(terms) / len(terms))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("noise", [None, 3])
def test_instance_discrimination_is_that_of_a_naive_loop(noise: int | None) -> None:
    objective = Npid(items=7, dim=4, temperature=0.3, noise=noise)
    online = [random_objects(4, 1, 4, seed=seed, absent=0.3) for seed in (1, 2)]
    there = BatchInfo(torch.tensor([6, 0, 2, 5]), torch.full((4, 1), -1), seeded(5))
    value = float(objective(tuple(online), (), there).value)
    generator = seeded(5)
    values = []
    for view in online:
        noises = None if noise is None else torch.randint(7, (4, noise), generator=generator)
        values.append(naive_npid(objective, [view], [6, 0, 2, 5], noises))
    assert value == pytest.approx(sum(values) / 2, rel=1e-4)


@pytest.mark.parametrize("noise", [None, 3])
def test_the_gradient_of_instance_discrimination_is_its_slope(noise: int | None) -> None:
    """Central differences in double precision; the constant, once estimated, stands still."""
    objective = Npid(items=7, dim=4, temperature=0.5, noise=noise)
    present = random_objects(4, 1, 4, seed=1, absent=0.3).present
    vectors = torch.randn(4, 1, 4, generator=seeded(2)).double()
    objective.constant.fill_(50.0)

    def value(vectors: Tensor) -> Tensor:
        there = BatchInfo(torch.tensor([6, 0, 2, 5]), torch.full((4, 1), -1), seeded(5))
        loss: Tensor = objective((Objects(vectors, present),), (), there).value
        return loss

    leaf = vectors.clone().requires_grad_()
    value(leaf).backward()
    assert leaf.grad is not None
    for trial in range(4):
        direction = torch.randn(vectors.shape, generator=seeded(20 + trial)).double()
        slope = float(value(vectors + 1e-5 * direction) - value(vectors - 1e-5 * direction)) / 2e-5
        assert float((leaf.grad * direction).sum()) == pytest.approx(slope, rel=1e-5, abs=1e-8)
    assert float(leaf.grad.abs().max()) > 1e-2


def test_the_bank_moves_half_way_towards_what_was_seen_and_its_constant_stays() -> None:
    objective = Npid(items=5, dim=3, noise=2, temperature=0.5)
    before = objective.bank.clone()
    view = random_objects(2, 1, 3, seed=1, absent=0.0)
    there = BatchInfo(torch.tensor([3, 1]), torch.full((2, 1), -1), seeded())
    objective.after_step([output((view,), there)], PROGRESS)
    for row, item in enumerate([3, 1]):
        middle = 0.5 * before[item] + 0.5 * view.vectors[row, 0] / view.vectors[row, 0].norm()
        torch.testing.assert_close(objective.bank[item], middle / middle.norm())
    assert torch.equal(objective.bank[[0, 2, 4]], before[[0, 2, 4]])
    constant = objective.constant.clone()
    assert float(constant) > 0
    objective.after_step([output((random_objects(2, 1, 3, seed=2, absent=0.0),), there)], PROGRESS)
    assert torch.equal(objective.constant, constant)
    with pytest.raises(ValueError, match="one entry per item, got 2 objects"):
        objective((random_objects(2, 2, 3, seed=1),), (), labelled(random_objects(2, 2, 3, seed=1)))


def test_moco_enqueues_the_keys_of_its_last_view_after_the_loss() -> None:
    objective = Moco(Queue(6, 3), temperature=0.5)
    online, teacher = ([random_objects(2, 1, 3, seed=s + n, absent=0.0) for n in range(2)] for s in (0, 10))
    random = objective.queue.vectors.clone()
    objective(tuple(online), tuple(teacher), labelled(online[0]))
    assert torch.equal(objective.queue.vectors, random)
    objective.after_step([output(tuple(teacher), labelled(online[0]))], PROGRESS)
    torch.testing.assert_close(objective.queue.vectors[0, :2], teacher[1].vectors[:, 0])
    torch.testing.assert_close(objective.queue.vectors[0, 2:], random[0, :4])
    assert abs(cosine(objective.queue.vectors[0, 0], teacher[1].vectors[0, 0]) - 1) < 1e-5
