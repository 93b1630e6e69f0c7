"""Prediction of the transform that was applied: RotNet, for every modality."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.classified import TransformPrediction as Objective
from .settings import Heads


@final
@dataclass(frozen=True)
class TransformPrediction(AbstractMethod):
    """Transform prediction: each view is changed by one of a few transforms in the end, and the network tells by which.

    The modality offers the choice: four rotations of a picture (RotNet), forwards and backwards, three speeds, two
    halves in their order or not, the features of a graph's nodes on their own nodes or on others.

    Source: Gidaris et al. (2018) for rotations: a linear classifier on the pooled features. Deviations: the views are
    the modality's, which change more than the paper's flips and crops; an item has as many of the alternatives in a
    step as it has views (`--views.large 4` for all four rotations, as in the paper).
    """

    choice: str | None = None
    """Which choice of the modality; none: the first that it offers."""
    heads: Heads = Heads(projection=None)
    """Projector in front of the classifier; none by default."""

    card: ClassVar[MethodCard] = MethodCard(
        "transform prediction",
        "Gidaris et al. 2018",
        "the whole item",
        "none",
        "which transform was applied",
        page="methods/transform-prediction.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner.

        Raises:
            ValueError: if the modality offers fewer than two alternatives.
        """
        if len(data.alternatives) < 2:
            raise ValueError(
                f"transform prediction needs at least two alternatives to tell apart, got {len(data.alternatives)}: "
                "the modality offers no choice of transforms (OffersChoices)"
            )
        online = self.heads.network(encoder)
        objective = Objective(self.heads.width(encoder), len(data.alternatives))
        return learner_of(online, WholeItem(), objective, None, teacher_views=0)
