"""One training step, whatever the method and whatever the data."""

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from .encoder import Network
from .follower import Follower, Shared
from .objective import AbstractObjective
from .progress import Progress
from .segmentation import Objects, Segmentation
from .segmenter import AbstractSegmenter
from .view import Batch


@final
@dataclass(frozen=True)
class Outcome:
    """What a step found out: the loss, its parts, and what the collapse watch and the objective's state look at."""

    loss: Float[Tensor, ""]
    parts: dict[str, Tensor]
    online: tuple[Objects, ...]
    teacher: tuple[Objects, ...]
    segmentation: Segmentation
    unknown: Bool[Tensor, " batch"]


@final
class Learner(nn.Module):
    """A method is how these five sockets are filled.

    Args:
        online: the network that is trained.
        predictor: q, on the online side alone; None compares projections.
        teacher: the network that the online network learns to agree with.
        segmenter: what is compared.
        objective: what pulls together and what pushes apart.
        teacher_views: how many of the views, from the first on, the teacher sees; None for all. The online network
            sees all of them (small crops, for instance, are for it alone).
        least: an object is present in a view if more than so many elements show it.
    """

    def __init__(
        self,
        online: Network,
        predictor: nn.Module | None,
        teacher: Follower,
        segmenter: AbstractSegmenter,
        objective: AbstractObjective,
        teacher_views: int | None = None,
        least: float = 0.0,
    ) -> None:
        super().__init__()
        self.online = online
        self.predictor = nn.Identity() if predictor is None else predictor
        self.teacher = teacher
        self.segmenter = segmenter
        self.objective = objective
        self.teacher_views = teacher_views
        self.least = least

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Outcome:
        """Discover, look, compare. Nothing is updated here."""
        with torch.no_grad():
            segmentation: Segmentation = self.segmenter(batch, generator)
        unknown = ~torch.stack([view.correspondence.known for view in batch.views]).all(dim=0)
        segmentation = segmentation.falling_back(unknown)

        online = tuple(self._objects(self.online, view, segmentation).map(self.predictor) for view in batch.views)
        with torch.set_grad_enabled(torch.is_grad_enabled() and isinstance(self.teacher.rule, Shared)):
            seen = batch.views[: self.teacher_views]
            teacher = tuple(self._objects(self.teacher.network, view, segmentation) for view in seen)

        loss = self.objective(online, teacher, batch)
        return Outcome(loss.value, loss.parts, online, teacher, segmentation, unknown)

    def _objects(self, network: Network, view: Any, segmentation: Segmentation) -> Objects:
        features = network.encode(view.data)
        return network.project(segmentation.seen_from(view.correspondence, features).pool(features, self.least))

    @torch.no_grad()
    def follow(self, outcome: Outcome, batch: Batch[Any], progress: Progress) -> None:
        """Everything that changes after the optimiser's step, in this order."""
        self.teacher.follow(progress)
        self.segmenter.follow(progress)
        self.objective.observe(tuple(objects.detach() for objects in outcome.teacher), batch)
