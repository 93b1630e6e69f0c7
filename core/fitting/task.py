"""What a head is to learn, and how rows weigh."""

from dataclasses import dataclass
from typing import Literal, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ..methods.targets import AbstractTarget, Balances
from .examples import Examples
from .heads.base import AbstractFittedHead

Balance = Literal["none", "weights", "draws"]
"""What is done where some classes are rarer than others: nothing, their rows weigh more, they are drawn more often."""


@final
@dataclass(frozen=True)
class Task:
    """What is to be learned.

    Attributes:
        target: with its loss.
        balance: what is done for rare classes.
        seed: of everything random.
    """

    target: AbstractTarget
    balance: Balance = "none"
    seed: int = 0

    def rarity(self, known: Shaped[Tensor, "rows ..."]) -> Float[Tensor, " rows"]:
        """The weight of every row, 1 in the mean; 1 for all where nothing is balanced.

        Raises:
            ValueError: for a target that has no classes.
        """
        if self.balance == "none":
            return torch.ones(len(known))
        if not isinstance(self.target, Balances):
            raise ValueError(
                f"--balance {self.balance} is for classes and labels, and these are "
                f"{type(self.target).__name__.lower()}; leave the option out"
            )
        return self.target.balanced(known)

    def refuse_draws(self, what: str) -> None:
        """Refuse balanced draws where all rows are seen at once.

        Raises:
            ValueError: naming what sees them.
        """
        if self.balance == "draws":
            raise ValueError(f"{what} sees all rows at once, so none is drawn: take --balance weights")

    def loss(self, head: AbstractFittedHead, examples: Examples) -> Float[Tensor, ""]:
        """The mean loss of what is known, rare rows weighing more where that was asked for."""
        there, device = examples.there(), next(head.parameters()).device
        known = examples.known[there]
        outputs = head(examples.asked.to(device))[there.to(device)]
        weights = (self.rarity(known) if self.balance == "weights" else torch.ones(len(known))).to(device)
        losses = self.target.loss(outputs, known.to(device)) * weights
        return losses.sum() / weights.sum().clamp(min=1e-12)


@torch.no_grad()
def outputs_of(head: AbstractFittedHead, examples: Examples, chunk: int = 256) -> Float[Tensor, "known outputs"]:
    """What a head says of everything of which something is known, in evaluation mode, on the CPU."""
    head.eval()
    device = next((tensor.device for tensor in (*head.parameters(), *head.buffers())), torch.device("cpu"))
    parts = []
    for rows in torch.arange(len(examples)).split(chunk):
        some = examples.some(rows)
        parts.append(head(some.asked.to(device)).cpu()[some.there()])
    return torch.cat(parts).float()
