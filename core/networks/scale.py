"""A learned temperature."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..components.ranges import Positive, check_ranges


@final
class LearnedScale(nn.Module):
    """1/τ = e^s with a trained number s, which begins at log 1/τ₀ and is held at or below log `most`.

    Args:
        temperature: τ₀.
        most: greatest 1/τ.

    Source: Radford et al., "Learning transferable visual models from natural language supervision" (CLIP, 2021): 0.07
    and 100.

    Example:
        >>> round(LearnedScale(0.07)().item(), 4)
        0.07
    """

    def __init__(self, temperature: Positive = 0.07, most: Positive = 100.0) -> None:
        super().__init__()
        self.temperature, self.most = temperature, most
        check_ranges(self)
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)))

    def forward(self) -> Float[Tensor, ""]:
        """τ."""
        return (-self.log_scale).exp()

    @torch.no_grad()
    def hold(self) -> None:
        """Bring s back where a step took it beyond its bound: there it would have no way back by itself."""
        self.log_scale.clamp_(max=math.log(self.most))
