"""Vectors of objects whose names are known: what neighbours and probes are asked about."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.segmentation import Segmentation


def named_vectors(
    features: FeatureMap, labels: Int[Tensor, "items elements"], names: Int[Tensor, "items objects"]
) -> tuple[Float[Tensor, "rows dim"], Int[Tensor, " rows"], Int[Tensor, " rows"]]:
    """The vectors of all named objects, their names, and their items.

    A vector is the mean over the object's elements; every dimension is centred and scaled to unit variance over all
    rows, without labels.

    Args:
        features: of the items.
        labels: the object of every element, −1 for none.
        names: the name of every object as a number, −1 for none.

    Example:
        >>> features = FeatureMap(torch.tensor([[[0.0], [2.0], [5.0]]]), torch.ones(1, 3, dtype=torch.bool))
        >>> vectors, names, items = named_vectors(features, torch.tensor([[0, 0, 1]]), torch.tensor([[7, 9]]))
        >>> vectors.sign().flatten().tolist(), names.tolist(), items.tolist()
        ([-1.0, 1.0], [7, 9], [0, 0])
    """
    pooled = Segmentation.from_labels(labels, names.shape[1], features.grid).pool(features)
    use = pooled.present & (names >= 0)
    items = torch.arange(len(labels))[:, None].expand_as(use)[use]
    rows = pooled.vectors[use]
    if len(rows) < 2:  # one vector alone has no deviation
        return torch.zeros_like(rows), names[use], items
    return (rows - rows.mean(dim=0)) / rows.std(dim=0).clamp(min=1e-6), names[use], items


def whitened(rows: Float[Tensor, "rows dim"], dims: int = 48) -> Float[Tensor, "rows least"]:
    """The first principal components of rows, each scaled to unit variance; at most so many.

    A baseline that is easy to overlook: plain features become better neighbours by it, without labels.

    Example:
        >>> rows = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> whitened(rows).square().round(decimals=1).tolist()
        [[1.5, 0.0], [1.5, 0.0], [0.0, 1.5], [0.0, 1.5]]
    """
    if len(rows) < 2:
        return rows
    left, scales, _ = torch.linalg.svd(rows - rows.mean(dim=0), full_matrices=False)
    kept = int((scales > 1e-6 * scales[0]).sum())
    scaled: Tensor = left[:, : min(kept, dims)] * (len(rows) - 1) ** 0.5
    return scaled


def names_of_found(
    found: Int[Tensor, "items elements"], true: Int[Tensor, "items elements"], names: Int[Tensor, "items objects"]
) -> Int[Tensor, "items found"]:
    """The name of every found object: that of the true object that fills most of it, −1 if that is less than half.

    Args:
        found: the found object of every element, −1 for none.
        true: the true object of every element, −1 for none.
        names: the name of every true object as a number.

    Example:
        >>> found, true = torch.tensor([[0, 0, 1, 1, 1]]), torch.tensor([[0, 0, 0, -1, -1]])
        >>> names_of_found(found, true, torch.tensor([[7]])).tolist()
        [[7, -1]]
    """
    one_hot = torch.nn.functional.one_hot
    mine = one_hot(found + 1, max(2, int(found.max()) + 2))[..., 1:].float()
    theirs = one_hot(true + 1, names.shape[1] + 1)[..., 1:].float()
    best, which = torch.einsum("bno,bnt->bot", mine, theirs).max(dim=2)
    size = mine.sum(dim=1)
    return torch.where((size > 0) & (best >= size / 2), names.gather(1, which), -1)
