"""Soft nearest neighbours: classes by how near labelled vectors are."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..data.precision import full_precision
from .distances import Temperature, checked, unit


def soft_neighbours(
    query: Float[Tensor, "rows dim"],
    support: Float[Tensor, "entries dim"],
    support_labels: Int[Tensor, " entries"],
    classes: int,
    temperature: Temperature = 0.1,
    smoothing: float = 0.0,
    allowed: Bool[Tensor, "rows entries"] | None = None,
) -> Float[Tensor, "rows classes"]:
    """p_i = Σ_s softmax_s( ⟨q_i, k_s⟩ / (τ ‖q_i‖ ‖k_s‖) − log n_s ) y_s, over labelled vectors k with classes y.

    n_s is how many entries share the class of s, so that a class weighs the same however often it is there; where all
    are there equally often, that changes nothing. y_s gives its class 1 − ε + ε/C, and all others ε/C.

    Args:
        query: q; of an item, or of anything else that has a class.
        support: k; gradients enter both.
        support_labels: their classes; −1 is unknown, and counts for nothing.
        classes: C.
        temperature: τ.
        smoothing: ε.
        allowed: which entries may be asked by which query; all by default. Where none may, p is even.

    Source: Assran et al., "Semi-supervised learning of visual features by non-parametrically predicting view
    assignments with support samples" (PAWS, 2021), equation 1; the weight 1/n in place of a support set with all
    classes equally often is ours.

    Example:
        >>> support, labels = torch.eye(2), torch.tensor([0, 1])
        >>> soft_neighbours(torch.tensor([[1.0, 0.0]]), support, labels, classes=2, temperature=1.0)
        tensor([[0.7311, 0.2689]])
    """
    q, k, known = unit(query), unit(support), support_labels >= 0
    with full_precision(q):
        scores = q @ k.T / checked(temperature)
    named = torch.where(known, support_labels, 0)
    often = torch.zeros(classes, device=q.device, dtype=q.dtype).index_add_(0, named, known.to(q.dtype))
    scores = scores - often[named].clamp(min=1).log()
    open_to = known.expand_as(scores) if allowed is None else allowed & known
    shares = torch.where(open_to, scores, -1e9).softmax(dim=1)  # finite: a query without entries gives no NaN
    shares = torch.where(open_to, shares, 0.0)
    one_hot = torch.nn.functional.one_hot(named, classes).to(q.dtype)
    nobody = (~open_to.any(dim=1, keepdim=True)).to(q.dtype)
    with full_precision(q):
        return (shares @ one_hot) * (1 - smoothing) + (nobody * (1 - smoothing) + smoothing) / classes


def sharpened(p: Float[Tensor, "rows classes"], temperature: float) -> Float[Tensor, "rows classes"]:
    """p^{1/T} / Σ p^{1/T}.

    Example:
        >>> sharpened(torch.tensor([[0.6, 0.4]]), 0.5)
        tensor([[0.6923, 0.3077]])
    """
    return (p.clamp(min=torch.finfo(p.dtype).tiny).log() / temperature).softmax(dim=1)
