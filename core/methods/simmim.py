"""SimMIM."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..networks.encoder import AbstractEncoder, Network
from .masked.compose import checked, masked_learner
from .masked.decoder import LINEAR
from .masked.hiding import AbstractHiding, Together
from .masked.learner import MaskedLearner
from .masked.targets import OwnNumbers
from .masked.token import MaskToken
from .method import AbstractMethod, DataInfo, MethodCard


@final
@dataclass(frozen=True)
class SimMIM(AbstractMethod):
    """SimMIM: the encoder sees a mask token in place of what is hidden, and a linear map of its vectors predicts it.

    Source: Xie et al., "SimMIM: a simple framework for masked image modeling" (2022), and its code. There random
    squares of 32 pixels are hidden, of whatever patches; here as many elements in regions, so that every modality can.
    """

    hiding: AbstractHiding = Together(0.6, regions=8)
    """Which elements are hidden."""
    sees: Literal["source", "views"] = "source"
    """The untransformed item, or each of its views."""

    card: ClassVar[MethodCard] = MethodCard(
        "SimMIM",
        "Xie et al. 2022",
        "hidden elements",
        "none",
        "regression onto hidden elements",
        page="methods/simmim.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> MaskedLearner:
        """The learner.

        Raises:
            ValueError: if the encoder is not in two steps.
        """
        target = OwnNumbers(checked(encoder, data, "SimMIM"), "absolute")
        token = MaskToken(encoder.dim)
        return masked_learner(Network(encoder), data, self.hiding, target, LINEAR, self.sees, token)
