"""Statistics of rasters, channels × height × width: colour and texture in a few numbers."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

ORIENTATIONS = 4


def raster_statistics(raster: Float[Tensor, "channels height width"]) -> dict[str, float]:
    """Colour: mean, deviation and skew of every channel, and how pairs of channels go together. Texture: how strong
    gradients are, how they are spread over orientations, and how much detail there is at each of three scales.

    NaN for what cannot be computed: the correlation with a channel that is constant, orientations where nothing
    changes.

    Example:
        >>> found = raster_statistics(torch.zeros(3, 8, 8))
        >>> found["mean of channel 1"], found["gradient"]
        (0.0, 0.0)
    """
    values = raster.detach().float()
    mean, flat = values.mean(dim=(1, 2)), values.flatten(1)
    apart = flat - mean[:, None]
    deviation = apart.square().mean(dim=1).sqrt()
    found: dict[str, float] = {}
    for channel in range(len(values)):
        scale = float(deviation[channel])
        found[f"mean of channel {channel + 1}"] = float(mean[channel])
        found[f"deviation of channel {channel + 1}"] = scale
        found[f"skew of channel {channel + 1}"] = (
            float((apart[channel] / scale).pow(3).mean()) if scale > 1e-6 else math.nan
        )
    for one in range(min(len(values), 8)):  # pairs grow with the square of the channels
        for other in range(one):
            scale = float(deviation[one] * deviation[other])
            together = float((apart[one] * apart[other]).mean())
            found[f"channels {other + 1} and {one + 1}"] = together / scale if scale > 1e-9 else math.nan
    return found | _texture(values.mean(dim=0))


def _texture(grey: Float[Tensor, "height width"]) -> dict[str, float]:
    found: dict[str, float] = {}
    if min(grey.shape) < 2:
        down = across = torch.zeros(1, 1)
    else:
        down, across = grey.diff(dim=0)[:, 1:], grey.diff(dim=1)[1:]
    strength = (down.square() + across.square()).sqrt()
    found["gradient"] = float(strength.mean())
    found["deviation of gradient"] = float(strength.std(correction=0))
    angle = torch.atan2(down, across).remainder(math.pi) / math.pi * ORIENTATIONS
    total = strength.sum()
    for number in range(ORIENTATIONS):  # the one around 0 wraps
        near = (angle - number + ORIENTATIONS / 2).remainder(ORIENTATIONS) - ORIENTATIONS / 2
        share = (strength * (near.abs() <= 0.5)).sum() / total
        found[f"orientation {number + 1} of {ORIENTATIONS}"] = float(share) if float(total) > 0 else math.nan
    for scale in (1, 2, 3):
        if min(grey.shape) < 2:
            found[f"detail at scale {scale}"] = math.nan
            continue
        coarse = torch.nn.functional.avg_pool2d(grey[None], 2)[0]
        fine = grey[: 2 * coarse.shape[0], : 2 * coarse.shape[1]]
        back = coarse.repeat_interleave(2, dim=0).repeat_interleave(2, dim=1)
        found[f"detail at scale {scale}"] = float((fine - back).square().mean().sqrt())
        grey = coarse
    return found
