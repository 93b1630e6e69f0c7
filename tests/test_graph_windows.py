"""Windows of large graphs: seen with what lies around them, joined to the whole by the nodes that they share."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from gestalt.core.modality.windows import Sight
from gestalt.core.runs.discover import discover
from gestalt.core.runs.embed import embed
from gestalt.modalities.graph import GraphModality, GraphRecords, collate, records
from gestalt.modalities.graph.molecules import molecule_of
from gestalt.modalities.graph.windows import surroundings
from tests.tiny_runs import tiny_run

LAYERS = 3


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ring of eight cliques of eight nodes, one feature that tells even cliques from odd ones."""
    path = tmp_path_factory.mktemp("nets") / "ring.edgelist"
    lines = ["source target"]
    for clique in range(8):
        nodes = [8 * clique + place for place in range(8)]
        lines += [f"n{one} n{two}" for one in nodes for two in nodes if one < two]
        lines.append(f"n{nodes[-1]} n{(nodes[-1] + 1) % 64}")
    path.write_text("\n".join(lines[1:]) + "\n")
    rows = ["node,kind", *(f"n{node},{'ab'[node // 8 % 2]}" for node in range(64))]
    path.with_suffix(".nodes.csv").write_text("\n".join(rows) + "\n")
    return path


def graphs(network: Path, most: int, margin: int) -> GraphRecords:
    items = GraphModality(most=most, margin=margin).read([network]).items
    assert isinstance(items, GraphRecords)
    return items


@pytest.mark.parametrize("encoder", ["gine", "gin", "gcn", "gat", "raw"])
@pytest.mark.parametrize("most", [5, 13, 40])
def test_vectors_of_nodes_in_windows_are_those_of_the_whole_graph(network: Path, encoder: str, most: int) -> None:
    whole = graphs(network, 1000, 0).read(0, np.random.default_rng(0))
    settings = GraphModality().encoder_settings(encoder, graphs(network, 1000, 0))
    torch.manual_seed(0)
    depth = {"hops": LAYERS} if encoder == "raw" else {"layers": LAYERS}
    network_of_nodes = GraphModality().encoders[encoder](**settings, **depth).eval()
    modality = GraphModality(most=most, margin=LAYERS + 1)
    items = modality.read([network]).items
    assert isinstance(items, GraphRecords)
    items.around = 64  # all of the graph may be seen: what lies within reach of so small windows is more than they hold
    with torch.no_grad():
        expected = network_of_nodes(collate([whole])).values[0]
        met = []
        for index in range(len(items)):
            seen = items.read_in_context(index, Sight())
            assert isinstance(seen.own, torch.Tensor)
            found = network_of_nodes(collate([seen.around])).values[0, seen.own]
            ids = seen.item.ids
            assert torch.allclose(found, expected[ids], atol=1e-4)
            met += ids.tolist()
    assert sorted(met) == list(range(64)), "every node is in one window"


def test_without_a_margin_they_are_not(network: Path) -> None:
    """The law above would notice windows that do not see what lies around them."""
    items = graphs(network, 13, 0)
    settings = GraphModality().encoder_settings("gine", items)
    torch.manual_seed(0)
    encoder = GraphModality().encoders["gine"](**settings).eval()
    whole = graphs(network, 1000, 0).read(0, np.random.default_rng(0))
    with torch.no_grad():
        expected = encoder(collate([whole])).values[0]
        window = items.read(0, np.random.default_rng(0))
        assert not torch.allclose(encoder(collate([window])).values[0], expected[window.ids], atol=1e-2)


def test_what_lies_around_is_bounded_and_nearest_first() -> None:
    star = torch.stack([torch.zeros(50, dtype=torch.long), torch.arange(1, 51)])
    seen = surroundings(torch.tensor([3]), 51, star, hops=4, most=10)
    assert seen.nonzero()[:, 0].tolist() == [*range(10), 10], "the hub, and the first of its leaves"


@pytest.mark.parametrize("most", [12, 20, 27])
def test_a_community_that_borders_cut_is_one_object(network: Path, most: int, tmp_path: Path) -> None:
    modality = GraphModality(most=most)
    settings = modality.encoder_settings("gine", modality.read([network]).items)
    run = tiny_run(tmp_path / "run", modality, "gine", 2, width=16, **settings)
    assert discover(run, [network], tmp_path / "found") == 0
    with (tmp_path / "found" / "nodes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["node"]) for row in rows] == list(range(64))
    assert {row["graph"] for row in rows} == {str(network)}
    kinds = {kind: {row["object"] for row in rows if int(row["node"]) // 8 % 2 == kind} for kind in (0, 1)}
    assert all(len(objects) == 1 for objects in kinds.values()), kinds
    assert kinds[0] != kinds[1]
    assert embed(run, [network], tmp_path / "vectors") == 0
    arrays = np.load(tmp_path / "vectors" / "vectors.npz")
    assert sorted(arrays["node"].tolist()) == list(range(64))
    numbers = {int(arrays["element_object"][place]) for place in range(64) if arrays["node"][place] // 8 % 2 == 0}
    assert len(numbers) == 1


def test_windows_of_a_molecule_are_one_molecule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = "CCO" * 12
    (tmp_path / "a.smi").write_text(f"{chain} long\nCCO short\n")
    modality = GraphModality(most=10)
    run = tiny_run(tmp_path / "run", modality, "gine", 2, width=16)
    assert discover(run, [tmp_path / "a.smi"], tmp_path / "found") == 0
    assert " in 2 molecules (in 5 windows), written to" in capsys.readouterr().out
    with (tmp_path / "found" / "parts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} == {"long", "short"}
    assert all(", window" not in row["molecule"] for row in rows)
    atoms = [int(atom) for row in rows if row["name"] == "long" for atom in row["atoms"].split()]
    assert sorted(atoms) == list(range(36))
    names = sorted(path.name for path in (tmp_path / "found" / "drawings").iterdir())
    assert names == [*(f"00001_window{place}.svg" for place in (1, 2, 3, 4)), "00002.svg"]


def test_a_molecule_in_windows_is_read_from_its_text_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "long.smi").write_text("C" * 100 + "\n")
    items = GraphModality(most=8).read([tmp_path / "long.smi"]).items
    asked: list[object] = []

    def counted(source: str | bytes) -> object:
        asked.append(source)
        return molecule_of(source)

    monkeypatch.setattr(records, "molecule_of", counted)
    assert len([items.read(index, np.random.default_rng(0)) for index in range(len(items))]) == 13
    assert len(asked) == 1
