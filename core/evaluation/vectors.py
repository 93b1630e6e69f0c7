"""Frozen vectors of items and elements, for neighbours and probes."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.feature_map import FeatureMap, item_means, item_means_and_sums
from ..networks.encoder import AbstractEncoder
from ..networks.modes import evaluating

ItemT = TypeVar("ItemT")


def item_vectors(
    encoder: AbstractEncoder,
    items: Sequence[ItemT],
    collate: Callable[[Sequence[ItemT]], Any],
    chunk: int = 64,
    sums: bool = False,
) -> Float[Tensor, "items dim"]:
    """One frozen vector per item: the mean of its elements, seen in evaluation mode, on the CPU.

    With `sums` their sum stands behind the mean: for sets whose size matters, such as molecules. The encoder is left in
    the mode in which it came. `chunk` items are encoded at a time; the vectors do not depend on it.
    """
    pool = item_means_and_sums if sums else item_means
    rows = [torch.empty(0, 2 * encoder.dim if sums else encoder.dim)]
    with evaluating(encoder):
        for start in range(0, len(items), chunk):
            data = collate(items[start : start + chunk]).to(device_of(encoder))
            rows.append(pool(encoder(data)).cpu())
    return torch.cat(rows)


def element_vectors(
    encoder: AbstractEncoder, items: Sequence[ItemT], collate: Callable[[Sequence[ItemT]], Any], chunk: int = 64
) -> tuple[Float[Tensor, "rows dim"], Int[Tensor, " rows"]]:
    """The frozen vectors of all valid elements, and the item of each: per-element probes split by item."""
    rows, owners = [torch.empty(0, encoder.dim)], [torch.empty(0, dtype=torch.long)]
    with evaluating(encoder):
        for start in range(0, len(items), chunk):
            features: FeatureMap = encoder(collate(items[start : start + chunk]).to(device_of(encoder)))
            rows.append(features.values[features.valid].float().cpu())
            owners.append(start + features.valid.nonzero()[:, 0].cpu())
    return torch.cat(rows), torch.cat(owners)


def device_of(encoder: AbstractEncoder) -> torch.device:
    """Where the encoder's parameters lie; the CPU for one that has none."""
    for parameter in encoder.parameters():
        return parameter.device
    return torch.device("cpu")
