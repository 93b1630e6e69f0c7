"""Heads that are trained step by step, until what is held out gets no better."""

import copy
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.optim import AdamW

from ..components.ranges import Count, Positive, Weight, check_ranges
from ..optimization.parameter_groups import parameter_groups
from ..optimization.schedules import warmup_cosine
from .examples import Examples
from .heads.base import AbstractFittedHead
from .task import Task


@final
@dataclass(frozen=True)
class Descent:
    """AdamW with a short warm-up and a half cosine; stopped early where the held-out loss has stopped falling."""

    steps: Count = 400
    """At most so many."""
    batch: Count = 64
    """Rows (items, for a convolution) of a step."""
    lr: Positive = 2e-3
    """The learning rate."""
    weight_decay: Weight = 1e-2
    """Of the weights, not of biases."""
    every: Count = 20
    """Steps between two looks at what is held out."""
    patience: Count = 4
    """Looks without a better loss after which it ends."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class Best:
    """The step of the smallest held-out loss, with its weights; `worse` counts the looks since."""

    def __init__(self, module: nn.Module) -> None:
        self.module, self.loss, self.step, self.worse = module, float("inf"), 0, 0
        self.state: dict[str, Any] = {}

    def look(self, step: int, loss: float) -> None:
        """One look."""
        self.worse += 1
        if loss < self.loss:
            self.loss, self.step, self.worse = loss, step, 0
            self.state = copy.deepcopy(self.module.state_dict())

    def take(self) -> int:
        """Put the best weights into the module; their step."""
        if self.state:
            self.module.load_state_dict(self.state)
        return self.step


def descend(
    head: AbstractFittedHead,
    examples: Examples,
    task: Task,
    learn: Int[Tensor, " learned"],
    held: Int[Tensor, " held"],
    how: Descent,
) -> int:
    """Train a head on the rows `learn`; stop and go back by the rows `held`, if there are any.

    Returns:
        The number of steps that its weights have seen.
    """
    with torch.random.fork_rng():
        torch.manual_seed(task.seed)  # dropout
        optimizer, best = AdamW(parameter_groups(head, how.weight_decay), how.lr), Best(head)
        draws, of_held = Draws(examples.some(learn), task, how.batch), examples.some(held)
        for step in range(1, how.steps + 1):
            head.train()
            loss = task.loss(head, examples.some(learn[draws.next()]))
            for group in optimizer.param_groups:
                group["lr"] = how.lr * warmup_cosine(step, how.steps, min(10, how.steps // 10))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if len(held) and (step % how.every == 0 or step == how.steps):
                best.look(step, held_loss(head, of_held, task))
                if best.worse >= how.patience:
                    break
        head.eval()
        return best.take() if len(held) else how.steps


@torch.no_grad()
def held_loss(head: AbstractFittedHead, examples: Examples, task: Task) -> float:
    """The mean loss of held-out rows, in evaluation mode."""
    head.eval()
    return float(task.loss(head, examples))


@final
class Draws:
    """Rows of one step after the other: no row twice in a round, or by chance with balanced classes."""

    def __init__(self, examples: Examples, task: Task, batch: int) -> None:
        self.generator = torch.Generator().manual_seed(task.seed)
        self.batch, self.count = min(batch, len(examples)), len(examples)
        self.order = torch.empty(0, dtype=torch.long)
        self.chance = row_chances(examples, task) if task.balance == "draws" else None

    def next(self) -> Int[Tensor, " batch"]:
        """The rows of the next step."""
        if self.chance is not None:
            return torch.multinomial(self.chance, self.batch, replacement=True, generator=self.generator)
        if len(self.order) < self.batch:
            self.order = torch.randperm(self.count, generator=self.generator)
        rows, self.order = self.order[: self.batch], self.order[self.batch :]
        return rows


def row_chances(examples: Examples, task: Task) -> Tensor:
    """How often each row is drawn: by the rarest of what is known in it."""
    there = examples.there()
    rarity = torch.zeros(there.shape)
    rarity[there] = task.rarity(examples.known[there])
    return rarity.amax(dim=1).clamp(min=1e-9)
