"""Encoder and head trained together from where the fitted head is, until held-out items get no better."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.optim import AdamW

from ..data.feature_map import FeatureMap
from ..methods.targets import any_known
from ..networks.encoder import AbstractEncoder
from ..networks.modes import evaluating
from ..networks.pace import Layer, Pace, stacked
from ..optimization.parameter_groups import SHARE, parameter_groups
from ..optimization.schedules import warmup_cosine
from .descent import Best
from .heads.base import AbstractFittedHead
from .task import Task

LOOKS, PATIENCE, LOOKED_AT = 20, 5, 256
"""Looks at held-out items in a training, looks without a better loss after which it ends, items that are looked at."""

Seen = tuple[FeatureMap, Shaped[Tensor, "batch asked ..."]]
"""What is asked about in some items, and what is known of it."""


@final
@dataclass(frozen=True)
class Tuning:
    """How encoder and head are trained: AdamW, warm-up and a half cosine, layers slower the lower they lie."""

    steps: int
    batch: int
    lr: float
    slower: float
    weight_decay: float


@final
class Together(nn.Module):
    """An encoder's copy with a head."""

    def __init__(self, encoder: AbstractEncoder, head: AbstractFittedHead) -> None:
        super().__init__()
        self.encoder, self.head = copy.deepcopy(encoder), copy.deepcopy(head)


def tune(
    encoder: AbstractEncoder,
    head: AbstractFittedHead,
    seen: Callable[[AbstractEncoder, Sequence[int]], Seen],
    task: Task,
    learn: Int[Tensor, " learned"],
    held: Int[Tensor, " held"],
    how: Tuning,
    chances: Float[Tensor, " learned"] | None = None,
) -> tuple[Together, int]:
    """Train copies of both.

    The encoder stays in evaluation mode, so that running statistics are those of pre-training (LP-FT).

    Args:
        encoder: the start.
        head: fitted to the frozen encoder's vectors.
        seen: reads items by their numbers, and encodes them with a given encoder.
        task: what is learned.
        learn: numbers of the items to learn from.
        held: numbers of the items by which it is stopped; none, and it takes all steps.
        how: it is trained.
        chances: how often each item of `learn` is drawn; None for equally often.

    Returns:
        Both, and the number of steps that their weights have seen.

    Raises:
        ValueError: if the encoder has nothing to train.

    Source: Kumar et al., "Fine-tuning can distort pretrained features" (2022); layer-wise rates: `Pace`.
    """
    if not any(parameter.requires_grad for parameter in encoder.parameters()):
        raise ValueError("this encoder has no weights to train: leave out --tune")
    both = Together(encoder, head)
    own = both.encoder.paced
    both.encoder.paced = own or Pace(slower=how.slower).over(both.encoder, layers_of(both.encoder))
    groups = parameter_groups(both, how.weight_decay)
    both.encoder.paced = own
    optimizer, best = AdamW(groups, how.lr), Best(both)
    every, chance = max(1, how.steps // LOOKS), torch.Generator().manual_seed(task.seed)
    some_held = held[torch.randperm(len(held), generator=chance)[:LOOKED_AT]]
    if len(held):
        best.look(0, _loss_of(both, seen, task, some_held, how.batch))
    for step in range(1, how.steps + 1):
        both.eval()
        both.head.train()
        weights = torch.ones(len(learn)) if chances is None else chances
        picked = torch.multinomial(weights, min(how.batch, len(learn)), chances is not None, generator=chance)
        with torch.enable_grad():
            loss = _loss(both, seen(both.encoder, learn[picked].tolist()), task)
            optimizer.zero_grad()
            loss.backward()
        nn.utils.clip_grad_norm_(both.parameters(), 5.0)
        for group in optimizer.param_groups:
            group["lr"] = how.lr * warmup_cosine(step, how.steps, how.steps // 10) * group.get(SHARE, 1.0)
        optimizer.step()
        if len(held) and step % every == 0:
            best.look(step, _loss_of(both, seen, task, some_held, how.batch))
            if best.worse >= PATIENCE:
                break
    return both.eval(), best.take() if len(held) else how.steps


def layers_of(encoder: nn.Module) -> list[Layer]:
    """The layers of any encoder from the lowest up: the blocks of its heaviest stack, and what comes before them.

    Example:
        >>> encoder = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3))
        >>> len(layers_of(encoder))
        2
    """
    stacks = [part for part in encoder.modules() if isinstance(part, nn.ModuleList | nn.Sequential)]
    deep = [blocks for part in stacks if len(blocks := [one for one in part if _learns(one)]) > 1]
    if not deep:
        return [(encoder,)]
    return stacked(encoder, max(deep, key=lambda blocks: sum(p.numel() for one in blocks for p in one.parameters())))


def _learns(module: nn.Module) -> bool:
    return any(True for _ in module.parameters())


def _loss(both: Together, seen: Seen, task: Task) -> Float[Tensor, ""]:
    asked, known = seen
    known = known.to(asked.values.device)
    there = asked.valid & any_known(known, axes=2)
    outputs, rows = both.head(asked)[there], known[there]
    weights = (
        task.rarity(rows.cpu()).to(outputs) if task.balance == "weights" and len(rows) else outputs.new_ones(len(rows))
    )
    losses: Tensor = (task.target.loss(outputs, rows) * weights).sum()
    return losses / weights.sum().clamp(min=1e-12)


def _loss_of(
    both: Together,
    seen: Callable[[AbstractEncoder, Sequence[int]], Seen],
    task: Task,
    numbers: Int[Tensor, " items"],
    batch: int,
) -> float:
    """The mean over batches of held-out items."""
    with evaluating(both):
        losses = [float(_loss(both, seen(both.encoder, some.tolist()), task)) for some in numbers.split(batch)]
    return sum(losses) / len(losses)
