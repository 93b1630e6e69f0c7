"""Ways to find types, and which of their options are tried on validation soundscapes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.evaluation.measures import ClusterMeasure
from gestalt.core.runs.types.clusterings import (
    AbstractClustering,
    BalancedTypes,
    CommunityTypes,
    DensityTypes,
    HasNumber,
    KMeansTypes,
)
from gestalt.core.runs.types.scaling import Kind, Scaling

from .objects import NamedObjects

SCALINGS: tuple[Kind, ...] = ("standardised", "directions", "whitened")
FEWEST = 60
"""Objects in which types are looked for: a network that finds fewer in all soundscapes finds nothing."""
ESTIMATED = "k-means, number estimated"
WAYS: Mapping[str, tuple[AbstractClustering, ...]] = {
    "k-means": (KMeansTypes(),),
    ESTIMATED: (KMeansTypes(),),
    "balanced": (BalancedTypes(),),
    "density": tuple(DensityTypes(least=least, axes=axes) for least in (5, 10, 20) for axes in (8, 16)),
    "communities": tuple(CommunityTypes(clusters=clusters) for clusters in (30, 60, 120)),
}
"""Every way with the options that are tried. But for the estimate, k-means and balanced are told the true number."""


@final
@dataclass(frozen=True)
class Choice:
    """A level, a scaling and a clustering."""

    level: str
    scaling: Kind
    by: AbstractClustering

    def scores(
        self, objects: NamedObjects, groups: Sequence[str], seed: int, told: bool
    ) -> dict[str, dict[str, float]]:
        """How well the types of all objects agree with the names of those that have one; 0 where there are too few.

        Objects of no type count as one more type to the mutual information, and as errors otherwise.

        Args:
            objects: found or true ones.
            groups: of names, `sounds` and `families`, of which each has its own scores.
            seed: of the clustering.
            told: tell the clustering how many names there are; types are found once for every number that is told.
        """
        vectors = objects.levels[self.level]
        types, found = dict[AbstractClustering, Tensor](), dict[str, dict[str, float]]()
        for names in groups:
            known = objects.names[names]
            if len(vectors) < FEWEST or not bool((known >= 0).any()):
                found[names] = {"accuracy": 0.0, "nmi": 0.0, "purity": 0.0, "types": 0.0}
                continue
            by = self.by
            if told and isinstance(by, KMeansTypes | BalancedTypes):
                by = replace(by, number=len(known[known >= 0].unique()))
            if by not in types:
                rows = Scaling.fitted(self.scaling, vectors).of(vectors)
                types[by] = by.fit(rows, objects.items, seed).types_of(rows)
            kinds = types[by]
            found[names] = agreement(kinds[known >= 0], known[known >= 0]) | {"types": float(int(kinds.max()) + 1)}
        return found


def agreement(kinds: Int[Tensor, " objects"], known: Int[Tensor, " objects"]) -> dict[str, float]:
    """Purity and accuracy over all objects, those without a type among the errors, and mutual information.

    Example:
        >>> agreement(torch.tensor([0, 0, 1, -1]), torch.tensor([5, 5, 7, 7]))["accuracy"]
        0.75
    """
    measure, there = ClusterMeasure(), kinds >= 0
    whole = measure(torch.where(there, kinds, int(kinds.max()) + 1)[:, None].double(), known)
    if not bool(there.any()):
        return {"accuracy": 0.0, "nmi": whole["nmi"], "purity": 0.0}
    typed, share = measure(kinds[there][:, None].double(), known[there]), float(there.double().mean())
    return {"accuracy": share * typed["accuracy"], "nmi": whole["nmi"], "purity": share * typed["purity"]}


def choices(way: str, objects: NamedObjects) -> Iterator[Choice]:
    """Everything that is tried."""
    for level in objects.levels:
        for scaling in SCALINGS:
            yield from (Choice(level, scaling, by) for by in WAYS[way])


def chosen(way: str, validation: NamedObjects, groups: Sequence[str], seed: int) -> dict[str, Choice]:
    """For every group of names, what has the most mutual information with those of validation objects."""
    tried = [(one, one.scores(validation, groups, seed, told=True)) for one in choices(way, validation)]
    return {names: max(tried, key=lambda one: one[1][names]["nmi"])[0] for names in groups}


def has_number(way: str) -> bool:
    """Whether a way is told the true number of types."""
    return way != ESTIMATED and all(isinstance(one, HasNumber) for one in WAYS[way])
