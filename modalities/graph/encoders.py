"""Encoders of nodes without parameters: plain features, and positions."""

from collections.abc import Sequence
from typing import Annotated, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Between, Weight, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder

from .data import Graphs, Schema
from .molecules import MOLECULE
from .plain_messages import arriving_at
from .rows import in_places, number_of_rows, place_of_node, rows_of

Column = Annotated[int, Between(1, 10_000_000)]
"""Categories of one column of features."""
Numbers = Annotated[int, Between(0, 65536)]
"""Plain numbers beside the categories."""


def padded(rows: Float[Tensor, "rows dim"], data: Graphs) -> FeatureMap:
    """Vectors of the valid nodes in a row as a feature map, zero on padding."""
    # A program gives vectors alone, and what is joined is among its inputs.
    joined = None if is_exporting() else adjacency(data)
    return FeatureMap(in_places(rows, data.valid), data.valid, neighbours=joined)


def agree(data: Graphs, nodes: Sequence[int], numbers: int, edges: Sequence[int], weights: int) -> None:
    """Refuse data of other features than an encoder was built for.

    Raises:
        ValueError: with both.
    """
    built = Schema(tuple(nodes), numbers, tuple(edges), weights).settings()
    if built != data.schema.settings():
        raise ValueError(
            f"the encoder is built for graphs with features {built}, the data have {data.schema.settings()}; "
            "pass `**schema.settings()` of the data when building it"
        )


@final
class Raw(AbstractEncoder):
    """The features of each node, one category one dimension, and counts of the kinds of its edges; no parameters.

    With `hops`, the means of all that over the neighbours, the neighbours' neighbours, … stand beside it:
    x, P x, P² x, … with P the average over neighbours.

    Args:
        hops: how many steps away the features are averaged; 0 takes the node and its edges alone.
        nodes: number of categories in each column of node features, as the data's `schema.settings()` gives them.
        numbers: plain numbers of a node, as `schema.settings()` gives them.
        edges: number of categories in each column of edge features, as `schema.settings()` gives them.
        weights: plain numbers of an edge, as `schema.settings()` gives them.

    Example:
        >>> from .data import collate
        >>> from .molecules import graph_of, molecule_of
        >>> Raw()(collate([graph_of(molecule_of("CCO"))])).values.shape
        torch.Size([1, 3, 197])
    """

    def __init__(
        self,
        hops: Annotated[int, Between(0, 100)] = 0,
        nodes: Sequence[Column] = MOLECULE.nodes,
        numbers: Numbers = 0,
        edges: Sequence[Column] = MOLECULE.edges,
        weights: Numbers = 0,
    ) -> None:
        super().__init__()
        self.hops = hops
        self.nodes = tuple(nodes)
        self.numbers = numbers
        self.edges = tuple(edges)
        self.weights = weights
        check_ranges(self)
        self.dim = (sum(nodes) + numbers + sum(edges) + weights + 1) * (hops + 1)

    def forward(self, data: Graphs) -> FeatureMap:
        """One vector per node: categories, numbers, kinds of edges, sums of edge numbers, degree."""
        agree(data, self.nodes, self.numbers, self.edges, self.weights)
        own = _own_rows(data)
        of_edges = torch.cat(
            [_one_hot(data.kinds, data.schema.edges), data.weights, data.weights.new_ones(data.weights.shape[0], 1)],
            dim=1,
        )
        values = torch.cat([*own, arriving(of_edges, data)], dim=1)
        steps = [values]
        degree = steps[0][:, -1:].clamp(min=1)
        begins = ends_of(data)[0]
        for _ in range(self.hops):
            steps.append(arriving(steps[-1][begins], data) / degree)
        return padded(torch.cat(steps, dim=1), data)


def own_features(data: Graphs) -> FeatureMap:
    """What each node is, without its edges: one category one dimension, and its plain numbers."""
    return padded(torch.cat(_own_rows(data), dim=1), data)


def _own_rows(data: Graphs) -> list[Tensor]:
    nodes, numbers = rows_of(data.nodes, data.valid), rows_of(data.numbers, data.valid)
    return [_one_hot(nodes, data.schema.nodes), numbers]


def _one_hot(table: Int[Tensor, "rows columns"], sizes: Sequence[int]) -> Float[Tensor, "rows categories"]:
    parts = [nn.functional.one_hot(table[:, column], size) for column, size in enumerate(sizes)]
    return torch.cat(parts, dim=1).float() if parts else torch.zeros(table.shape[0], 0, device=table.device)


def arriving(values: Float[Tensor, "edges dim"], data: Graphs) -> Float[Tensor, "rows dim"]:
    """The sum of `values` over the edges that arrive at each valid node."""
    count = number_of_rows(data.valid)  # by itself: torch.compile stops here, and would not find the other call again
    if is_exporting():
        return arriving_at(values, ends_of(data)[1], count)
    return values.new_zeros(count, values.shape[1]).index_add(0, data.edges[1], values)


def ends_of(data: Graphs) -> Int[Tensor, "2 edges"]:
    """The rows that every edge joins: nodes in a row, as the batch numbers them, but all places in a program."""
    return place_of_node(data.valid)[data.edges] if is_exporting() else data.edges


@final
class Diffusion(AbstractEncoder):
    """Where a node lies in its graph, without parameters: coordinates whose distances are diffusion distances.

    With L = I − D^(−1/2) A D^(−1/2) = U Λ Uᵀ, node i lies at row i of U exp(−t Λ), for the `dim` smallest eigenvalues.
    Nodes that a short random walk carries to the same places lie close together; signs of eigenvectors are arbitrary
    and drop out of distances. It depends on edges alone, not on any feature.

    Args:
        time: t, how far the diffusion reaches; at 0 all coordinates count alike.
        dim: coordinates; smaller graphs leave the last at 0. Of larger ones, symmetric nodes may come out unevenly.

    Source: Coifman and Lafon, "Diffusion maps" (2006), with the symmetric normalisation.
    """

    def __init__(self, time: Weight = 3.0, dim: Width = 64) -> None:
        super().__init__()
        self.time = time
        self.dim = dim
        check_ranges(self)

    def forward(self, data: Graphs) -> FeatureMap:
        """Coordinates of every node; edges are no numbers, so that no gradient passes."""
        joined = adjacency(data)
        near = joined.float()
        degree = near.sum(dim=2)
        scale = degree.clamp(min=1).rsqrt()
        lonely = (degree == 0) & data.valid
        walk = scale[:, :, None] * near * scale[:, None] + torch.diag_embed(lonely.float())
        # Padding has eigenvalue 3, beyond the 2 of any graph: it comes last, and no valid node has part in it.
        laplacian = torch.diag_embed(torch.where(data.valid, 1.0, 3.0)) - walk
        values, vectors = torch.linalg.eigh(laplacian)
        places = vectors * (-self.time * values)[:, None].exp()
        # A program is made for graphs of any size, and adds as much as the smallest would need.
        missing = self.dim if is_exporting() else max(0, self.dim - places.shape[2])
        places = (nn.functional.pad(places, (0, missing)) if missing else places)[:, :, : self.dim]
        return FeatureMap(torch.where(data.valid[..., None], places, 0.0), data.valid, neighbours=joined)


def adjacency(data: Graphs) -> Bool[Tensor, "batch elements elements"]:
    """Whether an edge joins two nodes, whichever way it points; False on padding."""
    batch, elements = data.valid.shape
    one, two = place_of_node(data.valid)[data.edges]
    near = torch.zeros(batch * elements, elements, dtype=torch.bool, device=data.valid.device)
    own = torch.arange(elements, device=near.device).repeat(batch)  # of every place, which of its item's it is
    near[one, own[two]] = True
    near[two, own[one]] = True
    return near.view(batch, elements, elements)
