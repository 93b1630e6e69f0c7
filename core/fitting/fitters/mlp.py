"""A network of one hidden layer, trained until held-out rows get no better."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

from jaxtyping import Int
from torch import Tensor

from ...components.ranges import PartialShare, Width, check_ranges
from ...evaluation.splitting import Split
from ..descent import Descent
from ..examples import Examples
from ..heads.base import AbstractFittedHead
from ..heads.mlp import FittedMLP
from ..task import Task
from .base import AbstractFitter, at_best, descended


@final
@dataclass(frozen=True)
class MLPFitter(AbstractFitter):
    """A hidden layer, for what a straight line does not part.

    Args:
        hidden: its width.
        dropout: share of it that is left out in training.
        training: how it is trained.
    """

    hidden: Width = 128
    dropout: PartialShare = 0.1
    training: Descent = field(default_factory=Descent)

    def __post_init__(self) -> None:
        check_ranges(self)

    def chosen(self, examples: Examples, task: Task, splits: Sequence[Split]) -> "MLPFitter":
        """With the number of steps that served best."""
        return replace(self, training=at_best(self._fresh, self.training, examples, task, splits))

    def fit(self, examples: Examples, task: Task, rows: Int[Tensor, " rows"]) -> AbstractFittedHead:
        """See the class."""
        return descended(self._fresh, self.training, examples, task, rows)

    def described(self) -> str:
        """See `AbstractFitter`."""
        return f"an MLP of {self.hidden} hidden units, at most {self.training.steps} steps"

    def _fresh(self, examples: Examples, task: Task) -> FittedMLP:
        vectors = examples.vectors()
        head = FittedMLP(vectors.shape[1], self.hidden, task.target.outputs, self.dropout)
        standard: Any = head.layers[0]
        standard.see(vectors)
        return head
