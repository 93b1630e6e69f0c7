"""data2vec."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..components.ranges import Count, Positive
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, Follower, MovingAverage
from ..networks.two_steps import GivesAdditions
from .masked.compose import checked, masked_learner
from .masked.decoder import LINEAR
from .masked.hiding import AbstractHiding, Together
from .masked.learner import MaskedLearner
from .masked.targets import Latent
from .masked.token import MaskToken
from .method import AbstractMethod, DataInfo, MethodCard


@final
@dataclass(frozen=True)
class Data2Vec(AbstractMethod):
    """data2vec: what is hidden is predicted as a teacher represents it, over its top layers, which sees everything.

    Source: Baevski et al., "data2vec: a general framework for self-supervised learning in speech, vision and language"
    (2022), and its code, settings of vision: 60 % in blocks, K = 6, β = 2. There the teacher's decay runs evenly from
    0.999 to 0.9998; here on to 1. There the mean of the layers is normalised (`normalises="mean"`); here each of them,
    as there for text.
    """

    hiding: AbstractHiding = Together(0.6)
    """Which elements are hidden."""
    top: Count = 6
    """K: so many of the teacher's last layers are averaged, at most as many as there are."""
    normalises: Literal["layers", "mean"] = "layers"
    """What is normalised of these layers: each, or their mean."""
    of_layers: Literal["end", "feed-forward"] = "end"
    """What is taken of them: their end, as for vision, or what their feed-forward network adds, as for speech, text."""
    beta: Positive = 2.0
    """β of the smooth absolute error."""
    teacher: AbstractRule = MovingAverage(0.999, "linear")
    """How the teacher follows."""
    sees: Literal["source", "views"] = "source"
    """The untransformed item, or each of its views."""

    card: ClassVar[MethodCard] = MethodCard(
        "data2vec",
        "Baevski et al. 2022",
        "hidden elements",
        "EMA",
        "regression onto the teacher's vectors",
        page="methods/data2vec.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> MaskedLearner:
        """The learner.

        Raises:
            ValueError: if the encoder is not in two steps, or has no feed-forward networks that are asked for.
        """
        checked(encoder, data, "data2vec")
        if self.of_layers == "feed-forward" and not isinstance(encoder, GivesAdditions):
            raise ValueError(
                f"the layers of {type(encoder).__name__} have no feed-forward network that adds to what came before: "
                "take a transformer (--encoder transformer), or the ends of layers (--method.of-layers end)"
            )
        online = Network(encoder)
        follower = Follower(online, self.teacher, buffers="copy")
        target = Latent(follower, encoder.dim, self.top, "online", self.beta, self.normalises, self.of_layers)
        return masked_learner(online, data, self.hiding, target, LINEAR, self.sees, MaskToken(encoder.dim))
