"""A small change of a picture that a network takes for a large one."""

from typing import Annotated, final

import numpy as np
import torch
from torch import Tensor

from gestalt.core.components.ranges import Between, PositiveShare, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform
from gestalt.core.networks.encoder import AbstractEncoder

from .data import Picture, collate
from .effects import unchanged


@final
class Adversarial(AbstractTransform[Picture]):
    """Move every pixel by at most `most` so that a network's features move as far as they can.

    From a random start δ, `steps` times δ ← clip(δ + (most / steps · 1.5) · sign ∇_δ ‖f(x + δ) − f(x)‖², ±most).
    The network is frozen and travels with the transform to the worker processes: a finished run (`gestalt.load`), or
    any encoder. No default view holds it.

    Args:
        encoder: gives the gradient; small ones are fast.
        most: greatest change of a pixel.
        steps: gradient steps.

    Source: the adversarial view that the patent application on BYOL allows; the method is projected gradient ascent.
    """

    def __init__(
        self, encoder: AbstractEncoder, most: PositiveShare = 2 / 255, steps: Annotated[int, Between(1, 1000)] = 1
    ) -> None:
        self.encoder = encoder.eval().requires_grad_(False)
        self.most = most
        self.steps = steps
        check_ranges(self)

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:
        """The perturbed picture, clipped to [0, 1]."""
        start = rng.uniform(-self.most, self.most, tuple(item.shape)).astype(np.float32)
        change = torch.from_numpy(start)
        with torch.enable_grad():
            plain = self._features(item)
            for _ in range(self.steps):
                change.requires_grad_(True)
                moved = (self._features(item + change) - plain).square().sum()
                (slope,) = torch.autograd.grad(moved, change)
                step = 1.5 * self.most / self.steps * slope.sign()
                change = (change.detach() + step).clamp(-self.most, self.most)
        return (item + change).clamp(0, 1), unchanged(item)

    def _features(self, item: Picture) -> Tensor:
        features: Tensor = self.encoder(collate([item])).values
        return features
