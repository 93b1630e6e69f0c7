"""Methods on a few points: built, and trained for a few steps."""

from typing import Any

import torch
from torch import Tensor

from gestalt.core.data.view import Batch
from gestalt.core.methods.compared import Compared
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.step import AbstractLearner
from gestalt.core.optimization.progress import Progress
from tests.implementations import DATA, ENCODERS, ITEMS, make_batch, method_learner, seeded, small


def built(name: str, data: DataInfo = DATA, **changes: Any) -> Learner:
    torch.manual_seed(0)
    return method_learner(name, ENCODERS["points"](), data, **changes)


def any_built(name: str, data: DataInfo = DATA) -> AbstractLearner[Compared]:
    """Of any method, also of one that compares nothing."""
    torch.manual_seed(0)
    return small(name).build(ENCODERS["points"](), data)


def batch(count: int = 6) -> Batch[Any]:
    made: Batch[Any] = make_batch("points", ITEMS["points"](count))
    return made


def gradients(learner: torch.nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in learner.named_parameters() if p.grad is not None}


def trained(
    learner: AbstractLearner[Compared], steps: int = 3, of: Batch[Any] | None = None, epoch: int = 10
) -> list[float]:
    """The losses of a few steps of plain gradient descent; an epoch is so many steps."""
    of, losses = of or batch(), []
    for step in range(1, steps + 1):
        learner.zero_grad()
        outcome = learner(of, seeded(step), Progress(step - 1, 100, epoch))
        outcome.loss.backward()
        with torch.no_grad():
            for parameter in learner.parameters():
                if parameter.grad is not None:
                    parameter.sub_(0.05 * parameter.grad)
        learner.after_step([outcome], Progress(step, 100, epoch))
        losses.append(float(outcome.loss.detach()))
    return losses
