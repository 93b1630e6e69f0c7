"""Masked autoencoders."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..networks.encoder import AbstractEncoder, Network
from .masked.compose import checked, masked_learner
from .masked.decoder import DecoderSettings
from .masked.hiding import AbstractHiding, AtRandom
from .masked.learner import MaskedLearner
from .masked.targets import OwnNumbers
from .method import AbstractMethod, DataInfo, MethodCard


@final
@dataclass(frozen=True)
class MAE(AbstractMethod):
    """MAE: most elements are hidden; the encoder sees the rest alone, and a light decoder predicts what is missing.

    Source: He et al., "Masked autoencoders are scalable vision learners" (2022), and its code. The decoder follows the
    encoder's size (`DecoderSettings`); theirs has 8 blocks of width 512 for encoders of 12 to 32 blocks.
    """

    hiding: AbstractHiding = AtRandom(0.75)
    """Which elements are hidden."""
    decoder: DecoderSettings = DecoderSettings()
    """From the vectors of what is visible to what is hidden."""
    normalised: bool = True
    """Predict every element's numbers less their mean, over their deviation."""
    sees: Literal["source", "views"] = "source"
    """The untransformed item, or each of its views."""

    card: ClassVar[MethodCard] = MethodCard(
        "MAE", "He et al. 2022", "hidden elements", "none", "regression onto hidden elements", page="methods/mae.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> MaskedLearner:
        """The learner.

        Raises:
            ValueError: if the encoder is not in two steps.
        """
        target = OwnNumbers(checked(encoder, data, "MAE"), "squared", self.normalised)
        return masked_learner(Network(encoder), data, self.hiding, target, self.decoder, self.sees)
