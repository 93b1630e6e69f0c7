"""Objectives with prototypes or clusters, built small and the same every time; for the lists of implementations."""

import functools
from collections.abc import Callable
from typing import Any

import torch

from gestalt.core.methods.objectives import (
    AbstractObjective,
    Balanced,
    Centred,
    DeepCluster,
    Distillation,
    PrototypeContrast,
    Queue,
    SelfLabelling,
)
from gestalt.core.networks.follower import MovingAverage

Build = Callable[[int, int], AbstractObjective]


def fixed(build: Build, dim: int, views: int) -> AbstractObjective:
    """The objective with the same random weights at every call; a teacher and a centre that have moved already."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = build(dim, views)
        if isinstance(made, Distillation):
            with torch.no_grad():
                if made.teacher is not None:
                    made.teacher.weight.normal_()
                if isinstance(made.assignment, Centred) and made.assignment.momentum < 1:
                    made.assignment.centre.normal_(std=0.1)
        return made


def distillation(
    dim: int, assignment: Any, rule: MovingAverage | None = None, queue: Queue | None = None, **settings: Any
) -> Distillation:
    """Seven prototypes that are trained from the first step on."""
    settings = {"frozen_epochs": 0, "queue_from": 0, "warmup_epochs": 2} | settings
    return Distillation(dim, 7, assignment, rule, queue=queue, **settings)


_CLUSTERED: dict[str, Build] = {
    "distillation, centred": lambda dim, _: distillation(dim, Centred(7), MovingAverage(0.5)),
    "distillation, not balanced": lambda dim, _: distillation(dim, Centred(7, 1.0), MovingAverage(0.5)),
    "distillation, balanced, no teacher": lambda dim, _: distillation(dim, Balanced(3), temperature=0.2),
    "distillation, soft-max over the batch": lambda dim, _: distillation(dim, Balanced(1), MovingAverage(0.5)),
    "distillation with a queue": lambda dim, views: distillation(dim, Balanced(3), None, Queue(6, dim, views)),
}
CLUSTERED: dict[str, Build] = {name: functools.partial(fixed, build) for name, build in _CLUSTERED.items()}
"""Those that compare any number of objects, for vectors of a length and so many views of the teacher."""

_BANKS: dict[str, Build] = {
    "deepcluster": lambda items, dim: DeepCluster(items, dim, 3, labellings=2, iterations=3),
    "sela": lambda items, dim: SelfLabelling(items, dim, 3, labellings=2, updates=10),
    "prototype contrast": lambda items, dim: PrototypeContrast(items, dim, (2, 4), negatives=3, begins=0.0),
}
BANKS: dict[str, Build] = {name: functools.partial(fixed, build) for name, build in _BANKS.items()}
"""Those with a bank of whole items, for the size of the data set and the length of vectors."""

SMALL_NUMBERS: dict[str, Any] = {
    "switch": 2,
    "contrast": 1.0,
    "hidden": 8,
    "bottleneck": 5,
    "prototypes": 4,
    "queue_batches": 2,
    "queue_from": 0,
    "labellings": 2,
    "granularities": 2,
    "begins": 0.0,
}
"""Settings of small methods, by name."""
