"""Types found in a data set, or those of another one given to its objects."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from ...components.description import describe
from ...components.ranges import Between, Count, check_ranges
from ...modality.base import AbstractModality
from ...networks.encoder import Network
from ...networks.levels import level_of
from .clusterings import AbstractClustering, HasNumber, KMeansTypes
from .members import Batches, Members, collected, sample_of
from .object_types import ObjectTypes, network_digest, ordered
from .scaling import Kind, Scaling
from .vector_file import VectorFile


@final
@dataclass(frozen=True)
class Typing:
    """How types are found."""

    by: AbstractClustering = field(default_factory=KMeansTypes)
    """How object vectors are clustered."""
    number: Count | None = None
    """How many types; none: it is estimated, or follows from the clustering."""
    scaling: Kind = "standardised"
    """How vectors are made comparable: every dimension of unit variance, then only directions, or principal components
    of unit variance."""
    level: str | None = None
    """The level of the encoder whose vectors are compared, where it has several; none: the whole vector."""
    sample: Count = 50_000
    """Most objects that types are found in, those of items drawn by chance; all objects are given their type."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.number is not None and not isinstance(self.by, HasNumber):
            raise ValueError(
                f"number is for ways that are told how many types there are, and {type(self.by).__name__} finds their "
                "number itself; leave it out, or cluster by k-means or balanced"
            )

    @property
    def clustering(self) -> AbstractClustering:
        """The way, told the number."""
        if self.number is None:
            return self.by
        own: Any = self.by
        assert "number" in {one.name for one in fields(own)}
        clustering: AbstractClustering = replace(own, number=self.number)
        return clustering


@final
@dataclass(frozen=True)
class FoundTypes:
    """The types, and all objects of the data with theirs."""

    types: ObjectTypes
    members: Members


def found_types(
    batches: Batches,
    modality: AbstractModality[Any],
    network: Network,
    how: Typing | None = None,
    like: ObjectTypes | None = None,
    folder: Path | None = None,
) -> FoundTypes:
    """The types of all objects.

    Args:
        batches: all items with their objects.
        modality: of the items.
        network: encoded them.
        how: types are found.
        like: types that were found before, in place of that.
        folder: where vectors lie meanwhile.

    Raises:
        ValueError: if there are too few objects, or `like` belongs to another run.
    """
    how = how or Typing()
    digest = network_digest(network)
    if like is not None:
        like.refuse_other_run(digest)
    level = level_of(network.encoder, how.level if like is None else like.level)
    with VectorFile(folder) as file:
        members = collected(batches(), modality, level, file)
        if not len(members):
            raise ValueError("no object was found in any item, so there are no types; see what gestalt discover finds")
        types = like or _fitted(file, members.items, how, digest)
        found = _given(types, file, members)
    if like is not None:
        return found
    counts = found.members.types[found.members.types >= 0].bincount(minlength=found.types.count)
    types, order = ordered(found.types, counts)
    place = torch.full((len(counts) + 1,), -1)
    place[order] = torch.arange(len(order))
    return FoundTypes(types, replace(found.members, types=place[found.members.types]))


def _fitted(file: VectorFile, items: Int[Tensor, " objects"], how: Typing, digest: str) -> ObjectTypes:
    sample = sample_of(items, how.sample, how.seed)
    vectors = file.some(sample)
    scaling = Scaling.fitted(how.scaling, vectors)
    rows = scaling.of(vectors)
    prototypes = how.clustering.fit(rows, items[sample], how.seed)
    own = prototypes.types_of(rows)
    centres = torch.zeros(prototypes.count, rows.shape[1])
    there = own >= 0
    centres.index_add_(0, own[there], rows[there])
    held = own[there].bincount(minlength=prototypes.count)
    found = {
        "by": describe(how.clustering),
        "scaling": how.scaling,
        "sample": len(sample),
        "seed": how.seed,
    }
    means = centres / held.clamp(min=1)[:, None]
    return ObjectTypes(scaling, prototypes, means, (0,) * prototypes.count, how.level, digest, found)


def _given(types: ObjectTypes, file: VectorFile, members: Members) -> FoundTypes:
    """Every object with its type."""
    given = [types.of(part) for part in file.parts()]
    kinds, distances = (torch.cat(part) for part in zip(*given, strict=True))
    return FoundTypes(types, replace(members, types=kinds, distances=distances))
