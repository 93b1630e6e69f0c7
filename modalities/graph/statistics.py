"""What is computed from networks: how many nodes and edges there are, and how they hang together."""

import math

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .data import Graph


def statistics(graph: Graph) -> dict[str, float]:
    """Statistics of the structure of a graph; edges count in both directions, several between two nodes once.

    - nodes, edges: their logarithms, log(1 + n);
    - degree: mean, standard deviation, greatest (log), share of nodes with none and with one;
    - transitivity: 3 · triangles / pairs of edges that meet, NaN where none do;
    - components: their number per node, and the share of nodes in the largest.

    Example:
        >>> import torch
        >>> from .data import Schema
        >>> edges = torch.tensor([[0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2]])
        >>> triangle = Graph.of(torch.zeros(3, 0, dtype=torch.long), edges, Schema())
        >>> statistics(triangle)["transitivity"], statistics(triangle)["mean degree"]
        (1.0, 2.0)
    """
    count = len(graph)
    first, second = graph.edges.numpy()
    apart = first != second
    ends = np.concatenate([first[apart], second[apart]]), np.concatenate([second[apart], first[apart]])
    joined = coo_array((np.ones(len(ends[0])), ends), shape=(count, count)).tocsr()
    joined.data[:] = 1.0
    degree = np.asarray(joined.sum(axis=1)).ravel()
    pairs = float((degree * (degree - 1)).sum())
    closed = float((joined @ joined).multiply(joined).sum())
    number, of_node = connected_components(joined, directed=False)
    return {
        "nodes": math.log1p(count),
        "edges": math.log1p(joined.nnz / 2),
        "mean degree": float(degree.mean()),
        "deviation of degrees": float(degree.std()),
        "greatest degree": math.log1p(float(degree.max())),
        "share without edges": float((degree == 0).mean()),
        "share of leaves": float((degree == 1).mean()),
        "transitivity": closed / pairs if pairs else math.nan,
        "components": number / count,
        "largest component": float(np.bincount(of_node).max() / count),
    }
