"""The background by clusters of a whole data set, which overlap a noisy foreground or do not."""

from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.segmentation import Segmentation
from .background import AbstractBackgroundRemover
from .codebook import Codebook


@final
@dataclass(frozen=True)
class ClusterForeground(AbstractBackgroundRemover):
    """Takes out the elements whose cluster over the data set is background, for any grouper.

    A noisy foreground (loudness, attention, masks of another method) errs differently in every item. A cluster of
    elements over all items is of foreground where, in the mean over items, enough of it lies in the noisy foreground
    (`with_foreground`): what is foreground in most items is so in all of them, and clusters have sharper borders.

    Args:
        codebook: fitted to vectors of the finder's space and level.

    Source: cluster-based foreground extraction, Leopart (Ziegler and Asano, 2022), section 3.3.
    """

    codebook: Codebook = field(default_factory=Codebook)

    @torch.no_grad()
    def look(self, data: Any, features: FeatureMap) -> Float[Tensor, "batch elements 1"]:  # noqa: ARG002
        """1 for an element of a foreground cluster, 0 for another."""
        return (self.codebook.objects_of(features.values.float()) >= 0)[..., None].float()

    def remove(
        self, segmentation: Segmentation, features: FeatureMap, seen: Float[Tensor, "batch elements 1"]
    ) -> Segmentation:
        """The same segments with weight 0 on the background; finer ones on what lies in its elements."""
        kept, own, places = seen[..., 0], segmentation.places, features.places
        # Objects have the elements of the features, unless fine segments were grouped: these lie on one lattice.
        if own is not None and places is not None and own.shape != places.shape:
            fine, grid = segmentation.grid, features.grid
            assert fine is not None
            assert grid is not None
            place = grid.locate(fine.centres().to(kept.device).expand(len(kept), -1, -1))
            kept = torch.where(place >= 0, kept.gather(1, place.clamp(min=0)), 0.0)
        return Segmentation(segmentation.weights * kept[:, None].to(segmentation.weights), own, segmentation.whole)
