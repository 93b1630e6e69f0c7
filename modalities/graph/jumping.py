"""Nodes at several scales: what message passing knows after each of its layers, joined."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from gestalt.core.components.ranges import Depth, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.norm import MaskedBatchNorm

from .data import Graphs
from .encoders import Column, Numbers
from .message_passing import MessagePassing
from .molecules import MOLECULE
from .parts import Part


@final
class Jumping(AbstractEncoder):
    """A node, its neighbours, their neighbours, …: all depths of a message-passing network joined, and mapped to `dim`.

    The last layer alone sees far and blurs what lies close together; the joined depths keep both.

    Args:
        kind: `gine`, `gin`, `gcn` or `gat`: the convolution of all layers (`gat` with 4 heads, which divide the width).
        width: channels of all layers.
        dim: the length of the vectors.
        layers: how many convolutions in a row; each sees one edge further.
        nodes: number of categories in each column of node features, as the data's `schema.settings()` gives them.
        numbers: plain numbers of a node, as `schema.settings()` gives them.
        edges: number of categories in each column of edge features, as `schema.settings()` gives them.
        weights: plain numbers of an edge, as `schema.settings()` gives them.

    Example:
        >>> from .data import collate
        >>> from .molecules import graph_of, molecule_of
        >>> Jumping()(collate([graph_of(molecule_of("CCO"))])).values.shape
        torch.Size([1, 3, 64])

    Source: Xu et al., "Representation learning on graphs with jumping knowledge networks" (2018), with concatenation.
    """

    def __init__(
        self,
        kind: str = "gine",
        width: Width = 64,
        dim: Width = 64,
        layers: Depth = 4,
        nodes: Sequence[Column] = MOLECULE.nodes,
        numbers: Numbers = 0,
        edges: Sequence[Column] = MOLECULE.edges,
        weights: Numbers = 0,
    ) -> None:
        super().__init__()
        self.kind = kind
        self.width = width
        self.dim = dim
        self.layers = layers
        self.nodes = tuple(nodes)
        self.numbers = numbers
        self.edges = tuple(edges)
        self.weights = weights
        check_ranges(self)
        heads = 4 if kind == "gat" else 1
        self.network = MessagePassing(kind, width, layers, heads, nodes, numbers, edges, weights)
        self.norm = MaskedBatchNorm(width * (layers + 1))
        self.out = nn.Linear(width * (layers + 1), dim)

    def embed(self, data: Graphs) -> FeatureMap:
        """The vectors of every node's own features, and of those of every edge as links.

        Raises:
            ValueError: if the data have other features than the encoder was built for.
        """
        return self.network.embed(data)

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> FeatureMap:
        """What all depths make of the visible nodes and the edges between them."""
        part = Part.of(tokens, visible)
        return part.put_back(self.out(self.norm(torch.cat(self.network.depths(part), dim=1))))

    def forward(self, data: Graphs) -> FeatureMap:
        """One vector per node.

        Raises:
            ValueError: if the data have other features than the encoder was built for.
        """
        return self.mix(self.embed(data))

    @property
    def element_values(self) -> int:
        """Numbers that say what a node is: one for each category, and its plain numbers."""
        return self.network.element_values

    def element_targets(self, data: Graphs) -> FeatureMap:
        """What every node is: one category one number, and its plain numbers."""
        return self.network.element_targets(data)

    @property
    def element_classes(self) -> int:
        """Categories of the first feature of a node, the element of an atom; 0 where nodes have none."""
        return self.network.element_classes

    def classes_of_elements(self, data: Graphs) -> Int[Tensor, "batch elements"]:
        """The category of every node by its first feature."""
        return self.network.classes_of_elements(data)
