"""Learners of masked prediction from the parts that a method chooses, and refusals where an encoder cannot."""

from typing import Literal

from ...discovery.segmenters import AbstractSegmenter, Discovery, GivenMasks
from ...networks.elements import DescribesElements
from ...networks.encoder import AbstractEncoder, Network
from ...networks.follower import Shared
from ...networks.two_steps import InTwoSteps
from ..method import DataInfo
from .decoder import DecoderSettings
from .hiding import AbstractHiding, HiddenObjects
from .learner import MaskedLearner
from .targets import AbstractMaskedTarget
from .token import MaskToken


def checked(encoder: AbstractEncoder, data: DataInfo, title: str) -> int:
    """How many numbers an element of the encoder has, if it is in two steps and says so.

    Raises:
        ValueError: if it is not, naming the encoders of the modality that are.
    """
    if isinstance(encoder, InTwoSteps) and isinstance(encoder, DescribesElements) and encoder.element_values:
        return encoder.element_values
    name = type(encoder).__name__
    if not isinstance(encoder, InTwoSteps):
        why = f"{title} hides elements between the two steps of an encoder, and {name} has one step alone"
    elif not isinstance(encoder, DescribesElements):
        why = f"{title} predicts what elements are, and {name} does not say it (the protocol DescribesElements)"
    else:
        why = f"{title} predicts what elements are, and those of these data have no features"
    able = ", ".join(data.two_steps)
    advice = f"choose one with --encoder: {able}" if able else "no encoder of this modality can"
    raise ValueError(f"{why}; {advice}")


def masked_learner(
    online: Network,
    data: DataInfo,
    hiding: AbstractHiding,
    target: AbstractMaskedTarget,
    decoder: DecoderSettings,
    sees: Literal["source", "views"],
    token: MaskToken | None = None,
) -> MaskedLearner:
    """The learner, with a fresh decoder."""
    head = decoder.build(online.encoder.dim, target.outputs)
    return MaskedLearner(online, hiding, target, head, token, _objects(hiding, online, data), sees)


def _objects(hiding: AbstractHiding, online: Network, data: DataInfo) -> AbstractSegmenter | None:
    """What finds the objects that are hidden; None where none are."""
    if not isinstance(hiding, HiddenObjects):
        return None
    if hiding.objects == "given":
        return data.first_segments or GivenMasks()
    if data.finder is None:
        raise ValueError("discovered objects are found as a recipe does, and there is none: DataInfo(finder=…)")
    return Discovery(Shared(online), data.finder)
