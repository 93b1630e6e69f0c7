"""The convolutions of torch-geometric as plain tensor code: the same parameters and numbers, for programs.

Its own code asks which edges are loops and how many nodes there are, as no program can. Here a loop keeps its place and
gets no weight, so that shapes do not depend on what tensors hold.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from .geometric import GATConv, GCNConv, GINConv, GINEConv


def convolved(
    convolution: nn.Module,
    x: Float[Tensor, "rows dim"],
    edges: Int[Tensor, "2 edges"],
    of_edges: Float[Tensor, "edges numbers"],
) -> Float[Tensor, "rows other"]:
    """What a convolution gives.

    Args:
        convolution: of one of the four kinds that encoders are made of.
        x: the vectors of all nodes.
        edges: between rows of `x`.
        of_edges: their vectors; GIN and GCN take none.

    Raises:
        TypeError: for a convolution of another kind.

    Example:
        >>> conv, x, edges = GCNConv(3, 2), torch.randn(4, 3), torch.tensor([[0, 1, 1, 2], [1, 0, 1, 1]])
        >>> torch.allclose(convolved(conv, x, edges, torch.zeros(4, 0)), conv(x, edges), atol=1e-6)
        True
    """
    own: Any = convolution
    if isinstance(convolution, GINConv | GINEConv):
        messages = x[edges[0]]
        if isinstance(convolution, GINEConv):
            messages = (messages + own.lin(of_edges)).relu()
        found: Tensor = own.nn(arriving_at(messages, edges[1], x.shape[0]) + x + own.eps * x)
        return found
    if isinstance(convolution, GCNConv):
        return _gcn(own, x, edges)
    if isinstance(convolution, GATConv):
        return _gat(own, x, edges, of_edges)
    raise TypeError(f"plain code is there for GIN, GINE, GCN and GAT, got {type(convolution).__name__}")


def arriving_at(
    values: Float[Tensor, "edges dim"], ends: Int[Tensor, " edges"], rows: int
) -> Float[Tensor, "rows dim"]:
    """The sum of `values` over the edges that arrive at each row."""
    place = ends[:, None].expand(-1, values.shape[1])
    return values.new_zeros(rows, values.shape[1]).scatter_add(0, place, values)


def _not_loops(edges: Int[Tensor, "2 edges"]) -> Bool[Tensor, " edges"]:
    return edges[0] != edges[1]


def _gcn(own: Any, x: Tensor, edges: Tensor) -> Tensor:
    """D^(−1/2) (A + I) D^(−1/2) X W + b; a loop of the data is the one that is added."""
    count = x.shape[0]
    weight = _not_loops(edges).to(x.dtype)[:, None]
    scale = (arriving_at(weight, edges[1], count) + 1).rsqrt()
    given: Tensor = own.lin(x)
    messages = given[edges[0]] * (scale[edges[0]] * weight * scale[edges[1]])
    found: Tensor = arriving_at(messages, edges[1], count) + given * scale.square() + own.bias
    return found


def _gat(own: Any, x: Tensor, edges: Tensor, of_edges: Tensor) -> Tensor:
    """Σ_j α_ij W x_j + b, with a loop at every node whose edge has the mean vector of those that arrive."""
    count, heads, channels = x.shape[0], own.heads, own.out_channels
    weight = _not_loops(edges).to(x.dtype)[:, None]
    arrivals = arriving_at(weight, edges[1], count).clamp(min=1)
    of_loops = arriving_at(of_edges * weight, edges[1], count) / arrivals
    given = own.lin(x).view(count, heads, channels)
    as_source, as_end = (given * own.att_src).sum(dim=2), (given * own.att_dst).sum(dim=2)

    def attention(scores: Tensor, vectors: Tensor) -> Tensor:
        of_vectors = (own.lin_edge(vectors).view(vectors.shape[0], heads, channels) * own.att_edge).sum(dim=2)
        return nn.functional.leaky_relu(scores + of_vectors, own.negative_slope)

    along = attention(as_source[edges[0]] + as_end[edges[1]], of_edges)
    at_loops = attention(as_source + as_end, of_loops)
    place = edges[1][:, None].expand(-1, heads)
    most = at_loops.scatter_reduce(0, place, torch.where(weight > 0, along, -torch.inf), "amax")
    along, at_loops = (along - most[edges[1]]).exp() * weight, (at_loops - most).exp()
    total = arriving_at(along, edges[1], count) + at_loops + 1e-16  # as torch-geometric has it
    messages = given[edges[0]] * along[..., None]
    sums = arriving_at(messages.flatten(1), edges[1], count).view(count, heads, channels) + given * at_loops[..., None]
    found: Tensor = (sums / total[..., None]).flatten(1) + own.bias
    return found
