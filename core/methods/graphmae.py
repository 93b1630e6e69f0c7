"""GraphMAE."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, final

from ..components.ranges import Between
from ..networks.encoder import AbstractEncoder, Network
from .masked.compose import checked, masked_learner
from .masked.decoder import DecoderSettings
from .masked.hiding import AbstractHiding, AtRandom
from .masked.learner import MaskedLearner
from .masked.targets import OwnNumbers
from .masked.token import MaskToken
from .method import AbstractMethod, DataInfo, MethodCard


@final
@dataclass(frozen=True)
class GraphMAE(AbstractMethod):
    """GraphMAE: mask tokens, a second mask before a decoder of one layer, and the scaled cosine error.

    Source: Hou et al., "GraphMAE: self-supervised masked graph autoencoders" (2022), and its code. Their decoder is one
    layer of message passing; here it is one block of attention to the neighbours, or of other elements to all.
    """

    hiding: AbstractHiding = AtRandom(0.5)
    """Which elements are hidden."""
    exponent: Annotated[float, Between(1.0, 16.0)] = 2.0
    """γ of the scaled cosine error: easy elements count less."""
    decoder: DecoderSettings = DecoderSettings(depth=1)
    """From the vectors of what is visible to what is hidden."""
    sees: Literal["source", "views"] = "source"
    """The untransformed item, or each of its views."""

    card: ClassVar[MethodCard] = MethodCard(
        "GraphMAE",
        "Hou et al. 2022",
        "hidden elements",
        "none",
        "scaled cosine of hidden elements",
        page="methods/graphmae.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> MaskedLearner:
        """The learner.

        Raises:
            ValueError: if the encoder is not in two steps.
        """
        target = OwnNumbers(checked(encoder, data, "GraphMAE"), "cosine", exponent=self.exponent)
        token = MaskToken(encoder.dim)
        return masked_learner(Network(encoder), data, self.hiding, target, self.decoder, self.sees, token)
