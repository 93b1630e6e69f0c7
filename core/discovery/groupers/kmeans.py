"""k-means over the elements of each item, all items of a batch at once."""

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch

from ...components.ranges import ObjectCount, Rounds, Weight, check_ranges
from ...data.course import Course
from ...data.feature_map import FeatureMap
from ...data.precision import full_precision
from ...data.segmentation import Segmentation
from .base import AbstractGrouper
from .lloyd import Draws, clusters, improved, seeds
from .long import begins_of, group_pieces
from .points import each_axis, points


@final
class KMeans(AbstractGrouper):
    """Lloyd's algorithm from k-means++ seeds, per item: argmin Σ_i ‖x_i − μ_{c(i)}‖².

    Args:
        objects: number of clusters K per item; an item with fewer distinct elements uses fewer. The Odin patent
            advises at least the average number of objects, better twice that ([0063]).
        iterations: Lloyd iterations.
        spherical: compare directions only, with features and centres of unit length (cosine). Otherwise features are
            centred and scaled per item to unit mean square, so that `position` has the same meaning for any encoder.
        position: weight of the elements' positions on their grid, each axis scaled to [−1, 1] over the item;
            0 ignores where elements lie, 1 weighs a whole axis about as much as the features. One number for all axes,
            or one for each; of items with parts, one for the seconds that parts in time have in common (`points`).

    An empty cluster keeps its centre and may win elements back later. All items share the same random numbers, so an
    item's clusters do not depend on which items share its batch; and seeds are drawn along a random direction of
    feature space, so they do not depend on the order of the elements either.

    Example:
        >>> x = torch.tensor([[[0.0, 1], [0, 1.1], [5, 0], [5, 0.1]]])
        >>> features = FeatureMap(x, torch.ones(1, 4, dtype=torch.bool))
        >>> a, b, c, d = KMeans(objects=2)(features, torch.Generator().manual_seed(0)).labels()[0].tolist()
        >>> a == b, c == d, a == c
        (True, True, False)
    """

    def __init__(
        self,
        objects: ObjectCount,
        iterations: Rounds = 10,
        spherical: bool = True,
        position: Weight | Sequence[Weight] = 0.0,
    ) -> None:
        super().__init__()
        self.objects = objects
        self.iterations = iterations
        self.spherical = spherical
        self.position = position
        check_ranges(self)

    @torch.no_grad()
    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """Hard segments, one per cluster that has elements.

        Raises:
            ValueError: if positions are asked for and the features lie on no grid, on other axes, or have no part in
                time.
        """
        with full_precision(features.values):
            scaled = points(features, self.spherical, self.position)
            draws = Draws.along_a_random_direction(scaled, self.objects, generator)
            on_sphere = self.spherical and not any(each_axis(self.position))
            labels = clusters(scaled, features.valid, draws, self.iterations, on_sphere)
        return Segmentation.from_labels(labels, self.objects, features.places)

    @torch.no_grad()
    def group_long(self, features: FeatureMap, window: int | Course, generator: torch.Generator) -> Segmentation:
        """As `forward`, for one item of any length, with K objects at a time.

        All elements together give the first centres. Each piece of a window goes on where the piece before it, half a
        window earlier, ended: centres follow what changes, and an object keeps its number. Where positions along the
        first axis count, pieces are grouped by themselves and stitched instead: there an object cannot last.

        Raises:
            ValueError: as `forward`.
        """
        course = window if isinstance(window, Course) else Course.along(features, window)
        if course.moments <= course.usual:
            plain: Segmentation = self(features, generator)
            return plain
        if each_axis(self.position)[0] and features.places is not None:
            return group_pieces(self, features, window, generator)
        on_sphere, usual = self.spherical and not any(each_axis(self.position)), course.usual
        with full_precision(features.values):
            scaled = points(features, self.spherical, self.position)
            labels = torch.full_like(features.valid, -1, dtype=torch.long)
            draws = Draws.along_a_random_direction(scaled, self.objects, generator)
            start = seeds(scaled, features.valid, draws)
            _, centres = improved(scaled, features.valid, start, self.iterations, on_sphere)
            begins = begins_of(course.moments, usual, max(1, usual // 2))
            for before, begin in pairwise([begins[0], *begins]):
                part = course.between(begin, begin + usual).to(labels.device)
                found, centres = improved(scaled[:, part], features.valid[:, part], centres, self.iterations, on_sphere)
                # Of what two pieces share, each labels the half that lies further within it.
                first = begin if begin == before else begin + (before + usual - begin) // 2
                mine = course.between(first, begin + usual, lasting=begin == before).to(labels.device)
                labels[:, mine] = torch.full_like(labels, -1).index_copy(1, part, found)[:, mine]
        return Segmentation.from_labels(labels, self.objects, features.places)
