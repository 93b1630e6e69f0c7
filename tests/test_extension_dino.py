"""DINO from another distribution: its equation in a loop, its centre, its schedules, and the laws of all learners."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from gestalt_example.dino import DINO, Projector
from gestalt_example.dino_objective import DinoObjective, Prototypes
from hypothesis import given
from hypothesis import strategies as st

from gestalt import Batch, DataInfo, Learner, Model, MovingAverage, Objects, Progress, Views, load, save
from gestalt.core.components.registry import HEADS, METHODS
from gestalt.core.methods.info import BatchInfo
from gestalt.core.training.checkpoint import load_checkpoint
from gestalt.core.training.loop import launch, train_learner
from gestalt.core.training.training_data import TrainingData
from tests import test_learner as laws
from tests.implementations import DATA, ENCODERS, ITEMS, make_batch, output, random_objects, seeded
from tests.oracles import cosine, softmax
from tests.test_saving import install
from tests.test_stopping import assert_same_numbers, interrupting
from tests.test_training import OPTIONS, SERIES, Few
from tests.toy import POINT_TRANSFORMS, Do, keep_points, toy

SMALL = DINO(hidden=8, bottleneck=5, prototypes=12, warmup_epochs=2)
EPOCHS = Progress(step=5, steps=40, steps_per_epoch=4)
"""Past the epoch in which prototypes are frozen, in the middle of the warm-up."""


def objective() -> DinoObjective:
    """A small one, whose teacher's prototypes and centre are not those of the start."""
    torch.manual_seed(0)
    made = DinoObjective(5, 12, MovingAverage(0.5), warmup_epochs=2)
    with torch.no_grad():
        made.teacher.weight.copy_(torch.randn(12, 5, generator=seeded(3)))
        made.centre.copy_(torch.randn(12, generator=seeded(4)) * 0.1)
    return made


def known(view: Objects, progress: Progress = EPOCHS) -> BatchInfo:
    items = len(view.present)
    return BatchInfo(torch.arange(items), torch.full(view.present.shape, -1), seeded(), progress)


def naive(made: DinoObjective, online: Sequence[Objects], teacher: Sequence[Objects], sharp: float) -> float:
    """H(P_t, P_s) of every object in two different views, prototype by prototype, averaged over the pairs of views."""
    pairs = []
    for j, taught in enumerate(teacher):
        for i, seen in enumerate(online):
            if i == j:
                continue
            terms = []
            for b, k in zip(*(seen.present & taught.present).nonzero().T.tolist(), strict=True):
                target = [cosine(taught.vectors[b, k], w) for w in made.teacher.weight.detach()]
                p = softmax([(s - float(c)) / sharp for s, c in zip(target, made.centre, strict=True)])
                q = softmax([cosine(seen.vectors[b, k], w) / made.temperature for w in made.prototypes.weight.detach()])
                terms.append(-sum(x * math.log(y) for x, y in zip(p, q, strict=True)))
            pairs.append(sum(terms) / len(terms) if terms else 0.0)
    return sum(pairs) / len(pairs)


@given(st.integers(0, 20), st.sampled_from([(2, 2), (4, 2), (3, 1)]), st.sampled_from([0.0, 0.4]))
def test_the_loss_is_the_naive_loop_of_its_equation(seed: int, seen: tuple[int, int], absent: float) -> None:
    online = tuple(random_objects(3, 2, 5, seed + view, absent) for view in range(seen[0]))
    teacher = tuple(random_objects(3, 2, 5, seed + 50 + view, absent) for view in range(seen[1]))
    made = objective()
    value = float(made(online, teacher, known(online[0])).value.detach())
    assert value == pytest.approx(naive(made, online, teacher, 0.04 + 0.03 * 5 / 8), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(("step", "expected"), [(0, 0.04), (4, 0.055), (8, 0.07), (30, 0.07)])
def test_the_teachers_temperature_rises_over_the_first_epochs(step: int, expected: float) -> None:
    made, view = objective(), random_objects(3, 2, 5, 1, 0.0)
    value = made((view, view), (view, view), known(view, Progress(step, 40, 4))).value
    assert float(value.detach()) == pytest.approx(naive(made, (view, view), (view, view), expected), rel=1e-3)


def test_without_a_warm_up_the_teachers_temperature_is_its_last_one_from_the_start() -> None:
    made = DinoObjective(5, 12, MovingAverage(0.5), teacher_temperature=0.06, warmup_epochs=0)
    assert made.teacher_temperature_at(Progress(0, 40, 4)) == pytest.approx(0.06)


def test_the_centre_moves_towards_what_the_teacher_says_before_its_prototypes_follow() -> None:
    made = objective()
    views = tuple(random_objects(3, 2, 5, seed) for seed in (1, 2))
    info, centre, weight = known(views[0]), made.centre.clone(), made.teacher.weight.clone()
    rows = [view.vectors[b, k] for view in views for b, k in view.present.nonzero().tolist()]
    mean = torch.tensor([sum(cosine(row, w) for row in rows) / len(rows) for w in weight])
    made.after_step([output(views, info)], EPOCHS)
    torch.testing.assert_close(made.centre, 0.9 * centre + 0.1 * mean, rtol=1e-4, atol=1e-5)
    decay = MovingAverage(0.5).decay(EPOCHS)
    torch.testing.assert_close(made.teacher.weight, decay * weight + (1 - decay) * made.prototypes.weight)
    nobody = Objects(torch.zeros(3, 2, 5), torch.zeros(3, 2, dtype=torch.bool))
    centre = made.centre.clone()
    made.after_step([output((nobody, nobody), info)], EPOCHS)
    assert torch.equal(made.centre, centre)


@pytest.mark.parametrize(("step", "moves"), [(0, False), (3, False), (4, True)])
def test_prototypes_have_a_gradient_of_zero_in_the_first_epoch(step: int, moves: bool) -> None:
    made = objective()
    online = tuple(random_objects(3, 2, 5, seed) for seed in (1, 2))
    leaf = online[0].vectors.requires_grad_()
    made(online, online, known(online[0], Progress(step, 40, 4))).value.backward()
    assert made.prototypes.weight.grad is not None  # every rank has one
    assert bool(made.prototypes.weight.grad.any()) == moves
    assert made.teacher.weight.grad is None
    assert leaf.grad is not None
    assert bool(leaf.grad.any())


def build(encoder: Any, data: DataInfo = DATA, method: DINO = SMALL) -> Learner:
    return method.build(encoder, data)


LAWS = [
    laws.test_every_method_learns_on_every_modality,
    laws.test_an_items_objects_do_not_depend_on_which_items_share_its_batch,
]


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_it_keeps_the_laws_of_every_learner(law: Any, kind: str) -> None:
    law(build, kind)


def test_it_resumes_from_its_state() -> None:
    laws.test_a_learner_resumes_from_its_state_with_the_same_numbers(build)
    state = build(ENCODERS["points"]()).state_dict()
    assert {"objective.centre", "objective.teacher.weight", "objective.prototypes.weight"} <= state.keys()


def test_small_views_are_for_the_student_alone() -> None:
    """Multi-crop: of four views the teacher sees two, and every view but its own predicts each of them."""
    modality = toy("points", views=Views(Do(keep_points), (*[Do(keep_points)] * 2, *[POINT_TRANSFORMS["drop"]] * 2)))
    batch: Batch[Any] = make_batch("points", ITEMS["points"](4), modality=modality)
    torch.manual_seed(0)
    learner = build(ENCODERS["points"](), replace(DATA, large_views=2))
    compared = learner(batch, seeded(), EPOCHS).details
    assert (len(compared.online), len(compared.teacher)) == (4, 2)


def fresh() -> Learner:
    """A small learner on series that starts from the same weights every time."""
    torch.manual_seed(0)
    return build(SERIES.encoders["small"]())


def trained(folder: Path, items: Few, resume: bool = False) -> Learner:
    learner = fresh()
    options = replace(OPTIONS, steps=12)
    train_learner(launch(options), learner, TrainingData(items, SERIES.views, SERIES.collate), options, folder, resume)
    return learner


def test_it_trains_in_the_loop_and_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    learner = trained(tmp_path / "whole", Few())
    trained(tmp_path / "parts", interrupting(26))
    trained(tmp_path / "parts", Few(), resume=True)
    assert_same_numbers(tmp_path / "whole", tmp_path / "parts")
    saved, start = load_checkpoint(tmp_path / "whole"), fresh().state_dict()
    assert saved is not None
    for name in ("objective.centre", "objective.teacher.weight", "objective.prototypes.weight"):
        assert not torch.equal(saved["learner"][name], start[name]), name
    assert isinstance(learner.objective, DinoObjective)
    assert learner.heads()["prototypes"] is learner.objective.prototypes


MODALITY = toy("points")
"""Named by its module in the run that is saved."""


def test_its_projector_and_prototypes_come_back_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = {name: point.value for name, point in HEADS.points().items()}
    methods = {name: point.value for name, point in METHODS.points().items()}
    install(monkeypatch, HEADS.group, heads | INSTALLED[HEADS.group])
    install(monkeypatch, METHODS.group, methods | INSTALLED[METHODS.group])
    assert METHODS.load("my-dino") is DINO
    learner = build(MODALITY.encoders["small"]()).eval()
    kept = {name: head for name, head in learner.heads().items() if name != "projector"}
    save(
        tmp_path,
        Model(MODALITY, learner.online, kept),
        "small",
        modality="tests.test_extension_dino:MODALITY",
        method=SMALL,
    )
    found: Any = load(tmp_path, modality="tests.test_extension_dino:MODALITY")
    rows = torch.randn(4, 5, generator=seeded())
    assert isinstance(learner.objective, DinoObjective)
    assert isinstance(found.heads["prototypes"], Prototypes)
    assert torch.equal(found.heads["prototypes"](rows), learner.objective.prototypes(rows))
    assert isinstance(found.network.projector, Projector)


INSTALLED = {
    METHODS.group: {"my-dino": "gestalt_example.dino:DINO"},
    HEADS.group: {
        "dino-projector": "gestalt_example.dino:Projector",
        "dino-prototypes": "gestalt_example.dino_objective:Prototypes",
    },
}
"""What an installation of the distribution adds."""


def test_the_student_learns_what_a_teacher_that_stands_still_says() -> None:
    torch.manual_seed(0)
    still = MovingAverage(1.0)
    learner = build(ENCODERS["points"](), method=replace(SMALL, hidden=32, frozen_epochs=0, teacher=still))
    batch = make_batch("points", ITEMS["points"](8))
    optimizer, above = torch.optim.AdamW(learner.parameters(), 1e-2), []
    for step in range(60):
        outcome = learner(batch, seeded(step), Progress(step, 60, 100))
        optimizer.zero_grad()
        outcome.loss.backward()
        optimizer.step()
        above.append(float(outcome.loss.detach()) - float(outcome.metrics["teacher_entropy"]))
    assert above[-1] < 0.9 * above[0]  # of the cross-entropy that exceeds the entropy itself
