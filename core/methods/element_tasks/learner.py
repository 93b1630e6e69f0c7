"""One training step of a task on elements."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from ...data.item_noise import ItemNoise
from ...data.view import Batch
from ...discovery.finder import ObjectFinder
from ...networks.encoder import Network
from ...networks.modes import evaluating
from ...optimization.progress import Progress
from ..compared import Compared, health_of
from ..compared_items import compared_items
from ..step import AbstractLearner, StepOutput
from .base import AbstractElementTask


@final
class ElementLearner(AbstractLearner[Compared]):
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

    def forward(self, batch: Batch[Any], generator: torch.Generator, progress: Progress) -> StepOutput[Compared]:
        """Ask. Nothing is updated here."""
        noise = ItemNoise.of(batch.index, generator)
        views = (batch.source,) if self.sees == "source" else batch.views
        losses = [self.task(self.online.encoder, view.data, noise.other(place)) for place, view in enumerate(views)]
        value: Tensor = torch.stack([loss.value for loss in losses]).mean()
        parts = {name: torch.stack([loss.parts[name] for loss in losses]).mean() for name in losses[0].parts}
        with evaluating(self.online):
            seen = [self.online.encode(view.data) for view in views]
        return StepOutput(value, parts, compared_items(batch, seen, generator, progress))

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:
        """Nothing follows."""

    def health(self, output: StepOutput[Compared]) -> dict[str, float]:
        """Spread and rank of the items' means, of all their elements together."""
        return health_of(output.details)

    def heads(self) -> Mapping[str, nn.Module]:
        """Those of the task."""
        return {"projector": self.online.projector, **self.task.heads()}
