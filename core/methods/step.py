"""What the training loop asks of any learner, and what a step gives back."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, final, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..data.view import Batch
from ..discovery.finder import ObjectFinder
from ..networks.encoder import Network
from ..optimization.progress import Progress

DetailsT = TypeVar("DetailsT")


@final
@dataclass(frozen=True)
class StepOutput(Generic[DetailsT]):
    """The loss of a batch, numbers for the log (detached scalars, the same names at every step), and what was compared.

    `details` is the learner's own: what its `after_step` and `health` look at.
    """

    loss: Float[Tensor, ""]
    metrics: dict[str, Tensor]
    details: DetailsT


class AbstractLearner(nn.Module, abc.ABC, Generic[DetailsT]):
    """A method in training: `forward` computes, `after_step` changes what follows the optimiser's step.

    Attributes:
        online: the network that is trained.
        finder: how the method finds objects; None where it does not.
    """

    online: Network
    finder: ObjectFinder | None

    @abc.abstractmethod
    def forward(self, batch: Batch[Any], generator: torch.Generator, progress: Progress) -> StepOutput[DetailsT]:
        """The loss of a batch; nothing is updated. `progress` counts the steps done before this one."""

    @abc.abstractmethod
    def after_step(self, outputs: Sequence[StepOutput[DetailsT]], progress: Progress) -> None:
        """Update teachers, queues and the like, once after each optimiser step of which `outputs` are the parts."""

    @abc.abstractmethod
    def health(self, output: StepOutput[DetailsT]) -> dict[str, float]:
        """Numbers that show whether representations and objects are alive, by the names of the collapse watch."""

    @abc.abstractmethod
    def heads(self) -> Mapping[str, nn.Module]:
        """Everything beside the encoder that a finished run keeps, by name: projector, predictor, task, prototypes."""


@runtime_checkable
class HasHealth(Protocol):
    """An objective that has more to say of whether it is alive, such as how many prototypes are in use."""

    def health(self, details: Any) -> dict[str, float]:
        """Numbers by the names of the collapse watch; NaN before they mean anything."""
        ...


@runtime_checkable
class HasHeads(Protocol):
    """An objective with trained parts of its own, such as prototypes, that a finished run keeps."""

    def heads(self) -> Mapping[str, nn.Module]:
        """The parts by name."""
        ...
