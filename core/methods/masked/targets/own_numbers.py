"""The numbers of the hidden elements themselves: pixels, spectra, features."""

from typing import Any, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ....data.feature_map import FeatureMap
from ....losses.masked import ElementDistance, element_distance, normalised
from ....networks.elements import DescribesElements
from ....networks.encoder import AbstractEncoder
from .base import AbstractMaskedTarget


@final
class OwnNumbers(AbstractMaskedTarget):
    """What an encoder says that its elements are (`DescribesElements`).

    Args:
        values: how many numbers an element has.
        distance: between a prediction and the truth (`element_distance`).
        normalised: every element's numbers less their mean, over their deviation.
        exponent: γ of the scaled cosine.
    """

    def __init__(
        self, values: int, distance: ElementDistance = "squared", normalised: bool = False, exponent: float = 2.0
    ) -> None:
        super().__init__()
        self.outputs = values
        self.distance: ElementDistance = distance
        self.normalised = normalised
        self.exponent = exponent

    @torch.no_grad()
    def wanted(self, encoder: AbstractEncoder, data: Any, tokens: FeatureMap) -> Shaped[Tensor, "batch elements ..."]:  # noqa: ARG002
        """The numbers."""
        assert isinstance(encoder, DescribesElements)
        return encoder.element_targets(data).values

    def error(
        self, predicted: Float[Tensor, "rows outputs"], wanted: Shaped[Tensor, "rows ..."]
    ) -> Float[Tensor, " rows"]:
        """Their distance."""
        truth = normalised(wanted) if self.normalised else wanted
        return element_distance(predicted, truth, self.distance, self.exponent)
