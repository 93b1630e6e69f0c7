"""How objects are found in the features of a network: the one way that training, evaluation and discovery share."""

from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Any, Literal, final

import torch
from torch import nn

from ..data.course import Course
from ..data.coverage import shown
from ..data.feature_map import FeatureMap
from ..data.segmentation import Segmentation
from ..data.view import View
from ..networks.encoder import Network
from ..networks.levels import level_of
from ..networks.modes import evaluating
from .background import AbstractBackgroundRemover
from .concat_features import ConcatFeatures
from .groupers.base import AbstractGrouper
from .groupers.long import group_long
from .observed import Observed
from .regions.base import FineSegments
from .regions.pooling import GroupRegions

TOGETHER = 256
"""Fine segments whose background is taken out at once."""


@final
@dataclass(frozen=True)
class ObjectFinder:
    """Features → segmentation: project, put plain features beside, group (cluster), take the background out.

    With `regions`, fine segments of the data are grouped in place of elements: the objects then lie on the lattice of
    the fine segments, which may be finer than that of the features (`averaged` carries them back).

    Args:
        grouper: clusters the elements of every item.
        space: group the network's projections g(h), element by element, as the patent application does, or its hidden
            features h.
        background: takes the background out of what was grouped; None keeps every object.
        extra_features: puts plain features beside the network's; None groups the network's alone.
        span: in training, group only the elements of the source that one of the views shows (v0 as the part of the
            item that encompasses the views, [0074]) instead of the whole source. The network still sees what lies
            around them; a source that is itself cut is made by the modality's `Views.source`.
        regions: fine segments that are grouped in place of elements; None groups elements.
        level: which level of hidden features is grouped, by name (`HasLevels`); None groups all of them, and so does
            any name where the encoder has no levels.
        background_of: the background is taken out of the objects that were found, or of the fine segments before they
            are grouped, where there are `regions`: then no background is within an object, and none joins two.

    Source: Odin, [0063] and [0075]; background and extra features are ours.

    Example:
        >>> from gestalt.core.discovery.groupers import KMeans
        >>> from gestalt.core.networks.encoder import Identity
        >>> points = FeatureMap.padded([torch.tensor([[0.0, 1.0], [0.0, 1.1], [5.0, 0.0]])])
        >>> finder = ObjectFinder(KMeans(objects=2), space="hidden")
        >>> a, b, c = finder.find(Network(Identity(dim=2)), points).labels()[0].tolist()
        >>> a == b, a == c
        (True, False)
    """

    grouper: AbstractGrouper
    space: Literal["projected", "hidden"] = "projected"
    background: AbstractBackgroundRemover | None = None
    extra_features: ConcatFeatures | None = None
    span: bool = False
    regions: GroupRegions | None = None
    level: str | None = None
    background_of: Literal["objects", "regions"] = "objects"

    def __post_init__(self) -> None:
        if self.level is not None and self.space != "hidden":
            raise ValueError(
                f"a level is one of hidden features, and this finder groups {self.space} ones, got the level "
                f"{self.level!r}: take space='hidden', or no level"
            )

    def __call__(self, network: Network, features: FeatureMap, data: Any, generator: torch.Generator) -> Segmentation:
        """The objects in hidden features that `network` gave for the batch `data`; nothing is encoded again.

        The network is left in the mode in which it came.
        """
        return self.group(self.observe(network, features, data), generator)

    def observe(self, network: Network, features: FeatureMap, data: Any) -> Observed:
        """What there is to be grouped: all that needs the network or the batch `data`, element by element."""
        with evaluating(network):
            hidden = level_of(network.encoder, self.level).of(features)
            vectors = network.project_elements(features) if self.space == "projected" else hidden
            plain = None if self.extra_features is None else self.extra_features.look(data, vectors)
            background = None if self.background is None else self.background.look(data, vectors)
            cuts = None if self.regions is None else self.regions.source.look(data, vectors)
            return Observed(vectors, plain, background, cuts)

    @torch.no_grad()
    def group(self, observed: Observed, generator: torch.Generator, window: int | Course | None = None) -> Segmentation:
        """The objects in what was observed.

        Args:
            observed: some items; or one item that is longer than those that the grouper was made for.
            generator: the only source of randomness.
            window: in the latter case, how many elements along the first axis (or of a set) the grouper was made for,
                or the course of its parts; means, variances and background are then those of all elements together.
        """
        features = observed.features
        fine = None if self.regions is None else self.regions.fine(features, observed.cuts, generator, window)
        if fine is not None and self.background_of == "regions":
            fine = self._without_background(fine, observed)
        if self.extra_features is not None and observed.plain is not None:
            features = self.extra_features.beside(features, observed.plain)
        grouped = features if self.regions is None or fine is None else self.regions.pooled(features, fine)
        segmentation: Segmentation
        if window is None:
            segmentation = self.grouper(grouped, generator)
        else:
            segmentation = group_long(self.grouper, grouped, window, generator)
        if self.regions is not None and fine is not None:
            segmentation = self.regions.spread(segmentation, fine)
        if (
            self.background is None
            or observed.background is None
            or (fine is not None and self.background_of == "regions")
        ):
            return segmentation
        return self.background.remove(segmentation, features, observed.background)

    def _without_background(self, fine: FineSegments, observed: Observed) -> FineSegments:
        """The fine segments that are no background."""
        if self.background is None or observed.background is None:
            return fine
        left = torch.full_like(fine.labels, -1)
        # Some at a time: a long recording has thousands, and a weight of every segment on every element is much.
        for first in range(0, fine.count, TOGETHER):
            here = (fine.labels >= first) & (fine.labels < first + TOGETHER)
            count = min(TOGETHER, fine.count - first)
            some = Segmentation.from_labels(torch.where(here, fine.labels - first, -1), count, fine.grid)
            kept = self.background.remove(some, observed.features, observed.background).labels()
            left = torch.where(kept >= 0, kept + first, left)
        return FineSegments(left, fine.grid)

    def plain_networks(self) -> list[nn.Module]:
        """The networks of plain features through which background and extra features see items, and what was fitted."""
        # A grouper with something fitted comes last: saved runs number these parts.
        fitted = self.grouper if self.grouper.state_dict() else None
        parts = (self.background, self.extra_features, self.regions, fitted)
        return [network for part in parts if part is not None for network in _networks_in(part)]

    def find(self, network: Network, data: Any, seed: int = 0, views: Sequence[View[Any]] = ()) -> Segmentation:
        """Encode a batch of untransformed items, then find their objects."""
        return self.discover(network, data, torch.Generator().manual_seed(seed), views)

    def discover(
        self, network: Network, data: Any, generator: torch.Generator, views: Sequence[View[Any]] = ()
    ) -> Segmentation:
        """As `find`, with a given generator.

        With `span`, each view is encoded once more, to know its elements; an item of which the views show nothing is
        grouped whole.
        """
        with evaluating(network):
            features = network.encode(data)
            if self.span and views:
                seen = [shown(view.correspondence, network.encode(view.data), features) for view in views]
                spanned = torch.stack(seen).any(dim=0)
                features = replace(features, valid=features.valid & (spanned | ~spanned.any(dim=1, keepdim=True)))
        return self(network, features, data, generator)


def _networks_in(part: Any) -> list[nn.Module]:
    """The modules that a dataclass holds, however deep."""
    if isinstance(part, nn.Module):
        return [part]
    return [found for value in vars(part).values() for found in _networks_in(value)] if is_dataclass(part) else []
