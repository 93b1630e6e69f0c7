"""An encoder of graphs leaves as a module of PyTorch Geometric, which gives the same vectors without this package."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

import gestalt
from gestalt.core.exports.export import trained_of
from gestalt.core.runs.model import Model
from gestalt.modalities.graph import MODALITY, collate, from_pyg, pyg_export, pyg_module, to_pyg
from gestalt.modalities.graph.geometric import Batch, Data
from gestalt.modalities.graph.pyg_export import PygModule
from tests.test_typed_edges import GRAPH, SCHEMA

SMALL = {"width": 8, "layers": 2}


def model(encoder: str, **settings: Any) -> Model[Any]:
    """A model whose statistics are those of some data."""
    torch.manual_seed(0)
    built = MODALITY.encoders[encoder](**settings)
    items = [GRAPH, GRAPH] if settings.get("weights") else [specimen.item for specimen in MODALITY.specimens()]
    for _ in range(3):
        built.train()(collate(items))
    return Model(MODALITY, gestalt.Network(built).eval(), {})


@pytest.mark.parametrize("encoder", ["gin", "gine", "gcn", "gat", "jumping"])
def test_what_is_opened_gives_the_vectors_of_nodes_and_graphs(encoder: str, tmp_path: Path) -> None:
    one = model(encoder, **SMALL)
    one.export("pyg", tmp_path / "out")
    items = [specimen.item for specimen in MODALITY.specimens()]
    with torch.no_grad():
        nodes, graphs = pyg_module.load(tmp_path / "out")(Batch.from_data_list([to_pyg(item) for item in items]))
        wanted = one.encoder(collate(items))
    torch.testing.assert_close(nodes, wanted.values[wanted.valid], rtol=1e-4, atol=1e-5)
    means = [rows[: len(item)].mean(dim=0) for rows, item in zip(wanted.values, items, strict=True)]
    torch.testing.assert_close(graphs, torch.stack(means), rtol=1e-4, atol=1e-5)
    alone, _ = pyg_module.load(tmp_path / "out")(to_pyg(items[0]))
    torch.testing.assert_close(alone, nodes[: len(items[0])], rtol=1e-4, atol=1e-5)


def test_edges_that_point_and_numbers_leave_too(tmp_path: Path) -> None:
    one = model("gine", **SMALL, **SCHEMA.settings())
    one.export("pyg", tmp_path / "out", examples=[GRAPH, GRAPH])
    with torch.no_grad():
        nodes, _ = pyg_module.load(tmp_path / "out")(to_pyg(GRAPH))
        torch.testing.assert_close(nodes, one.encoder(collate([GRAPH])).values[0], rtol=1e-4, atol=1e-5)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "`x`: categories from 0 to 3, then 1 numbers; `edge_attr`: categories from 0 to 2, 1, then 1 numbers" in card


def test_nodes_without_features_have_their_degree(tmp_path: Path) -> None:
    data = Data(edge_index=torch.tensor([[0, 1, 2, 1], [1, 0, 1, 2]]), num_nodes=3)
    items = from_pyg([data, data])
    torch.manual_seed(0)
    built = MODALITY.encoders["gin"](**SMALL, **items.schema.settings())
    graph = items.read(0, np.random.default_rng(0))
    Model(MODALITY, gestalt.Network(built).eval(), {}).export("pyg", tmp_path / "out", examples=[graph, graph])
    with torch.no_grad():
        nodes, _ = pyg_module.load(tmp_path / "out")(data)
        torch.testing.assert_close(nodes, built.eval()(collate([graph])).values[0], rtol=1e-4, atol=1e-5)


ALONE = """
import sys
import torch
from torch_geometric.data import Batch, Data

sys.path.insert(0, ".")
from encoder import load

found = torch.load("given.pt", weights_only=True)
batch = Batch.from_data_list([Data(x=x, edge_index=e, edge_attr=a) for x, e, a in found["data"]])
nodes, graphs = load(".")(batch)
assert not any(name.split(".")[0] == "gestalt" for name in sys.modules)
torch.testing.assert_close(nodes, found["nodes"], rtol=1e-4, atol=1e-5)
print(tuple(graphs.shape))
"""


def test_a_data_set_of_pyg_goes_through_the_folder_in_a_process_without_this_package(tmp_path: Path) -> None:
    rng = torch.Generator().manual_seed(0)
    dataset = []
    for count in (4, 6):
        x = torch.randint(0, 5, (count, 2), generator=rng)
        edges = torch.randint(0, count, (2, 9), generator=rng)
        dataset.append(Data(x=x, edge_index=edges, edge_attr=torch.rand(9, 3, generator=rng)))
    items = from_pyg(dataset)
    torch.manual_seed(0)
    built = MODALITY.encoders["gine"](**SMALL, **items.schema.settings())
    one = Model(MODALITY, gestalt.Network(built).eval(), {})
    graphs = [items.read(number, np.random.default_rng(0)) for number in range(2)]
    one.export("pyg", tmp_path / "out", examples=graphs)
    with torch.no_grad():
        wanted = one.encoder(collate(graphs))
    given = {
        "data": [(data.x, data.edge_index, data.edge_attr) for data in dataset],
        "nodes": wanted.values[wanted.valid],
    }
    torch.save(given, tmp_path / "out" / "given.pt")
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALONE], cwd=tmp_path / "out", capture_output=True, text=True, timeout=120
    )
    assert ran.stdout.strip() == "(2, 8)", ran.stderr


def test_an_opened_module_learns_on(tmp_path: Path) -> None:
    model("gine", **SMALL).export("pyg", tmp_path / "out")
    opened = pyg_module.load(tmp_path / "out").train()
    batch = Batch.from_data_list([to_pyg(specimen.item) for specimen in MODALITY.specimens()])
    optimiser = torch.optim.Adam(opened.parameters(), lr=1e-2)
    losses = list[float]()
    for _ in range(20):
        loss: Tensor = mse_loss(opened(batch)[1].mean(dim=1), torch.tensor([0.0, 1.0, 2.0]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_other_features_and_other_encoders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected message passing on graphs, got Raw; pyg holds gin"):
        Model(MODALITY, gestalt.Network(MODALITY.encoders["raw"]()), {}).export("pyg", tmp_path / "raw")
    model("gine", **SMALL).export("pyg", tmp_path / "out")
    opened = pyg_module.load(tmp_path / "out")
    data = to_pyg(MODALITY.specimens()[0].item)
    with pytest.raises(ValueError, match=r"x must have \d+ columns of categories and then 0 of numbers, got 2"):
        opened(Data(x=data.x[:, :2], edge_index=data.edge_index, edge_attr=data.edge_attr))
    with pytest.raises(ValueError, match=r"the categories in x are −1 … \["):
        opened(Data(x=data.x + 500, edge_index=data.edge_index, edge_attr=data.edge_attr))


def test_a_module_that_gives_other_vectors_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = trained_of(MODALITY, model("gine", **SMALL).encoder, None)
    right = pyg_export.weights_of
    monkeypatch.setattr(
        pyg_export, "weights_of", lambda encoder: {key: value * 1.01 for key, value in right(encoder).items()}
    )
    with pytest.raises(ValueError, match="gives other nodes than the encoder does"):
        PygModule().write(one, tmp_path)
