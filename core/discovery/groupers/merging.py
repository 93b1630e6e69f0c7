"""Merging of neighbours, the cheapest pair first, in time and memory that grow with the pairs that touch."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...data.feature_map import FeatureMap
from .cheapest_first import merge_each

Linkage: TypeAlias = Literal["ward", "direction"]
"""What it costs to merge the regions a and b of n elements and mean μ: n_a n_b / (n_a + n_b) · ‖μ_a − μ_b‖², or
1 − ⟨μ_a, μ_b⟩ / (‖μ_a‖ ‖μ_b‖)."""
AT_ONCE = 1024
"""On a GPU so many elements are merged with all pairs at once, for all items of a batch."""


def at_once(features: FeatureMap) -> bool:
    """Whether looking at all pairs at once is the faster way: on a GPU, for few elements."""
    return features.values.device.type != "cpu" and features.valid.shape[1] <= AT_ONCE


def touching_pairs(features: FeatureMap) -> list[Int[np.ndarray, "_ 2"]]:
    """Of every item the pairs of valid elements that are neighbours, the smaller number first.

    Raises:
        ValueError: if the features are a set without `neighbours`.

    Example:
        >>> from gestalt.core.data.feature_map import Grid
        >>> grid = Grid.uniform((2, 2), (1.0, 1.0))
        >>> features = FeatureMap(torch.zeros(1, 4, 1), torch.tensor([[True, True, True, False]]), grid)
        >>> touching_pairs(features)[0].tolist()
        [[0, 2], [0, 1]]
    """
    valid = features.valid.cpu().numpy()
    if features.neighbours is not None:
        found = [row.triu(1).nonzero().numpy() for row in features.neighbours.cpu()]
    elif features.grid is not None:
        number = np.arange(features.grid.elements).reshape(features.grid.shape)
        steps = []
        for axis in range(number.ndim):
            before, after = np.delete(number, -1, axis), np.delete(number, 0, axis)
            steps.append(np.stack([before.ravel(), after.ravel()], axis=1))
        found = [np.concatenate(steps)] * len(valid)
    else:
        raise no_neighbours()
    return [pairs[there[pairs].all(axis=1)] for pairs, there in zip(found, valid, strict=True)]


def no_neighbours() -> ValueError:
    """The refusal of a set of which nobody says what touches what."""
    return ValueError(
        "these elements are a set, and nobody says which are neighbours; let the encoder fill "
        "FeatureMap.neighbours, or take another grouper"
    )


def merged_neighbours(
    sums: Float[Tensor, "batch elements dim"],
    size: Float[Tensor, "batch elements"],
    there: Bool[Tensor, "batch elements"],
    pairs: Sequence[Int[np.ndarray, "_ 2"]],
    linkage: Linkage,
    most: Sequence[float],
    objects: int,
) -> Int[Tensor, "batch elements"]:
    """For every element the first element of its region.

    Of all pairs of regions that touch, the cheapest merges, the one of the smallest numbers among equal ones, while it
    costs no more than `most` or there are more than `objects`; regions that do not touch merge only if there are more
    all the same.

    Args:
        sums: over what each element stands for.
        size: how much that is.
        there: which elements are regions.
        pairs: of every item, see `touching_pairs`.
        linkage: what merging costs.
        most: of every item, what a merger may cost.
        objects: greatest number of regions.
    """
    numbers = (sums.detach().double().cpu().numpy(), size.detach().double().cpu().numpy(), there.cpu().numpy())
    return torch.from_numpy(merge_each(*numbers, pairs, linkage == "ward", most, objects)).to(sums.device)
