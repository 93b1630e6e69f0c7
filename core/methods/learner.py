"""One training step, whatever the method and whatever the data."""

from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ..data.feature_map import item_means
from ..data.presence import Presence
from ..data.segmentation import Objects, Segmentation
from ..data.view import Batch, View
from ..discovery.segmenters import AbstractSegmenter
from ..networks.encoder import Network
from ..networks.follower import Follower, Shared
from ..networks.modes import evaluating
from ..optimization.progress import Progress
from .adversary import Adversary
from .objectives import AbstractObjective, BatchInfo, Loss, object_labels
from .task import Task


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
    known: BatchInfo


@final
@dataclass(frozen=True)
class _Look:
    """A view, and the random numbers that decide which of its objects are drawn, if any are."""

    view: View[Any]
    random: Tensor | None = None

    def showing(self, data: Any) -> "_Look":
        """Other data in its place."""
        return _Look(View(data, self.view.correspondence), self.random)


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
        presence: which objects count as present in a view; by default all of which it shows anything.
        task: a network for labelled objects, trained together with the online one.
        teacher_sees: its views, or in place of each of them the untransformed item.
        adversary: changes the first view so that it is harder to predict from.
    """

    def __init__(
        self,
        online: Network,
        predictor: nn.Module | None,
        teacher: Follower,
        segmenter: AbstractSegmenter,
        objective: AbstractObjective,
        teacher_views: int | None = None,
        presence: Presence | None = None,
        task: Task | None = None,
        teacher_sees: Literal["views", "source"] = "views",
        adversary: Adversary | None = None,
    ) -> None:
        super().__init__()
        self.online = online
        self.predictor = nn.Identity() if predictor is None else predictor
        self.teacher = teacher
        self.segmenter = segmenter
        self.objective = objective
        self.teacher_views = teacher_views
        self.presence = presence or Presence()
        self.task = task
        self.teacher_sees = teacher_sees
        self.adversary = adversary

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Outcome:
        """Discover, look, compare. Nothing is updated here."""
        with torch.no_grad():
            segmentation: Segmentation = self.segmenter(batch, generator)
        unknown = ~torch.stack([view.correspondence.known for view in batch.views]).all(dim=0)
        segmentation = self.presence.drawn(segmentation.falling_back(unknown), generator)
        views = tuple(_Look(view, self.presence.random(segmentation, generator)) for view in batch.views)
        known = BatchInfo(batch.index, object_labels(batch, segmentation), generator)

        with torch.set_grad_enabled(torch.is_grad_enabled() and isinstance(self.teacher.rule, Shared)):
            seen = views[: self.teacher_views]
            if self.teacher_sees == "source":
                teacher = (self._objects(self.teacher.network, _Look(batch.source), segmentation),) * len(seen)
            else:
                teacher = tuple(self._objects(self.teacher.network, view, segmentation) for view in seen)
        if self.adversary is not None:
            views = (self._attacked(views, teacher, segmentation, known), *views[1:])
        projected = tuple(self._objects(self.online, view, segmentation) for view in views)
        online = tuple(objects.map(self.predictor) for objects in projected)

        with torch.autocast(batch.index.device.type, enabled=False):  # losses are in float32
            loss: Loss = self.objective(online, teacher, known)
        if self.task is not None:
            told: Loss = self.task(projected, self._targets(batch, known))
            loss = Loss(loss.value + told.value, loss.parts | told.parts)
        return Outcome(loss.value, loss.parts, online, teacher, segmentation, unknown, known)

    def _objects(self, network: Network, look: "_Look", segmentation: Segmentation) -> Objects:
        features = network.encode(look.view.data)
        return network.project(self.presence.pooled(segmentation, look.view.correspondence, features, look.random))

    def _targets(self, batch: Batch[Any], known: BatchInfo) -> Tensor:
        """What the task network learns from: the classes of objects, or the values of the items they belong to."""
        assert self.task is not None
        if not self.task.values:
            return known.labels
        if batch.targets is None:
            return torch.full(known.labels.shape, torch.nan, device=known.labels.device)
        return batch.targets[:, None].expand(known.labels.shape)

    def _attacked(
        self, views: tuple["_Look", ...], teacher: tuple[Objects, ...], segmentation: Segmentation, known: BatchInfo
    ) -> "_Look":
        """The first view, changed so that the objective grows. What was drawn at random is put back."""
        assert self.adversary is not None
        state = known.generator.get_state()
        aims = tuple(objects.detach() for objects in teacher)

        def loss(data: Any) -> Tensor:
            known.generator.set_state(state)
            first, *others = (views[0].showing(data), *views[1:])
            online = [self._objects(self.online, first, segmentation).map(self.predictor)]
            with torch.no_grad():
                online += [self._objects(self.online, view, segmentation).map(self.predictor) for view in others]
            value: Tensor = self.objective(tuple(online), aims, known).value
            return value

        data = self.adversary(views[0].view.data, loss)
        known.generator.set_state(state)
        return views[0].showing(data)

    @torch.no_grad()
    def predict(self, data: Any) -> Float[Tensor, "batch outputs"]:
        """The task network's outputs for untransformed items, taken as wholes, in evaluation mode.

        Raises:
            ValueError: if the learner has no task network.
        """
        if self.task is None:
            raise ValueError("this learner has no task network; build it with `task=Task(…)` and train with labels")
        with evaluating(self):
            features = self.online.encode(data)
            mean = Objects(item_means(features)[:, None], features.valid.any(dim=1, keepdim=True))
            outputs: Tensor = self.task.head(self.online.project(mean).vectors[:, 0])
        return outputs

    @torch.no_grad()
    def observe(self, outcome: Outcome) -> None:
        """The objective sees what the teacher saw."""
        self.objective.observe(tuple(objects.detach() for objects in outcome.teacher), outcome.known)

    @torch.no_grad()
    def follow(self, outcome: Outcome, progress: Progress) -> None:
        """Everything that changes after the optimiser's step, in this order."""
        self.teacher.follow(progress)
        self.segmenter.follow(progress)
        self.observe(outcome)
