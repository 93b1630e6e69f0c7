"""What a comparing learner compared in a step, and how to tell whether it is alive."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool
from torch import Tensor

from ..data.segmentation import Objects, Segmentation
from ..data.spread import effective_rank, feature_spread
from .info import BatchInfo

ROWS = 2048  # enough vectors to estimate a spread and a rank


@final
@dataclass(frozen=True)
class Compared:
    """The objects of all views, the segmentation that they come from, and what is known of the batch.

    `unknown` marks items whose views have an unknown correspondence: they were compared as a whole.
    """

    online: tuple[Objects, ...]
    teacher: tuple[Objects, ...]
    segmentation: Segmentation
    unknown: Bool[Tensor, " batch"]
    info: BatchInfo


@torch.no_grad()
def health_of(compared: Compared) -> dict[str, float]:
    """Spread and effective rank of the online network's vectors, and how many objects there are and are shared.

    The spread is 1 where vectors fill all directions evenly and 0 where they are all the same. Shared are the objects
    present in both of the first two views; a single view shares all of its own. `objects_found` counts the objects
    of the segmentation, NaN where it can have but one.
    """
    first, second = compared.online[0], compared.online[min(1, len(compared.online) - 1)]
    rows = first.vectors[first.present][:ROWS].float()
    either = (first.present | second.present).sum()
    both = (first.present & second.present).sum()
    segments = compared.segmentation
    used = (segments.weights.sum(dim=2) > 0) & ~segments.whole[:, None]
    used[:, 0] |= segments.whole
    found = float(used.float().sum(dim=1).mean()) if segments.objects > 1 else float("nan")
    return {
        "spread": float(feature_spread(rows)),
        "effective_rank": float(effective_rank(rows)),
        "objects_found": found,
        "objects_per_item": float(first.present.sum() / max(len(first.present), 1)),
        "shared_objects": float(both / either.clamp(min=1)),
        "clusters_used": float(used.float().mean()),
        "whole_items": float(compared.unknown.float().mean()),
    }
