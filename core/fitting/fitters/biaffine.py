"""Parents of elements by biaffine scores, trained until held-out items get no better."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, final

from jaxtyping import Int
from torch import Tensor

from ...components.ranges import CountOrNone, Width, check_ranges
from ...evaluation.splitting import Split
from ...methods.targets import Points
from ..descent import Descent
from ..examples import Examples
from ..heads.base import AbstractFittedHead
from ..heads.biaffine import Biaffine, LeftOut
from ..task import Task
from .base import AbstractFitter, at_best, descended


def _descent() -> Descent:
    return Descent(steps=800, batch=16, every=40)


@final
@dataclass(frozen=True)
class BiaffineFitter(AbstractFitter):
    """Every element points at its parent: for trees (`Biaffine`).

    Args:
        hidden: numbers by which a parent is chosen.
        relation_hidden: numbers by which a relation is chosen.
        distances: how far distances are told apart where elements have an order.
        dropout: share of these numbers that are left out in training.
        training: how it is trained; a row is an item.
    """

    hidden: Width = 64
    relation_hidden: Width = 32
    distances: CountOrNone = 8
    dropout: LeftOut = 0.33
    training: Descent = field(default_factory=_descent)
    together: ClassVar[bool] = True
    points: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def chosen(self, examples: Examples, task: Task, splits: Sequence[Split]) -> "BiaffineFitter":
        """With the number of steps that served best."""
        return replace(self, training=at_best(self._fresh, self.training, examples, task, splits))

    def fit(self, examples: Examples, task: Task, rows: Int[Tensor, " rows"]) -> AbstractFittedHead:
        """See the class."""
        return descended(self._fresh, self.training, examples, task, rows)

    def described(self) -> str:
        """See `AbstractFitter`."""
        return f"a biaffine head of {self.hidden} numbers, at most {self.training.steps} steps"

    def _fresh(self, examples: Examples, task: Task) -> Biaffine:
        target, vectors = task.target, examples.vectors()
        assert isinstance(target, Points)
        distances = self.distances if examples.asked.places is not None else 0
        relations = len(task.target.columns)
        head = Biaffine(
            vectors.shape[1], relations, target.longest, self.hidden, self.relation_hidden, distances, self.dropout
        )
        head.standard.see(vectors)
        return head
