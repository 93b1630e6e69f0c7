"""The plain code of the convolutions on graphs gives what torch-geometric's own gives, on edges of every kind."""

from typing import Any

import pytest
import torch
from torch import nn

from gestalt.modalities.graph.geometric import GATConv, GCNConv, GINConv, GINEConv
from gestalt.modalities.graph.plain_messages import convolved

EDGES = torch.tensor([[0, 1, 1, 2, 2, 2, 3, 0, 0], [1, 0, 2, 1, 2, 2, 3, 1, 1]])
"""Loops, one of them twice, edges that are there three times, and a node (4) without any."""


def built(kind: str) -> tuple[nn.Module, bool]:
    """A convolution whose parameters are all random, and whether it takes the vectors of edges."""
    torch.manual_seed(0)
    inside = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 6))
    found: dict[str, nn.Module] = {
        "gin": GINConv(inside, train_eps=True),
        "gine": GINEConv(inside, train_eps=True, edge_dim=5),
        "gcn": GCNConv(6, 6),
        "gat": GATConv(6, 3, heads=2, edge_dim=5),
    }
    with torch.no_grad():
        for weights in found[kind].parameters():
            weights.copy_(torch.randn_like(weights))
    return found[kind], kind in ("gine", "gat")


@pytest.mark.parametrize("kind", ["gin", "gine", "gcn", "gat"])
@pytest.mark.parametrize("edges", [EDGES, EDGES[:, :0]], ids=["edges", "none"])
def test_plain_messages_are_those_of_torch_geometric(kind: str, edges: torch.Tensor) -> None:
    convolution, with_edges = built(kind)
    x, of_edges = torch.randn(5, 6), torch.randn(edges.shape[1], 5)
    own: Any = convolution
    wanted = own(x, edges, of_edges) if with_edges else own(x, edges)
    torch.testing.assert_close(convolved(convolution, x, edges, of_edges), wanted, rtol=1e-5, atol=1e-5)


def test_other_convolutions_have_no_plain_code() -> None:
    with pytest.raises(TypeError, match="GIN, GINE, GCN and GAT, got Linear"):
        convolved(nn.Linear(2, 2), torch.zeros(1, 2), EDGES[:, :0], torch.zeros(0, 0))
