"""InfoNCE: one positive among many candidates."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .distances import Similarity, Temperature, checked, compared_by, products
from .reduction import Reduction, reduced


def info_nce(
    query: Float[Tensor, "rows dim"],
    key: Float[Tensor, "keys dim"],
    positive: Float[Tensor, "rows dim"] | Int[Tensor, " rows"] | None = None,
    allowed: Bool[Tensor, "rows keys"] | None = None,
    temperature: Temperature = 0.1,
    similarity: Similarity = "cosine",
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """ℓ_i = −log( e^{s(q_i, k⁺_i)} / (e^{s(q_i, k⁺_i)} + Σ_{n ∈ N_i} e^{s(q_i, k_n)}) ), the loss InfoNCE.

    s(q, k) = ⟨q, k⟩ / (τ ‖q‖ ‖k‖). Gradients enter queries, keys and positives; detach what is not to be trained.

    Args:
        query: q.
        key: k, from which the negatives N_i come.
        positive: k⁺: a vector for every query, with all keys as negatives (MoCo, with a queue for keys); or for every
            query the number of a key, which is then no negative; by default query i belongs to key i.
        allowed: which keys may be negatives of which query; all by default.
        temperature: τ, a number or a learned tensor.
        similarity: "dot" leaves the lengths of the vectors in.
        reduction: the mean over queries, their sum, or the loss of each.

    Raises:
        ValueError: if the shapes do not fit, or the temperature is not positive.

    Source: van den Oord et al., "Representation learning with contrastive predictive coding" (2018), equation 4; the
    form with cosine and temperature is that of Wu et al. (2018), SimCLR and MoCo.

    Example:
        >>> z0, z1 = torch.eye(2), torch.eye(2)
        >>> round(info_nce(z0, z1, temperature=1.0).item(), 4)  # −log(e / (e + 1))
        0.3133
    """
    rows, keys = len(query), len(key)
    if positive is None and rows != keys:
        raise ValueError(f"without positives query i belongs to key i, got {rows} queries and {keys} keys")
    if positive is not None and positive.is_floating_point() and positive.shape != query.shape:
        raise ValueError(
            f"there must be one positive for every query, got {tuple(positive.shape)} and {tuple(query.shape)}"
        )
    if allowed is not None and allowed.shape != (rows, keys):
        raise ValueError(f"allowed must be {rows} queries × {keys} keys, got {tuple(allowed.shape)}")
    queries, temperature = compared_by(query, similarity), checked(temperature)
    scores = products(queries, compared_by(key, similarity)) / temperature
    if positive is not None and positive.is_floating_point():
        pairs = (queries * compared_by(positive, similarity)).sum(dim=1)
        return reduced(info_nce_of_scores(pairs / temperature, scores, allowed), reduction)
    own = torch.arange(rows, device=scores.device) if positive is None else positive.long()
    others = own[:, None] != torch.arange(keys, device=scores.device)
    negatives = others if allowed is None else others & allowed
    return reduced(info_nce_of_scores(scores.gather(1, own[:, None])[:, 0], scores, negatives), reduction)


def info_nce_of_scores(
    positive: Float[Tensor, " rows"],
    negatives: Float[Tensor, "rows candidates"],
    allowed: Bool[Tensor, "rows candidates"] | None = None,
) -> Float[Tensor, " rows"]:
    """−log( e^{s⁺} / (e^{s⁺} + Σ_n e^{s_n}) ) of every row, from scores that are at hand; 0 where there is no negative.

    Example:
        >>> info_nce_of_scores(torch.tensor([0.0]), torch.tensor([[0.0, 9.0]]), torch.tensor([[True, False]])).tolist()
        [0.6931471824645996]
    """
    if allowed is not None:
        negatives = torch.where(allowed, negatives, -torch.inf)
    return torch.cat([positive[:, None], negatives], dim=1).logsumexp(dim=1) - positive
