"""Pictures as a program of tensors takes them: any number, of one size, whichever that is."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.core.exports.tensors import TensorInputs

from .data import Pictures

INPUTS = {"pixels": ("batch", "channels", "height", "width")}


def tensor_inputs() -> TensorInputs:
    """`pixels` alone: no program can run a network for each size by itself, so that padding never enters it."""
    return TensorInputs(INPUTS, _pixels, _pictures)


def _pixels(batch: Pictures) -> Sequence[Float[Tensor, "batch channels height width"]]:
    if bool((batch.sizes != batch.sizes[:1]).any()):
        raise ValueError("a program takes pictures of one size at a time: pass those of each size by themselves")
    height, width = batch.sizes[0].tolist()
    return (batch.pixels[:, :, :height, :width],)


def _pictures(tensors: Sequence[Float[Tensor, "batch channels height width"]]) -> Pictures:
    (pixels,) = tensors
    sides = [torch.full((pixels.shape[0],), length, device=pixels.device) for length in pixels.shape[2:]]
    return Pictures(pixels, torch.stack(sides, dim=1))
