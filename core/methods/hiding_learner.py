"""One training step of self-distillation with hidden elements: the teacher sees all, the student a part."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from ..data.feature_map import FeatureMap
from ..data.item_noise import ItemNoise
from ..data.segmentation import Elements, Objects, Segmentation
from ..data.view import Batch, View
from ..discovery.finder import ObjectFinder
from ..networks.encoder import Network
from ..networks.follower import NetworkSource
from ..networks.two_steps import InTwoSteps
from ..optimization.after_step import AfterStep
from ..optimization.progress import Progress
from .compared import Compared, health_of
from .info import BatchInfo, object_labels
from .masked.hiding import AbstractHiding, hide
from .masked.token import MaskToken
from .objectives.base import AbstractObjective, Loss
from .step import AbstractLearner, HasHeads, HasHealth, StepOutput


@final
class HidingLearner(AbstractLearner[Compared]):
    """Compares whole items between views, and elements within a view: those that are hidden from the online network.

    In the views that the teacher sees, elements are replaced by a mask token between the two steps of the encoder; the
    teacher sees these views as they are, and the online network sees the other, small ones as they are. The objective
    gets the projected elements beside the objects: on the online side their weights mark what was hidden.

    Args:
        online: the network that is trained; its encoder is in two steps.
        teacher: the network that it learns to agree with.
        objective: of objects and their elements.
        hiding: which elements are hidden.
        token: what the online network sees in their place.
        chance: of an item's view to have hidden elements at all.
        teacher_views: how many of the views, from the first on, the teacher sees.
    """

    finder: ObjectFinder | None = None

    def __init__(
        self,
        online: Network,
        teacher: NetworkSource,
        objective: AbstractObjective,
        hiding: AbstractHiding,
        token: MaskToken,
        chance: float = 0.5,
        teacher_views: int = 2,
    ) -> None:
        super().__init__()
        self.online, self.teacher, self.objective = online, teacher, objective
        self.hiding, self.token, self.chance, self.teacher_views = hiding, token, chance, teacher_views

    def forward(self, batch: Batch[Any], generator: torch.Generator, progress: Progress) -> StepOutput[Compared]:
        """Hide, encode and project every view, compare. Nothing is updated here."""
        noise = ItemNoise.of(batch.index, generator)
        whole = Segmentation.whole_items(len(batch), batch.index.device)
        large = batch.views[: self.teacher_views]
        with torch.no_grad():
            teacher = tuple(self._taught(view, whole) for view in large)
        online = tuple(self._hidden(view, whole, noise.other(number)) for number, view in enumerate(large))
        for view in batch.views[self.teacher_views :]:
            features = self.online.encode(view.data)
            online += (_objects(self.online, view, whole, features, torch.zeros_like(features.valid)),)
        info = BatchInfo(batch.index, object_labels(batch, whole), generator, progress)
        with torch.autocast(batch.index.device.type, enabled=False):  # losses are in float32
            loss: Loss = self.objective(online, teacher, info)
        compared = Compared(online, teacher, whole, torch.zeros_like(whole.whole), info)
        return StepOutput(loss.value, loss.parts, compared)

    def _taught(self, view: View[Any], whole: Segmentation) -> Objects:
        features = self.teacher.network.encode(view.data)
        return _objects(self.teacher.network, view, whole, features, features.valid)

    def _hidden(self, view: View[Any], whole: Segmentation, noise: ItemNoise) -> Objects:
        encoder = self.online.encoder
        assert isinstance(encoder, InTwoSteps)
        tokens = encoder.embed(view.data)
        chosen = noise.other(0).uniform(1) < self.chance
        hidden = hide(self.hiding, tokens, noise.other(1), None).groups.any(dim=1) & chosen
        features = encoder.mix(self.token(tokens, hidden, noise.other(2)))
        return _objects(self.online, view, whole, features, hidden)

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:
        """The teacher follows, then the objective updates its state."""
        for part in (self.teacher, self.objective):
            if isinstance(part, AfterStep):
                part.after_step(outputs, progress)

    def health(self, output: StepOutput[Compared]) -> dict[str, float]:
        """Spread and rank of the items, and what the objective says of itself."""
        own = self.objective.health(output.details) if isinstance(self.objective, HasHealth) else {}
        return health_of(output.details) | own

    def heads(self) -> Mapping[str, nn.Module]:
        """Projector, mask token and the parts of the objective."""
        found: dict[str, nn.Module] = {"projector": self.online.projector, "mask_token": self.token}
        return found | (dict(self.objective.heads()) if isinstance(self.objective, HasHeads) else {})


def _objects(
    network: Network,
    view: View[Any],
    whole: Segmentation,
    features: FeatureMap,
    chosen: Bool[Tensor, "batch elements"],
) -> Objects:
    """The projected item, with those of its elements that are chosen, projected too."""
    items = network.project(whole.seen_from(view.correspondence, features).pool(features))
    elements = Objects(features.values, chosen).map(network.projector).vectors
    return Objects(items.vectors, items.present, Elements(elements, chosen[:, None].to(elements.dtype)))
