"""Nodes at several scales: what message passing knows after each of its layers, joined."""

from collections.abc import Sequence
from typing import final

import torch
from torch import nn

from gestalt.core.components.ranges import Depth, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.norm import MaskedBatchNorm

from .data import Graphs
from .encoders import Column, Numbers, padded
from .message_passing import MessagePassing
from .molecules import MOLECULE


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

    def forward(self, data: Graphs) -> FeatureMap:
        """One vector per node.

        Raises:
            ValueError: if the data have other features than the encoder was built for.
        """
        return padded(self.out(self.norm(torch.cat(self.network.depths(data), dim=1))), data)
