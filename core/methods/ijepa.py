"""I-JEPA."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..components.ranges import Positive
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, Follower, MovingAverage
from .masked.compose import checked, masked_learner
from .masked.decoder import DecoderSettings
from .masked.hiding import AbstractHiding, TargetRegions
from .masked.learner import MaskedLearner
from .masked.targets import Latent
from .method import AbstractMethod, DataInfo, MethodCard


@final
@dataclass(frozen=True)
class IJEPA(AbstractMethod):
    """I-JEPA: from a context, a narrow predictor predicts how a teacher represents each of several target regions.

    Source: Assran et al., "Self-supervised learning from images with a joint-embedding predictive architecture" (2023),
    and its code. The predictor follows the encoder's size (`DecoderSettings`); theirs has 6 to 12 blocks of width 384.
    """

    hiding: AbstractHiding = TargetRegions()
    """Target regions, and the context."""
    decoder: DecoderSettings = DecoderSettings()
    """The predictor."""
    beta: Positive = 1.0
    """β of the smooth absolute error."""
    teacher: AbstractRule = MovingAverage(0.996, "linear")
    """How the teacher follows."""
    sees: Literal["source", "views"] = "source"
    """The untransformed item, or each of its views."""

    card: ClassVar[MethodCard] = MethodCard(
        "I-JEPA",
        "Assran et al. 2023",
        "hidden elements",
        "EMA",
        "regression onto the teacher's vectors",
        page="methods/i-jepa.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> MaskedLearner:
        """The learner.

        Raises:
            ValueError: if the encoder is not in two steps.
        """
        checked(encoder, data, "I-JEPA")
        online = Network(encoder)
        target = Latent(Follower(online, self.teacher, buffers="copy"), encoder.dim, None, "own", self.beta)
        return masked_learner(online, data, self.hiding, target, self.decoder, self.sees)
