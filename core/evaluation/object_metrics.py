"""How well found objects agree with true ones, in the three numbers that every data type has."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from .contingency import has_objects
from .overlap import mean_best_overlap
from .partition import adjusted_rand_index, foreground_adjusted_rand_index


def object_metrics(
    found: Int[Tensor, "items elements"] | Sequence[Int[Tensor, " _"]],
    true: Int[Tensor, "items elements"] | Sequence[Int[Tensor, " _"]],
    valid: Bool[Tensor, "items elements"] | Sequence[Bool[Tensor, " _"]] | None = None,
) -> dict[str, float]:
    """ARI, foreground ARI and mean best overlap, each a mean over items.

    In ARI, elements of no object are one more object, on both sides. The other two are of true objects alone, and are
    means over the items that have any; NaN if none has.

    Args:
        found: the object of every element, −1 for none: padded items as one tensor, or one tensor per item.
        true: the same of the true objects.
        valid: False on padding; None where there is none.

    Raises:
        ValueError: if there are no items, or the shapes differ.

    Example:
        >>> found, true = torch.tensor([[0, 0, 1, -1]]), torch.tensor([[5, 5, 5, -1]])
        >>> {name: round(value, 3) for name, value in object_metrics(found, true).items()}
        {'ARI': 0.333, 'fg-ARI': 0.0, 'mBO': 0.667}

    Source: Hubert and Arabie (1985) for ARI; Pont-Tuset et al. (2017) for the overlap.
    """
    masks: Sequence[Tensor | None] = [None] * len(found) if valid is None else list(valid)
    if not len(found) or len(found) != len(true) or len(masks) != len(found):
        raise ValueError(
            f"found, true and valid are of the same items, one at least; got {len(found)}, {len(true)} and {len(masks)}"
        )
    all_, foreground, overlap = list[float](), list[float](), list[float]()
    for mine, theirs, mask in zip(found, true, masks, strict=True):
        own, known = mine[None].long(), theirs[None].long() + 1  # 0 is true background, −1 is unknown
        if mask is not None:
            known = torch.where(mask[None], known, -1)
        all_.append(float(adjusted_rand_index(own, known)))
        if bool(has_objects(known, background=0)):
            foreground.append(float(foreground_adjusted_rand_index(own, known, background=0)))
            overlap.append(float(mean_best_overlap(own, known, background=0)))
    return {"ARI": _mean(all_), "fg-ARI": _mean(foreground), "mBO": _mean(overlap)}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
