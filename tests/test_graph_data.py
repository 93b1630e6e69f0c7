"""Molecules and networks are read from files of every kind, and what is wrong is named with file and line."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rdkit import Chem

from gestalt.core.data.items import BadItemError
from gestalt.modalities.graph import (
    MODALITY,
    MOLECULE,
    Graph,
    GraphModality,
    GraphRecords,
    Schema,
    collate,
    from_pyg,
    graph_of,
    molecule_from,
    molecule_of,
)
from gestalt.modalities.graph.geometric import Data
from gestalt.modalities.graph.windows import windows

RNG = np.random.default_rng(0)
SALT = "[Na+].[O-]C(=O)c1ccccc1"


def read(*paths: Path, skip_bad: bool = False) -> GraphRecords:
    items = MODALITY.read(paths, skip_bad).items
    assert isinstance(items, GraphRecords)
    return items


def elements(graph: Graph) -> list[int]:
    """Atomic numbers."""
    return [category - 1 for category in graph.nodes[:, 0].tolist()]


def test_lines_of_smiles_are_molecules_with_their_names(tmp_path: Path) -> None:
    path = tmp_path / "mølecules.smi"
    path.write_text(f"smiles name\nCCO ethanol, pure\n\n# a remark\n{SALT}\tsodium benzoate\nC\n", encoding="utf-8")
    items = read(path)
    graphs = [items.read(index, RNG) for index in range(len(items))]
    assert [elements(graph) for graph in graphs] == [[6, 6, 8], [11, 8, 6, 8, *[6] * 6], [6]]
    assert [graph.title for graph in graphs] == ["ethanol, pure", "sodium benzoate", ""]
    assert graphs[2].edges.shape == (2, 0)
    assert items.name(1) == f"{path} [line 5]"


@pytest.mark.parametrize(
    ("head", "mark"),
    [
        ("Name,SMILES,logS", ","),
        ("Name\tsmi\tlogS", "\t"),
        ("Name;Structure;logS", ";"),
        ("Name of the compound,smiles,measured log solubility in mols per litre", ","),
    ],
)
def test_the_column_of_smiles_is_found_by_its_name_and_the_others_are_kept(
    tmp_path: Path, head: str, mark: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([head, mark.join(["aspirin", "CC(=O)Oc1ccccc1C(=O)O", "-1.7"]), ""]))
    items = read(path)
    assert len(items.read(0, RNG)) == 13
    name, _, measured = head.split(mark)
    assert items.record(0).values == {name: "aspirin", measured: "-1.7"}


def test_another_column_of_smiles_is_named_when_building_the_modality(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("SMILES,product\nC,CC\n")
    (record,) = GraphModality(column="product").read([path]).items.records  # type: ignore[attr-defined]
    assert record.source == "CC"
    assert record.values == {"SMILES": "C"}


def test_an_sdf_gives_heavy_atoms_in_order_and_its_fields(tmp_path: Path) -> None:
    path = tmp_path / "library.sdf"
    with Chem.SDWriter(str(path)) as writer:
        for text in ("OCC", SALT):
            molecule = Chem.AddHs(Chem.MolFromSmiles(text))
            molecule.SetProp("_Name", text)
            molecule.SetProp("measured", "3.5")
            writer.write(molecule)
    items = read(path)
    assert elements(items.read(0, RNG)) == [8, 6, 6]
    assert items.read(1, RNG).title == SALT
    assert str(items.record(0).values["measured"]) == "3.5"
    assert torch.equal(items.read(1, RNG).nodes, graph_of(molecule_of(SALT)).nodes)


def test_features_are_what_rdkit_says_of_every_atom_and_bond() -> None:
    molecule = molecule_of("C[N+](C)(C)C/C=C/c1ccc([O-])[nH]1")
    graph = graph_of(molecule)
    for atom, row in zip(molecule.GetAtoms(), graph.nodes.tolist(), strict=True):
        assert row[0] - 1 == atom.GetAtomicNum()
        assert row[2] - 1 == atom.GetDegree()
        assert row[3] - 7 == atom.GetFormalCharge()
        assert row[4] - 1 == atom.GetTotalNumHs()
        assert [row[7] - 1, row[8] - 1] == [atom.GetIsAromatic(), atom.IsInRing()]
    for (one, two), row in zip(graph.edges.T.tolist(), graph.kinds.tolist(), strict=True):
        bond = molecule.GetBondBetweenAtoms(one, two)
        orders = {Chem.BondType.SINGLE: 1, Chem.BondType.DOUBLE: 2, Chem.BondType.AROMATIC: 4}
        assert row[0] == orders[bond.GetBondType()]
        assert [row[2] - 1, row[3] - 1] == [bond.GetIsConjugated(), bond.IsInRing()]
    assert bool((graph.nodes >= 1).all() and (graph.nodes < torch.tensor(MOLECULE.nodes)).all())
    assert bool((graph.kinds >= 1).all() and (graph.kinds < torch.tensor(MOLECULE.edges)).all())


@pytest.mark.parametrize(
    "text", ["CC(=O)Oc1ccccc1C(=O)O", SALT, "C", "c1cc[nH]c1", "[NH3+]CC([O-])=O", "*CC", "C#CC=C", "[CH3]"]
)
def test_a_molecule_comes_back_from_its_graph(text: str) -> None:
    again = Chem.MolToSmiles(molecule_from(graph_of(molecule_of(text))))
    assert again == Chem.MolToSmiles(molecule_of(text))


BAD: dict[str, tuple[str, str]] = {
    "zero.smi": ("", "no bytes"),
    "blank.smi": ("\n\n", "holds no graph"),
    "ring.smi": ("CCO\nC1CC\n", r"\[line 2\].*'C1CC' is no SMILES"),
    "valence.smi": ("CCO\nCC(C)(C)(C)C\n", r"\[line 2\].*valence"),
    "table.csv": ("name,weight\na,1\n", "no column of SMILES.*'name', 'weight'.*--column"),
    "short.csv": ("name,smiles\na\n", r"\[line 2\].*has 1 cells"),
    "hole.csv": ("name,smiles\na,\n", r"\[line 2\].*no atom"),
    "latin.csv": (b"smiles\n\xe9\n", "UTF-8"),  # type: ignore[dict-item]
    "noise.sdf": ("dear diary\n" * 9, r"\[record 1\].*no molecule"),
    "loop.edgelist": ("a a\n", "no edge between two nodes"),
    "half.edgelist": ("a b\nc\n", r"\[line 2\].*two ends"),
    "uneven.edgelist": ("a b 1\nc d\n", r"\[line 2\].*2 cells, the first edge has 3"),
    "noise.pt": ("dear diary", "no graphs of PyTorch Geometric"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_and_lines_are_named_or_skipped(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    content, reason = BAD[name]
    path, good = tmp_path / name, tmp_path / "good.smi"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadItemError, match=f"(?s){name}.*{reason}"):
        MODALITY.read([path])
    if not name.endswith(".edgelist"):
        good.write_text("CCO\n")
        reading = MODALITY.read([tmp_path], skip_bad=True)
        assert [name in skipped.name for skipped in reading.skipped] == [True]
        assert len(reading.items) in (1, 2)
    assert capfd.readouterr().err == "", "RDKit spoke for itself"


def test_nothing_left_and_nothing_there_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("C1CC\n")
    with pytest.raises(ValueError, match="none of 1 graphs can be used"):
        MODALITY.read([tmp_path], skip_bad=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no graphs in"):
        MODALITY.read([tmp_path / "empty"])


def test_an_edge_list_with_features_is_one_undirected_graph(tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text('source,target,weight,kind\nÅsa,Bo,2.5,friend\nBo,"<b>",1,"boss"\nBo,Bo,9,self\n')
    (tmp_path / "net.nodes.csv").write_text("node,age,town\nBo,40,Oslo\nÅsa,30,Rome\nEve,20,Oslo\n")
    items = read(tmp_path)
    assert len(items) == 1
    graph = items.read(0, RNG)
    assert graph.names == ("Bo", "Åsa", "Eve", "<b>")
    assert graph.edges.tolist() == [[1, 0, 0, 3], [0, 1, 3, 0]]
    assert graph.weights.flatten().tolist() == [2.5, 2.5, 1.0, 1.0]
    assert graph.numbers[:, 1].tolist() == [40.0, 30.0, 20.0, 0.0]
    assert torch.allclose(graph.numbers[:, 0], torch.tensor([3.0, 2.0, 1.0, 2.0]).log())
    towns = graph.nodes[:, 0].tolist()
    assert towns[0] == towns[2] != towns[1]
    assert towns[3] == 0, "nothing is known of that node's town"
    encoder = MODALITY.encoders["gine"](**items.schema.settings(), width=8)
    assert encoder(collate([graph])).values.shape == (1, 4, 8)


def test_files_of_different_features_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("CCO\n")
    (tmp_path / "b.edgelist").write_text("1 2\n")
    with pytest.raises(BadItemError, match=r"b.edgelist: is a network with .*a.smi \[line 1\] is a molecule; read .*"):
        MODALITY.read([tmp_path])
    (tmp_path / "0.edgelist").write_text("1 2\n")
    (tmp_path / "a.smi").write_text("CCO\nCC\nC\n")
    reading = MODALITY.read([tmp_path], skip_bad=True)
    assert [reading.items.name(place)[-8:] for place in range(len(reading.items))] == [f"[line {n}]" for n in (1, 2, 3)]
    assert [Path(entry.name).name for entry in reading.skipped] == ["0.edgelist", "b.edgelist"], "the most decide"


def pyg(**changes: Any) -> Data:
    given: dict[str, Any] = {
        "x": torch.tensor([[0], [3], [1]]),
        "edge_index": torch.tensor([[0, 1], [1, 2]]),
        "y": torch.tensor([2]),
    }
    return Data(**{**given, **changes})


def test_graphs_of_pytorch_geometric_keep_their_features_and_leave_room_for_the_mask(tmp_path: Path) -> None:
    items = from_pyg([pyg(), pyg(x=torch.tensor([[7], [0], [0]]))])
    assert items.schema == Schema(nodes=(9,))
    assert items.read(0, RNG).nodes.flatten().tolist() == [1, 4, 2]
    assert items.record(0).values == {"y": "[2]"}
    plain = from_pyg([pyg(x=torch.rand(3, 2), edge_attr=torch.rand(2, 4))])
    assert plain.schema == Schema(numbers=2, weights=4)
    torch.save([pyg(), pyg()], tmp_path / "set.pt")
    assert len(read(tmp_path / "set.pt")) == 2
    with pytest.raises(BadItemError, match=r"graph \[1\].*no nodes"):
        from_pyg([pyg(), Data(x=torch.zeros(0, 1, dtype=torch.long), edge_index=torch.zeros(2, 0, dtype=torch.long))])
    with pytest.raises(BadItemError, match=r"graph \[0\].*below 0"):
        from_pyg([pyg(x=torch.tensor([[-1], [0], [0]]))])
    with pytest.raises(BadItemError, match=r"graph \[1\].*one schema at a time"):
        from_pyg([pyg(), pyg(x=torch.rand(3, 2))])
    with pytest.raises(BadItemError, match="NaN"):
        from_pyg([pyg(x=torch.tensor([[torch.nan]] * 3))])


@pytest.mark.parametrize("edge_dim", [0, 3])
def test_a_data_set_of_pytorch_geometric_is_read_as_it_is(edge_dim: int) -> None:
    from torch_geometric.datasets import FakeDataset

    torch.manual_seed(0)
    dataset = FakeDataset(num_graphs=5, avg_num_nodes=12, num_channels=4, edge_dim=edge_dim, task="graph")
    items = from_pyg(dataset, "fake")
    assert items.schema == Schema(numbers=4, weights=edge_dim)
    for place, data in enumerate(dataset):
        graph = items.read(place, RNG)
        assert torch.equal(graph.edges, data.edge_index)
        assert torch.allclose(graph.numbers, data.x)
        assert items.record(place).values == {"y": str(data.y.tolist())}
    encoder = MODALITY.encoders["gine"](**items.schema.settings(), width=8, layers=1)
    batch = collate([items.read(place, RNG) for place in range(5)])
    assert encoder(batch).valid.sum(dim=1).tolist() == [data.num_nodes for data in dataset]


def test_a_graph_of_5000_nodes_comes_in_windows_that_hold_every_node_once(tmp_path: Path) -> None:
    path = tmp_path / "large.edgelist"
    path.write_text("\n".join(f"{node} {node + 1}\n{node} {(node * 7) % 5000}" for node in range(4999)))
    items = read(path)
    assert len(items) == 10
    graphs = [items.read(index, RNG) for index in range(10)]
    assert [len(graph) for graph in graphs] == [512] * 9 + [5000 - 9 * 512]
    assert sorted(torch.cat([graph.ids for graph in graphs]).tolist()) == list(range(5000))
    assert items.name(3) == f"{path}, window 4 of 10"
    assert sum(graph.edges.shape[1] for graph in graphs) > 10_000
    whole = items.records[0].source
    assert isinstance(whole, Graph)
    assert torch.equal(graphs[4].numbers, whole.numbers[graphs[4].ids])


def test_windows_are_connected_while_there_is_something_to_reach() -> None:
    ring = torch.stack([torch.arange(100), (torch.arange(100) + 1) % 100])
    for window in windows(100, ring, most=30)[:3]:
        gaps = (window[1:] - window[:-1] > 1).sum()
        assert int(gaps) <= 2, window


def test_items_travel_to_workers_without_what_was_kept(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("\n".join(["CCO"] * 50))
    items = read(tmp_path)
    first = items.read(7, RNG)
    assert items.read(7, RNG) is first
    again = pickle.loads(pickle.dumps(items))
    assert len(pickle.dumps(items)) < 10_000
    assert torch.equal(again.read(7, RNG).nodes, first.nodes)


def test_a_batch_numbers_the_nodes_of_all_graphs_in_a_row() -> None:
    texts = ["CCO", "C", SALT]
    batch = collate([graph_of(molecule_of(text)) for text in texts])
    assert batch.valid.sum(dim=1).tolist() == [3, 1, 10]
    owner = batch.valid.nonzero()[:, 0]
    assert torch.equal(owner[batch.edges[0]], owner[batch.edges[1]]), "an edge leaves its graph"
    oxygen = batch.nodes[batch.valid][:, 0] == 9
    assert oxygen.nonzero().flatten().tolist() == [2, 5, 7]
    with pytest.raises(ValueError, match="the same features"):
        collate([graph_of(molecule_of("C")), Graph.of(torch.zeros(1, 0).long(), torch.zeros(2, 0).long(), Schema())])
    with pytest.raises(ValueError, match="number the nodes of every graph from 0"):
        Graph.of(torch.zeros(1, 0).long(), torch.ones(2, 1).long(), Schema())
