"""Which rows keep their labels when only 1 %, 10 % or all of them may be used."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

STRATA = 10  # values are cut into so many ranges of equal count


def label_fraction(
    labels: Int[Tensor, " rows"] | Float[Tensor, " rows"], share: float, seed: int = 0
) -> Int[Tensor, " kept"]:
    """Row numbers of a stratified share of the labelled rows, in increasing order.

    Of every class with `n` rows, `⌈share · n⌉` are kept, so no class is lost. Values (floats) are stratified by
    tenths. A smaller share is a subset of a larger one under the same seed, so that results differ by the labels added.

    Args:
        labels: a class per row (−1 for none), or a value per row (NaN for none).
        share: in (0, 1].
        seed: another seed keeps other rows.

    Raises:
        ValueError: if the share is not in (0, 1], or no row is labelled.

    Example:
        >>> label_fraction(torch.tensor([0, 1, 0, 1, -1, 0, 1, 0]), share=0.5).numel()
        4

    Source: the 1 % and 10 % subsets of SimCLR and SemPPL are drawn per class too.
    """
    if not 0 < share <= 1:
        raise ValueError(f"the share of labels lies in (0, 1], got {share}")
    known = (labels >= 0) if not labels.is_floating_point() else ~labels.isnan()
    rows = known.nonzero()[:, 0].cpu()
    if not len(rows):
        raise ValueError("no row is labelled; give labels (−1 or NaN marks rows without)")
    strata = labels.cpu()[rows]
    if labels.is_floating_point():
        rank = strata.argsort(stable=True).argsort(stable=True)
        strata = rank * STRATA // len(rows)
    shuffled = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))]
    place = torch.empty(len(labels), dtype=strata.dtype)
    place[rows] = strata
    kept = []
    for stratum in strata.unique():
        members = shuffled[place[shuffled] == stratum]
        kept.append(members[: math.ceil(share * len(members) - 1e-9)])
    return torch.cat(kept).sort().values
