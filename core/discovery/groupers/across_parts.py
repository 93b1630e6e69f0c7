"""Items with parts, grouped part by part, and objects of different parts that are alike made one."""

from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from ...components.names import choose
from ...data.course import Course
from ...data.feature_map import FeatureMap
from ...data.parts import parts_of
from ...data.places import Parts, parts_in
from ...data.precision import full_precision
from ...data.segmentation import Segmentation
from ...losses.distances import unit
from .base import AbstractGrouper
from .long import group_long
from .part_by_part import grouped_long


@final
class AcrossParts(AbstractGrouper):
    """Objects of every part by itself; those of other parts then join the object of one part that is most like them.

    k ↦ argmax_l ⟨u_k, v_l⟩ / (‖u_k‖ ‖v_l‖), u_k the mean vector of an object of another part and v_l those of the
    part `into`: a word joins the region of the picture that it is most like. Where vectors of two parts lie apart as a
    whole, as they do after contrast between parts, clusters of all elements together hold one part each; likeness
    alone says what belongs together. Items without the part, and items without parts, are grouped as `PartByPart` does.

    Args:
        grouper: of the elements of one part.
        into: the part whose objects others join; None: the first.

    Example:
        >>> from gestalt.core.data.parts import joined
        >>> from gestalt.core.discovery.groupers import KMeans
        >>> here = torch.ones(1, 2, dtype=torch.bool)
        >>> picture = FeatureMap(torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]), here)
        >>> words = FeatureMap(torch.tensor([[[1.0, 0.2], [0.3, 1.0]]]), here)
        >>> found = AcrossParts(KMeans(2))(joined({"image": picture, "text": words}), torch.Generator().manual_seed(0))
        >>> a, b, c, d = found.labels()[0].tolist()
        >>> a == d, b == c, a == b
        (True, True, False)
    """

    def __init__(self, grouper: AbstractGrouper, into: str | None = None) -> None:
        super().__init__()
        self.grouper = grouper
        self.into = into

    @torch.no_grad()
    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """The segments of the grouper, joined.

        Raises:
            ValueError: if there is no part of the name `into`.
        """
        if not isinstance(features.places, Parts):
            plain: Segmentation = self.grouper(features, generator)
            return plain
        maps = {name: part for name, part in parts_of(features).items() if part.valid.shape[1]}
        found = {name: self.grouper(part, generator) for name, part in maps.items()}
        return self._across(features, maps, found)

    @torch.no_grad()
    def group_long(self, features: FeatureMap, window: int | Course, generator: torch.Generator) -> Segmentation:
        """As `forward`, for one item of any length: each part is grouped as it would be alone.

        Raises:
            ValueError: as `forward`.
        """
        if not isinstance(window, Course):
            return group_long(self.grouper, features, window, generator)
        found = grouped_long(self.grouper, features, window, generator)
        return self._across(features, {name: features.part(name) for name in found}, found)

    def _across(
        self, features: FeatureMap, maps: dict[str, FeatureMap], found: dict[str, Segmentation]
    ) -> Segmentation:
        """The segments of all parts, those of other parts joined to those of one."""
        names = parts_in(features.places).names
        into = names[0] if self.into is None else choose("part", self.into, names)
        first = found[into].objects if into in found else 0
        labels = dict[str, Tensor]()
        for name, part in parts_of(features).items():
            own = found[name].labels() if name in found else part.valid.new_full(part.valid.shape, -1, dtype=torch.long)
            if name != into:
                own, first = self._joining(own, name, found, maps, into, first)
            labels[name] = own
        every = torch.cat(list(labels.values()), dim=1)
        return Segmentation.from_labels(every, max(first, 1), features.places)

    def _joining(
        self,
        own: Int[Tensor, "batch elements"],
        name: str,
        found: dict[str, Segmentation],
        maps: dict[str, FeatureMap],
        into: str,
        first: int,
    ) -> tuple[Int[Tensor, "batch elements"], int]:
        """The objects of another part under their new numbers, and how many numbers are taken then."""
        if name not in found:
            return own, first
        apart = torch.where(own >= 0, own + first, -1)
        after = first + found[name].objects
        if into not in found:
            return apart, after
        here, there = found[name].pool(maps[name]), found[into].pool(maps[into])
        with full_precision(here.vectors):
            alike = unit(here.vectors) @ unit(there.vectors).mT
        alike = torch.where(there.present[:, None], alike, -torch.inf)
        nearest = alike.argmax(dim=2).gather(1, own.clamp(min=0))
        able = there.present.any(dim=1, keepdim=True)
        return torch.where(able & (own >= 0), nearest, apart), after
