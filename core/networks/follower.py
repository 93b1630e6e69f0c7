"""EMA teachers and other networks that follow the trained one: the teacher, the object discovery network.

A rule says when and how; the follower holds the copy and changes only in `after_step`.
"""

import abc
import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from ..components.ranges import Count, Share, check_ranges
from ..distributed.own_piece import own_piece
from ..optimization.progress import Progress
from ..optimization.short_runs import in_words
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
    """EMA: ξ ← τ ξ + (1 − τ) θ with τ_k = 1 − (1 − τ_base) (cos(π k / K) + 1) / 2, rising from `base` to 1.

    Args:
        base: τ_base, the decay at the start.
        schedule: cosine rises to 1; linear does so evenly; constant keeps τ at `base`.
        buffers: what becomes of running statistics: the follower's own by default, since BYOL's teacher normalises with
            its own batch statistics and its running ones are never averaged; or copied from the online network.

    Source: BYOL, section 3.3, and its code. The patent application on Odin writes λ for 1 − τ.

    Example:
        >>> rule = MovingAverage(0.99)
        >>> [round(rule.decay(Progress(step, 100, 10)), 4) for step in (0, 50, 100)]
        [0.99, 0.995, 1.0]
        >>> round(MovingAverage(0.9, "linear").decay(Progress(25, 100, 10)), 4)
        0.925
    """

    base: Share = 0.996
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    buffers: Literal["own", "copy"] = "own"

    def __post_init__(self) -> None:
        check_ranges(self)

    def decay(self, progress: Progress) -> float:
        """τ at this step."""
        if self.schedule == "constant":
            return self.base
        if self.schedule == "linear":
            return 1 - (1 - self.base) * (1 - progress.fraction)
        return 1 - (1 - self.base) * (math.cos(math.pi * progress.fraction) + 1) / 2


@final
@dataclass(frozen=True)
class CopyEvery(AbstractRule):
    """A full copy, buffers included, every so many epochs or steps; nothing in between.

    Args:
        every: how many of them.
        unit: epochs or steps.
        buffers: what becomes of running statistics: copied, or the follower's own.

    Source: Odin, [0037] and [0087], which names 10 and 100 epochs.

    Example:
        >>> CopyEvery(2).decay(Progress(step=45, steps=100, steps_per_epoch=10))
        1.0
        >>> CopyEvery(2).decay(Progress(step=60, steps=100, steps_per_epoch=10))
        0.0
    """

    every: Count = 10
    unit: Literal["epochs", "steps"] = "epochs"
    buffers: Literal["own", "copy"] = "copy"

    def __post_init__(self) -> None:
        check_ranges(self)

    def period(self, progress: Progress) -> int:
        """Steps from one copy to the next."""
        return self.every if self.unit == "steps" else self.every * progress.steps_per_epoch

    def decay(self, progress: Progress) -> float:
        """0 on the steps that copy, 1 on all others."""
        period = self.period(progress)
        return 0.0 if period and progress.step % period == 0 else 1.0


@final
class Follower(nn.Module):
    """EMA teacher: a copy of `online` that follows it by `rule`, from the same start; no gradient enters it.

    Args:
        online: the network that is trained.
        rule: when and how the copy follows.
        buffers: in place of the rule's own policy. A follower that runs in evaluation mode needs "copy", or its running
            statistics stay those of the start.
    """

    def __init__(self, online: Network, rule: AbstractRule, buffers: Literal["own", "copy"] | None = None) -> None:
        super().__init__()
        # A tuple hides the online network from this module's parameters: it is trained and saved elsewhere.
        self._online = (online,)
        self.rule = rule
        self.buffer_policy: Literal["own", "copy"] = rule.buffers if buffers is None else buffers
        self.network: Network = copy.deepcopy(online).requires_grad_(False)

    @torch.no_grad()
    def after_step(self, outputs: Sequence[Any], progress: Progress) -> None:  # noqa: ARG002
        """Update the copy; called after the optimiser's step. Where weights lie in pieces, each process moves its own.

        Raises:
            ValueError: if the two networks no longer have the same names and shapes.
        """
        decay = self.rule.decay(progress)
        if decay == 1:
            return
        follow_tensors(_named(self.network.named_parameters()), _named(self._online[0].named_parameters()), decay)
        if self.buffer_policy == "copy":
            follow_tensors(_named(self.network.named_buffers()), _named(self._online[0].named_buffers()), 0.0)

    def too_short(self, run: Progress) -> str | None:
        """Without a copy before the last step, what is to follow by the epoch stays as it began."""
        rule = self.rule
        if not isinstance(rule, CopyEvery) or rule.unit == "steps" or rule.period(run) < run.steps:
            return None
        return in_words(
            f"a network that is to copy the trained one every {rule.every} epochs, such as the one that finds objects, "
            "stays as it began",
            run,
        )


@final
class Shared:
    """A network that is held elsewhere, used as it is: the online network as its own teacher, or the teacher's.

    Source: Odin, [0039] and claim 16; SimCLR, DetCon-S.
    """

    def __init__(self, network: Network) -> None:
        self.network = network


@final
class Fixed(nn.Module):
    """A network that never changes: plain features, or a pretrained network that finds the first objects."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network: Network = network.requires_grad_(False)


NetworkSource = Follower | Shared | Fixed
"""Whatever holds a `network` to look at items with."""


def _named(pairs: Iterator[tuple[str, Tensor]]) -> dict[str, Tensor]:
    return {name: own_piece(tensor.data) for name, tensor in pairs}


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
    moved = [name for name, tensor in follower.items() if decay != 0 and tensor.is_floating_point()]
    copied = [name for name, tensor in follower.items() if decay == 0 or not tensor.is_floating_point()]
    # All tensors at once: a GPU takes longer to begin with one of them than to compute it.
    if moved:
        others = [online[name].to(follower[name]) for name in moved]
        torch._foreach_lerp_([follower[name] for name in moved], others, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
    if copied:
        torch._foreach_copy_([follower[name] for name in copied], [online[name] for name in copied])  # pyright: ignore[reportPrivateImportUsage]
