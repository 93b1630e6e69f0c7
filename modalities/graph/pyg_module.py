"""A graph encoder that Gestalt (gestalt-ssl) trained, as a module of PyTorch Geometric; Gestalt itself is not needed.

    from encoder import load

    model = load(".")
    nodes, graphs = model(batch)  # a Data, or a Batch of them

`x` holds the categories of every node, numbered from 0 (−1 is not known), then its plain numbers; `edge_attr` those of
every edge. Nodes of graphs without `x` have the logarithm of 1 + their degree. `config.json` says how many categories
each column has (one more is for what is not known), and how many plain numbers there are. Integers alone are taken as
well as floating-point numbers.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import safetensors.torch
import torch
from torch import Tensor, nn
from torch_geometric.nn import GATConv, GCNConv, GINConv, GINEConv, global_mean_pool

CONFIG, WEIGHTS = "config.json", "model.safetensors"


@final
class Columns(nn.Module):
    """The sum of one learned vector per category, over the columns of a table, and a linear map of plain numbers."""

    def __init__(self, what: str, sizes: Sequence[int], numbers: int, width: int) -> None:
        super().__init__()
        self.what = what
        self.sizes = tuple(sizes)
        self.numbers = numbers
        self.table = nn.Embedding(max(sum(sizes), 1), width)
        self.norm = nn.BatchNorm1d(numbers) if numbers else None
        self.linear = nn.Linear(numbers, width) if numbers else None

    def forward(self, values: Tensor | None, rows: int) -> Tensor:
        """One vector per row.

        Raises:
            ValueError: if the columns are not those that the encoder was trained on.
        """
        count = len(self.sizes) + self.numbers
        values = self.table.weight.new_zeros(rows, 0) if values is None else values.reshape(rows, -1)
        if values.shape[1] != count:
            raise ValueError(
                f"{self.what} must have {len(self.sizes)} columns of categories and then {self.numbers} of numbers, "
                f"got {values.shape[1]} columns"
            )
        categories = values[:, : len(self.sizes)].long() + 1
        sizes = torch.tensor(self.sizes, dtype=torch.long, device=values.device)
        if bool(((categories < 0) | (categories >= sizes)).any()):
            raise ValueError(f"the categories in {self.what} are −1 … {[size - 2 for size in self.sizes]}, got others")
        vectors: Tensor = self.table(categories + sizes.cumsum(0) - sizes).sum(dim=1)
        if self.norm is not None and self.linear is not None:
            vectors = vectors + self.linear(self.norm(values[:, len(self.sizes) :].to(self.table.weight.dtype)))
        return vectors


@final
class Encoder(nn.Module):
    """Layers of message passing, x ← x + norm(conv(x, edges)), with ReLU between them.

    Args:
        kind: `gin`, `gine`, `gcn` or `gat`.
        width: channels of the layers.
        layers: how many.
        heads: of attention, for `gat`.
        nodes: categories in each column of `x`, what is not known among them.
        numbers: plain numbers behind them.
        edges: categories in each column of `edge_attr`.
        weights: plain numbers behind them.
        joined: the length of vectors that are made of all layers, for the encoder `jumping`; 0 takes the last layer.
    """

    def __init__(
        self,
        kind: str,
        width: int,
        layers: int,
        heads: int,
        nodes: Sequence[int],
        numbers: int,
        edges: Sequence[int],
        weights: int,
        joined: int = 0,
    ) -> None:
        super().__init__()
        self.takes_edges = kind in ("gine", "gat")
        self.of_nodes = Columns("x", nodes, numbers, width)
        self.of_edges = Columns("edge_attr", edges, weights, width)
        self.convolutions = nn.ModuleList(_convolution(kind, width, heads) for _ in range(layers))
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(layers))
        self.norm = nn.BatchNorm1d(width * (layers + 1)) if joined else None
        self.out = nn.Linear(width * (layers + 1), joined) if joined else None

    def forward(self, data: Any) -> tuple[Tensor, Tensor]:
        """The vectors of all nodes, and those of the graphs, the means over their nodes.

        Args:
            data: a `Data` or a `Batch` of PyTorch Geometric, with the features that the encoder was trained on.

        Raises:
            ValueError: if it has others.
        """
        edges, count = data.edge_index, int(data.num_nodes)
        own = data.x
        if own is None and (self.of_nodes.sizes, self.of_nodes.numbers) == ((), 1):
            own = (
                torch.zeros(count, device=edges.device)
                .index_add(0, edges[1], torch.ones_like(edges[1]).float())
                .log1p()
            )
        x = self.of_nodes(own, count)
        of_edges = self.of_edges(data.edge_attr, edges.shape[1])
        if not self.takes_edges:
            x = x.index_add(0, edges[1], of_edges)
        found = [x]
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            given = x.relu() if number else x
            x = x + norm(convolution(given, edges, of_edges) if self.takes_edges else convolution(given, edges))
            found.append(x)
        if self.norm is not None and self.out is not None:
            x = self.out(self.norm(torch.cat(found, dim=1)))
        batch = getattr(data, "batch", None)
        return x, global_mean_pool(x, torch.zeros_like(edges[0]).new_zeros(count) if batch is None else batch)


def _convolution(kind: str, width: int, heads: int) -> Any:
    if kind == "gcn":
        return GCNConv(width, width)
    if kind == "gat":
        return GATConv(width, width // heads, heads=heads, edge_dim=width)
    inside = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
    return GINConv(inside, train_eps=True) if kind == "gin" else GINEConv(inside, train_eps=True, edge_dim=width)


def load(folder: Path | str) -> Encoder:
    """The encoder of a folder, with its weights, in evaluation mode; further training is up to you."""
    encoder = Encoder(**json.loads((Path(folder) / CONFIG).read_text(encoding="utf-8")))
    encoder.load_state_dict(safetensors.torch.load_file(str(Path(folder) / WEIGHTS)))
    return encoder.eval()
