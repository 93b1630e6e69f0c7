"""DINO and SwAV: schedules, the centre, the queue, special cases, several crops, and the known collapse."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gestalt.core.data.segmentation import Objects
from gestalt.core.losses import info_nce
from gestalt.core.methods.dino import DINO
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.objectives import Balanced, Centred, Distillation, Queue
from gestalt.core.methods.objectives.assignments import Balance
from gestalt.core.modality.transform import Views
from gestalt.core.networks.follower import MovingAverage
from gestalt.core.optimization.progress import Progress
from gestalt.core.training.checkpoint import load_checkpoint
from gestalt.core.training.loop import launch, train_learner
from gestalt.core.training.training_data import TrainingData
from gestalt.core.training.watch import CollapseWatch
from tests.cluster_objectives import distillation, fixed
from tests.cluster_oracles import naive_distillation, naive_scores
from tests.implementations import DATA, ITEMS, PROGRESS, make_batch, method_learner, output, random_objects, seeded
from tests.small_learners import batch, built
from tests.test_stopping import assert_same_numbers, interrupting
from tests.test_training import OPTIONS, SERIES, Few
from tests.toy import POINT_TRANSFORMS, Do, keep_points, toy


def known(view: Objects, step: int = 5, start: int = 0) -> BatchInfo:
    items = torch.arange(start, start + len(view.present))
    return BatchInfo(items, torch.full(view.present.shape, -1), seeded(), Progress(step, 40, 4))


def views(count: int, seed: int = 0, absent: float = 0.2, items: int = 3, dim: int = 5) -> tuple[Objects, ...]:
    return tuple(random_objects(items, 2, dim, seed + view, absent) for view in range(count))


@pytest.mark.parametrize("step", [0, 4, 8, 30])
@pytest.mark.parametrize(("seen", "taught"), [(2, 2), (4, 2), (3, 1)])
def test_the_teachers_temperature_rises_and_small_crops_are_for_the_student_alone(
    step: int, seen: int, taught: int
) -> None:
    objective = fixed(lambda dim, _: distillation(dim, Centred(7), MovingAverage(0.5)), 5, 2)
    assert isinstance(objective, Distillation)
    online, teacher = views(seen), views(taught, 50)
    info = known(online[0], step)
    expected = naive_distillation(objective, list(online), list(teacher), info)
    assert float(objective(online, teacher, info).value.detach()) == pytest.approx(expected, rel=1e-4)
    assert objective.teacher_temperature_at(info.progress) == pytest.approx(0.04 + 0.03 * min(step / 8, 1))


@pytest.mark.parametrize(
    ("frozen", "steps", "epoch"), [(1, 4, 4), (1, 5, 4), (2, 8, 4), (2, 9, 4), (0, 1, 4), (1, 3, 7)]
)
def test_a_run_is_called_too_short_where_prototypes_are_never_trained(frozen: int, steps: int, epoch: int) -> None:
    objective, vectors = distillation(5, Balanced(3), frozen_epochs=frozen), torch.randn(3, 5, generator=seeded())
    trained = False
    for step in range(steps):
        score = objective.said(vectors, Progress(step, steps, epoch))[:, 0].sum()
        (slope,) = torch.autograd.grad(score, objective.prototypes.weight)
        trained |= bool(slope.any())
    said = objective.too_short(Progress(0, steps, epoch))
    assert (said is None) == trained
    assert said is None or "never trained" in said


def test_a_run_is_called_too_short_where_the_queue_waits_until_it_is_over() -> None:
    objective = distillation(5, Balanced(3), frozen_epochs=0, queue=Queue(6, 5, 2), queue_from=2)
    assert "the queue of earlier vectors is never used" in str(objective.too_short(Progress(0, 8, 4)))
    assert objective.too_short(Progress(0, 9, 4)) is None


@pytest.mark.parametrize(("step", "moves"), [(0, False), (3, False), (4, True)])
def test_prototypes_have_a_gradient_of_zero_in_the_first_epoch(step: int, moves: bool) -> None:
    objective = distillation(5, Balanced(3), frozen_epochs=1)
    online = views(2)
    leaf = online[0].vectors.requires_grad_()
    objective(online, online, known(online[0], step)).value.backward()
    assert objective.prototypes.weight.grad is not None  # every rank has one
    assert bool(objective.prototypes.weight.grad.any()) == moves
    assert leaf.grad is not None
    assert bool(leaf.grad.any())


def test_the_centre_moves_towards_what_the_teacher_says_before_its_prototypes_follow() -> None:
    objective = fixed(lambda dim, _: distillation(dim, Centred(7), MovingAverage(0.5)), 5, 2)
    assert isinstance(objective, Distillation)
    assert isinstance(objective.assignment, Centred)
    assert objective.teacher is not None
    seen, progress = views(2), Progress(5, 40, 4)
    centre, weight = objective.assignment.centre.clone(), objective.teacher.weight.clone()
    rows = [view.vectors[b, k] for view in seen for b, k in view.present.nonzero().tolist()]
    mean = torch.tensor(naive_scores(rows, weight)).mean(dim=0)
    objective.after_step([output(seen, known(seen[0]))], progress)
    torch.testing.assert_close(objective.assignment.centre, 0.9 * centre + 0.1 * mean, rtol=1e-4, atol=1e-5)
    decay = MovingAverage(0.5).decay(progress)
    torch.testing.assert_close(objective.teacher.weight, decay * weight + (1 - decay) * objective.prototypes.weight)
    nobody, centre = Objects(torch.zeros(3, 2, 5), torch.zeros(3, 2, dtype=torch.bool)), objective.assignment.centre
    before = centre.clone()
    objective.after_step([output((nobody, nobody), known(nobody))], progress)
    assert torch.equal(centre, before)


def test_sinkhorn_and_a_centre_agree_where_all_prototypes_are_used_alike() -> None:
    """Law 12: scores of which every column holds the same numbers are balanced already, by either."""
    scores = torch.stack([torch.tensor([0.9, 0.2, -0.4, 0.1]).roll(shift) for shift in range(4)])
    plain = (scores / 0.2).softmax(dim=1)
    torch.testing.assert_close(Balanced(3)(scores, 0.2), plain)
    centred = Centred(4)
    centred.observe(scores.sum(dim=0), len(scores))
    torch.testing.assert_close(centred(scores, 0.2), plain)
    uneven = scores + torch.tensor([1.0, 0, 0, 0])
    assert not torch.allclose(Balanced(3)(uneven, 0.2), (uneven / 0.2).softmax(dim=1), atol=0.05)


def test_swav_with_one_prototype_per_item_is_infonce_with_the_items_as_keys() -> None:
    """Law 12: prototypes that are the teacher's vectors, next to no entropy: every item is assigned to itself."""
    online, taught = (torch.randn(6, 1, 8, generator=seeded(seed)) for seed in (1, 2))
    here = torch.ones(6, 1, dtype=torch.bool)
    settings: dict[str, Any] = {"frozen_epochs": 0, "warmup_epochs": 0, "teacher_temperature": 0.01}
    objective = Distillation(8, 6, Balanced(200), None, temperature=0.2, **settings)
    with torch.no_grad():
        objective.prototypes.weight.copy_(taught[:, 0])
    seen = Objects(online, here)
    loss = objective((seen, seen), (Objects(taught, here),), known(seen)).value
    torch.testing.assert_close(loss.detach(), info_nce(online[:, 0], taught[:, 0], temperature=0.2), rtol=1e-4, atol=0)


def test_dino_without_a_teacher_and_with_sinkhorn_is_swav_but_for_the_head() -> None:
    """Law 12: the same weights in both give the same loss and gradients."""
    data = replace(DATA, items=100)
    dino = built("dino", data, teacher=None, balance="sinkhorn", teacher_temperature=0.05, first_temperature=0.05)
    swav = built("swav", data, queue_batches=0)
    swav.online.projector = dino.online.projector
    swav.load_state_dict(dino.state_dict())
    losses = [learner(batch(), seeded(), PROGRESS).loss for learner in (dino, swav)]
    assert torch.equal(*(loss.detach() for loss in losses))
    assert float(losses[0].detach()) > 0.1


def test_a_queue_is_used_once_it_is_full_and_never_for_more_than_the_batch() -> None:
    objective = distillation(5, Balanced(3), None, Queue(6, 5, 2), queue_from=2)
    alone = distillation(5, Balanced(3))
    alone.prototypes.load_state_dict(objective.prototypes.state_dict())
    assert objective.queue is not None
    for step, (full, late) in enumerate([(False, True), (True, False), (True, True)]):
        if full:
            for seed in (60, 70):
                seen = views(2, seed, absent=0.3)
                objective.after_step([output(seen, known(seen[0], start=seed))], Progress(step, 40, 4))
        online = views(2, 80)
        info = known(online[0], 9 if late else 5)
        ours, plain = (float(one(online, online, info).value.detach()) for one in (objective, alone))
        assert (ours != plain) == (full and late)
        if full and late:
            expected = naive_distillation(objective, list(online), list(online), info)
            assert ours == pytest.approx(expected, rel=1e-4)


def watched(balance: Balance) -> tuple[list[str], float]:
    """What the watch says of the prototypes of a small DINO on sets of points, and the loss in the end."""
    wide: dict[str, Any] = {"hidden": 64, "bottleneck": 16, "prototypes": 16, "teacher": MovingAverage(0.9)}
    learner, of, watch = built("dino", balance=balance, **wide), batch(32), CollapseWatch()
    optimizer, last = torch.optim.AdamW([one for one in learner.parameters() if one.requires_grad], 1e-3), 0.0
    for step in range(50):
        outcome = learner(of, seeded(step), Progress(step, 100, 10))
        optimizer.zero_grad()
        outcome.loss.backward()
        optimizer.step()
        learner.after_step([outcome], Progress(step + 1, 100, 10))
        watch.judge(step, learner.health(outcome))
        last = float(outcome.loss.detach())
    return [text for text in watch.warnings if "prototype" in text], last


def test_without_any_balance_dino_collapses_and_the_watch_says_so() -> None:
    """The loss is then next to nothing, and would be taken for a success."""
    said, loss = watched("none")
    assert "nearly all objects are assigned to one prototype" in said[0]
    assert loss < 0.2


@pytest.mark.parametrize("balance", ["centring", "sinkhorn", "batch-softmax"])
def test_with_any_balance_dino_keeps_its_prototypes_in_use(balance: Balance) -> None:
    said, loss = watched(balance)
    assert not said
    assert loss > 1


def test_small_views_are_for_the_student_alone_and_objects_are_compared_as_well_as_items() -> None:
    """Multi-crop: of four views the teacher sees two, and every view but its own predicts each of them."""
    modality = toy("points", views=Views(Do(keep_points), (*[Do(keep_points)] * 2, *[POINT_TRANSFORMS["drop"]] * 2)))
    of = make_batch("points", ITEMS["points"](4), modality=modality)
    for name in ("dino", "swav"):
        learner = built(name, replace(DATA, large_views=2), compares="segments")
        compared = learner(of, seeded(), PROGRESS).details
        assert (len(compared.online), len(compared.teacher)) == (4, 2)
        assert compared.segmentation.objects == 2


def fresh(name: str) -> Any:
    torch.manual_seed(0)
    return method_learner(name, SERIES.encoders["small"]())


def run(name: str, folder: Path, items: Few, resume: bool = False) -> None:
    folder.mkdir(exist_ok=True)
    options, data = replace(OPTIONS, steps=12), TrainingData(items, SERIES.views, SERIES.collate)
    train_learner(launch(options), fresh(name), data, options, folder, resume)


STATE = {
    "dino": ("objective.assignment.centre", "objective.teacher.weight", "objective.prototypes.weight"),
    "swav": ("objective.queue.vectors", "objective.prototypes.weight"),
}
"""What changes beside the networks, by method."""


@pytest.mark.parametrize("name", STATE)
def test_a_run_that_was_stopped_goes_on_with_the_same_numbers_and_its_prototypes_are_kept(
    name: str, tmp_path: Path
) -> None:
    run(name, tmp_path / "whole", Few())
    run(name, tmp_path / "parts", interrupting(26))
    run(name, tmp_path / "parts", Few(), resume=True)
    assert_same_numbers(tmp_path / "whole", tmp_path / "parts")
    saved, start = load_checkpoint(tmp_path / "whole"), fresh(name).state_dict()
    assert saved is not None
    for part in STATE[name]:
        tensor: Tensor = saved["learner"][part]
        assert not torch.equal(tensor, start[part]), part
    assert "prototypes" in fresh(name).heads()


def test_dino_has_as_many_prototypes_as_its_data_can_fill() -> None:
    for items, expected in ((10, 2), (500, 50), (10_000_000, 65536)):
        learner = built("dino", replace(DATA, items=items), prototypes=None, bottleneck=2)
        assert isinstance(learner.objective, Distillation)
        assert learner.objective.count == expected
    assert DINO().balance == "centring"
