"""A run whose foreground, or whose objects, are those of clusters over a whole data set."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import torch
from jaxtyping import Bool
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.items import Skipped
from ..discovery.background import lowest
from ..discovery.cluster_foreground import ClusterForeground
from ..discovery.finder import ObjectFinder
from ..discovery.found import FoundBatch
from ..discovery.groupers.by_codebook import ByCodebook
from ..networks.levels import level_of
from ..networks.modes import evaluating
from ..networks.two_steps import GivesAttention
from .codebooks import fitted_codebook, with_communities, with_foreground
from .model import Model

ItemT = TypeVar("ItemT")


def cluster_foreground(
    model: Model[ItemT],
    data: Any,
    salience: Callable[[Any], FeatureMap] | None = None,
    quiet: float = 0.5,
    clusters: int = 200,
    background: float = 0.65,
    seed: int = 0,
    skipped: list[Skipped] | None = None,
) -> Model[ItemT]:
    """The same run with another background: clusters over the data that overlap a noisy foreground least.

    Args:
        model: with a finder, whose grouper stays.
        data: see `Model`; it is read twice, so no loader.
        salience: one number or more per element for a collated batch, such as loudness or attention (`attention_of`);
            none: the noisy foreground of an item are the objects that the run finds in it.
        quiet: with a salience, the noisy foreground of an item is all but this share of its elements, the least
            salient ones.
        clusters: see `fitted_codebook`.
        background: see `with_foreground`.
        seed: see `fitted_codebook`.
        skipped: where items that cannot be read are noted, which are left out; None where they are errors.

    Raises:
        ValueError: if the run does not say how objects are found, or there are no elements; without a salience, if the
            run takes everything for objects.
    """
    model.check_finder()
    if salience is None and _finder_of(model).background is None:
        raise ValueError(
            "the run removes no background, so that all elements are in objects: say by a salience what is not, "
            "such as plain features (--foreground plain) or attention (--foreground attention)"
        )
    book = fitted_codebook((vectors for _, vectors in _grouped(model, data, skipped)), clusters, seed=seed)

    def noisy(batch: FoundBatch[ItemT], vectors: FeatureMap) -> Bool[Tensor, "batch elements"]:
        if salience is None:
            return vectors.valid & (batch.segmentation.labels() >= 0)
        seen = salience(model.modality.collate(batch.items).to(model.device)).to("cpu")
        loud = seen.on_elements_of(vectors, missing=torch.inf).float().mean(dim=-1)
        return vectors.valid & ~lowest(loud, vectors.valid, quiet)

    passed = _grouped(model, data, skipped, with_objects=salience is None)
    seen = ((vectors, noisy(batch, vectors)) for batch, vectors in passed)
    book = with_foreground(book, seen, background).to(model.device)
    return replace(model, finder=replace(_finder_of(model), background=ClusterForeground(book)))


def community_objects(
    model: Model[ItemT],
    data: Any,
    clusters: int = 150,
    threshold: float = 0.09,
    resolution: float = 1.0,
    seed: int = 0,
    skipped: list[Skipped] | None = None,
) -> Model[ItemT]:
    """The same run with other objects: communities of clusters over the data that occur beside one another.

    Where the run's background is that of clusters (`cluster_foreground`), their foreground clusters are merged, and the
    background stays; otherwise `clusters` are fitted, and all are foreground. Objects have one number in all items.

    Args:
        model: with a finder, whose grouper is replaced; plain features beside the network's, and regions, are left out.
        data: see `Model`; it is read twice, so no loader.
        clusters: more than there are types of objects.
        threshold: see `with_communities`.
        resolution: see `with_communities`.
        seed: see `with_communities`.
        skipped: as in `cluster_foreground`.

    Raises:
        ValueError: if the run does not say how objects are found, or nobody knows which elements are neighbours.
    """
    model.check_finder()
    finder = _finder_of(model)
    if isinstance(finder.background, ClusterForeground):
        book = finder.background.codebook
    else:
        book = fitted_codebook((vectors for _, vectors in _grouped(model, data, skipped)), clusters, seed=seed)
    seen = (vectors for _, vectors in _grouped(model, data, skipped))
    book = with_communities(book, seen, threshold, resolution, seed)
    grouper = ByCodebook(book.to(model.device))
    merged = replace(finder, grouper=grouper, background=None, extra_features=None, regions=None)
    return replace(model, finder=merged)


def attention_of(model: Model[Any]) -> Callable[[Any], FeatureMap]:
    """A salience: the attention that the run's encoder pays to every element, on average over heads.

    Raises:
        ValueError: if the encoder gives none.
    """
    encoder = model.encoder
    if not isinstance(encoder, GivesAttention):
        raise ValueError(
            f"a foreground by attention needs an encoder that gives it, and {type(encoder).__name__} does not: train a "
            "transformer (--encoder transformer), or take another foreground"
        )

    def looked_at(data: Any) -> FeatureMap:
        with evaluating(encoder):
            attention: Tensor = encoder.attention(data)
            features: FeatureMap = encoder(data)
        return features.with_values(attention.mean(dim=1)[..., None])

    return looked_at


def _finder_of(model: Model[Any]) -> ObjectFinder:
    assert model.finder is not None
    return model.finder


def _grouped(
    model: Model[ItemT], data: Any, skipped: list[Skipped] | None, with_objects: bool = False
) -> Iterator[tuple[FoundBatch[ItemT], FeatureMap]]:
    """All items, with their objects or without, and the vectors of theirs that the finder groups."""
    finder = _finder_of(model)
    for batch in (model if with_objects else replace(model, finder=None)).encoded(data, skipped):
        with evaluating(model.network):
            features = batch.features.to(model.device)
            hidden = level_of(model.encoder, finder.level).of(features)
            vectors = model.network.project_elements(features) if finder.space == "projected" else hidden
        yield batch, vectors.to("cpu")
