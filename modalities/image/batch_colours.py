"""Colours and sharpness of many pictures at once, each changed by its own amount; see `effects` for one picture."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .reading import LUMINANCE

Pixels = Float[Tensor, "rows channels height width"]
Amounts = Float[Tensor, " rows"]


def within(sizes: Int[Tensor, "rows 2"], height: int, width: int) -> Bool[Tensor, "rows 1 height width"]:
    """Which pixels are a picture's own, and not padding."""
    rows = torch.arange(height, device=sizes.device) < sizes[:, :1]
    columns = torch.arange(width, device=sizes.device) < sizes[:, 1:]
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def grey(pixels: Pixels) -> Float[Tensor, "rows 1 height width"]:
    """Luminance of colours, the mean of any other number of channels."""
    if pixels.shape[1] == 3:
        weights = pixels.new_tensor(LUMINANCE)[:, None, None]
        luminance: Tensor = (pixels * weights).sum(dim=1, keepdim=True)
        return luminance
    return pixels.mean(dim=1, keepdim=True)


def brightness(pixels: Pixels, amounts: Amounts) -> Pixels:
    """Times `a`, clipped to [0, 1]."""
    return (amounts[:, None, None, None] * pixels).clamp(0, 1)


def contrast(pixels: Pixels, amounts: Amounts, there: Bool[Tensor, "rows 1 height width"]) -> Pixels:
    """`a x + (1 − a) m`, clipped, with `m` the mean grey of the picture."""
    mean = (grey(pixels) * there).sum(dim=(1, 2, 3), keepdim=True) / there.sum(dim=(1, 2, 3), keepdim=True)
    return _between(mean, pixels, amounts)


def saturation(pixels: Pixels, amounts: Amounts) -> Pixels:
    """`a x + (1 − a) g`, clipped, with `g` the grey of the pixel; other than three channels stay as they are."""
    return _between(grey(pixels), pixels, amounts) if pixels.shape[1] == 3 else pixels


def hue(pixels: Pixels, amounts: Amounts) -> Pixels:
    """The hue turned by `a` of the circle, with value and saturation as they were; three channels alone have one."""
    if pixels.shape[1] != 3:
        return pixels
    red, green, blue = pixels.unbind(dim=1)
    value, least = pixels.amax(dim=1), pixels.amin(dim=1)
    spread = value - least
    by = torch.where(spread > 0, spread, 1.0)
    sixth = torch.where(
        value == red, (green - blue) / by, torch.where(value == green, 2 + (blue - red) / by, 4 + (red - green) / by)
    )
    turned = sixth + 6 * amounts[:, None, None]
    # A channel is `v − spread · clip(min(k, 4 − k), 0, 1)`, `k = (n + hue in sixths) mod 6`, n = 5, 3, 1.
    places = (turned[:, None] + pixels.new_tensor([5.0, 3.0, 1.0])[:, None, None]).remainder(6)
    return value[:, None] - spread[:, None] * torch.minimum(places, 4 - places).clamp(0, 1)


def solarised(pixels: Pixels, threshold: float) -> Pixels:
    """`1 − x` where x is at least the threshold."""
    return torch.where(pixels >= threshold, 1 - pixels, pixels)


def blurred(pixels: Pixels, sizes: Int[Tensor, "rows 2"], sigmas: Amounts) -> Pixels:
    """Each picture through a Gaussian of its own deviation, with a kernel of a tenth of its shorter side.

    A picture is mirrored beyond its own edges, whatever the padding.
    """
    most = min(pixels.shape[2:]) // 20
    if most == 0:
        return pixels
    steps = torch.arange(-most, most + 1, device=pixels.device, dtype=pixels.dtype)
    kernels = (-0.5 * (steps / sigmas[:, None]).square()).exp()
    kernels = kernels * (steps.abs() <= (sizes.amin(dim=1) // 20)[:, None])
    kernels = kernels / kernels.sum(dim=1, keepdim=True)
    across = _along(pixels.transpose(2, 3), sizes[:, 1], kernels).transpose(2, 3)
    return _along(across, sizes[:, 0], kernels)


def _along(pixels: Pixels, lengths: Int[Tensor, " rows"], kernels: Float[Tensor, "rows taps"]) -> Pixels:
    """Down the pictures, every one with its own kernel."""
    rows, channels, height, width = pixels.shape
    most = kernels.shape[1] // 2
    last = (lengths - 1)[:, None]
    places = torch.arange(-most, height + most, device=pixels.device).abs()
    places = (last - (last - places).abs()).clamp(0, height - 1)  # mirrored at both ends; what is beyond is padding
    index = places[:, None, :, None].expand(rows, channels, height + 2 * most, width)
    mirrored = pixels.gather(2, index).reshape(1, rows * channels, height + 2 * most, width)
    taps = kernels[:, None, None, :, None].expand(rows, channels, 1, 2 * most + 1, 1).reshape(-1, 1, 2 * most + 1, 1)
    along: Tensor = torch.nn.functional.conv2d(mirrored, taps, groups=rows * channels)
    return along.view(rows, channels, height, width)


def _between(other: Tensor, pixels: Pixels, amounts: Amounts) -> Pixels:
    return torch.lerp(other.expand_as(pixels), pixels, amounts[:, None, None, None].expand_as(pixels)).clamp(0, 1)
