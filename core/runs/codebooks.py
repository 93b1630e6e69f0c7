"""Codebooks fitted to the elements of a data set: clusters, which of them are foreground, and which belong together."""

import copy
from collections.abc import Iterable

import networkx
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from ..components.ranges import Between
from ..data.feature_map import FeatureMap
from ..discovery.codebook import BACKGROUND, Codebook
from ..discovery.groupers.kmeans import KMeans
from ..discovery.groupers.regions import touching

SHARE = Between(0.0, 1.0)


def fitted_codebook(
    features: Iterable[FeatureMap], clusters: int = 200, elements: int = 50_000, iterations: int = 50, seed: int = 0
) -> Codebook:
    """Spherical k-means over the elements of all items; vectors of zeros have no direction and take no part.

    Args:
        features: of all items, batch by batch.
        clusters: how many; as many as differ, if these are fewer.
        elements: greatest number that takes part, drawn by chance from all batches alike.
        iterations: of k-means.
        seed: of everything random.

    Raises:
        ValueError: if there are no elements, or all are vectors of zeros.

    Source: Leopart takes 200 clusters for foreground extraction.
    """
    generator = torch.Generator().manual_seed(seed)
    kept, ranks, seen = torch.empty(0), torch.empty(0), False
    for batch in features:
        own = batch.values[batch.valid].float().cpu()
        seen = seen or len(own) > 0
        own = own[own.any(dim=1)]
        chance = torch.rand(len(own), generator=generator)
        kept = torch.cat([kept, own]) if len(kept) else own
        ranks = torch.cat([ranks, chance])
        if len(kept) > elements:  # those with the smallest numbers: a fair draw, whatever comes after
            ranks, order = ranks.topk(elements, largest=False)
            kept = kept[order]
    if not len(kept):
        raise ValueError(
            "there are no elements to cluster: all vectors are zero, and have no direction; pass items that differ "
            "from nothing, or another encoder"
            if seen
            else "there are no elements to cluster; pass features of some items"
        )
    vectors = normalize(kept, dim=1)
    count = min(clusters, len(vectors.unique(dim=0)))
    one = FeatureMap(vectors[None], torch.ones(1, len(vectors), dtype=torch.bool))
    labels = KMeans(count, iterations)(one, generator).labels()[0]
    centres = one_hot(labels, count).float().T @ vectors
    return Codebook.of(centres[centres.any(dim=1)])


def with_foreground(
    codebook: Codebook,
    seen: Iterable[tuple[FeatureMap, Bool[Tensor, "_ _"]]],
    background: float = 0.65,
) -> Codebook:
    """The same clusters, those that overlap a noisy foreground least made background.

    The precision of cluster k is the mean, over the items in which it occurs, of the share of its elements that lie in
    the noisy foreground. Clusters are background from the lowest precision on, until they hold `background` of all
    clusters; clusters that occur nowhere are background, and so are vectors of zeros, which are of no cluster.

    Args:
        codebook: clusters, each an object of its own.
        seen: features of all items, batch by batch, and which elements lie in the noisy foreground.
        background: share of clusters.

    Raises:
        ValueError: if the share lies outside [0, 1].

    Source: Leopart (Ziegler and Asano, 2022). There the threshold on precision is chosen with true masks of training
    images among those that make 55 to 75 % of the clusters background; here the middle of that range, without masks.
    """
    if not SHARE.holds(background):
        raise ValueError(f"background is a share in {SHARE}, got {background}")
    total, items = torch.zeros(codebook.clusters), torch.zeros(codebook.clusters)
    for features, noisy in seen:
        member = _members(codebook, features)
        size = member.sum(dim=1)
        inside = (member * noisy.cpu()[..., None]).sum(dim=1)
        there = size > 0
        total += torch.where(there, inside / size.clamp(min=1), 0.0).sum(dim=0)
        items += there.sum(dim=0)
    precision = torch.where(items > 0, total / items.clamp(min=1), -1.0)
    order = precision.argsort(stable=True)
    gone = order[: round(background * codebook.clusters)]
    objects = torch.arange(codebook.clusters)
    objects[gone] = BACKGROUND
    objects[precision < 0] = BACKGROUND
    return _with_objects(codebook, objects)


def with_communities(
    codebook: Codebook,
    features: Iterable[FeatureMap],
    threshold: float = 0.09,
    resolution: float = 1.0,
    seed: int = 0,
) -> Codebook:
    """The same clusters, those that occur beside one another merged into objects: many clusters become few objects.

    C_ij is the mean, over the items in which cluster i occurs, of the share of its neighbours of other foreground
    clusters that are of cluster j. Clusters i and j are joined by an edge of weight min(C_ij, C_ji), where that is at
    least the threshold. The communities of this graph are the objects; a cluster without an edge is one of its own.
    Neighbours are elements at most two steps apart: on a grid along its axes, in a set by what is joined. Background
    stays background; vectors of zeros are of no cluster and nobody's neighbours.

    Args:
        codebook: more clusters than there are objects.
        features: of all items, batch by batch; on a grid, or with neighbours.
        threshold: least weight of an edge.
        resolution: of the communities; more makes them smaller.
        seed: of the search for communities.

    Raises:
        ValueError: if the threshold lies outside [0, 1], or nobody knows which elements are neighbours.

    Source: Leopart (Ziegler and Asano, 2022), with 149 clusters of the foreground and a threshold of 0.09. There
    communities are those of Infomap, with settings chosen by true masks, clusters without an edge are one object, and
    distances 1 and 2 are taken in the neighbourhood of eight; here they are Louvain's (Blondel et al., 2008), by
    networkx.
    """
    if not SHARE.holds(threshold):
        raise ValueError(f"the threshold is a share in {SHARE}, got {threshold}")
    near = cooccurrence(codebook, features)
    weight = torch.minimum(near, near.T)
    foreground = (codebook.objects >= 0).cpu().nonzero()[:, 0].tolist()
    graph = networkx.Graph()
    graph.add_nodes_from(foreground)
    for i, j in ((weight >= threshold) & (weight > 0)).triu(1).nonzero().tolist():
        graph.add_edge(i, j, weight=float(weight[i, j]))
    found = networkx.community.louvain_communities(graph, weight="weight", resolution=resolution, seed=seed)
    objects = torch.full((codebook.clusters,), BACKGROUND)
    for number, members in enumerate(sorted(found, key=min)):
        objects[sorted(members)] = number
    return _with_objects(codebook, objects)


def cooccurrence(codebook: Codebook, features: Iterable[FeatureMap]) -> Float[Tensor, "clusters clusters"]:
    """C of `with_communities`; 0 in the rows and columns of background clusters."""
    total, items = torch.zeros(codebook.clusters, codebook.clusters), torch.zeros(codebook.clusters)
    apart = 1 - torch.eye(codebook.clusters)
    for batch in features:
        member = _members(codebook, batch) * (codebook.objects >= 0).cpu()
        step = touching(batch).cpu().float()
        near = ((step + step @ step) > 0) & ~torch.eye(step.shape[1], dtype=torch.bool)
        pairs = torch.einsum("bei,bef,bfj->bij", member, near.float(), member) * apart
        total += (pairs / pairs.sum(dim=2, keepdim=True).clamp(min=1)).sum(dim=0)
        items += member.any(dim=1).sum(dim=0)
    return total / items.clamp(min=1)[:, None]


def _members(codebook: Codebook, features: FeatureMap) -> Float[Tensor, "batch elements clusters"]:
    """Which cluster every valid element belongs to, as zeros and ones, on the CPU; a vector of zeros to none."""
    values = torch.where(features.valid[..., None], features.values.float(), 0.0)
    nearest: Int[Tensor, "batch elements"] = codebook.nearest(values).cpu()
    return one_hot(nearest.clamp(min=0), codebook.clusters).float() * (nearest >= 0)[..., None]


def _with_objects(codebook: Codebook, objects: Int[Tensor, " clusters"]) -> Codebook:
    """A copy whose clusters stand for these objects."""
    book = copy.deepcopy(codebook)
    book.objects.copy_(objects)
    return book
