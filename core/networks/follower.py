"""Networks that follow the online network: the teacher, the object discovery network.

A rule says when and how; the follower holds the copy and acts only when `follow` is called.
"""

import abc
import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor, nn

from ..optimization.progress import Progress
from .encoder import Network


class AbstractRule(abc.ABC):
    """How much of itself a follower keeps at a step."""

    buffers: Literal["own", "copy"]
    """What becomes of buffers, such as running statistics: the follower's own, or copied from the online network."""

    @abc.abstractmethod
    def decay(self, progress: Progress) -> float:
        """λ in ξ ← λ ξ + (1 − λ) θ after this step: 1 keeps the follower, 0 copies the online network."""


@final
@dataclass(frozen=True)
class MovingAverage(AbstractRule):
    """ξ ← τ ξ + (1 − τ) θ with τ_k = 1 − (1 − τ_base) (cos(π k / K) + 1) / 2, rising from `base` to 1.

    `rising=False` keeps τ at `base`. Buffers are the follower's own by default: BYOL's teacher normalises with its own
    batch statistics and its running ones are never averaged.

    Source: BYOL, section 3.3, and its code. The Odin document writes λ for 1 − τ.

    Example:
        >>> rule = MovingAverage(0.99)
        >>> [round(rule.decay(Progress(step, 100, 10)), 4) for step in (0, 50, 100)]
        [0.99, 0.995, 1.0]
    """

    base: float = 0.996
    rising: bool = True
    buffers: Literal["own", "copy"] = "own"

    def __post_init__(self) -> None:
        if not 0 <= self.base <= 1:
            raise ValueError(f"the decay of a moving average lies in [0, 1], got {self.base}")

    def decay(self, progress: Progress) -> float:
        """τ at this step."""
        if not self.rising:
            return self.base
        return 1 - (1 - self.base) * (math.cos(math.pi * progress.fraction) + 1) / 2


@final
@dataclass(frozen=True)
class CopyEvery(AbstractRule):
    """A full copy, buffers included, every so many epochs or steps; nothing in between.

    Source: Odin, [0037] and [0087], which names 10 and 100 epochs.

    Example:
        >>> CopyEvery(epochs=2).decay(Progress(step=45, steps=100, steps_per_epoch=10))
        1.0
        >>> CopyEvery(epochs=2).decay(Progress(step=60, steps=100, steps_per_epoch=10))
        0.0
    """

    epochs: int | None = None
    steps: int | None = None
    buffers: Literal["own", "copy"] = "copy"

    def __post_init__(self) -> None:
        given = [n for n in (self.epochs, self.steps) if n is not None]
        if len(given) != 1 or given[0] < 1:
            raise ValueError(f"CopyEvery needs epochs or steps, one of them and at least 1, got {self}")

    def decay(self, progress: Progress) -> float:
        """0 on the steps that copy, 1 on all others."""
        period = self.steps if self.epochs is None else self.epochs * progress.steps_per_epoch
        return 0.0 if period and progress.step % period == 0 else 1.0


@final
@dataclass(frozen=True)
class Shared(AbstractRule):
    """The follower is the online network itself: shared parameters, nothing to update.

    Source: Odin, [0039] and claim 16; SimCLR, DetCon-S.
    """

    buffers: Literal["own", "copy"] = "copy"

    def decay(self, progress: Progress) -> float:  # noqa: ARG002
        """Meaningless here; nothing is kept apart."""
        return 1.0


@final
class Follower(nn.Module):
    """A network that follows `online` by `rule`, from the same start, and into which no gradient enters."""

    def __init__(self, online: Network, rule: AbstractRule) -> None:
        super().__init__()
        # A tuple hides the online network from this module's parameters: it is trained and saved elsewhere.
        self._online = (online,)
        self.rule = rule
        self._copy = None if isinstance(rule, Shared) else copy.deepcopy(online).requires_grad_(False)

    @property
    def network(self) -> Network:
        """The network that follows."""
        return self._online[0] if self._copy is None else self._copy

    @torch.no_grad()
    def follow(self, progress: Progress) -> None:
        """Update the copy; call it after the optimiser's step.

        Raises:
            ValueError: if the two networks no longer have the same names and shapes.
        """
        decay = self.rule.decay(progress)
        if self._copy is None or decay == 1:
            return
        follow_tensors(_named(self._copy.named_parameters()), _named(self._online[0].named_parameters()), decay)
        if self.rule.buffers == "copy":
            follow_tensors(_named(self._copy.named_buffers()), _named(self._online[0].named_buffers()), 0.0)


def _named(pairs: Iterator[tuple[str, Tensor]]) -> dict[str, Tensor]:
    return {name: tensor.data for name, tensor in pairs}


def follow_tensors(follower: dict[str, Tensor], online: dict[str, Tensor], decay: float) -> None:
    """ξ ← λ ξ + (1 − λ) θ for tensors of the same names and shapes, in place.

    Example:
        >>> average = {"w": torch.tensor([0.0])}
        >>> follow_tensors(average, {"w": torch.tensor([1.0])}, decay=0.9)
        >>> round(average["w"].item(), 4)
        0.1
    """
    ours = {name: tensor.shape for name, tensor in follower.items()}
    theirs = {name: tensor.shape for name, tensor in online.items()}
    if ours != theirs:
        different = sorted(set(ours.items()) ^ set(theirs.items()), key=str)
        raise ValueError(
            f"a follower and its online network must have the same names and shapes, they differ in {different[:4]}; "
            "build the follower after the last change to the online network"
        )
    for name, tensor in follower.items():
        if decay == 0 or not tensor.is_floating_point():
            tensor.copy_(online[name])
        else:
            tensor.lerp_(online[name].to(tensor), 1 - decay)
