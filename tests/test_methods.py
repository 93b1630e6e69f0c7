"""The catalogue of methods, law 12, and what each method adds to the laws that all learners keep."""

from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from gestalt.__main__ import listing
from gestalt.core.data.view import Batch
from gestalt.core.experiment.options import Method as MethodName
from gestalt.core.methods.adversary import Adversary
from gestalt.core.methods.byol import PRESETS, byol
from gestalt.core.methods.catalogue import METHODS, Setting, build, method
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.npid import npid
from gestalt.core.methods.objectives import Contrastive, Npid, Queue, Regression, Semantic
from gestalt.core.methods.semppl import semppl
from gestalt.core.methods.simclr import simclr
from gestalt.core.methods.supervised import supervised
from gestalt.core.methods.task import Task, squared_error
from gestalt.core.networks.follower import MovingAverage, Shared
from gestalt.core.optimization.progress import Progress
from tests.implementations import ENCODERS, ITEMS, SMALL, make_batch, seeded


def built(make: Any, **arguments: Any) -> Learner:
    torch.manual_seed(0)
    learner = make(ENCODERS["points"](), **arguments)
    assert isinstance(learner, Learner)
    return learner


def batch(count: int = 6) -> Batch[Any]:
    made: Batch[Any] = make_batch("points", ITEMS["points"](count))
    return made


def gradients(learner: Learner) -> dict[str, Tensor]:
    return {name: p.grad for name, p in learner.named_parameters() if p.grad is not None}


def trained(learner: Learner, steps: int = 3, of: Batch[Any] | None = None) -> list[float]:
    """The losses of a few steps of plain gradient descent."""
    of, losses = of or batch(), []
    for step in range(1, steps + 1):
        learner.zero_grad()
        outcome = learner(of, seeded(step))
        outcome.loss.backward()
        with torch.no_grad():
            for parameter in learner.parameters():
                if parameter.grad is not None:
                    parameter.sub_(0.05 * parameter.grad)
        learner.follow(outcome, Progress(step, 100, 10))
        losses.append(float(outcome.loss.detach()))
    return losses


def test_the_command_line_names_every_method_and_the_listing_tells_its_five_answers() -> None:
    assert get_args(MethodName) == tuple(entry.name for entry in METHODS)
    text = listing()
    for entry in METHODS:
        lines = text[text.index(f"{entry.name}: {entry.title} ({entry.source})") :].splitlines()[1:6]
        assert [line.split(maxsplit=1)[0] for line in lines] == [
            "segmentation",
            "follower",
            "objective",
            "views",
            "encoder",
        ]


def test_an_unknown_method_and_missing_labels_are_said_plainly() -> None:
    with pytest.raises(ValueError, match="no method 'sempl'; did you mean 'semppl'"):
        method("sempl")
    with pytest.raises(ValueError, match="'semppl' learns from classes of some items, and there are none"):
        build("semppl", ENCODERS["points"](), replace(SMALL, classes=0, values=True))
    build("supervised", ENCODERS["points"](), replace(SMALL, classes=0, values=True))


@pytest.mark.parametrize("name", [entry.name for entry in METHODS])
def test_every_method_trains_under_bfloat16_with_losses_in_float32(name: str) -> None:
    learner = built(lambda encoder: build(name, encoder, SMALL))
    plain = learner(batch(), seeded()).loss
    torch.manual_seed(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outcome = learner(batch(), seeded())
    assert outcome.loss.dtype == torch.float32
    assert outcome.online[0].vectors.dtype == torch.bfloat16  # the networks did run in half precision
    torch.testing.assert_close(outcome.loss, plain, rtol=0.1, atol=0.05)
    outcome.loss.backward()
    assert all(bool(gradient.isfinite().all()) for gradient in gradients(learner).values())


@pytest.mark.parametrize("name", [entry.name for entry in METHODS if entry.name != "npid"])
def test_a_method_takes_the_settings_that_it_is_given(name: str) -> None:
    """Another temperature, and another decay where there is a teacher, change what is learned."""
    one, other = (
        built(lambda encoder, s=s: build(name, encoder, s))
        for s in (replace(SMALL, temperature=0.1, decay=0.5), replace(SMALL, temperature=0.7, decay=0.9))
    )
    rule, other_rule = one.teacher.rule, other.teacher.rule
    if isinstance(rule, MovingAverage) and isinstance(other_rule, MovingAverage):
        assert (rule.base, other_rule.base) == (0.5, 0.9)
    if name not in ("byol", "supervised"):
        assert float(one(batch(), seeded()).loss.detach()) != float(other(batch(), seeded()).loss.detach())


def test_semppl_without_semantic_positives_is_its_augmentation_term_exactly() -> None:
    """Law 12: with α = 0 the loss and all gradients are those of contrast with the same temperature."""
    learners = [
        built(semppl, batch=6, hidden=8, projection=5, objective=objective)
        for objective in (Semantic(Queue(60, 5, 2), temperature=0.2, alpha=0.0), Contrastive(temperature=0.2))
    ]
    losses = [learner(batch(), seeded()).loss for learner in learners]
    for loss in losses:
        loss.backward()
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-6, atol=0)
    ours, theirs = (gradients(learner) for learner in learners)
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        torch.testing.assert_close(gradient, theirs[name], rtol=1e-4, atol=1e-5)


def test_semantic_positives_change_the_loss_once_labels_are_known() -> None:
    learner = built(semppl, batch=6, hidden=8, projection=5)
    outcome = learner(batch(), seeded())
    assert float(outcome.parts["semantic"]) > 0
    alone = learner(replace(batch(), labels=None), seeded())
    assert float(alone.parts["semantic"]) == 0
    assert bool(alone.parts["pseudo_label_accuracy"].isnan())
    torch.testing.assert_close(alone.loss, alone.parts["augmentation"])


def test_supervised_contrast_without_labels_is_simclr() -> None:
    ours = built(lambda encoder: build("supervised-contrastive", encoder, SMALL))
    theirs = built(simclr, hidden=8, projection=5)
    unlabelled = replace(batch(), labels=None)
    torch.testing.assert_close(ours(unlabelled, seeded()).loss, theirs(unlabelled, seeded()).loss)
    assert float(ours(batch(), seeded()).loss.detach()) != float(theirs(batch(), seeded()).loss.detach())


PUBLISHED: dict[str, dict[str, object]] = {
    "odin": {"temperature": 0.1, "same_view": False, "same_item": True},
    "odin-semantic": {"temperature": 0.2, "alpha": 0.2, "contrast": 1.0, "invariance": 0.0, "neighbours": 1},
    "detcon": {"temperature": 0.1, "same_view": True},
    "detcon-s": {"temperature": 0.1, "same_view": True},
    "byol": {"distance": "normalised", "symmetric": True},
    "semppl": {
        "temperature": 0.2,
        "alpha": 0.2,
        "contrast": 1.0,
        "invariance": 0.0,
        "neighbours": 1,
        "metric": "cosine",
        "positives": 1,
        "negatives": None,
        "same_view": False,
    },
    "semppl-invariant": {
        "alpha": 0.2,
        "contrast": 0.3,
        "invariance": 5.0,
        "positives": 3,
        "negatives": 10,
        "same_view": True,
    },
    "semppl-task": {"alpha": 0.2, "contrast": 1.0, "invariance": 0.0},
    "relic": {"temperature": 0.2, "contrast": 0.3, "invariance": 5.0, "negatives": 10, "same_view": True},
    "simclr": {"temperature": 0.1, "same_view": True},
    "moco": {"temperature": 0.2, "symmetric": False},
    "npid": {"temperature": 0.07, "momentum": 0.5},
    "supervised": {},
    "supervised-contrastive": {"temperature": 0.1},
}
"""What the objectives are set to, by the documents and papers."""

DECAYS = {"moco": (0.999, False)} | dict.fromkeys(
    ("odin", "odin-semantic", "detcon", "byol", "semppl", "semppl-invariant", "semppl-task", "relic"), (0.996, True)
)


@pytest.mark.parametrize("name", [entry.name for entry in METHODS])
def test_every_method_stands_as_its_source_defines_it(name: str) -> None:
    setting = Setting(hidden=8, projection=5, batch=8, items=5000, classes=2, first=SMALL.first)
    learner = built(lambda encoder: build(name, encoder, setting))
    objective = learner.objective
    assert {key: getattr(objective, key) for key in PUBLISHED[name]} == PUBLISHED[name]
    rule = learner.teacher.rule
    assert ((rule.base, rule.rising) if isinstance(rule, MovingAverage) else None) == DECAYS.get(name)
    if isinstance(objective, Semantic):
        assert objective.queue.vectors.shape == (2, 80, 5)  # ten batches, one row of vectors per view
    if name == "npid":
        assert isinstance(objective, Npid)
        assert (len(objective.bank), objective.noise) == (5000, 4096)


def test_the_published_presets_are_those_of_the_code() -> None:
    """Source: configs/byol.py."""
    assert [(p.epochs, p.rate, p.weight_decay, p.decay) for p in PRESETS] == [
        (40, 0.45, 1e-6, 0.97),
        (100, 0.45, 1e-6, 0.99),
        (300, 0.3, 1e-6, 0.99),
        (1000, 0.2, 1.5e-6, 0.996),
    ]


def test_the_teacher_may_see_the_untransformed_item() -> None:
    learner = built(byol, hidden=8, projection=5, teacher_sees="source")
    of = batch()
    outcome = learner(of, seeded())
    torch.manual_seed(0)
    expected = learner.teacher.network.project(
        outcome.segmentation.seen_from(of.source.correspondence, learner.teacher.network.encode(of.source.data)).pool(
            learner.teacher.network.encode(of.source.data)
        )
    )
    for taught in outcome.teacher:
        torch.testing.assert_close(taught.vectors, expected.vectors)


def test_one_direction_is_half_of_two_equal_ones() -> None:
    of = batch()
    same = replace(of, views=(of.source, of.source))
    both, one = (
        built(byol, hidden=8, projection=5, objective=Regression(symmetric=symmetric))(same, seeded()).loss
        for symmetric in (True, False)
    )
    torch.testing.assert_close(both, 2 * one)


def test_heads_are_optional() -> None:
    learner = built(byol, projector=False, predictor=False, teacher=Shared())
    assert learner.teacher.network is learner.online
    names = {name.split(".")[1] for name, _ in learner.named_parameters()}
    assert names == {"encoder"}


def test_an_adversary_makes_the_loss_larger() -> None:
    plain = built(byol, hidden=8, projection=5).eval()
    expected = float(plain(batch(), seeded()).loss.detach())
    for steps in (1, 4):
        learner = built(byol, hidden=8, projection=5, adversary=Adversary(size=0.02, steps=steps)).eval()
        assert float(learner(batch(), seeded()).loss.detach()) > expected + 1e-3


@pytest.mark.parametrize("steps", [1, 3])
def test_an_adversary_changes_each_number_by_no_more_than_its_bound(steps: int) -> None:
    x = torch.tensor([[1.0, -1.0, 0.0], [10.0, 10.0, -10.0]])
    changed = Adversary(0.1, steps)(x, lambda data: (data * torch.tensor([1.0, -1.0, 0.0])).sum())
    torch.testing.assert_close(changed - x, torch.tensor([[0.1, -0.1, 0.0], [1.0, -1.0, 0.0]]))


def test_an_adversary_has_nothing_to_do_with_tokens() -> None:
    with pytest.raises(ValueError, match="leave the adversary out"):
        Adversary()(torch.tensor([[1, 2]]), lambda data: data.sum() * 1.0)
    with pytest.raises(ValueError, match="size must be positive"):
        Adversary(size=0.0)


def test_a_task_network_learns_classes_and_is_used_for_inference() -> None:
    items = ITEMS["points"](12)
    shifted = [item + 3.0 * (number % 2) for number, item in enumerate(items)]
    of: Batch[Any] = make_batch("points", shifted)
    of = replace(of, labels=torch.arange(12) % 2)
    learner = built(byol, hidden=16, projection=8, task=Setting(projection=8, classes=2).task())
    losses = trained(learner, 60, of)
    assert losses[-1] < losses[0]
    predicted = learner.predict(of.source.data)
    assert of.labels is not None
    assert float((predicted.argmax(dim=1) == of.labels).double().mean()) > 0.9
    assert learner.training


def test_the_loss_of_a_task_is_the_mean_over_what_is_known_in_all_views_for_any_loss() -> None:
    of = replace(batch(4), targets=torch.tensor([1.0, torch.nan, 3.0, torch.nan]))
    for loss in (squared_error, lambda outputs, targets: (outputs[:, 0] - targets).abs() ** 3):
        head = torch.nn.Linear(5, 1)
        learner = built(supervised, task=Task(head, loss, weight=2.0, values=True), hidden=8, projection=5).eval()
        outcome = learner(of, seeded())
        terms = []
        for view in of.views:
            features = learner.online.encode(view.data)
            for item, target in ((0, 1.0), (2, 3.0)):
                mean = features.values[item][features.valid[item]].mean(dim=0)
                told = loss(head(learner.online.projector(mean[None])), torch.tensor([target]))
                terms.append(float(told.detach()))
        assert float(outcome.parts["task"]) == pytest.approx(sum(terms) / len(terms), rel=1e-5)
        assert float(outcome.loss.detach()) == pytest.approx(2 * sum(terms) / len(terms), rel=1e-5)


def test_a_detached_task_is_a_probe_that_the_encoder_does_not_feel() -> None:
    for detached in (True, False):
        learner = built(supervised, task=Task(torch.nn.Linear(5, 2), detached=detached), hidden=8, projection=5)
        learner(batch(), seeded()).loss.backward()
        felt = any(bool(p.grad.any()) for p in learner.online.parameters() if p.grad is not None)
        assert felt != detached


def test_a_learner_without_task_network_cannot_predict() -> None:
    with pytest.raises(ValueError, match="has no task network"):
        built(byol, hidden=8, projection=5).predict(batch().source.data)


def test_instance_discrimination_remembers_items_by_their_number() -> None:
    learner = built(npid, items=8, hidden=8, projection=5, noise=None, temperature=0.5)
    assert trained(learner, 30)[-1] < trained(built(npid, items=8, hidden=8, projection=5, noise=None), 1)[0]
    with pytest.raises(ValueError, match="bank has 3 entries, got item number 5"):
        built(npid, items=3, hidden=8, projection=5, noise=None)(batch(), seeded())
