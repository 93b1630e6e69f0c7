"""The interface of what is predicted."""

import abc
from typing import Any

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from ....data.feature_map import FeatureMap
from ....networks.encoder import AbstractEncoder


class AbstractMaskedTarget(nn.Module, abc.ABC):
    """What is to be predicted of every element, and how far a prediction is from it.

    A target with state, such as a network that follows the online one, updates it in `after_step` (see `AfterStep`).

    Attributes:
        outputs: numbers that a decoder gives for each element.
    """

    outputs: int

    @abc.abstractmethod
    def wanted(self, encoder: AbstractEncoder, data: Any, tokens: FeatureMap) -> Shaped[Tensor, "batch elements ..."]:
        """The truth about every element, without gradient; `tokens` are those of the online network, none hidden."""

    @abc.abstractmethod
    def error(
        self, predicted: Float[Tensor, "rows outputs"], wanted: Shaped[Tensor, "rows ..."]
    ) -> Float[Tensor, " rows"]:
        """How far off each prediction is, in float32."""
