"""One training step of every comparing method, whatever the modality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from ..data.presence import Presence
from ..data.segmentation import Objects, Segmentation
from ..data.view import Batch, View
from ..discovery.finder import ObjectFinder
from ..discovery.segmenters.base import AbstractSegmenter
from ..discovery.segmenters.discovery import HasFinder
from ..networks.encoder import Network
from ..networks.follower import NetworkSource, Shared
from ..networks.modes import keeping_buffers
from ..optimization.after_step import AfterStep
from ..optimization.progress import Progress
from .adversary import Adversary
from .compared import Compared, health_of
from .info import BatchInfo, object_labels
from .objectives.base import AbstractObjective, Loss, compares_elements
from .step import AbstractLearner, HasHeads, HasHealth, StepOutput
from .target_head import TargetHead


@final
@dataclass(frozen=True)
class _ViewDraw:
    """A view, and the random numbers that decide which of its objects are drawn, if any are."""

    view: View[Any]
    random: Tensor | None = None

    def with_data(self, data: Any) -> "_ViewDraw":
        """Other data in its place."""
        return _ViewDraw(View(data, self.view.correspondence), self.random)


@final
class Learner(AbstractLearner[Compared]):
    """A comparing method is how these five sockets are filled: online network, teacher, segmenter, objective, views.

    Args:
        online: the network that is trained.
        segmenter: what is compared.
        objective: what pulls together and what pushes apart.
        teacher: the network that the online network learns to agree with; None for the online network itself.
        predictor: q, on the online side alone; None compares projections.
        teacher_views: how many of the views, from the first on, the teacher sees; None for all. The online network
            sees all of them (small crops, for instance, are for it alone).
        presence: which objects count as present in a view; by default all of which it shows anything.
        task: a head for labelled objects, trained together with the online network.
        teacher_sees: its views, or in place of each of them the untransformed item.
        adversary: changes the first view so that it is harder to predict from.
    """

    def __init__(
        self,
        online: Network,
        segmenter: AbstractSegmenter,
        objective: AbstractObjective,
        teacher: NetworkSource | None = None,
        predictor: nn.Module | None = None,
        teacher_views: int | None = None,
        presence: Presence | None = None,
        task: TargetHead | None = None,
        teacher_sees: Literal["views", "source"] = "views",
        adversary: Adversary | None = None,
    ) -> None:
        super().__init__()
        self.online = online
        self.predictor = nn.Identity() if predictor is None else predictor
        self.teacher = Shared(online) if teacher is None else teacher
        self.segmenter = segmenter
        self.objective = objective
        self.teacher_views = teacher_views
        self.presence = presence or Presence()
        self.task = task
        self.teacher_sees = teacher_sees
        self.adversary = adversary

    def forward(self, batch: Batch[Any], generator: torch.Generator, progress: Progress) -> StepOutput[Compared]:
        """Segment the source, encode and pool every view, compare. Nothing is updated here."""
        with torch.no_grad():
            segmentation: Segmentation = self.segmenter(batch, generator)
        unknown = ~torch.stack([view.correspondence.known for view in batch.views]).all(dim=0)
        segmentation = self.presence.drawn(segmentation.falling_back(unknown), generator)
        views = tuple(_ViewDraw(view, self.presence.random(segmentation, generator)) for view in batch.views)
        info = BatchInfo(batch.index, object_labels(batch, segmentation), generator, progress, batch.applied)

        if self._same_both_sides(batch.index.device):  # what one side makes of a view is what the other makes of it
            projected = tuple(self._objects(self.online, view, segmentation) for view in views)
            teacher = projected[: self.teacher_views]
        else:
            teacher = self._taught(batch, views[: self.teacher_views], segmentation)
            if self.adversary is not None:
                views = (self._attacked(self.adversary, views, teacher, segmentation, info), *views[1:])
            projected = tuple(self._objects(self.online, view, segmentation) for view in views)
        online = tuple(objects.map(self.predictor) for objects in projected)

        with torch.autocast(batch.index.device.type, enabled=False):  # losses are in float32
            loss: Loss = self.objective(online, teacher, info)
        if self.task is not None:
            of_task: Loss = self.task(projected, self._known(self.task, batch, segmentation))
            loss = Loss(loss.value + of_task.value, loss.parts | of_task.parts)
        kept = tuple(objects.detach() for objects in teacher)
        return StepOutput(loss.value, loss.parts, Compared(online, kept, segmentation, unknown, info))

    def _same_both_sides(self, device: torch.device) -> bool:
        """Whether the teacher is the online network and sees the same views: each view is then encoded once.

        In half precision each side encodes for itself: of one pass both would get the same rounding errors, and their
        gradients, which then add up within the network, more of them.
        """
        shared = self.teacher.network is self.online and self.teacher_sees == "views" and self.adversary is None
        return shared and not torch.is_autocast_enabled(device.type)

    def _taught(
        self, batch: Batch[Any], seen: tuple[_ViewDraw, ...], segmentation: Segmentation
    ) -> tuple[Objects, ...]:
        """The teacher's objects; gradients flow through it where it is the online network."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.teacher.network is self.online):
            if self.teacher_sees == "source":
                return (self._objects(self.teacher.network, _ViewDraw(batch.source), segmentation),) * len(seen)
            return tuple(self._objects(self.teacher.network, view, segmentation) for view in seen)

    def _objects(self, network: Network, drawn: _ViewDraw, segmentation: Segmentation) -> Objects:
        features = network.encode(drawn.view.data)
        elements = compares_elements(self.objective)
        return network.project(
            self.presence.pooled(segmentation, drawn.view.correspondence, features, drawn.random, elements)
        )

    def _known(self, task: TargetHead, batch: Batch[Any], segmentation: Segmentation) -> Tensor:
        """What the head learns from: what is known of the objects; without labels nothing is."""
        if batch.labels is None:
            return torch.full((len(batch), segmentation.objects), -1, device=batch.index.device)
        return task.target.of_objects(batch.labels, segmentation)

    def _attacked(
        self,
        adversary: Adversary,
        views: tuple[_ViewDraw, ...],
        teacher: tuple[Objects, ...],
        segmentation: Segmentation,
        info: BatchInfo,
    ) -> _ViewDraw:
        """The first view, changed so that the objective grows.

        What was drawn at random is put back, and the running statistics of the networks are left as they were: the
        batches of the attack are no data.
        """
        state = info.generator.get_state()
        targets = tuple(objects.detach() for objects in teacher)

        def loss(data: Any) -> Tensor:
            info.generator.set_state(state)
            first, *others = (views[0].with_data(data), *views[1:])
            online = [self._objects(self.online, first, segmentation).map(self.predictor)]
            with torch.no_grad():
                online += [self._objects(self.online, view, segmentation).map(self.predictor) for view in others]
            value: Tensor = self.objective(tuple(online), targets, info).value
            return value

        with keeping_buffers(self.online, self.predictor):
            data = adversary(views[0].view.data, loss)
        info.generator.set_state(state)
        return views[0].with_data(data)

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:
        """The teacher follows, then the segmenter, then the objective updates its state."""
        for part in (self.teacher, self.segmenter, self.objective):
            if isinstance(part, AfterStep):
                part.after_step(outputs, progress)

    @property
    def finder(self) -> ObjectFinder | None:  # type: ignore[override]
        """How the segmenter finds objects, None where it does not."""
        return self.segmenter.finder if isinstance(self.segmenter, HasFinder) else None

    def health(self, output: StepOutput[Compared]) -> dict[str, float]:
        """Spread, rank and number of the objects, see `health_of`; and what the objective says of itself."""
        own = self.objective.health(output.details) if isinstance(self.objective, HasHealth) else {}
        return health_of(output.details) | own

    def heads(self) -> Mapping[str, nn.Module]:
        """Projector, predictor, task head, and the parts of the objective."""
        found: dict[str, nn.Module] = {"projector": self.online.projector, "predictor": self.predictor}
        if self.task is not None:
            found["task"] = self.task.head
        if isinstance(self.objective, HasHeads):
            found |= self.objective.heads()
        return found
