"""Masks that come with the data, made alike on all ranks."""

from dataclasses import replace
from typing import Any

from ..data.view import Batch
from ..distributed.ranks import max_over_ranks


def with_equal_objects(batch: Batch[Any]) -> Batch[Any]:
    """The same batch, its masks with as many objects as those of the rank that has most.

    Each rank's items have masks of their own, and objectives number the objects of all ranks in a row. Every rank
    must call it.
    """
    if batch.masks is None:
        return batch
    return replace(batch, masks=batch.masks.padded(max_over_ranks(batch.masks.objects, batch.index.device)))
