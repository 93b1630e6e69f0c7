"""DeepCluster, SeLa and PCL: their equations in loops, labels that change between epochs, special cases, resume."""

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gestalt.core.data.segmentation import Objects
from gestalt.core.losses import instance_discrimination, unit
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.objectives import (
    AbstractObjective,
    Combined,
    DeepCluster,
    PrototypeContrast,
    SelfLabelling,
)
from gestalt.core.methods.objectives.bank import Bank, labels_in_use
from gestalt.core.methods.objectives.prototype_contrast import concentrations
from gestalt.core.methods.objectives.spherical_kmeans import spherical_kmeans
from gestalt.core.methods.step import HasHealth
from gestalt.core.optimization.after_step import AfterStep
from gestalt.core.optimization.progress import Progress
from gestalt.core.training.checkpoint import load_checkpoint
from tests.cluster_objectives import BANKS
from tests.cluster_oracles import naive_scores, naive_sinkhorn, naive_softmax
from tests.implementations import DATA, PROGRESS, output, random_objects, seeded
from tests.small_learners import batch, built, trained
from tests.test_distillation import fresh, run
from tests.test_stopping import assert_same_numbers, interrupting
from tests.test_training import Few

EPOCHS = Progress(4, 40, 4)
"""Where an epoch is over."""
ITEMS = 12


def views(seed: int = 0, absent: float = 0.3, items: int = 6) -> tuple[Objects, ...]:
    return tuple(random_objects(items, 1, 5, seed + view, absent) for view in range(2))


def known(items: Tensor, progress: Progress = EPOCHS) -> BatchInfo:
    return BatchInfo(items, torch.full((len(items), 1), -1), seeded(), progress)


def objective(name: str) -> Any:
    return BANKS[name](ITEMS, 5)


def taught(name: str) -> Any:
    """An objective after an epoch in which it saw all items but two."""
    made: Any = objective(name)
    for first in (0, 4):
        seen = views(20 + first, 0.0)
        made.after_step([output(seen, known(torch.arange(first, first + 6)))], Progress(4 * (first // 4 + 1), 40, 4))
    return made


def cross_entropy(scores: list[float], label: int) -> float:
    return -math.log(naive_softmax(scores)[label])


def naive_classes(made: Any, online: tuple[Objects, ...], index: Tensor) -> float:
    """The cross-entropy of every labelled item's class in every view and labelling."""
    means = []
    for labelling, labels in enumerate(made.labels):
        for view in online:
            terms = []
            for row, item in enumerate(index.tolist()):
                if not bool(view.present[row, 0]) or int(labels[item]) < 0:
                    continue
                vector = view.vectors[row, 0]
                if isinstance(made, DeepCluster):
                    (scores,) = naive_scores([vector], made.centroids[labelling])
                    scores = [score / made.temperature for score in scores]
                else:
                    linear = made.classifiers[labelling].linear
                    scores = [float(vector @ w + b) for w, b in zip(linear.weight, linear.bias.detach(), strict=True)]
                terms.append(cross_entropy(scores, int(labels[item])))
            means.append(sum(terms) / len(terms))
    return sum(means) / len(means)


@pytest.mark.parametrize("name", ["deepcluster", "sela"])
def test_clusters_are_classes_as_in_the_naive_loop(name: str) -> None:
    made, online, index = taught(name), views(3), torch.tensor([1, 7, 3, 9, 0, 2])
    assert len({tuple(labels.tolist()) for labels in made.labels}) == 2  # labellings differ
    value = float(made(online, online, known(index)).value.detach())
    with torch.no_grad():
        assert value == pytest.approx(naive_classes(made, online, index), rel=1e-4)


def test_items_without_a_label_learn_from_their_assignment_within_the_batch() -> None:
    made, online, index = objective("deepcluster"), views(0), torch.arange(6)
    means = []
    for labelling, centroids in enumerate(made.centroids):
        assigning = online[labelling]
        places = assigning.present[:, 0].nonzero()[:, 0].tolist()
        shares = naive_sinkhorn(naive_scores([assigning.vectors[row, 0] for row in places], centroids), 0.05, 3)
        for view in online:
            terms = []
            for row, target in zip(places, shares, strict=True):
                if bool(view.present[row, 0]):
                    (scores,) = naive_scores([view.vectors[row, 0]], centroids)
                    guess = naive_softmax([score / made.temperature for score in scores])
                    terms.append(-sum(p * math.log(q) for p, q in zip(target, guess, strict=True)))
            means.append(sum(terms) / len(terms))
    assert float(made(online, online, known(index)).value) == pytest.approx(sum(means) / len(means), rel=1e-4)


def test_clusters_are_told_apart_at_every_granularity_as_in_the_naive_loop() -> None:
    made, online, index = taught("prototype contrast"), views(3), torch.tensor([1, 7, 3, 9, 0, 11])
    value = float(made(online, online, known(index)).value)
    generator, means = seeded(), []
    for place, count in enumerate(made.counts):
        centroids, phi = made.get_buffer(f"centroids_{place}"), made.get_buffer(f"concentrations_{place}").tolist()
        drawn = torch.randperm(count, generator=generator)[: made.negatives].tolist()
        terms = []
        for row, item in enumerate(index.tolist()):
            label = int(made.labels[place][item])
            if bool(online[0].present[row, 0]) and label >= 0:
                (scores,) = naive_scores([online[0].vectors[row, 0]], centroids)
                chosen = [label, *(one for one in drawn if one != label)]
                terms.append(cross_entropy([scores[one] / phi[one] for one in chosen], 0))
        means.append(sum(terms) / len(terms))
    assert value == pytest.approx(sum(means) / len(means), rel=1e-4)


def test_concentrations_are_those_of_the_equation() -> None:
    rows, labels = unit(torch.randn(40, 4, generator=seeded())), torch.arange(40) % 5
    labels[labels == 4] = 3
    centroids = unit(torch.randn(5, 4, generator=seeded(1)))
    found = concentrations(rows, labels, centroids, mean=0.2)
    raw = []
    for cluster in range(4):
        members = [row for row, label in zip(rows, labels.tolist(), strict=True) if label == cluster]
        total = sum(math.dist(row.tolist(), centroids[cluster].tolist()) for row in members)
        raw.append(total / (len(members) * math.log(len(members) + 10)))
    raw.append(max(raw))  # no member
    low, high = torch.tensor(raw).quantile(0.1), torch.tensor(raw).quantile(0.9)
    expected = torch.tensor(raw).clamp(low, high)
    torch.testing.assert_close(found, 0.2 * expected / expected.mean())
    same = concentrations(centroids, torch.arange(5), centroids, mean=0.2)
    torch.testing.assert_close(same, torch.full((5,), 0.2))


@pytest.mark.parametrize("iterations", [0, 1, 6])
def test_clusters_of_directions_are_those_of_the_naive_loop(iterations: int) -> None:
    rows = torch.randn(30, 3, generator=seeded()) * torch.rand(30, 1, generator=seeded(1))
    labels, centroids = spherical_kmeans(rows, 4, iterations, seeded(2))
    plain = [row / row.norm() for row in rows]
    held = [plain[place] for place in torch.randperm(30, generator=seeded(2))[:4].tolist()]
    for _ in range(iterations):
        own = [max(range(4), key=lambda c: float(row @ held[c])) for row in plain]
        members = [torch.stack([row for row, label in zip(plain, own, strict=True) if label == c]) for c in range(4)]
        held = [some.sum(dim=0) / some.sum(dim=0).norm() for some in members]
    torch.testing.assert_close(centroids, torch.stack(held), rtol=1e-4, atol=1e-5)
    assert labels.tolist() == [max(range(4), key=lambda c: float(row @ held[c])) for row in plain]
    few, _ = spherical_kmeans(rows[:2], 4, 3, seeded())
    assert len(few) == 2


def test_labels_of_sela_are_the_best_among_all_that_fill_classes_alike() -> None:
    made = SelfLabelling(6, 5, 3, labellings=1, sharpness=60.0)
    vectors = torch.randn(6, 1, 5, generator=seeded(4)) * 2
    seen = Objects(vectors, torch.ones(6, 1, dtype=torch.bool))
    made.after_step([output((seen,), known(torch.arange(6)))], Progress(40, 40, 4))
    logs = made.classifiers[0](vectors[:, 0]).detach().log_softmax(dim=1)
    balanced = [one for one in itertools.product(range(3), repeat=6) if sorted(one) == [0, 0, 1, 1, 2, 2]]
    best = max(balanced, key=lambda one: sum(float(logs[row, label]) for row, label in enumerate(one)))
    assert tuple(made.labels[0].tolist()) == best


@pytest.mark.parametrize(("updates", "expected"), [(1, [40]), (2, [10, 40]), (4, [3, 10, 23, 40])])
def test_labels_of_sela_are_made_anew_often_at_first_and_seldom_later(updates: int, expected: list[int]) -> None:
    made = SelfLabelling(6, 5, 3, updates=updates)
    assert [step for step in range(1, 41) if made.is_due(Progress(step, 40, 4))] == expected


@pytest.mark.parametrize("name", BANKS)
def test_labels_change_when_an_epoch_is_over_and_only_those_of_items_that_were_seen(name: str) -> None:
    made: Any = objective(name)
    before, seen = made.labels.clone(), views(5, 0.0)
    info = known(torch.tensor([3, 1, 8, 8, 2, 5]))
    made.after_step([output(seen, info)], Progress(3, 40, 4))
    assert torch.equal(made.labels, before)
    torch.testing.assert_close(unit(made.bank.vectors[0, 8]), unit(seen[0].vectors[3, 0]))  # the later of two
    made.after_step([output(seen, info)], Progress(4, 40, 4))
    changed = (made.labels != before).any(dim=0).nonzero()[:, 0].tolist()
    assert changed
    assert set(changed) <= {1, 2, 3, 5, 8}
    assert isinstance(made, HasHealth)
    assert 1 < made.health(output(seen, info).details)["prototypes_in_use"] <= 3


@pytest.mark.parametrize("name", ["deepcluster", "sela"])
@pytest.mark.parametrize(("steps", "epoch"), [(3, 4), (4, 4), (5, 4), (9, 4), (40, 4), (1, 1)])
def test_a_run_that_ends_before_it_learns_from_any_label_it_found_is_told_so(name: str, steps: int, epoch: int) -> None:
    made: Any = objective(name)
    said = made.too_short(Progress(0, steps, epoch))
    info = known(torch.tensor([3, 1, 8, 9, 2, 5]), Progress(0, steps, epoch))
    changes = []
    for step in range(1, steps):  # what is found after the last step nobody learns from
        before = made.labels.clone()
        made.after_step([output(views(step, 0.0), info)], Progress(step, steps, epoch))
        changes.append(not torch.equal(made.labels, before))
    assert (said is None) == any(changes)


def test_deepcluster_with_one_cluster_per_item_is_instance_discrimination() -> None:
    """Law 12: the full soft-max over a memory bank."""
    made, online = DeepCluster(6, 5, 6, labellings=1, temperature=0.3), views(1, 0.0)
    bank = unit(torch.randn(6, 5, generator=seeded(9)))
    made.centroids.copy_(bank[None])
    made.labels.copy_(torch.arange(6)[None])
    index = torch.tensor([4, 0, 1, 5, 3, 2])
    expected = sum(instance_discrimination(view.vectors[:, 0], bank, index, temperature=0.3) for view in online) / 2
    torch.testing.assert_close(made(online, online, known(index)).value, torch.as_tensor(expected))


@pytest.mark.parametrize("seed", range(5))
def test_sela_with_as_many_classes_as_items_gives_every_item_its_own(seed: int) -> None:
    """The sharper the transport, the nearer its labels are to the likeliest one-to-one assignment of all."""
    torch.manual_seed(seed)  # the classifier starts at random
    made = SelfLabelling(6, 5, 6, labellings=1, sharpness=300.0)
    assert sorted(made.labels[0].tolist()) == list(range(6))
    seen = views(2, 0.0)
    made.after_step([output(seen, known(torch.arange(6)))], Progress(40, 40, 4))
    (rows, _), (classifier,) = made.bank.known(0), made.classifiers
    scores = classifier(rows).double().log_softmax(dim=1).tolist()
    best = max(itertools.permutations(range(6)), key=lambda order: sum(scores[item][order[item]] for item in range(6)))
    assert made.labels[0].tolist() == list(best)


def test_pcl_before_there_are_clusters_is_moco() -> None:
    """Law 12: the same weights give the same loss and gradients."""
    pcl, moco = built("pcl"), built("moco", keys=64)
    assert isinstance(pcl.objective, Combined)
    pcl.objective.objectives[0] = moco.objective
    networks = {name: one for name, one in pcl.state_dict().items() if not name.startswith("objective")}
    moco.load_state_dict(networks, strict=False)
    losses = [learner(batch(), seeded(), PROGRESS).loss for learner in (pcl, moco)]
    assert torch.equal(*(loss.detach() for loss in losses))
    trained(pcl, 2, epoch=1)
    again = pcl(batch(), seeded(), PROGRESS)
    assert float(again.metrics["prototypes"]) > 0


@pytest.mark.parametrize("name", BANKS)
def test_items_that_are_absent_contribute_nothing(name: str) -> None:
    made, index = taught(name), torch.arange(6)
    gone = torch.zeros(6, 1, dtype=torch.bool)
    vectors = torch.randn(6, 1, 5, generator=seeded()).requires_grad_()
    nobody = Objects(vectors * gone[..., None], gone)
    loss = made((nobody, nobody), (nobody, nobody), known(index)).value
    loss.backward()
    assert loss.item() == 0
    assert vectors.grad is not None
    assert not bool(vectors.grad.any())
    online = views(3)
    filled = tuple(Objects(torch.where(one.present[..., None], one.vectors, 3.0), one.present) for one in online)
    assert torch.equal(made(filled, filled, known(index)).value, made(online, online, known(index)).value)


@pytest.mark.parametrize("name", BANKS)
def test_a_bank_refuses_several_objects_and_items_that_it_has_no_place_for(name: str) -> None:
    made: AbstractObjective = objective(name)
    several = random_objects(2, 3, 5, 0)
    with pytest.raises(ValueError, match="one entry per item, got 3 objects per item; compare whole items"):
        made((several, several), (several, several), known(torch.arange(2)))
    with pytest.raises(ValueError, match="12 entries, got item number 12; build it for the size"):
        made(views(items=1), views(items=1), known(torch.tensor([12])))
    assert isinstance(made, AfterStep)


def test_the_number_of_clusters_in_use_is_one_where_one_holds_everything() -> None:
    assert labels_in_use(torch.zeros(2, 9, dtype=torch.long), 4) == pytest.approx(1)
    assert labels_in_use(torch.arange(8)[None] % 4, 4) == pytest.approx(4)
    assert math.isnan(labels_in_use(torch.full((1, 3), -1), 4))
    assert Bank(3, 2).known(0)[0].shape == (0, 2)


STATE = {
    "deepcluster": ("objective.bank.vectors", "objective.labels", "objective.centroids"),
    "sela": ("objective.bank.vectors", "objective.labels", "objective.classifiers.0.linear.weight"),
    "pcl": tuple(f"objective.objectives.{part}" for part in ("1.labels", "1.centroids_1", "0.queue.vectors")),
}
"""What changes beside the networks, by method."""


@pytest.mark.parametrize("name", STATE)
def test_labels_of_the_whole_data_set_are_kept_and_a_run_that_was_stopped_goes_on_with_the_same_numbers(
    name: str, tmp_path: Path
) -> None:
    run(name, tmp_path / "whole", Few())
    run(name, tmp_path / "parts", interrupting(26))
    run(name, tmp_path / "parts", Few(), resume=True)
    assert_same_numbers(tmp_path / "whole", tmp_path / "parts")
    saved, start = load_checkpoint(tmp_path / "whole"), fresh(name).state_dict()
    assert saved is not None
    for part in STATE[name]:
        assert not torch.equal(saved["learner"][part], start[part]), part


@pytest.mark.parametrize("name", ["deepcluster", "sela", "pcl"])
def test_small_data_have_few_clusters_and_their_labels_are_learned(name: str) -> None:
    data = replace(DATA, items=16)
    learner = built(name, replace(DATA, items=500), prototypes=None)
    inner: Any = learner.objective
    clusters = inner.objectives[1].counts if isinstance(inner, Combined) else inner.count
    assert clusters == ((50, 100) if name == "pcl" else 50)
    losses = trained(built(name, data, prototypes=3), 60, batch(16), epoch=20)
    start = 0 if name == "sela" else 21  # the others have no labels in the first epoch
    assert sum(losses[-5:]) < sum(losses[start : start + 5])
    assert isinstance(inner, DeepCluster | SelfLabelling | Combined)
    assert PrototypeContrast(4, 2, (2,)).begins == 0.1
