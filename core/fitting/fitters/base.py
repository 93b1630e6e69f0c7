"""The interface of whatever fits a head, and what those that train have in common."""

import abc
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

from ...evaluation.splitting import Split
from ...methods.targets import AbstractTarget, Points
from ..descent import Descent, descend
from ..examples import Examples
from ..heads.base import AbstractFittedHead
from ..task import Task

FitterT = TypeVar("FitterT", bound="AbstractFitter")


class AbstractFitter(abc.ABC):
    """Makes a head out of labelled vectors. An entry point in the group `gestalt.fitters` gives it a name.

    Attributes:
        together: whether it sees all elements of an item together; otherwise one vector at a time.
        learns: whether its heads have weights that can be trained on with the encoder.
        points: whether its heads answer which element another one points at: for trees, and nothing else.
    """

    together: ClassVar[bool] = False
    learns: ClassVar[bool] = True
    points: ClassVar[bool] = False

    @abc.abstractmethod
    def chosen(self: FitterT, examples: Examples, task: Task, splits: Sequence[Split]) -> FitterT:
        """The same with what it leaves open chosen on held-out rows: a penalty, a number of steps."""

    @abc.abstractmethod
    def fit(self, examples: Examples, task: Task, rows: Int[Tensor, " rows"]) -> AbstractFittedHead:
        """A head fitted to these rows, in evaluation mode; what is left open is taken at its most careful."""

    @abc.abstractmethod
    def described(self) -> str:
        """What it does, in words, before anything is done."""


def check_answers(fitter: AbstractFitter, target: AbstractTarget) -> None:
    """Refuse a head that points where nothing is pointed at, and the reverse.

    Raises:
        ValueError: naming the head that does.
    """
    what = type(target).__name__.lower()
    if isinstance(target, Points) and not fitter.points:
        raise ValueError(
            f"{fitter.described()} cannot answer {what}, whose elements point at one another: --head biaffine"
        )
    if fitter.points and not isinstance(target, Points):
        raise ValueError(
            f"{fitter.described()} answers trees alone, and these are {what}: take another head (--head linear)"
        )


Fresh = Callable[[Examples, Task], AbstractFittedHead]
"""An untrained head with the scale of these rows."""


def at_best(fresh: Fresh, descent: Descent, examples: Examples, task: Task, splits: Sequence[Split]) -> Descent:
    """The descent with as many steps as served best on held-out rows, in the mean over splits."""
    steps = [
        descend(seeded(fresh, examples.some(split.train), task), examples, task, split.train, split.test, descent)
        for split in splits
    ]
    return replace(descent, steps=max(1, round(sum(steps) / len(steps)))) if steps else descent


def descended(
    fresh: Fresh, descent: Descent, examples: Examples, task: Task, rows: Int[Tensor, " rows"]
) -> AbstractFittedHead:
    """A head that was trained on these rows for as many steps as the descent has."""
    head = seeded(fresh, examples.some(rows), task)
    descend(head, examples, task, rows, torch.arange(0), descent)
    return head


def seeded(fresh: Fresh, examples: Examples, task: Task) -> AbstractFittedHead:
    """The same untrained head for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.seed)
        return fresh(examples, task)
