"""One training step of a task on elements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, final

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from ...data.item_noise import ItemNoise
from ...data.segmentation import Objects
from ...data.view import Batch, View
from ...discovery.finder import ObjectFinder
from ...networks.encoder import Network
from ...networks.modes import evaluating
from ...optimization.progress import Progress
from ..compared import Compared, health_of
from ..compared_items import compared_items
from ..step import AbstractLearner, StepOutput
from .base import AbstractElementTask


@final
@dataclass(frozen=True)
class Asked:
    """What a task was asked about; its items are encoded as a whole when somebody looks at them, and not before.

    A task sees single elements, or a part of an item. For whole items the views are encoded once more, which takes as
    long as a step of some tasks, so it is left to the steps that the collapse watch judges. The vectors are those of
    the network as it is then.
    """

    network: Network
    batch: Batch[Any]
    views: tuple[View[Any], ...]
    generator: torch.Generator
    progress: Progress

    @cached_property
    def compared(self) -> Compared:
        """The mean vectors of the items."""
        with evaluating(self.network):
            seen = [self.network.encode(view.data) for view in self.views]
        return compared_items(self.batch, seen, self.generator, self.progress)

    @property
    def online(self) -> tuple[Objects, ...]:
        """The mean vectors of the items of each view."""
        return self.compared.online

    @property
    def teacher(self) -> tuple[Objects, ...]:
        """As `Compared` has them."""
        return self.compared.teacher

    @property
    def unknown(self) -> Bool[Tensor, " batch"]:
        """As `Compared` has it."""
        return self.compared.unknown


@final
class ElementLearner(AbstractLearner[Asked]):
    """The mean loss of a task over the source itself, or over each view of it on its own.

    Args:
        online: the network that is trained.
        task: asks about elements.
        sees: the source, or each view.
    """

    def __init__(self, online: Network, task: AbstractElementTask, sees: Literal["source", "views"] = "source") -> None:
        super().__init__()
        self.online = online
        self.task = task
        self.sees = sees
        self.finder: ObjectFinder | None = None

    def forward(self, batch: Batch[Any], generator: torch.Generator, progress: Progress) -> StepOutput[Asked]:
        """Ask. Nothing is updated here."""
        noise = ItemNoise.of(batch.index, generator)
        views = (batch.source,) if self.sees == "source" else batch.views
        losses = [self.task(self.online.encoder, view.data, noise.other(place)) for place, view in enumerate(views)]
        value: Tensor = torch.stack([loss.value for loss in losses]).mean()
        parts = {name: torch.stack([loss.parts[name] for loss in losses]).mean() for name in losses[0].parts}
        return StepOutput(value, parts, Asked(self.online, batch, views, generator, progress))

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Asked]], progress: Progress) -> None:
        """Nothing follows."""

    def health(self, output: StepOutput[Asked]) -> dict[str, float]:
        """Spread and rank of the items' means, of all their elements together; and how much a view was `asked`."""
        return health_of(output.details.compared) | {"asked": float(output.metrics["asked"])}

    def heads(self) -> Mapping[str, nn.Module]:
        """Those of the task."""
        return {"projector": self.online.projector, **self.task.heads()}
