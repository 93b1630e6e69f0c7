"""A convolution over the elements, trained until held-out items get no better."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, final

from jaxtyping import Int
from torch import Tensor

from ...components.ranges import Width, check_ranges
from ...evaluation.splitting import Split
from ..descent import Descent
from ..examples import Examples
from ..heads.base import AbstractFittedHead
from ..heads.convolution import ElementConvolution, Kernel
from ..task import Task
from .base import AbstractFitter, at_best, descended


def _descent() -> Descent:
    return Descent(batch=8)


@final
@dataclass(frozen=True)
class Convolution(AbstractFitter):
    """What lies around an element has a say in what it is: frames, cells, words.

    Args:
        hidden: channels.
        kernel: elements along every axis that are seen.
        training: how it is trained; a row is an item.
    """

    hidden: Width = 64
    kernel: Kernel = 5
    training: Descent = field(default_factory=_descent)
    together: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def chosen(self, examples: Examples, task: Task, splits: Sequence[Split]) -> "Convolution":
        """With the number of steps that served best."""
        return replace(self, training=at_best(self._fresh, self.training, examples, task, splits))

    def fit(self, examples: Examples, task: Task, rows: Int[Tensor, " rows"]) -> AbstractFittedHead:
        """See the class."""
        return descended(self._fresh, self.training, examples, task, rows)

    def described(self) -> str:
        """See `AbstractFitter`."""
        return f"a convolution over {self.kernel} elements, at most {self.training.steps} steps"

    def _fresh(self, examples: Examples, task: Task) -> ElementConvolution:
        lattice, vectors = examples.asked.grid, examples.vectors()
        axes = 1 if lattice is None else len(lattice.shape)
        head = ElementConvolution(vectors.shape[1], self.hidden, task.target.outputs, self.kernel, axes)
        head.standard.see(vectors)
        return head
