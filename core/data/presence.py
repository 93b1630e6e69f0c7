"""Which objects count as present in a view."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..components.ranges import Between, ObjectCount, Share, check_ranges
from .correspondence import AbstractCorrespondence
from .coverage import shown
from .feature_map import FeatureMap
from .segmentation import Elements, Objects, Segmentation


@final
@dataclass(frozen=True)
class Subsample:
    """A bound on the objects of an item: at most so many of those that are present are drawn.

    Args:
        objects: how many are drawn.
        by: with equal chances, or with chances in proportion to their area (their weight in elements).
        replacement: draw each time from all. An object that is drawn twice still counts once, so that fewer may be
            left; DetCon's code draws 16 so and weighs every distinct one alike.
        per_view: draw for every view on its own, from those that are present in it, as DetCon's code does: then fewer
            are shared. Otherwise the same objects are drawn for all views.

    All items share the random numbers, so that what is drawn does not depend on which items share a batch.

    Source: DetCon's code. The Odin patent sums over all objects, [0048].
    """

    objects: ObjectCount
    by: Literal["uniform", "area"] = "uniform"
    replacement: bool = False
    per_view: bool = False

    def __post_init__(self) -> None:
        check_ranges(self)

    def random(self, objects: int, generator: torch.Generator) -> Float[Tensor, " draws"]:
        """The numbers in [0, 1) that decide one drawing among up to `objects`."""
        return torch.rand(self.objects if self.replacement else objects, generator=generator)

    def chosen(
        self, area: Float[Tensor, "batch objects"], random: Float[Tensor, " draws"]
    ) -> Bool[Tensor, "batch objects"]:
        """Which objects are drawn among those of positive area.

        Example:
            >>> Subsample(1, by="area").chosen(torch.tensor([[9.0, 1.0, 0.0]]), torch.tensor([0.5, 0.5, 0.5])).tolist()
            [[True, False, False]]
        """
        present = area > 0
        chance = area if self.by == "area" else present.to(area)
        random = random.to(area)
        if self.replacement:
            cumulative = chance.cumsum(dim=1)
            places = torch.searchsorted(cumulative, random * cumulative[:, -1:], right=True)
            last = present.to(torch.int32).cumsum(dim=1).argmax(dim=1, keepdim=True)
            return torch.zeros_like(present).scatter(1, torch.minimum(places, last), True) & present
        # The greatest of log p − log(−log u) are a draw without replacement (the Gumbel trick).
        keys = torch.where(present, chance.log() - (-random.clamp(min=1e-12).log()).log(), -torch.inf)
        rank = keys.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        return present & (rank < self.objects)


@final
@dataclass(frozen=True)
class Presence:
    """When an object counts as present in a view; every condition must hold.

    Args:
        elements: more than so many of the view's elements show it.
        of_view: at least this share of the view's elements shows it.
        of_object: at least this share of the object's own elements is in the view.
        draw: a bound on the objects per item; None takes all.

    The patent applications ask for no more than that an object is in both views ([0045]), which is the default. With
    soft segments an object's elements count by their weights. An item that is taken as a whole is in all its views.

    Example:
        >>> Presence(of_object=0.5, draw=Subsample(16))
        Presence(elements=0.0, of_view=0.0, of_object=0.5, draw=Subsample(objects=16, by='uniform', ...))
    """

    elements: Annotated[float, Between(0.0, 1e9)] = 0.0
    of_view: Share = 0.0
    of_object: Share = 0.0
    draw: Subsample | None = None

    def __post_init__(self) -> None:
        check_ranges(self)

    def drawn(self, segmentation: Segmentation, generator: torch.Generator) -> Segmentation:
        """The segments with those left that are drawn for all views at once; a whole item stays, whatever is drawn."""
        if self.draw is None or self.draw.per_view:
            return segmentation
        area = segmentation.weights.float().sum(dim=2)
        chosen = self.draw.chosen(area, self.draw.random(segmentation.objects, generator))
        return replace(segmentation, weights=segmentation.weights * chosen[..., None])

    def random(self, segmentation: Segmentation, generator: torch.Generator) -> Float[Tensor, " draws"] | None:
        """The numbers that decide a view's own drawing, None where there is none."""
        if self.draw is None or not self.draw.per_view:
            return None
        return self.draw.random(segmentation.objects, generator)

    def pooled(
        self,
        source: Segmentation,
        correspondence: AbstractCorrespondence,
        features: FeatureMap,
        random: Float[Tensor, " draws"] | None,
        elements: bool = False,
    ) -> Objects:
        """The vectors of the source's objects in a view, and which of them are present there.

        With `elements`, also the elements that they are made of; those of absent objects belong to none.
        """
        seen = source.seen_from(correspondence, features)
        found = seen.pool(features, self.elements)
        present, area = found.present, (seen.weights.float() * features.valid[:, None]).sum(dim=2)
        if self.of_view > 0:
            present = present & (area >= self.of_view * features.valid.sum(dim=1, keepdim=True))
        if self.of_object > 0:
            present = present & (_share_shown(source, correspondence, features) >= self.of_object)
        if self.draw is not None and random is not None:
            present = present & self.draw.chosen(torch.where(present, area, 0.0), random)
        vectors = torch.where(present[..., None], found.vectors, 0.0)
        if not elements:
            return Objects(vectors, present)
        weights = seen.weights.float() * (features.valid[:, None] & present[..., None])
        return Objects(vectors, present, Elements(features.values, weights))


def _share_shown(
    source: Segmentation, correspondence: AbstractCorrespondence, view: FeatureMap
) -> Float[Tensor, "batch objects"]:
    """The share of every object's weight that lies on elements which the view shows; 1 for whole items."""
    if not source.weights.shape[2]:
        return source.weights.new_ones(source.weights.shape[:2])
    weights = source.weights.float()
    places = FeatureMap(weights.new_zeros(len(weights), weights.shape[2], 0), (weights > 0).any(dim=1), source.places)
    visible = shown(correspondence, view, places)
    share = (weights * visible[:, None]).sum(dim=2) / weights.sum(dim=2).clamp(min=1e-12)
    return torch.where(source.whole[:, None], 1.0, share)
