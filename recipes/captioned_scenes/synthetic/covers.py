"""Items in a colour and a texture that have names."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ...image_objects.synthetic.materials import Cover, texture

SHADES: tuple[tuple[float, float, float], ...] = (
    (0.85, 0.12, 0.12),
    (0.15, 0.65, 0.15),
    (0.15, 0.25, 0.90),
    (0.95, 0.85, 0.10),
    (0.60, 0.15, 0.75),
    (0.10, 0.80, 0.80),
    (0.95, 0.95, 0.95),
    (0.08, 0.08, 0.08),
)
"""Red, green and blue of every colour of the grammar, in its order."""
SPREAD = 0.08
"""By so much each of them differs from item to item."""
DARK = 0.5
"""Colours that are darker on average have a lighter second colour, others a darker one."""


def coloured(
    grey: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"], colour: int, kind: int, rng: np.random.Generator
) -> Cover:
    """The colour, and a darker (or lighter) shade of it in stripes, checks or spots; shaded by the item's own grey."""
    one = torch.tensor(SHADES[colour]) + torch.from_numpy(rng.uniform(-SPREAD, SPREAD, 3).astype(np.float32))
    one = one.clamp(0.02, 1.0)
    two = 0.3 * one if float(one.max()) > DARK else one + 0.45
    weight = texture(kind, tuple(grey.shape), rng)
    return Cover(torch.lerp(one[:, None, None], two[:, None, None], weight) * (0.4 + 0.6 * grey), mask.float())
