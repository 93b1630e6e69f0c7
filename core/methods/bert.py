"""Masked prediction of classes."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..components.ranges import Count, Share
from ..networks.encoder import AbstractEncoder, Network
from .masked.compose import checked, masked_learner
from .masked.decoder import LINEAR
from .masked.hiding import AbstractHiding, AtRandom
from .masked.learner import MaskedLearner
from .masked.targets import OwnClass
from .masked.token import MaskToken
from .method import AbstractMethod, DataInfo, MethodCard


@final
@dataclass(frozen=True)
class BERT(AbstractMethod):
    """BERT's masked language model, of any elements: which word, which atom is hidden, or which random code.

    Source: Devlin et al. (2019); for nodes Hu et al., "Strategies for pre-training graph neural networks" (2020); for
    elements without classes of their own the codes of BEST-RQ (Chiu et al., 2022). Words are hashed as a whole, and the
    prediction is one linear map.
    """

    hiding: AbstractHiding = AtRandom(0.15)
    """Which elements are hidden."""
    random: Share = 0.1
    """Of these so many are replaced by a random element of their item."""
    kept: Share = 0.1
    """Of these so many are left as they are, and predicted all the same."""
    codes: Count = 1024
    """Random codes, where elements have no classes."""
    sees: Literal["source", "views"] = "source"
    """The untransformed item, or each of its views."""

    card: ClassVar[MethodCard] = MethodCard(
        "BERT", "Devlin et al. 2019", "hidden elements", "none", "classes of hidden elements", page="methods/bert.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> MaskedLearner:
        """The learner.

        Raises:
            ValueError: if the encoder is not in two steps, or nothing is left to the mask.
        """
        checked(encoder, data, "BERT")
        target, token = OwnClass(encoder, self.codes), MaskToken(encoder.dim, self.random, self.kept)
        return masked_learner(Network(encoder), data, self.hiding, target, LINEAR, self.sees, token)
