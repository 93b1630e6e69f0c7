"""A sign without labels: whether the same objects are found in two views of an item."""

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.items import BadItemError
from ..data.resampling import averaged
from ..data.segmentation import Segmentation
from ..data.view import Batch
from ..discovery.segmenters.in_rounds import InRounds
from ..evaluation.partition import adjusted_rand_index
from .data import ItemRequest, ViewsDataset, join, mix
from .steady_items import SteadyItems
from .training_data import TrainingData

ItemT = TypeVar("ItemT")

ITEMS = 64
"""So many items, the first of those that are learned from, are looked at."""
CHUNK = 16
VIEWS = 2
"""The first views of an item, which are the large ones."""


def agreement_of_views(
    segmenter: InRounds,
    number: int,
    data: TrainingData[ItemT],
    seed: int,
    learned: Sequence[int],
    device: torch.device | str = "cpu",
) -> float:
    """The adjusted Rand index between what is found in a view and what is found in its source, where it shows it.

    The mean over two views of each of the first items; NaN where no view shows anything whose place is known. What
    belongs to no object counts as one more. Views, the random numbers of the grouper and so the result follow from
    the seed.

    Args:
        segmenter: finds the segments, of the source and of the views alike.
        number: of the round.
        data: the training set.
        seed: of the run.
        learned: the items that the round learns from, by their numbers.
        device: of the network.

    Raises:
        BadItemError: for an item that cannot be read, unless it may be left out.
    """
    seen = ViewsDataset(SteadyItems(data.items, seed), data.views, skip_bad=data.skip_bad)
    values = list[float]()
    for start in range(0, min(ITEMS, len(learned)), CHUNK):
        chunk = []
        for index in learned[start : min(start + CHUNK, ITEMS)]:
            one = seen[ItemRequest(index, 0, seed)]
            if isinstance(one, BadItemError):
                raise one
            chunk.append(one)
        batch = join(chunk, data.collate).to(device)
        values += _of_batch(segmenter, number, batch, torch.Generator().manual_seed(mix(seed, number, start)))
    return sum(values) / len(values) if values else math.nan


def _of_batch(segmenter: InRounds, number: int, batch: Batch[Any], generator: torch.Generator) -> list[float]:
    of_source, _ = segmenter.find(number, batch.source.data, generator)
    values = list[float]()
    for view in batch.views[:VIEWS]:
        in_view, features = segmenter.find(number, view.data, generator)
        shown = _shown(of_source, view.correspondence.source_elements(features, of_source.places), features)
        own = averaged(in_view, features).labels()
        known = (shown >= 0).any(dim=1) & view.correspondence.known & ~of_source.whole
        values += adjusted_rand_index(own[known], shown[known]).tolist()
    return values


def _shown(segments: Segmentation, source: Int[Tensor, "items elements"], view: FeatureMap) -> Tensor:
    """The object of the source that every element of a view shows: 0 for none of them, −1 where it shows nothing."""
    labels = segments.labels().gather(1, source.clamp(min=0)) + 1
    return torch.where((source >= 0) & view.valid, labels, -1)
