"""Encoders of nodes: plain features and positions without parameters, and the message-passing networks of the field."""

from collections.abc import Callable, Sequence
from typing import Annotated, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gestalt.core.components.ranges import AttentionHeads, Between, Depth, Weight, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.norm import MaskedBatchNorm

from .data import Graphs, Schema
from .geometric import GATConv, GCNConv, GINConv, GINEConv
from .molecules import MOLECULE

Column = Annotated[int, Between(1, 10_000_000)]
"""Categories of one column of features."""
Numbers = Annotated[int, Between(0, 65536)]
"""Plain numbers beside the categories."""


def padded(rows: Float[Tensor, "rows dim"], data: Graphs) -> FeatureMap:
    """Vectors of the valid nodes in a row as a feature map, zero on padding."""
    values = rows.new_zeros(*data.valid.shape, rows.shape[1])
    return FeatureMap(values.masked_scatter(data.valid[..., None], rows), data.valid, neighbours=adjacency(data))


def _agree(data: Graphs, nodes: Sequence[int], numbers: int, edges: Sequence[int], weights: int) -> None:
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
        _agree(data, self.nodes, self.numbers, self.edges, self.weights)
        own = [_one_hot(data.nodes[data.valid], data.schema.nodes), data.numbers[data.valid]]
        of_edges = torch.cat(
            [_one_hot(data.kinds, data.schema.edges), data.weights, data.weights.new_ones(len(data.weights), 1)], dim=1
        )
        values = torch.cat([*own, arriving(of_edges, data)], dim=1)
        steps = [values]
        degree = steps[0][:, -1:].clamp(min=1)
        for _ in range(self.hops):
            steps.append(arriving(steps[-1][data.edges[0]], data) / degree)
        return padded(torch.cat(steps, dim=1), data)


def _one_hot(table: Int[Tensor, "rows columns"], sizes: Sequence[int]) -> Float[Tensor, "rows categories"]:
    parts = [nn.functional.one_hot(table[:, column], size) for column, size in enumerate(sizes)]
    return torch.cat(parts, dim=1).float() if parts else torch.zeros(len(table), 0, device=table.device)


def arriving(values: Float[Tensor, "edges dim"], data: Graphs) -> Float[Tensor, "rows dim"]:
    """The sum of `values` over the edges that arrive at each valid node."""
    rows = values.new_zeros(int(data.valid.sum()), values.shape[1])
    return rows.index_add(0, data.edges[1], values)


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
        places = (vectors * (-self.time * values)[:, None].exp())[:, :, : self.dim]
        missing = self.dim - places.shape[2]
        places = nn.functional.pad(places, (0, missing)) if missing > 0 else places
        return FeatureMap(torch.where(data.valid[..., None], places, 0.0), data.valid, neighbours=joined)


def adjacency(data: Graphs) -> Bool[Tensor, "batch elements elements"]:
    """Whether an edge joins two nodes, whichever way it points; False on padding."""
    batch, elements = data.valid.shape
    place = data.valid.flatten().nonzero()[:, 0]
    one, two = place[data.edges]
    near = torch.zeros(batch * elements, elements, dtype=torch.bool, device=data.valid.device)
    near[one, two % elements] = True
    near[two, one % elements] = True
    return near.view(batch, elements, elements)


@final
class Categories(nn.Module):
    """The sum of one learned vector per category, over the columns of a table, and a linear map of plain numbers."""

    offsets: Tensor

    def __init__(self, sizes: Sequence[int], numbers: int, width: int) -> None:
        super().__init__()
        starts = [sum(sizes[:column]) for column in range(len(sizes))]
        self.register_buffer("offsets", torch.tensor(starts, dtype=torch.long), persistent=False)
        self.table = nn.Embedding(max(sum(sizes), 1), width)
        self.norm = MaskedBatchNorm(numbers) if numbers else None
        self.linear = nn.Linear(numbers, width) if numbers else None

    def forward(
        self, table: Int[Tensor, "rows columns"], numbers: Float[Tensor, "rows numbers"]
    ) -> Float[Tensor, "rows width"]:
        """One vector per row."""
        vectors: Tensor = self.table(table + self.offsets).sum(dim=1)
        if self.norm is not None and self.linear is not None:
            vectors = vectors + self.linear(self.norm(numbers))
        return vectors


@final
class MessagePassing(AbstractEncoder):
    """Layers of a message-passing network, x ← x + norm(conv(x, edges)), with ReLU between them.

    Only valid nodes are ever computed: padding enters no message and no statistics. Where the convolution takes no
    edge features, the vectors of its edges are added to every node at the start.

    Args:
        kind: `gin`, `gine`, `gcn` or `gat`: which convolution of torch-geometric; `gine` and `gat` take edge features.
        width: length of the vectors.
        layers: how many convolutions in a row; each sees one edge further.
        heads: of attention, which divide the width; for `gat` alone.
        nodes: number of categories in each column of node features, as the data's `schema.settings()` gives them.
        numbers: plain numbers of a node, as `schema.settings()` gives them.
        edges: number of categories in each column of edge features, as `schema.settings()` gives them.
        weights: plain numbers of an edge, as `schema.settings()` gives them.
    """

    def __init__(
        self,
        kind: str,
        width: Width,
        layers: Depth,
        heads: AttentionHeads,
        nodes: Sequence[Column],
        numbers: Numbers,
        edges: Sequence[Column],
        weights: Numbers,
    ) -> None:
        super().__init__()
        self.kind = kind
        self.width = width
        self.layers = layers
        self.heads = heads
        self.nodes = tuple(nodes)
        self.numbers = numbers
        self.edges = tuple(edges)
        self.weights = weights
        check_ranges(self)
        if width % heads:
            raise ValueError(f"heads must divide width, got width={width} and heads={heads}")
        self.edge_features = kind in ("gine", "gat")
        self.dim = width
        convolutions = _convolutions(kind, width, layers, heads)
        self.of_nodes = Categories(nodes, numbers, width)
        self.of_edges = Categories(edges, weights, width)
        self.convolutions = nn.ModuleList(convolutions)
        self.norms = nn.ModuleList(MaskedBatchNorm(width) for _ in convolutions)

    def forward(self, data: Graphs) -> FeatureMap:
        """One vector per node.

        Raises:
            ValueError: if the data have other features than the encoder was built for.
        """
        return padded(self.depths(data)[-1], data)

    def depths(self, data: Graphs) -> list[Float[Tensor, "rows width"]]:
        """The valid nodes as they come in, and after each layer."""
        _agree(data, self.nodes, self.numbers, self.edges, self.weights)
        x: Tensor = self.of_nodes(data.nodes[data.valid], data.numbers[data.valid])
        edges: Tensor = self.of_edges(data.kinds, data.weights)
        if not self.edge_features:
            x = x + arriving(edges, data)
        found = [x]
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            given = x.relu() if number else x
            passed = convolution(given, data.edges, edges) if self.edge_features else convolution(given, data.edges)
            x = x + norm(passed)
            found.append(x)
        return found


def _convolutions(kind: str, width: int, layers: int, heads: int) -> list[nn.Module]:
    if kind == "gin":
        return _stack(width, layers, lambda head: GINConv(head, train_eps=True))
    if kind == "gine":
        return _stack(width, layers, lambda head: GINEConv(head, train_eps=True, edge_dim=width))
    if kind == "gcn":
        return [GCNConv(width, width) for _ in range(layers)]
    if kind == "gat":
        return [GATConv(width, width // heads, heads=heads, edge_dim=width) for _ in range(layers)]
    raise ValueError(f"kind is gin, gine, gcn or gat, got {kind!r}")


def _stack(width: int, layers: int, build: Callable[[nn.Module], nn.Module]) -> list[nn.Module]:
    heads = [nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)) for _ in range(layers)]
    return [build(head) for head in heads]


def gin(
    width: Width = 64,
    layers: Depth = 3,
    nodes: Sequence[Column] = MOLECULE.nodes,
    numbers: Numbers = 0,
    edges: Sequence[Column] = MOLECULE.edges,
    weights: Numbers = 0,
) -> MessagePassing:
    """Graph isomorphism network: MLP((1 + ε) x_i + Σ_j x_j), ε learned.

    Args:
        width: length of the vectors.
        layers: how many convolutions in a row; each sees one edge further.
        nodes: number of categories in each column of node features, as the data's `schema.settings()` gives them.
        numbers: plain numbers of a node, as `schema.settings()` gives them.
        edges: number of categories in each column of edge features, as `schema.settings()` gives them.
        weights: plain numbers of an edge, as `schema.settings()` gives them.

    Source: Xu et al., "How powerful are graph neural networks?" (2019); 5 layers of 300 are usual for molecules.
    """
    return MessagePassing("gin", width, layers, 1, nodes, numbers, edges, weights)


def gine(
    width: Width = 64,
    layers: Depth = 3,
    nodes: Sequence[Column] = MOLECULE.nodes,
    numbers: Numbers = 0,
    edges: Sequence[Column] = MOLECULE.edges,
    weights: Numbers = 0,
) -> MessagePassing:
    """GIN with edge features: MLP((1 + ε) x_i + Σ_j relu(x_j + W e_ij)); the default.

    Args:
        width: length of the vectors.
        layers: how many convolutions in a row; each sees one edge further.
        nodes: number of categories in each column of node features, as the data's `schema.settings()` gives them.
        numbers: plain numbers of a node, as `schema.settings()` gives them.
        edges: number of categories in each column of edge features, as `schema.settings()` gives them.
        weights: plain numbers of an edge, as `schema.settings()` gives them.

    Source: Hu et al., "Strategies for pre-training graph neural networks" (2020); 5 layers of 300 there.
    """
    return MessagePassing("gine", width, layers, 1, nodes, numbers, edges, weights)


def gcn(
    width: Width = 64,
    layers: Depth = 3,
    nodes: Sequence[Column] = MOLECULE.nodes,
    numbers: Numbers = 0,
    edges: Sequence[Column] = MOLECULE.edges,
    weights: Numbers = 0,
) -> MessagePassing:
    """Graph convolution: D^(−1/2) (A + I) D^(−1/2) X W.

    Args:
        width: length of the vectors.
        layers: how many convolutions in a row; each sees one edge further.
        nodes: number of categories in each column of node features, as the data's `schema.settings()` gives them.
        numbers: plain numbers of a node, as `schema.settings()` gives them.
        edges: number of categories in each column of edge features, as `schema.settings()` gives them.
        weights: plain numbers of an edge, as `schema.settings()` gives them.

    Source: Kipf and Welling, "Semi-supervised classification with graph convolutional networks" (2017).
    """
    return MessagePassing("gcn", width, layers, 1, nodes, numbers, edges, weights)


def gat(
    width: Width = 64,
    layers: Depth = 3,
    heads: AttentionHeads = 4,
    nodes: Sequence[Column] = MOLECULE.nodes,
    numbers: Numbers = 0,
    edges: Sequence[Column] = MOLECULE.edges,
    weights: Numbers = 0,
) -> MessagePassing:
    """Graph attention with edge features: Σ_j α_ij W x_j, α from x_i, x_j and e_ij, in `heads` heads.

    Args:
        width: length of the vectors.
        layers: how many convolutions in a row; each sees one edge further.
        heads: of attention, which divide the width.
        nodes: number of categories in each column of node features, as the data's `schema.settings()` gives them.
        numbers: plain numbers of a node, as `schema.settings()` gives them.
        edges: number of categories in each column of edge features, as `schema.settings()` gives them.
        weights: plain numbers of an edge, as `schema.settings()` gives them.

    Source: Veličković et al., "Graph attention networks" (2018); 4 heads as in GraphMAE.
    """
    return MessagePassing("gat", width, layers, heads, nodes, numbers, edges, weights)
