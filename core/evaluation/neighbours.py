"""Do things of one kind lie next to one another? Classification by nearest neighbours, nothing trained."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize


def neighbours_vote(
    queries: Float[Tensor, "queries dim"],
    bank: Float[Tensor, "rows dim"],
    labels: Int[Tensor, " rows"],
    neighbours: int = 1,
    temperature: float | None = None,
    query_groups: Int[Tensor, " queries"] | None = None,
    bank_groups: Int[Tensor, " rows"] | None = None,
    chunk: int = 1024,
) -> Int[Tensor, " queries"]:
    """The label that the nearest rows of the bank by cosine similarity `s` give to every query.

    `argmax_c Σ_{i ∈ N_k} w_i [y_i = c]`. Without a temperature τ every neighbour has one vote, and ties go to the class
    with the greater similarity in sum; with τ `w_i = exp(s_i / τ)`.

    Args:
        queries: vectors to classify.
        bank: labelled vectors.
        labels: their classes; −1 rows are no neighbours.
        neighbours: k, 1 or more; a bank with fewer rows gives all of them.
        temperature: τ; DINO takes 0.07.
        query_groups: a query has no neighbours in its own group; needs `bank_groups`.
        bank_groups: the group of every row.
        chunk: queries at a time; memory grows with `chunk · rows`.

    Returns:
        A class per query, −1 where no neighbour is left.

    Raises:
        ValueError: if k or the temperature is not positive, or groups are given for one side alone.

    Source: DINO (Caron et al., 2021), `eval_knn.py`, after Wu et al. (2018).
    """
    if neighbours < 1 or chunk < 1 or (temperature is not None and temperature <= 0):
        raise ValueError(
            f"neighbours, chunk and temperature must be positive, got {neighbours}, {chunk} and {temperature}"
        )
    if (query_groups is None) != (bank_groups is None):
        raise ValueError("groups are needed for queries and bank, or for neither")
    predicted = torch.full((len(queries),), -1, dtype=torch.long, device=queries.device)
    known = labels >= 0
    classes, number = torch.unique(labels[known].long(), return_inverse=True)
    if not len(classes):
        return predicted
    rows = normalize(bank[known].float(), dim=1)
    row_groups = None if bank_groups is None else bank_groups[known]
    for start in range(0, len(queries), chunk):
        part = slice(start, start + chunk)
        similarity = normalize(queries[part].float(), dim=1) @ rows.T
        if query_groups is not None and row_groups is not None:
            similarity.masked_fill_(query_groups[part][:, None] == row_groups, -torch.inf)
        nearest, row = similarity.topk(min(neighbours, len(rows)), dim=1)
        votes = similarity.new_zeros(len(nearest), len(classes))
        votes.scatter_add_(1, number[row], _weights(nearest, temperature))
        found = classes[votes.argmax(dim=1)]
        predicted[part] = torch.where(nearest[:, 0] > -torch.inf, found, -1)
    return predicted


def neighbour_weights(
    queries: Float[Tensor, "queries dim"], bank: Float[Tensor, "rows dim"], count: int, temperature: float
) -> tuple[Float[Tensor, "queries k"], Int[Tensor, "queries k"]]:
    """The k nearest rows of the bank by cosine similarity s, and their weights exp(s / τ), which sum to 1.

    The rows of the bank are of length 1. One with fewer rows gives all of them.

    Example:
        >>> weight, row = neighbour_weights(torch.tensor([[1.0, 0.0]]), torch.eye(2), 2, temperature=0.5)
        >>> [round(value, 2) for value in weight[0].tolist()], row.tolist()
        ([0.88, 0.12], [[0, 1]])
    """
    cosine = normalize(queries.float(), dim=1) @ bank.T
    similarity, row = cosine.topk(min(count, len(bank)), dim=1)
    # Relative to the nearest one, so that no temperature overflows; shares stay the same.
    weight = ((similarity - similarity[:, :1]) / temperature).double().exp()
    return weight / weight.sum(dim=1, keepdim=True), row


def nearest_neighbour_accuracy(
    vectors: Float[Tensor, "rows dim"],
    labels: Int[Tensor, " rows"],
    groups: Int[Tensor, " rows"] | None = None,
    neighbours: int = 1,
    temperature: float | None = None,
    chunk: int = 1024,
) -> float:
    """The share of labelled rows whose neighbours in other groups vote for their label.

    Args:
        vectors: frozen vectors, of objects say.
        labels: the class of every row, −1 for none: such a row is neither asked nor heard.
        groups: rows of one group (the objects of one item) are no neighbours, so that nothing is recognised by the
            item in which it lies; None leaves out only the row itself.
        neighbours: k.
        temperature: as in `neighbours_vote`.
        chunk: rows at a time.

    Returns:
        A share in [0, 1]; a row with no neighbour left counts as wrong. NaN if no row is labelled.

    Example:
        >>> vectors = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
        >>> nearest_neighbour_accuracy(vectors, torch.tensor([0, 0, 1, 1]))
        1.0
        >>> nearest_neighbour_accuracy(vectors, torch.tensor([0, 0, 1, 1]), groups=torch.tensor([0, 0, 1, 1]))
        0.0
    """
    groups = torch.arange(len(labels), device=labels.device) if groups is None else groups
    known: Bool[Tensor, " rows"] = labels >= 0
    if not bool(known.any()):
        return float("nan")
    predicted = neighbours_vote(
        vectors[known], vectors[known], labels[known], neighbours, temperature, groups[known], groups[known], chunk
    )
    return float((predicted == labels[known]).double().mean())


def _weights(similarity: Tensor, temperature: float | None) -> Tensor:
    allowed = similarity > -torch.inf
    if temperature is not None:
        # Relative to the nearest one, so that no temperature overflows; the vote is the same.
        relative = similarity - similarity[:, :1].clamp(min=-1.0)
        return torch.where(allowed, (relative / temperature).exp(), 0.0)
    # Similarities add up to less than one vote: they decide between equals alone.
    tie = (similarity.clamp(-1, 1) + 1) / (2 * (similarity.shape[1] + 1))
    return torch.where(allowed, 1 + tie, 0.0)
