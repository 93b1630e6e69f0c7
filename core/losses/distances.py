"""Vectors of length one, in full precision, and how similar they are."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ..data.precision import full_precision

Similarity = Literal["cosine", "dot"]
Temperature = float | Float[Tensor, ""]
"""A number, or a tensor that is learned."""


def at_least_float(vectors: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows dim"]:
    """Losses are in float32 whatever the networks' precision; double stays double."""
    return vectors.to(torch.promote_types(vectors.dtype, torch.float32))


def unit(vectors: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows dim"]:
    """Vectors of length 1 in float32 or double; a zero vector stays zero, with a finite gradient."""
    vectors = at_least_float(vectors)
    return vectors * torch.rsqrt(vectors.square().sum(dim=-1, keepdim=True).clamp(min=1e-12))


def compared_by(vectors: Float[Tensor, "*rows dim"], similarity: Similarity) -> Float[Tensor, "*rows dim"]:
    """The vectors whose scalar product is the similarity: unit ones for the cosine, themselves for the dot product."""
    return unit(vectors) if similarity == "cosine" else at_least_float(vectors)


def similarities(
    query: Float[Tensor, "rows dim"],
    key: Float[Tensor, "keys dim"],
    temperature: Temperature = 1.0,
    similarity: Similarity = "cosine",
) -> Float[Tensor, "rows keys"]:
    """s_in = ⟨q_i, k_n⟩ / (τ ‖q_i‖ ‖k_n‖), every query with every key; "dot" leaves the lengths in.

    In float32 whatever the vectors' precision, also within autocast.

    Raises:
        ValueError: if the temperature is not positive.

    Example:
        >>> similarities(torch.tensor([[3.0, 0.0]]), torch.tensor([[2.0, 0.0], [0.0, 1.0]]), temperature=0.5).tolist()
        [[2.0, 0.0]]
    """
    return products(compared_by(query, similarity), compared_by(key, similarity)) / checked(temperature)


def products(query: Float[Tensor, "rows dim"], key: Float[Tensor, "keys dim"]) -> Float[Tensor, "rows keys"]:
    """⟨q_i, k_n⟩, in the higher precision of the two."""
    precision = torch.promote_types(query.dtype, key.dtype)
    with full_precision(query):
        return query.to(precision) @ key.to(precision).T


def checked(temperature: Temperature) -> Temperature:
    """The temperature, if it is positive; one that is learned is not looked at.

    Raises:
        ValueError: if it is not.
    """
    if isinstance(temperature, float | int) and not 0 < temperature < float("inf"):
        raise ValueError(f"the temperature must be positive and finite, got {temperature}")
    return temperature
