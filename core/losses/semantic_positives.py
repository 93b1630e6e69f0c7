"""Semantic positives: another item of the same class in place of another view of the same item."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .distances import Temperature
from .info_nce import info_nce
from .reduction import Reduction, reduced


def semantic_positives(
    query: Float[Tensor, "rows dim"],
    key: Float[Tensor, "rows dim"],
    labels: Int[Tensor, " rows"],
    bank: Float[Tensor, "entries dim"],
    bank_labels: Int[Tensor, " entries"],
    allowed: Bool[Tensor, "rows rows"] | None = None,
    temperature: Temperature = 0.2,
    generator: torch.Generator | None = None,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """ℓ_i = −log( e^{s(q_i, b_i)} / (e^{s(q_i, b_i)} + Σ_{n ≠ i} e^{s(q_i, k_n)}) ), with b_i an entry of i's class.

    b is drawn evenly among the bank's entries of the class; s(q, k) = ⟨q, k⟩ / (τ ‖q‖ ‖k‖). Unknown labels may be
    guessed by `nearest_labels`; the whole of SemPPL is `info_nce(q, k, …) + α · semantic_positives(q, k, …)`.

    Args:
        query: predictions q of one view.
        key: the teacher's projections k of another view, row by row; a row's own key is no negative.
        labels: the class of every row; −1 is unknown.
        bank: the teacher's embeddings of labelled items, such as those of earlier batches.
        bank_labels: their classes; −1 is unknown, and never drawn.
        allowed: which keys may be negatives of which row; all others by default.
        temperature: τ.
        generator: of the draws; the global one by default.
        reduction: the mean over rows whose class the bank holds, the sum, or the loss of every row, 0 for the others.

    Raises:
        ValueError: if the shapes do not fit, or the temperature is not positive.

    Source: Bošnjak et al., "SemPPL: predicting pseudo-labels for better contrastive representations" (2022), and its
    patent application WO 2023/222889.

    Example:
        >>> z = torch.eye(2)
        >>> round(semantic_positives(z, z, torch.tensor([0, 1]), z, torch.tensor([0, 1]), temperature=1.0).item(), 4)
        0.3133
    """
    uniform = torch.rand(len(labels), generator=generator).to(labels.device)
    place = drawn(bank_labels, labels, uniform)
    there = place >= 0
    number = torch.arange(len(labels), device=labels.device)
    others = number[:, None] != number
    negatives = others if allowed is None else others & allowed
    rows = info_nce(query[there], key, bank[place[there]], negatives[there], temperature, reduction="none")
    if reduction == "none":
        return torch.zeros(len(labels), dtype=rows.dtype, device=rows.device).masked_scatter(there, rows)
    return reduced(rows, reduction)


@torch.no_grad()
def drawn(
    labels: Int[Tensor, " entries"], wanted: Int[Tensor, " rows"], uniform: Float[Tensor, " rows"]
) -> Int[Tensor, " rows"]:
    """For every row the place of an entry with the wanted label, evenly drawn by `uniform` in [0, 1); −1 if none.

    Example:
        >>> drawn(torch.tensor([1, 0, -1, 1]), torch.tensor([1, 1, 0, 2, -1]), torch.tensor([0.1, 0.9, 0.5, 0.5, 0.5]))
        tensor([ 0,  3,  1, -1, -1])
    """
    if not len(labels):
        return torch.full_like(wanted, -1)
    sorted_labels, order = labels.sort(stable=True)
    first = torch.searchsorted(sorted_labels, wanted.contiguous())
    count = torch.searchsorted(sorted_labels, wanted.contiguous(), right=True) - first
    # The product of a number below 1 in float32 can round up to the count itself.
    within = torch.minimum((uniform * count).long(), count - 1).clamp(min=0)
    place = order[(first + within).clamp(max=len(labels) - 1)]
    return torch.where((count > 0) & (wanted >= 0), place, -1)
