"""Vectors of length one, and in full precision."""

import torch
from jaxtyping import Float
from torch import Tensor


def at_least_float(vectors: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows dim"]:
    """Losses are in float32 whatever the networks' precision; double stays double."""
    return vectors.to(torch.promote_types(vectors.dtype, torch.float32))


def unit(vectors: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows dim"]:
    """Vectors of length 1 in float32 or double; a zero vector stays zero, with a finite gradient."""
    vectors = at_least_float(vectors)
    return vectors * torch.rsqrt(vectors.square().sum(dim=-1, keepdim=True).clamp(min=1e-12))
