"""`pyg`: a module of PyTorch Geometric, which runs without this package."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import safetensors.torch
import torch
from torch import Tensor

from gestalt.core.exports.base import AbstractExport, Trained, Written
from gestalt.core.exports.program import compare_outputs
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.norm import MaskedBatchNorm
from gestalt.core.storage.atomic import write_bytes, write_text

from . import pyg_module
from .data import Graph
from .geometric import Batch, Data
from .jumping import Jumping
from .message_passing import MessagePassing

SOURCE = "encoder.py"
NORM = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}
"""What our batch normalisation calls its parameters and statistics, and what torch's does."""
LOADING = """from encoder import load  # the file in this folder: torch, safetensors and torch_geometric alone
from torch_geometric.data import Batch

model = load(".")
nodes, graphs = model(Batch.from_data_list(dataset))"""


@final
class PygModule(AbstractExport):
    """`encoder.py` with its settings and weights: `load(folder)` gives a module that takes `Data` or `Batch`."""

    takes: ClassVar[str] = "gin, gine, gcn, gat and jumping of graphs: a module of PyTorch Geometric"

    def refusal(self, trained: Trained) -> str | None:
        """What the encoder is, where it passes no messages."""
        if isinstance(trained.encoder, MessagePassing | Jumping):
            return None
        return f"expected message passing on graphs, got {type(trained.encoder).__name__}"

    def write(self, trained: Trained, folder: Path) -> Written:
        """Write the folder, open it again and compare.

        Raises:
            ValueError: if what is opened gives other vectors.
        """
        assert isinstance(trained.encoder, MessagePassing | Jumping)
        settings = settings_of(trained.encoder)
        write_text(folder / pyg_module.CONFIG, json.dumps(settings, indent=1) + "\n")
        write_bytes(folder / pyg_module.WEIGHTS, safetensors.torch.save(weights_of(trained.encoder)))
        write_text(folder / SOURCE, Path(pyg_module.__file__).read_text(encoding="utf-8"))
        batch = trained.modality.collate(trained.examples)
        with torch.no_grad():
            wanted = trained.encoder(batch)
            nodes, graphs = pyg_module.load(folder)(Batch.from_data_list([to_pyg(item) for item in trained.examples]))
        means = torch.stack([rows[valid].mean(dim=0) for rows, valid in zip(wanted.values, wanted.valid, strict=True)])
        ours = {"nodes": wanted.values[wanted.valid], "graphs": means}
        compare_outputs(trained.encoder, {"nodes": nodes, "graphs": graphs}, ours, "there")
        return Written(LOADING, {"input": _columns(settings), "output": "vectors of nodes, and their means by graph"})


def to_pyg(graph: Graph) -> Any:
    """A graph as `Data` of PyTorch Geometric, in the form that an exported module takes.

    `x` holds the categories of every node from 0 on (−1 where it is masked), then its numbers; `edge_attr` those of
    every edge. Without numbers both are integers; without columns, None.

    Example:
        >>> from .molecules import graph_of, molecule_of
        >>> to_pyg(graph_of(molecule_of("CCO")))
        Data(x=[3, 9], edge_index=[2, 4], edge_attr=[4, 4])
    """
    data = Data(
        x=_table(graph.nodes, graph.numbers),
        edge_index=graph.edges,
        edge_attr=_table(graph.kinds, graph.weights),
    )
    data.num_nodes = len(graph) if data.x is None else None
    return data


def _table(categories: Tensor, numbers: Tensor) -> Tensor | None:
    if not numbers.shape[1]:
        return categories - 1 if categories.shape[1] else None
    return torch.cat([(categories - 1).to(numbers.dtype), numbers], dim=1)


def settings_of(encoder: MessagePassing | Jumping) -> dict[str, Any]:
    """The arguments with which the exported module is built."""
    network = encoder.network if isinstance(encoder, Jumping) else encoder
    return {
        "kind": network.kind,
        "width": network.width,
        "layers": network.layers,
        "heads": network.heads,
        "nodes": list(network.nodes),
        "numbers": network.numbers,
        "edges": list(network.edges),
        "weights": network.weights,
        "joined": encoder.dim if isinstance(encoder, Jumping) else 0,
    }


def weights_of(encoder: AbstractEncoder) -> dict[str, Tensor]:
    """The weights under the names of the exported module, whose normalisation is torch's own."""
    norms = {name for name, module in encoder.named_modules() if isinstance(module, MaskedBatchNorm)}
    found: dict[str, Tensor] = {}
    for name, value in encoder.state_dict().items():
        parent, _, own = name.rpartition(".")
        renamed = f"{parent}.{NORM[own]}" if parent in norms else name
        found[renamed.removeprefix("network.")] = value.contiguous()
    counted = {f"{name}.num_batches_tracked".removeprefix("network."): torch.tensor(0) for name in norms}
    return found | counted


def _columns(settings: Mapping[str, Any]) -> str:
    """How `x` and `edge_attr` are laid out, in words."""
    parts = []
    for name, categories, numbers in (("x", "nodes", "numbers"), ("edge_attr", "edges", "weights")):
        last = ", ".join(str(size - 2) for size in settings[categories])
        words = [f"categories from 0 to {last}"] if last else []
        words += [f"{settings[numbers]} numbers"] if settings[numbers] else []
        parts.append(f"`{name}`: {', then '.join(words) or 'nothing'}")
    return "; ".join(parts)
