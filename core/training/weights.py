"""What the training loop asks of the weights that it trains, wherever they lie."""

import abc
from contextlib import AbstractContextManager
from typing import Any, final

import torch
from lightning_fabric import Fabric
from torch import nn

from ..data.view import Batch
from ..methods.step import AbstractLearner, StepOutput
from ..optimization.progress import Progress


@final
class _Sealed:
    """Fabric rewrites the dataclasses that pass through a module; frozen ones go through in an envelope."""

    def __init__(self, content: Any) -> None:
        self.content = content


@final
class Step(nn.Module):
    """The learner behind that envelope."""

    def __init__(self, learner: AbstractLearner[Any]) -> None:
        super().__init__()
        self.learner = learner

    def forward(self, sealed: _Sealed) -> _Sealed:
        batch, generator, progress = sealed.content
        return _Sealed(self.learner(batch, generator, progress))


class AbstractWeights(abc.ABC):
    """What the training loop asks of the weights that it trains.

    Attributes:
        fabric: the processes.
        learner: what is trained.
        model: the same behind Fabric's wrappers.
        optimizer: behind Fabric's wrapper.
    """

    fabric: Fabric
    learner: AbstractLearner[Any]
    model: Any
    optimizer: Any

    def step(self, batch: Batch[Any], generator: torch.Generator, progress: Progress) -> StepOutput[Any]:
        """The loss of a batch."""
        found: StepOutput[Any] = self.model(_Sealed((batch, generator, progress))).content
        return found

    @abc.abstractmethod
    def part(self, last: bool) -> AbstractContextManager[None]:
        """Within it are the passes, forwards and backwards, of a part of a batch; at the end of the last one gradients
        are those of all processes."""

    @abc.abstractmethod
    def clip(self, most: float) -> None:
        """Bring the norm of the gradient of all weights down to `most`.

        Raises:
            RuntimeError: if it is not finite; in float16 that is how the scaler finds its scale, and no error.
        """

    @abc.abstractmethod
    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of learner and optimiser, on the first process: whole tensors. All must call it."""

    @abc.abstractmethod
    def restore(self, saved: dict[str, Any]) -> None:
        """Put a checkpoint's state back, whatever wrote it.

        Raises:
            RuntimeError, ValueError, KeyError: if it belongs to another learner.
        """
