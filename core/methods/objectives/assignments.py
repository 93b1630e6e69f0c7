"""How a view's scores become its assignment to prototypes, which other views predict; and what keeps all in use."""

import abc
from collections.abc import Callable
from typing import Literal, Protocol, final, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...components.ranges import Rounds, Share, check_ranges
from ...distributed.ranks import sum_over_ranks
from ...losses.sinkhorn import sinkhorn

Balance = Literal["centring", "sinkhorn", "batch-softmax", "none"]


class AbstractAssignment(nn.Module, abc.ABC):
    """For every row its shares of the prototypes; they sum to 1, and no gradient enters them."""

    @abc.abstractmethod
    def forward(self, scores: Float[Tensor, "rows prototypes"], temperature: float) -> Float[Tensor, "rows prototypes"]:
        """The assignments of the rows of this rank."""


@runtime_checkable
class ObservesScores(Protocol):
    """An assignment that learns from the scores of every step."""

    def observe(self, total: Float[Tensor, " prototypes"], count: int) -> None:
        """Take in the sum of this rank's scores of a step, and of how many rows it is, once the step is done."""
        ...


@final
class Centred(AbstractAssignment):
    """P = softmax((g − c) / τ), with c the moving mean of the scores: c ← m c + (1 − m) mean g, over all ranks.

    Prototypes that get high scores everywhere are lowered. With m = 1 the centre stays 0: no balance, and training
    ends with one prototype for everything.

    Args:
        count: K, the number of prototypes.
        momentum: m.

    Source: Caron et al. (2021, DINO), equation 4.
    """

    centre: Tensor

    def __init__(self, count: int, momentum: Share = 0.9) -> None:
        super().__init__()
        self.count, self.momentum = count, momentum
        check_ranges(self)
        self.register_buffer("centre", torch.zeros(count))

    def forward(self, scores: Float[Tensor, "rows prototypes"], temperature: float) -> Float[Tensor, "rows prototypes"]:
        """P."""
        return ((scores.detach() - self.centre) / temperature).softmax(dim=1)

    @torch.no_grad()
    def observe(self, total: Float[Tensor, " prototypes"], count: int) -> None:
        """The centre follows; where no rank has a row it stays."""
        rows = sum_over_ranks(torch.tensor(float(count), device=total.device))
        mean = sum_over_ranks(total) / rows.clamp(min=1)
        if float(rows) > 0:
            self.centre.lerp_(mean.to(self.centre), 1 - self.momentum)


@final
class Balanced(AbstractAssignment):
    """Sinkhorn–Knopp within the batch of all ranks: every prototype gets the same number of rows.

    Args:
        iterations: 3 in SwAV. One is the soft-max over the batch, normalised by row.

    Source: Caron et al. (2020, SwAV), equation 5.
    """

    def __init__(self, iterations: Rounds = 3) -> None:
        super().__init__()
        self.iterations = iterations
        check_ranges(self)

    def forward(self, scores: Float[Tensor, "rows prototypes"], temperature: float) -> Float[Tensor, "rows prototypes"]:
        """Q."""
        return sinkhorn(scores, temperature, self.iterations)


def balanced_by(balance: Balance, count: int, momentum: float = 0.9, iterations: int = 3) -> AbstractAssignment:
    """The assignment of a name: those that DINO's authors compare."""
    made: dict[Balance, Callable[[], AbstractAssignment]] = {
        "centring": lambda: Centred(count, momentum),
        "sinkhorn": lambda: Balanced(iterations),
        "batch-softmax": lambda: Balanced(1),
        "none": lambda: Centred(count, 1.0),
    }
    return made[balance]()
