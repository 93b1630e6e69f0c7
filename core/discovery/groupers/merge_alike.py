"""Neighbours merge while what was learned of them is alike."""

import math
from typing import Annotated, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...components.ranges import Between, ObjectCount, check_ranges
from ...data.course import Course
from ...data.feature_map import FeatureMap
from ...data.precision import full_precision
from ...data.segmentation import Segmentation
from .base import AbstractGrouper
from .merging import at_once, merged_neighbours, touching_pairs
from .regions import touching

APART = 4.0
"""Beyond any cosine distance: what does not touch merges only where there are too many."""


@final
class MergeAlike(AbstractGrouper):
    """Merges the neighbours with the smallest cosine distance of their means, while it is below a threshold.

    Every element begins as a region of its own, or stands for one already (`FeatureMap.sizes`, see `GroupRegions`).
    Of all regions a and b that touch, the two with the smallest d = 1 − ⟨μ_a, μ_b⟩ / (‖μ_a‖ ‖μ_b‖) merge; the mean of
    the merged region is μ = (n_a μ_a + n_b μ_b) / (n_a + n_b). It ends where no d is below the threshold. So the
    number of objects follows from the item, and every object is in one piece.

    Args:
        threshold: greatest cosine distance at which regions merge.
        objects: greatest number of objects per item; beyond it the nearest merge at any distance, those that touch
            first.

    Elements touch where `features.neighbours` says so, or where they lie next to each other along an axis of the grid.
    Time and memory grow with the pairs of elements that touch. On a GPU, up to 1024 elements are compared with all
    others for every merger: memory grows with their square, and work with their cube.

    Source: centroid linkage (Sokal and Michener 1958) by cosine, with a connectivity constraint; the threshold on
    learned likeness is ours. Odin's patent application leaves the grouping open, [0063].

    Example: a path whose ends are alike but far apart.

        >>> x = torch.tensor([[[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [1.0, 0.0]]])
        >>> path = torch.diag(torch.ones(3), 1)[None] > 0
        >>> features = FeatureMap(x, torch.ones(1, 4, dtype=torch.bool), neighbours=path | path.mT)
        >>> MergeAlike(threshold=0.5)(features, torch.Generator()).labels().tolist()
        [[0, 0, 1, 2]]
    """

    def __init__(self, threshold: Annotated[float, Between(0.0, 2.0)] = 0.5, objects: ObjectCount = 64) -> None:
        super().__init__()
        self.threshold = threshold
        self.objects = objects
        check_ranges(self)

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """Hard segments, numbered as they appear; nothing is drawn at random.

        Raises:
            ValueError: if nobody knows which elements are neighbours.
        """
        return self._merge(features, self.objects)

    def group_long(self, features: FeatureMap, window: int | Course, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """As `forward`, for one item of any length, with as many objects more as it is longer than a window."""
        whole = float(features.valid.sum()) if features.sizes is None else float(features.sizes.sum())
        windows = window.windows if isinstance(window, Course) else whole / window
        return self._merge(features, self.objects * max(1, math.ceil(windows)))

    @torch.no_grad()
    def _merge(self, features: FeatureMap, objects: int) -> Segmentation:
        valid = features.valid
        size = valid.float() if features.sizes is None else torch.where(valid, features.sizes.float(), 0.0)
        values = torch.where(valid[..., None], features.values.float(), 0.0)
        with full_precision(values):
            # Vectors of length zero point nowhere, but all to the same nowhere: they are alike.
            nowhere = 1e-6 * (values == 0).all(dim=2, keepdim=True)
            sums = torch.cat([values, nowhere], dim=2) * size[..., None]
            if at_once(features):
                region = _merged(sums, valid, touching(features), self.threshold, objects)
            else:
                below = [math.nextafter(self.threshold, -math.inf)] * len(sums)
                region = merged_neighbours(sums, size, valid, touching_pairs(features), "direction", below, objects)
        first = (region == torch.arange(region.shape[1], device=region.device)) & valid
        labels = torch.where(valid, (first.cumsum(dim=1) - 1).gather(1, region), -1)
        return Segmentation.from_labels(labels, objects, features.places)


def _merged(
    total: Float[Tensor, "batch elements dim"],
    valid: Bool[Tensor, "batch elements"],
    near: Bool[Tensor, "batch elements elements"],
    threshold: float,
    objects: int,
) -> Int[Tensor, "batch elements"]:
    """For every element the first element of its region. `total` is the sum over each element's own region.

    The direction of a mean is that of the sum, so sizes are needed no further.
    """
    batch, elements, _ = total.shape
    rows, places = torch.arange(batch, device=total.device), torch.arange(elements, device=total.device)
    region = places.expand(batch, -1).clone()
    total, near, alive = total.clone(), near.clone(), valid.clone()
    unit = torch.nn.functional.normalize(total, dim=2)
    above = places[:, None] < places
    # What may not merge is ∞; what does not touch lies beyond whatever touches.
    distance = torch.where(valid[:, :, None] & valid[:, None] & above, 1 - unit @ unit.mT, torch.inf)
    distance = torch.where(near, distance, distance + APART)
    left = valid.sum(dim=1)
    for _ in range(elements - 1):
        least, where = distance.flatten(1).min(dim=1)
        going = least.isfinite() & ((least < threshold) | (left > objects))
        if not bool(going.any()):
            break
        one, two = where // elements, where % elements  # one comes before two
        moved = torch.where(going, total[rows, two].T, 0.0).T
        total[rows, one] += moved
        unit[rows, one] = torch.nn.functional.normalize(total[rows, one], dim=1)
        alive[rows, two] &= ~going
        left -= going.long()
        touch = torch.where(going[:, None], near[rows, one] | near[rows, two], near[rows, one])
        near[rows, one], near[rows, :, one] = touch, touch
        fresh = 1 - (unit @ unit[rows, one][..., None])[..., 0]
        fresh = torch.where(alive, torch.where(touch, fresh, fresh + APART), torch.inf)
        old_row, old_column = distance[rows, one], distance[rows, :, one]
        distance[rows, one] = torch.where(going[:, None], torch.where(places > one[:, None], fresh, torch.inf), old_row)
        distance[rows, :, one] = torch.where(
            going[:, None], torch.where(places < one[:, None], fresh, torch.inf), old_column
        )
        # Of what is gone its row and its column alone: a mask would be another pass over all pairs.
        distance[rows, two] = torch.where(going[:, None], torch.inf, distance[rows, two])
        distance[rows, :, two] = torch.where(going[:, None], torch.inf, distance[rows, :, two])
        region = torch.where(going[:, None] & (region == two[:, None]), one[:, None], region)
    return region
