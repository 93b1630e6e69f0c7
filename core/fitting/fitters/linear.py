"""A straight line, fitted to the optimum."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor, nn

from ...components.ranges import Positive, check_ranges
from ...evaluation.fitted_head import PENALTIES
from ...evaluation.probe import fitted
from ...evaluation.splitting import Split
from ..examples import Examples
from ..heads.linear import FittedLinear
from ..task import Task, outputs_of
from .base import AbstractFitter


@final
@dataclass(frozen=True)
class Linear(AbstractFitter):
    """W minimises Σ loss + λ/2 ‖W‖² on standardised vectors: the linear probe (L-BFGS, in double precision).

    Args:
        penalties: λ; of several the one with the smallest loss on held-out rows, without held-out rows the greatest.
    """

    penalties: tuple[Positive, ...] = PENALTIES

    def __post_init__(self) -> None:
        object.__setattr__(self, "penalties", tuple(self.penalties))
        check_ranges(self)
        if not self.penalties:
            raise ValueError("penalties must be one number at least, got none")

    def chosen(self, examples: Examples, task: Task, splits: Sequence[Split]) -> "Linear":
        """With one penalty."""
        if len(self.penalties) == 1 or not splits:
            return Linear((max(self.penalties),))
        losses = dict.fromkeys(self.penalties, 0.0)
        for penalty in self.penalties:
            one = replace(self, penalties=(penalty,))
            for split in splits:
                held = examples.some(split.test)
                rows = task.target.loss(outputs_of(one.fit(examples, task, split.train), held), held.facts())
                losses[penalty] += float(rows.sum())
        return Linear((min(losses, key=lambda penalty: losses[penalty]),))

    def fit(self, examples: Examples, task: Task, rows: Int[Tensor, " rows"]) -> FittedLinear:
        """See the class."""
        task.refuse_draws("a linear head")
        some = examples.some(rows)
        vectors, known = some.vectors(), some.facts()
        head = FittedLinear(vectors.shape[1], task.target.outputs)
        standard: Any = head.layers[0]
        linear = head.layers[1]
        assert isinstance(linear, nn.Linear)
        standard.see(vectors)
        wide = (vectors.double() - standard.mean.double()) / standard.scale.double()
        weight, bias = fitted(wide, task.target, known, max(self.penalties), task.rarity(known).double())
        with torch.no_grad():
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)
        return head.eval()

    def described(self) -> str:
        """See `AbstractFitter`."""
        if len(self.penalties) == 1:
            return f"a linear head, penalty {self.penalties[0]:g}"
        return f"a linear head, its penalty one of {', '.join(f'{penalty:g}' for penalty in self.penalties)}"
