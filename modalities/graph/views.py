"""Transforms of graphs, each with its correspondence, and the views made of them.

A node that is wholly masked shows no source element; masking some columns, and whatever is done to edges, leaves every
node in its place. No transform ever drops the last node; all work on every connected component, and on graphs without
nodes or edges.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, final

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gestalt.core.components.ranges import Between, Share, check_ordered, check_ranges
from gestalt.core.data.correspondence import Index
from gestalt.core.modality.transform import AbstractTransform, Chain, Views

from .data import MASK, Graph
from .directions import turned
from .windows import neighbours


def unchanged(item: Graph) -> Index:
    """The correspondence of a graph to itself."""
    return Index.identity(len(item))


def _drawn(count: int, share: float, rng: np.random.Generator, keep: int = 1) -> Bool[Tensor, " count"]:
    """Each of `count` with probability `share`, but never so many that fewer than `keep` are left."""
    numbers = rng.random(count)
    drawn = numbers < share
    drawn[np.argsort(numbers, kind="stable")[max(count - keep, 0) :]] = False
    return torch.from_numpy(drawn)


def _drawn_edges(item: Graph, share: float, rng: np.random.Generator) -> Bool[Tensor, " edges"]:
    """Each pair of nodes with probability `share`: all edges between the two, both directions, or none."""
    low, high = item.edges.min(dim=0).values, item.edges.max(dim=0).values
    pairs, number = torch.unique(low * len(item) + high, return_inverse=True)
    return _drawn(len(pairs), share, rng, keep=0)[number]


def _draws(rng: np.random.Generator) -> Iterator[float]:
    """Numbers in [0, 1), drawn many at a time: one by one, drawing would take longer than walking."""
    while True:
        yield from rng.random(64).tolist()


def taken(item: Graph, index: Int[Tensor, " kept"]) -> tuple[Graph, Index]:
    """The part of a graph on the nodes `index`, and which they were."""
    return item.take(index), Index(index[None], torch.ones(1, dtype=torch.bool))


@final
class FeatureMask(AbstractTransform[Graph]):
    """Mask each column of node features, for all nodes alike, with probability `share`; one column always stays.

    Categories become the mask, numbers 0.

    Source: GRACE (Zhu et al., 2020), share 0.3; Odin, [0113]: "the same feature may be masked for each node".
    """

    def __init__(self, share: Share = 0.3) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """Every node stays in its place."""
        columns = item.nodes.shape[1]
        masked = _drawn(columns + item.numbers.shape[1], self.share, rng)
        nodes = item.nodes.masked_fill(masked[:columns], MASK)
        numbers = item.numbers.masked_fill(masked[columns:], 0.0)
        return replace(item, nodes=nodes, numbers=numbers), unchanged(item)


@final
class NodeMask(AbstractTransform[Graph]):
    """Mask all features of each node with probability `share`; its edges stay, and one node always does.

    Source: attribute masking of Hu et al. (2020), share 0.15.
    """

    def __init__(self, share: Share = 0.15) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """A masked node shows nothing of its source."""
        masked = _drawn(len(item), self.share, rng)
        nodes = item.nodes.masked_fill(masked[:, None], MASK)
        numbers = item.numbers.masked_fill(masked[:, None], 0.0)
        index = torch.where(masked, -1, torch.arange(len(item)))
        return replace(item, nodes=nodes, numbers=numbers), Index(index[None], torch.ones(1, dtype=torch.bool))


@final
class EdgeMask(AbstractTransform[Graph]):
    """Mask the features of each edge, both directions alike, with probability `share`; the edge stays."""

    def __init__(self, share: Share = 0.2) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """Every node stays in its place."""
        masked = _drawn_edges(item, self.share, rng)[:, None]
        kinds, weights = item.kinds.masked_fill(masked, MASK), item.weights.masked_fill(masked, 0.0)
        return replace(item, kinds=kinds, weights=weights), unchanged(item)


@final
class EdgeDrop(AbstractTransform[Graph]):
    """Remove each edge, both directions alike, with probability `share`.

    Source: GRACE (Zhu et al., 2020) has 0.3 for citation networks; molecules fall apart sooner.
    """

    def __init__(self, share: Share = 0.1) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """Every node stays in its place."""
        return item.with_edges(~_drawn_edges(item, self.share, rng)), unchanged(item)


@final
class EdgeAdd(AbstractTransform[Graph]):
    """Join random pairs of nodes that no edge joins, `share` times as many as there are pairs with one.

    A new edge is like a random one of the graph: the same features, in both directions if that one has both. At most as
    many are added as there are such pairs; in a dense graph some draws are lost.

    Source: edge perturbation of GraphCL (You et al., 2020), which drops and adds.
    """

    def __init__(self, share: Share = 0.1) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """Every node stays in its place."""
        count, (one, two) = len(item), item.edges
        if count < 2 or not len(one):
            return item, unchanged(item)
        taken_pairs = torch.unique(torch.minimum(one, two) * count + torch.maximum(one, two))
        wanted = int(rng.binomial(len(taken_pairs), self.share))
        drawn = torch.from_numpy(rng.integers(count, size=(wanted, 2)))
        like = torch.from_numpy(rng.integers(len(one), size=wanted))
        pairs = drawn.min(dim=1).values * count + drawn.max(dim=1).values
        first = torch.from_numpy(np.isin(np.arange(wanted), np.unique(pairs.numpy(), return_index=True)[1]))
        new = first & (drawn[:, 0] != drawn[:, 1]) & ~torch.isin(pairs, taken_pairs)
        drawn, like = drawn[new], like[new]
        back = torch.isin(two[like] * count + one[like], one * count + two)
        kinds, weights = item.kinds[like], item.weights[like]
        return replace(
            item,
            edges=torch.cat([item.edges, drawn.T, drawn[back].T.flip(0)], dim=1),
            kinds=torch.cat([item.kinds, kinds, turned(kinds, item.schema)[back]]),
            weights=torch.cat([item.weights, weights, weights[back]]),
        ), unchanged(item)


@final
class NodeDrop(AbstractTransform[Graph]):
    """Remove each node and its edges with probability `share`; one node always stays.

    Dropped nodes are really gone, from pooling too.

    Source: GraphCL (You et al., 2020), share 0.1 in PyGCL's defaults.
    """

    def __init__(self, share: Share = 0.1) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """The nodes that are left, in their order."""
        return taken(item, (~_drawn(len(item), self.share, rng)).nonzero()[:, 0])


@final
class RandomWalk(AbstractTransform[Graph]):
    """The part of a graph that a random walk visits until it has seen a share of `least` … `most` of the nodes.

    The walk returns to its start with probability `back`. Where its component is too small, or it goes in circles, it
    starts anew at a node that it has not seen.

    Source: the subgraph augmentation of GraphCL (You et al., 2020).
    """

    def __init__(self, least: Share = 0.6, most: Share = 0.9, back: Share = 0.1) -> None:
        self.least = least
        self.most = most
        self.back = back
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """The nodes that were visited, in their order."""
        wanted = min(len(item), max(1, round(rng.uniform(self.least, self.most) * len(item))))
        if not wanted:
            return item, unchanged(item)
        near = neighbours(len(item), item.edges)
        draws = _draws(rng)
        node = start = int(next(draws) * len(item))
        seen, stalled = {start}, 0
        while len(seen) < wanted:
            others = near[node]
            node = others[int(next(draws) * len(others))] if others and next(draws) >= self.back else start
            stalled = 0 if node not in seen else stalled + 1
            if stalled > 2 * len(seen):
                left = [other for other in range(len(item)) if other not in seen]
                node = start = left[int(next(draws) * len(left))]
                stalled = 0
            seen.add(node)
        return taken(item, torch.tensor(sorted(seen)))


@final
class Neighbourhood(AbstractTransform[Graph]):
    """All nodes at most `hops` edges away from a random one."""

    def __init__(self, hops: Annotated[int, Between(0, 1_000_000)] = 4) -> None:
        self.hops = hops
        check_ranges(self)

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """The nodes within reach, in their order."""
        if not len(item):
            return item, unchanged(item)
        reached = torch.zeros(len(item), dtype=torch.bool)
        reached[int(rng.integers(len(item)))] = True
        for _ in range(self.hops):
            one, two = item.edges[:, reached[item.edges].any(dim=0)]
            reached[one] = True
            reached[two] = True
        return taken(item, reached.nonzero()[:, 0])


@final
class Subgraph(AbstractTransform[Graph]):
    """A connected part of a graph: the nodes nearest to a random one, a share of `least` … `most` of all nodes.

    Nodes equally far away are taken in a random order. The part is smaller where the component of the node is, and has
    one node at least.

    Source: the small views of SwAV (Caron et al., 2020), for graphs.
    """

    def __init__(self, least: Share = 0.2, most: Share = 0.5) -> None:
        self.least = least
        self.most = most
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """The nodes that breadth-first search reaches first, in their order."""
        wanted = min(len(item), max(1, round(rng.uniform(self.least, self.most) * len(item))))
        if not wanted:
            return item, unchanged(item)
        near = neighbours(len(item), item.edges)
        reached: dict[int, None] = {}
        ring = [int(rng.integers(len(item)))]
        while ring and len(reached) < wanted:
            reached.update(dict.fromkeys(ring[: wanted - len(reached)]))
            beyond = sorted({other for node in ring for other in near[node]} - reached.keys())
            ring = [beyond[place] for place in rng.permutation(len(beyond)).tolist()]
        return taken(item, torch.tensor(sorted(reached)))


@final
class Reorder(AbstractTransform[Graph]):
    """Another order of the nodes: depth first from a random one, as a random SMILES of a molecule has it.

    Nothing is added or lost. It changes nothing for networks that see sets, and shows those that do not.
    """

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """All nodes, in the new order."""
        near = neighbours(len(item), item.edges)
        order: dict[int, None] = {}
        for start in rng.permutation(len(item)).tolist():
            stack = [start]
            while stack:
                node = stack.pop()
                if node not in order:
                    order[node] = None
                    stack += [near[node][place] for place in rng.permutation(len(near[node])).tolist()]
        return taken(item, torch.tensor(list(order), dtype=torch.long))


def chain(*steps: tuple[float, AbstractTransform[Graph]]) -> Chain[Graph]:
    """Transforms of graphs in a row, as pairs (probability, transform); none is the item itself."""
    return Chain(unchanged, steps)


def default_views(count: int = 2) -> Views[Graph]:
    """`count` views of each graph: a part of it, with some nodes, edges and features dropped or masked."""
    steps = (
        (0.5, RandomWalk(0.6, 0.95)),
        (0.3, NodeDrop(0.1)),
        (0.3, EdgeDrop(0.1)),
        (0.5, NodeMask(0.15)),
        (0.3, FeatureMask(0.2)),
        (0.3, EdgeMask(0.2)),
    )
    return Views(chain(), (chain(*steps),) * count)
