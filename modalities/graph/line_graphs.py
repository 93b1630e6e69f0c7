"""Graphs whose nodes are the edges of another one, so that objects may be groups of edges."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from .data import Graph, Schema

BESIDE = 8
"""At a node of many edges, each is joined to so many that follow it, and so to as many before it."""


def line_schema(schema: Schema) -> Schema:
    """The features of the nodes of a line graph, see `line_graph`."""
    return Schema(
        schema.edges[: len(schema.edges) - schema.directed] + schema.nodes * 2,
        schema.weights + 2 * schema.numbers + 1,
        schema.nodes,
        schema.numbers,
        "edges",
    )


def line_graph(graph: Graph) -> Graph:
    """The edges of a graph as nodes; two are joined where they share an end.

    A node has the features of its edge, those of both ends, and the logarithm of its degree. The ends of an edge that
    points stand in its order; of others, the one with the smaller categories comes first, and numbers enter as their
    mean and half their distance, so that the order of a file means nothing. The features of an edge are those of the
    node that is shared. Edges are numbered in the order of the file, both directions as one, and named by their ends.

    At a node of more than `2 · BESIDE` edges, each is joined to the `BESIDE` nearest in that order on either side, in a
    ring: with all of them, memory would grow with the square of a hub.

    Example:
        >>> pairs = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> path = Graph.of(torch.tensor([[1], [2], [3]]), pairs, Schema(nodes=(4,)))
        >>> edges = line_graph(path)
        >>> len(edges), edges.edges.tolist(), edges.nodes.tolist(), edges.kinds.flatten().tolist()
        (2, [[1, 0], [0, 1]], [[1, 2], [2, 3]], [2, 2])
    """
    own = _one_each(graph)
    one, two = graph.edges[:, own]
    schema, directed = line_schema(graph.schema), graph.schema.directed
    if not directed and graph.nodes.shape[1]:
        turned = _greater(graph.nodes[one], graph.nodes[two])
        one, two = torch.where(turned, two, one), torch.where(turned, one, two)
    first, second = graph.numbers[one], graph.numbers[two]
    ends = torch.cat([first, second] if directed else [(first + second) / 2, (first - second).abs() / 2], dim=1)
    edges, shared = _meeting(torch.stack([one, two]), len(graph))
    degree = torch.zeros(len(own)).index_add(0, edges[1], torch.ones(edges.shape[1])).log1p()
    kinds = graph.kinds[own, : graph.kinds.shape[1] - directed]
    names = [graph.names[number] for number in graph.ids.tolist()] if graph.names else graph.ids.tolist()
    mark = "→" if directed else "–"
    return Graph(
        torch.cat([kinds, graph.nodes[one], graph.nodes[two]], dim=1),
        torch.cat([graph.weights[own], ends, degree[:, None]], dim=1),
        edges,
        graph.nodes[shared],
        graph.numbers[shared],
        torch.arange(len(own)),
        schema,
        tuple(f"{names[a]} {mark} {names[b]}" for a, b in zip(one.tolist(), two.tolist(), strict=True)),
        graph.title,
    )


def edge_count(graph: Graph) -> int:
    """How many nodes the line graph of a graph has."""
    return len(_one_each(graph))


def _one_each(graph: Graph) -> Int[Tensor, " edges"]:
    """Of both directions of every edge the first; all edges of a graph that has one direction of some."""
    one, two = graph.edges
    count = len(one)
    if count % 2 == 0 and torch.equal(graph.edges[:, ::2], graph.edges[:, 1::2].flip(0)):
        return torch.arange(0, count, 2)
    both = bool(torch.isin(one * len(graph) + two, two * len(graph) + one).all())
    return (one <= two).nonzero()[:, 0] if both else torch.arange(count)


def _greater(one: Int[Tensor, "rows columns"], two: Int[Tensor, "rows columns"]) -> Bool[Tensor, " rows"]:
    """Which rows come after the others, compared column by column."""
    differ = one != two
    first = differ.int().argmax(dim=1, keepdim=True)
    return (one.gather(1, first) > two.gather(1, first))[:, 0]


def _meeting(ends: Int[Tensor, "2 edges"], count: int) -> tuple[Int[Tensor, "2 joined"], Int[Tensor, " joined"]]:
    """Pairs of edges that share a node, in both directions, and which node that is."""
    edges = torch.arange(ends.shape[1]).repeat(2)
    node, order = ends.flatten().sort(stable=True)
    edges = edges[order]
    size = torch.bincount(node, minlength=count)
    start = size.cumsum(0) - size
    rank = torch.arange(len(node)) - start[node]
    pairs, shared = list[Tensor](), list[Tensor]()
    for step in range(1, BESIDE + 1):
        # The one that follows in the ring of a node; of each pair that is met from both sides, once.
        there = (size[node] > 2 * step) | ((size[node] == 2 * step) & (rank < step))
        after = start[node] + (rank + step) % size[node].clamp(min=1)
        pairs.append(torch.stack([edges, edges[after]])[:, there])
        shared.append(node[there])
    forth, nodes = torch.cat(pairs, dim=1), torch.cat(shared)
    return torch.cat([forth, forth.flip(0)], dim=1), nodes.repeat(2)
