"""iBOT: its equation in a loop, what the student does not see, the centre of elements, DINO as its special case."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gestalt.core.components.description import build, describe
from gestalt.core.components.settings import settings_of
from gestalt.core.data.segmentation import Elements, Objects
from gestalt.core.data.view import Batch, View
from gestalt.core.methods.hiding_learner import HidingLearner
from gestalt.core.methods.objectives import Centred, Combined, Distillation, HiddenElements
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import Identity
from gestalt.core.optimization.progress import Progress
from gestalt.core.training.checkpoint import load_checkpoint
from tests.cluster_oracles import naive_scores, naive_softmax
from tests.implementations import DATA, ENCODERS, ITEMS, PROGRESS, make_batch, seeded, small
from tests.masked_methods import hiding
from tests.small_learners import batch, built
from tests.test_distillation import run
from tests.test_stopping import assert_same_numbers, interrupting
from tests.test_training import SERIES, Few
from tests.toy import Do, keep_points, toy


def learner(**changes: Any) -> HidingLearner:
    torch.manual_seed(0)
    return hiding("ibot", ENCODERS["points"](), **changes)


def parts(made: HidingLearner) -> tuple[HiddenElements, Distillation]:
    assert isinstance(made.objective, Combined)
    elements, between = made.objective.objectives
    assert isinstance(elements, HiddenElements)
    assert isinstance(between, Distillation)
    return elements, between


def marked(view: Objects) -> Elements:
    assert view.elements is not None
    return view.elements


def naive(made: HidingLearner, online: tuple[Objects, ...], teacher: tuple[Objects, ...], sharp: float) -> float:
    """The mean over an item's hidden elements, then over items, then over views, element by element."""
    (elements, between), views = parts(made), []
    assert isinstance(elements.assignment, Centred)
    assert between.teacher is not None
    for seen, taught in zip(online, teacher, strict=False):
        items = []
        for vectors, weights, targets in zip(
            marked(seen).vectors, marked(seen).weights[:, 0], marked(taught).vectors, strict=True
        ):
            terms = []
            for place in (weights > 0).nonzero()[:, 0].tolist():
                (score,) = naive_scores([targets[place]], between.teacher.weight)
                centre = elements.assignment.centre.tolist()
                p = naive_softmax([(s - c) / sharp for s, c in zip(score, centre, strict=True)])
                (score,) = naive_scores([vectors[place]], between.prototypes.weight)
                q = naive_softmax([s / between.temperature for s in score])
                terms.append(-sum(x * math.log(y) for x, y in zip(p, q, strict=True)))
            items.append(sum(terms) / len(terms) if terms else 0.0)
        views.append(sum(items) / len(items))
    return sum(views) / len(views)


def test_the_loss_of_hidden_elements_is_the_naive_loop_of_its_equation() -> None:
    made = learner(warmup_epochs=2)
    elements, between = parts(made)
    assert isinstance(elements.assignment, Centred)
    with torch.no_grad():
        elements.assignment.centre.normal_(std=0.1)
        for weight in made.teacher.network.parameters():  # what a later teacher says
            weight.add_(0.1 * torch.randn_like(weight))
    outcome = made(batch(), seeded(), PROGRESS)
    with torch.no_grad():
        expected = naive(made, outcome.details.online, outcome.details.teacher, 0.055)
    assert float(outcome.metrics["hidden"]) == pytest.approx(expected, rel=1e-4)
    assert expected > 0.1
    expected_sum = outcome.metrics["hidden"] + outcome.metrics["distillation"]
    torch.testing.assert_close(outcome.loss.detach(), expected_sum)
    assert between.heads().keys() == {"prototypes"}


def test_the_student_does_not_see_what_is_hidden_and_the_teacher_sees_everything() -> None:
    made, of = learner(chance=1.0), batch()
    first = made(of, seeded(), PROGRESS).details
    hidden = marked(first.online[0]).weights[:, 0] > 0
    assert bool(hidden.any(dim=1).all())
    data = of.views[0].data
    moved = torch.where(hidden[..., None], data.values + 5.0, data.values)
    other: Batch[Any] = replace(
        of, views=(View(replace(data, values=moved), of.views[0].correspondence), *of.views[1:])
    )
    second = made(other, seeded(), PROGRESS).details
    torch.testing.assert_close(first.online[0].vectors, second.online[0].vectors)
    torch.testing.assert_close(marked(first.online[0]).vectors, marked(second.online[0]).vectors)
    assert not torch.allclose(first.teacher[0].vectors, second.teacher[0].vectors)
    whole = made.teacher.network.project_elements(made.teacher.network.encode(data))
    torch.testing.assert_close(marked(first.teacher[0]).vectors[data.valid], whole.values[data.valid])


def test_the_centre_of_elements_follows_all_that_the_teacher_sees() -> None:
    made = learner()
    (elements, between), of = parts(made), batch()
    outcome = made(of, seeded(), PROGRESS)
    assert isinstance(elements.assignment, Centred)
    assert between.teacher is not None
    rows = [row for view in outcome.details.teacher for row in marked(view).vectors[marked(view).weights[:, 0] > 0]]
    mean = torch.tensor(naive_scores(rows, between.teacher.weight)).mean(dim=0)
    made.after_step([outcome], PROGRESS)
    torch.testing.assert_close(elements.assignment.centre, 0.1 * mean, rtol=1e-4, atol=1e-5)
    assert isinstance(between.assignment, Centred)
    assert not torch.allclose(between.assignment.centre, elements.assignment.centre)


def test_with_nothing_hidden_it_is_dino() -> None:
    """Law 12: the same weights give the same loss, and the term of hidden elements is zero."""
    ibot, dino = learner(chance=0.0), built("dino")
    shared = {name: tensor for name, tensor in dino.state_dict().items() if name.startswith(("online", "teacher"))}
    ibot.load_state_dict(shared, strict=False)
    parts(ibot)[1].load_state_dict(dino.objective.state_dict())
    ours, theirs = (made(batch(), seeded(), PROGRESS) for made in (ibot, dino))
    torch.testing.assert_close(ours.loss, theirs.loss)
    assert float(ours.metrics["hidden"]) == 0
    ours.loss.backward()
    assert ibot.token.token.grad is not None
    assert not bool(ibot.token.token.grad.any())


def test_small_views_are_seen_whole_by_the_student_alone() -> None:
    modality = toy("points", views=Views(Do(keep_points), tuple(Do(keep_points) for _ in range(4))))
    of = make_batch("points", ITEMS["points"](4), modality=modality)
    made = learner(chance=1.0)
    compared = made(of, seeded(), PROGRESS).details
    assert (len(compared.online), len(compared.teacher)) == (4, 2)
    assert [bool(marked(view).weights.any()) for view in compared.online] == [True, True, False, False]


def test_a_view_has_hidden_elements_by_chance() -> None:
    made, of = learner(chance=0.5), batch(60)
    shares = [
        (marked(view).weights > 0).any(dim=2).float().mean() for view in made(of, seeded(), PROGRESS).details.online
    ]
    assert all(0.3 < float(share) < 0.7 for share in shares)


def test_an_encoder_of_one_step_is_refused_with_those_that_have_two() -> None:
    data = replace(DATA, two_steps=("transformer", "unet"))
    with pytest.raises(ValueError, match="Identity has one step alone; choose one with --encoder: transformer, unet"):
        small("ibot").build(Identity(dim=3), data)


def test_a_run_that_was_stopped_goes_on_with_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fresh(_: str) -> Any:
        torch.manual_seed(0)
        return hiding("ibot", SERIES.encoders["small"]())

    monkeypatch.setattr("tests.test_distillation.fresh", fresh)
    run("ibot", tmp_path / "whole", Few())
    run("ibot", tmp_path / "parts", interrupting(26))
    run("ibot", tmp_path / "parts", Few(), resume=True)
    assert_same_numbers(tmp_path / "whole", tmp_path / "parts")
    saved, start = load_checkpoint(tmp_path / "whole"), fresh("ibot").state_dict()
    assert saved is not None
    for name in ("objective.objectives.0.assignment.centre", "token.token"):
        moved: Tensor = saved["learner"][name]
        assert not torch.equal(moved, start[name]), name


@pytest.mark.parametrize("name", ["dino", "ibot", "swav", "deepcluster", "sela", "pcl"])
def test_what_a_run_keeps_beside_the_encoder_comes_back_from_its_description(name: str) -> None:
    """Law 13: a file names components and their settings, and the weights fit."""
    heads = learner().heads() if name == "ibot" else built(name).heads()
    assert {"projector"} < heads.keys() if name != "deepcluster" else heads
    for head in heads.values():
        if not isinstance(head, torch.nn.Identity):
            again: torch.nn.Module = build(json.loads(json.dumps(describe(head))))
            again.load_state_dict(head.state_dict())
            assert settings_of(again) == settings_of(head)


def test_a_student_learns_what_a_teacher_says_of_hidden_elements() -> None:
    made, of = learner(hidden=32, frozen_epochs=0, chance=1.0, balance="sinkhorn"), batch(16)
    optimizer, losses = torch.optim.AdamW([one for one in made.parameters() if one.requires_grad], 3e-3), []
    for step in range(40):
        outcome = made(of, seeded(step), Progress(step, 40, 100))
        optimizer.zero_grad()
        outcome.loss.backward()
        optimizer.step()
        losses.append(float(outcome.metrics["hidden"]))
    assert sum(losses[-5:]) < 0.95 * sum(losses[:5])
