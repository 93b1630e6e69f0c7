"""The adjusted Rand index of two partitions whose elements have a measure. Conventions: see `contingency`."""

import torch
from einops import reduce
from jaxtyping import Float, Int
from torch import Tensor

from .contingency import Measure, contingency, without_background


def adjusted_rand_index(
    found: Int[Tensor, "batch elements"],
    true: Int[Tensor, "batch elements"],
    measure: Measure = None,
    unit: float = 1.0,
) -> Float[Tensor, " batch"]:
    """Agreement of two partitions on which pairs of elements belong together: 1 in full, 0 as by chance.

    `(Σ_kl C(n_kl) − E) / (½ (A + B) − E)` with `C(n) = n (n − 1) / 2`, `A = Σ_k C(n_k·)`, `B = Σ_l C(n_·l)` and
    `E = A B / C(n)`. An element of measure `m` counts as `m / unit` elements in one place.

    Args:
        found: object numbers, −1 for none.
        true: true object numbers, −1 where nothing is known.
        measure: how much each element counts.
        unit: the measure of one elementary element. Pairs need something to count: seconds are counted in, say,
            hundredths (`unit=0.01`). No element may be smaller.

    Returns:
        One number per item. Equal partitions score 1, also the trivial ones that have no pairs to compare; a single
        true object that is found in parts scores 0.

    Raises:
        ValueError: as `contingency`, or if an element is smaller than the unit.

    Example:
        >>> adjusted_rand_index(torch.tensor([[1, 1, 0, 0, 2]]), torch.tensor([[0, 0, 1, 1, 1]])).tolist()
        [0.545...]

    Source: Hubert and Arabie (1985), equation 5, on the weighted table; with unit measure equal to scikit-learn's.
    """
    if measure is not None:
        small = (measure > 0) & (measure < unit * (1 - 1e-5))
        if bool((small & (true >= 0)).any()):
            raise ValueError(
                f"an element of measure {float(measure[small].min()):g} is smaller than the unit {unit:g}; "
                "pass `unit=` the smallest part that is worth counting (0.01 for hundredths of a second)"
            )
    table = contingency(found, true, measure) / unit
    rows, columns = reduce(table, "b k l -> b k", "sum"), reduce(table, "b k l -> b l", "sum")
    together = _pairs(table).sum(dim=(1, 2))
    in_found, in_true = _pairs(rows).sum(dim=1), _pairs(columns).sum(dim=1)
    expected = in_found * in_true / _pairs(rows.sum(dim=1)).clamp(min=torch.finfo(torch.float64).tiny)
    # Equal partitions are recognised by their structure: rounding would turn the trivial ones into 0 / 0.
    filled = table > 0
    equal = (filled.sum(dim=1) <= 1).all(dim=1) & (filled.sum(dim=2) <= 1).all(dim=1)
    scale = torch.where(equal, 1.0, (in_found + in_true) / 2 - expected)
    return torch.where(equal, 1.0, (together - expected) / scale)


def foreground_adjusted_rand_index(
    found: Int[Tensor, "batch elements"],
    true: Int[Tensor, "batch elements"],
    background: int,
    measure: Measure = None,
    unit: float = 1.0,
) -> Float[Tensor, " batch"]:
    """The adjusted Rand index over the elements of true objects alone, as object discovery reports it (fg-ARI).

    It does not see how well the background is found; read it beside `adjusted_rand_index`.

    Example:
        >>> found, true = torch.tensor([[3, 3, 3, 1]]), torch.tensor([[0, 1, 1, 2]])
        >>> foreground_adjusted_rand_index(found, true, background=0).tolist()
        [1.0]
    """
    return adjusted_rand_index(found, without_background(true, background), measure, unit)


def _pairs(count: Tensor) -> Tensor:
    return count * (count - 1) / 2
