"""Every element against the objects of its item."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..data.precision import full_precision
from .distances import Temperature, checked, unit
from .reduction import Reduction, reduced


def elements_to_objects(
    elements: Float[Tensor, "items elements dim"],
    weights: Float[Tensor, "items objects elements"],
    centres: Float[Tensor, "items objects dim"],
    temperature: Temperature = 0.1,
    size_power: float = 0.5,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """ℓ = Σ_i w_i ℓ_i / Σ_i w_i with ℓ_i = −log( e^{⟨z_i, μ_k(i)⟩/τ} / Σ_k e^{⟨z_i, μ_k⟩/τ} ).

    k runs over the objects of the item; z and μ are scaled to unit length. An element of object k, which has n_k
    elements, weighs w_i = n_k^(p − 1), so that an object weighs n_k^p. Where an element belongs to several objects in
    part, ℓ_i is the mean over these by its weights in them.

    Args:
        elements: z, of one view.
        weights: of every element in every object; elements of no object are not compared, nor are they candidates.
        centres: μ, of the same objects in another view; an object without elements here is still a candidate. A centre
            of length zero is absent: it is no candidate, and the elements of its object are not compared.
        temperature: τ.
        size_power: p; 0.5 weighs an object by the root of its size, 0 all alike, 1 by its size.
        reduction: the weighted mean, the weighted sum, or w_i ℓ_i of every element, `items elements`.

    Source: ours after pixel-to-segment contrast (Hwang et al. 2019, SegSort; Ke et al. 2021), with the objects of a
    second view as candidates.

    Example: two objects whose elements point where their centres do.

        >>> z, one_each = torch.eye(2)[None], torch.eye(2)[None]
        >>> round(elements_to_objects(z, one_each, z, temperature=1.0).item(), 4)  # −log(e / (e + 1))
        0.3133
    """
    z, mu, temperature = unit(elements), unit(centres), checked(temperature)
    there = centres.abs().sum(dim=2) > 0
    with full_precision(z):
        scores = z @ mu.mT / temperature
    log_p = torch.where(there[:, None], scores, -1e9).log_softmax(dim=2)  # finite: no candidate at all gives no NaN
    shares, importance = element_weights(weights, there, size_power)
    losses = -(shares.mT * torch.where(there[:, None], log_p, 0.0)).sum(dim=2)
    if reduction == "mean":
        return losses.sum() / importance.sum().clamp(min=torch.finfo(losses.dtype).tiny)
    return reduced(losses, reduction)


def element_weights(
    weights: Float[Tensor, "items objects elements"], there: Bool[Tensor, "items objects"], size_power: float
) -> tuple[Float[Tensor, "items objects elements"], Float[Tensor, "items elements"]]:
    """What the loss of an element in an object counts, n_k^(p − 1) by its weight in it, and in all its objects."""
    size = weights.sum(dim=2)
    factor = torch.where(there & (size > 0), size.clamp(min=1e-6) ** (size_power - 1), 0.0)
    shares = weights * factor[..., None]
    return shares, shares.sum(dim=1)


def object_centres(
    elements: Float[Tensor, "items elements dim"], weights: Float[Tensor, "items objects elements"]
) -> Float[Tensor, "items objects dim"]:
    """μ_k ∝ Σ_i m_ki z_i of unit vectors z, of unit length; zero where an object has no element.

    Example:
        >>> object_centres(torch.tensor([[[2.0, 0.0], [9.0, 0.0]]]), torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])).tolist()
        [[[1.0, 0.0], [0.0, 0.0]]]
    """
    z = unit(elements)
    with full_precision(z):
        total = weights.to(z) @ z
    return unit(total)
