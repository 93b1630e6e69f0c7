"""Superpixels: the fine segments of pictures whose borders are those of colours."""

from dataclasses import dataclass
from typing import final

import torch

from gestalt.core.components.ranges import Count, Positive, Weight, check_ranges
from gestalt.core.data.course import Course
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.discovery.regions import AbstractOverSegmentation, FineSegments, Seen

from .data import Pictures
from .segments import Felzenszwalb


@final
@dataclass(frozen=True)
class Superpixels(AbstractOverSegmentation):
    """Felzenszwalb and Huttenlocher's segments with a small scale, pixel by pixel.

    Args:
        scale: larger values give larger segments.
        sigma: of the blur before it, in pixels.
        min_size: of a segment, in pixels.
    """

    scale: Positive = 100.0
    sigma: Weight = 0.3
    min_size: Count = 12

    def __post_init__(self) -> None:
        check_ranges(self)

    def look(self, data: Pictures, features: FeatureMap) -> Seen | None:  # noqa: ARG002
        """A number for every pixel of every picture, −1 on padding; the heuristic runs on the CPU."""
        heuristic = Felzenszwalb(self.scale, self.sigma, self.min_size)
        height, width = data.pixels.shape[2:]
        labels = torch.full((len(data.pixels), height, width), -1)
        for row, (item, (own_height, own_width)) in enumerate(zip(data.pixels.cpu(), data.sizes.tolist(), strict=True)):
            found = heuristic.segments(item[:, :own_height, :own_width])
            labels[row, :own_height, :own_width] = torch.from_numpy(found.astype("int64"))
        return FineSegments(labels.flatten(1), Grid.uniform((height, width), (1.0, 1.0)))

    def cut(
        self,
        features: FeatureMap,  # noqa: ARG002
        seen: Seen | None,
        generator: torch.Generator,  # noqa: ARG002
        window: int | Course | None = None,  # noqa: ARG002
    ) -> FineSegments:
        """The segments that `look` found: features that were learned have no say in them.

        Raises:
            TypeError: if `seen` is something else.
        """
        if not isinstance(seen, FineSegments):
            raise TypeError(f"superpixels are cut as `look` found them, got {type(seen).__name__}")
        return seen
