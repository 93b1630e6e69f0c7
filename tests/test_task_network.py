"""The task network: trained beside any method on what is labelled, and used for inference."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from gestalt.core.data.view import Batch
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.target_head import TargetHead
from gestalt.core.methods.targets import Classes, Values
from gestalt.core.networks.heads import LinearHead
from tests.implementations import ITEMS, PROGRESS, make_batch, seeded
from tests.small_learners import batch, built, trained


def test_a_task_network_learns_classes_and_is_used_for_inference() -> None:
    shifted = [item + 3.0 * (number % 2) for number, item in enumerate(ITEMS["points"](12))]
    of: Batch[Any] = make_batch("points", shifted)
    of = replace(of, labels=torch.arange(12) % 2)
    learner = built("byol", heads=Heads(16, 8), task=True)
    losses = trained(learner, 60, of)
    assert losses[-1] < losses[0]
    assert learner.task is not None
    assert learner.heads()["task"] is learner.task.head
    learner.eval()
    features = learner.online.encode(of.source.data)
    items = learner.segmenter(of, seeded()).seen_from(of.source.correspondence, features).pool(features)
    predicted = learner.task.head(learner.online.project(items).vectors[:, 0])
    assert of.labels is not None
    assert float((predicted.argmax(dim=1) == of.labels).double().mean()) > 0.9


def test_the_loss_of_a_task_is_the_mean_over_what_is_known_in_all_views() -> None:
    of = replace(batch(4), labels=torch.tensor([[1.0], [torch.nan], [3.0], [torch.nan]]))
    target = Values(("height",), mean=(0.5,), scale=(2.0,))
    head = nn.Linear(5, 1)
    learner = built("supervised").eval()
    learner.task = TargetHead(head, target, weight=2.0)
    outcome = learner(of, seeded(), PROGRESS)
    terms = []
    for view in of.views:
        features = learner.online.encode(view.data)
        for item, height in ((0, 1.0), (2, 3.0)):
            mean = features.values[item][features.valid[item]].mean(dim=0)
            found = float(head(learner.online.projector(mean[None])).detach())
            terms.append(((height - 0.5) / 2 - found) ** 2)
    assert float(outcome.metrics["task"]) == pytest.approx(sum(terms) / len(terms), rel=1e-5)
    assert float(outcome.loss.detach()) == pytest.approx(2 * sum(terms) / len(terms), rel=1e-5)
    assert float(outcome.metrics["task_rmse"]) == pytest.approx(2 * (sum(terms) / len(terms)) ** 0.5, rel=1e-5)


def test_without_labels_a_task_contributes_nothing() -> None:
    learner, plain = built("byol", task=True), built("byol")
    of = replace(batch(), labels=None)
    outcome = learner(of, seeded(), PROGRESS)
    assert float(outcome.metrics["task"]) == 0
    assert torch.equal(outcome.loss, plain(of, seeded(), PROGRESS).loss)
    outcome.loss.backward()
    assert learner.task is not None
    assert not any(bool(p.grad.any()) for p in learner.task.parameters() if p.grad is not None)


def test_a_detached_task_is_a_probe_that_the_encoder_does_not_feel() -> None:
    for detached in (True, False):
        learner = built("supervised")
        learner.task = TargetHead(LinearHead(5, 2), Classes(("a", "b")), detached=detached)
        learner(batch(), seeded(), PROGRESS).loss.backward()
        felt = any(bool(p.grad.any()) for p in learner.online.parameters() if p.grad is not None)
        assert felt != detached
