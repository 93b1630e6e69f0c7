"""The message-passing networks of the field."""

from collections.abc import Callable, Sequence
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import AttentionHeads, Depth, PositiveShare, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.local_checkpoint import load_weights, read_weights
from gestalt.core.networks.norm import MaskedBatchNorm
from gestalt.core.networks.pace import Frozen, Pace

from .data import Graphs
from .encoders import Column, Numbers, agree, own_features, padded
from .geometric import GATConv, GCNConv, GINConv, GINEConv
from .molecules import MOLECULE
from .parts import Part, joined
from .plain_messages import convolved
from .rows import rows_of


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
        if is_exporting() and not self.offsets.shape[0]:  # ONNX looks nothing up in tables without columns
            vectors = self.table.weight.new_zeros(table.shape[0], self.table.weight.shape[1])
        else:
            vectors = self.table(table + self.offsets).sum(dim=1)
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
        checkpoint: a local file of weights for these settings, or of a model of torch-geometric with such convolutions.
        frozen: how many of the lowest layers (the vectors of categories are the first) do not learn, −1 for all.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.
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
        checkpoint: str | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
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
        self.checkpoint = None  # the architecture is built again without its weights
        self.frozen = frozen
        self.slower = slower
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
        # Models of torch-geometric call their convolutions so; what is around them is of other shapes than here.
        of_pyg = checkpoint is not None and any("convs." in name for name in read_weights(checkpoint))
        load_weights(self.convolutions if of_pyg else self, checkpoint)
        blocks = [list(pair) for pair in zip(self.convolutions, self.norms, strict=True)]
        self.paced = Pace(frozen, slower).over(self, [[self.of_nodes, self.of_edges], *blocks])

    def embed(self, data: Graphs) -> FeatureMap:
        """The vectors of every node's own categories and numbers, and of those of every edge as links.

        Raises:
            ValueError: if the data have other features than the encoder was built for.
        """
        agree(data, self.nodes, self.numbers, self.edges, self.weights)
        rows = self.of_nodes(rows_of(data.nodes, data.valid), rows_of(data.numbers, data.valid))
        nodes = padded(rows, data)
        return joined(nodes, self.of_edges(data.kinds, data.weights), data)

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> FeatureMap:
        """What the layers make of the visible nodes and the edges between them."""
        part = Part.of(tokens, visible)
        return part.put_back(self.depths(part)[-1])

    def forward(self, data: Graphs) -> FeatureMap:
        """One vector per node.

        Raises:
            ValueError: if the data have other features than the encoder was built for.
        """
        return self.mix(self.embed(data))

    def by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None
    ) -> tuple[Float[Tensor, "batch elements dim"], ...]:
        """What every layer gives."""
        part = Part.of(tokens, visible)
        return tuple(part.put_back(rows).values for rows in self.depths(part)[1:])

    def depths(self, part: Part) -> list[Float[Tensor, "rows width"]]:
        """The nodes that are there as they come in, and after each layer."""
        x = part.nodes if self.edge_features else part.nodes + part.arriving()
        found = [x]
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            given = x.relu() if number else x
            x = x + norm(self._convolved(convolution, given, part))
            found.append(x)
        return found

    def _convolved(
        self, convolution: nn.Module, given: Float[Tensor, "rows width"], part: Part
    ) -> Float[Tensor, "rows width"]:
        if is_exporting():
            return convolved(convolution, given, part.edges, part.of_edges)
        edges = (part.edges, part.of_edges) if self.edge_features else (part.edges,)
        found: Tensor = convolution(given, *edges)
        return found

    @property
    def element_values(self) -> int:
        """Numbers that say what a node is: one for each category, and its plain numbers."""
        return sum(self.nodes) + self.numbers

    def element_targets(self, data: Graphs) -> FeatureMap:
        """What every node is: one category one number, and its plain numbers."""
        return own_features(data)

    @property
    def element_classes(self) -> int:
        """Categories of the first feature of a node, the element of an atom; 0 where nodes have none."""
        return self.nodes[0] if self.nodes else 0

    def classes_of_elements(self, data: Graphs) -> Int[Tensor, "batch elements"]:
        """The category of every node by its first feature."""
        return data.nodes[..., 0]


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
    checkpoint: str | None = None,
    frozen: Frozen = 0,
    slower: PositiveShare = 1.0,
) -> MessagePassing:
    """Graph isomorphism network: MLP((1 + ε) x_i + Σ_j x_j), ε learned.

    Args:
        width: length of the vectors.
        layers: how many convolutions in a row; each sees one edge further.
        nodes: number of categories in each column of node features, as the data's `schema.settings()` gives them.
        numbers: plain numbers of a node, as `schema.settings()` gives them.
        edges: number of categories in each column of edge features, as `schema.settings()` gives them.
        weights: plain numbers of an edge, as `schema.settings()` gives them.
        checkpoint: a local file of weights for these settings, or of a model of torch-geometric with such convolutions.
        frozen: how many of the lowest layers (the vectors of categories are the first) do not learn, −1 for all.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Source: Xu et al., "How powerful are graph neural networks?" (2019); 5 layers of 300 are usual for molecules.
    """
    return MessagePassing("gin", width, layers, 1, nodes, numbers, edges, weights, checkpoint, frozen, slower)


def gine(
    width: Width = 64,
    layers: Depth = 3,
    nodes: Sequence[Column] = MOLECULE.nodes,
    numbers: Numbers = 0,
    edges: Sequence[Column] = MOLECULE.edges,
    weights: Numbers = 0,
    checkpoint: str | None = None,
    frozen: Frozen = 0,
    slower: PositiveShare = 1.0,
) -> MessagePassing:
    """GIN with edge features: MLP((1 + ε) x_i + Σ_j relu(x_j + W e_ij)); the default.

    Args:
        width: length of the vectors.
        layers: how many convolutions in a row; each sees one edge further.
        nodes: number of categories in each column of node features, as the data's `schema.settings()` gives them.
        numbers: plain numbers of a node, as `schema.settings()` gives them.
        edges: number of categories in each column of edge features, as `schema.settings()` gives them.
        weights: plain numbers of an edge, as `schema.settings()` gives them.
        checkpoint: a local file of weights for these settings, or of a model of torch-geometric with such convolutions.
        frozen: how many of the lowest layers (the vectors of categories are the first) do not learn, −1 for all.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Source: Hu et al., "Strategies for pre-training graph neural networks" (2020); 5 layers of 300 there.
    """
    return MessagePassing("gine", width, layers, 1, nodes, numbers, edges, weights, checkpoint, frozen, slower)


def gcn(
    width: Width = 64,
    layers: Depth = 3,
    nodes: Sequence[Column] = MOLECULE.nodes,
    numbers: Numbers = 0,
    edges: Sequence[Column] = MOLECULE.edges,
    weights: Numbers = 0,
    checkpoint: str | None = None,
    frozen: Frozen = 0,
    slower: PositiveShare = 1.0,
) -> MessagePassing:
    """Graph convolution: D^(−1/2) (A + I) D^(−1/2) X W.

    Args:
        width: length of the vectors.
        layers: how many convolutions in a row; each sees one edge further.
        nodes: number of categories in each column of node features, as the data's `schema.settings()` gives them.
        numbers: plain numbers of a node, as `schema.settings()` gives them.
        edges: number of categories in each column of edge features, as `schema.settings()` gives them.
        weights: plain numbers of an edge, as `schema.settings()` gives them.
        checkpoint: a local file of weights for these settings, or of a model of torch-geometric with such convolutions.
        frozen: how many of the lowest layers (the vectors of categories are the first) do not learn, −1 for all.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Source: Kipf and Welling, "Semi-supervised classification with graph convolutional networks" (2017).
    """
    return MessagePassing("gcn", width, layers, 1, nodes, numbers, edges, weights, checkpoint, frozen, slower)


def gat(
    width: Width = 64,
    layers: Depth = 3,
    heads: AttentionHeads = 4,
    nodes: Sequence[Column] = MOLECULE.nodes,
    numbers: Numbers = 0,
    edges: Sequence[Column] = MOLECULE.edges,
    weights: Numbers = 0,
    checkpoint: str | None = None,
    frozen: Frozen = 0,
    slower: PositiveShare = 1.0,
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
        checkpoint: a local file of weights for these settings, or of a model of torch-geometric with such convolutions.
        frozen: how many of the lowest layers (the vectors of categories are the first) do not learn, −1 for all.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Source: Veličković et al., "Graph attention networks" (2018); 4 heads as in GraphMAE.
    """
    return MessagePassing("gat", width, layers, heads, nodes, numbers, edges, weights, checkpoint, frozen, slower)
