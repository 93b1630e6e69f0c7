"""Parts of molecules as chemists' tools read them, and objects of networks."""

import csv
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet
import pytest
from rdkit import Chem

from gestalt.core.data.items import BadItemError
from gestalt.core.runs.discover import discover
from gestalt.core.runs.embed import embed
from gestalt.modalities.graph import MODALITY, GraphModality, outputs_molecules, outputs_networks
from tests.tiny_runs import tiny_run

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few molecules with awkward names: a salt, a single atom, and a broken line."""
    path = tmp_path_factory.mktemp("mine") / "Moleküle 鳥.smi"
    path.write_text(
        f"CC(=O)Oc1ccccc1C(=O)O {HOSTILE}\n[Na+].[Cl-] salt\nC methane\nC1CC broken\nCCOC(=O)C=C acrylate\n"
    )
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rings of six nodes that one edge joins."""
    path = tmp_path_factory.mktemp("nets") / "net.edgelist"
    rings = [(f"{side}{node}", f"{side}{(node + 1) % 6}") for side in "ab" for node in range(6)]
    path.write_text("".join(f"{one} {two}\n" for one, two in [*rings, ("a0", "b0")]))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on molecules."""
    return tiny_run(tmp_path_factory.mktemp("runs") / "graph", MODALITY, "gine", width=16)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_drawings_atoms_and_smarts_that_match_are_written(
    run: Path, library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found"
    with pytest.raises(BadItemError, match=r"line 4.*'C1CC' is no SMILES"):
        discover(run, [library], out)
    assert discover(run, [library], out, skip_bad=True) == 0
    assert sorted(path.name for path in (out / "drawings").iterdir()) == [f"0000{n}.svg" for n in (1, 2, 3, 4)]
    rows = table(out / "parts.csv")
    assert f"{len(rows)} parts in 4 molecules, written to {out}; 1 left out" in capsys.readouterr().out
    texts = {"1": "CC(=O)Oc1ccccc1C(=O)O", "2": "[Na+].[Cl-]", "3": "C", "5": "CCOC(=O)C=C"}
    for line, text in texts.items():
        molecule = Chem.MolFromSmiles(text)
        own = [row for row in rows if row["molecule"] == f"{library} [line {line}]"]
        assert [row["part"] for row in own] == [str(number) for number in range(1, len(own) + 1)]
        atoms = sorted(int(atom) for row in own for atom in row["atoms"].split())
        assert atoms == list(range(molecule.GetNumAtoms())), "every atom is in one part"
        for row in own:
            matches = molecule.GetSubstructMatches(Chem.MolFromSmarts(row["smarts"]))
            assert set(map(int, row["atoms"].split())) in [set(match) for match in matches]
    kinds = table(out / "kinds.csv")
    assert sum(int(row["parts"]) for row in kinds) == len(rows)
    assert "line 4" in (out / "skipped.txt").read_text()
    assert HOSTILE in {row["name"] for row in rows}
    for drawing in (out / "drawings").iterdir():
        assert ElementTree.parse(drawing).getroot().tag.endswith("svg")
        assert "<img" not in drawing.read_text()


def test_there_is_a_vector_for_every_molecule_and_every_atom_with_its_number(
    run: Path, library: Path, tmp_path: Path
) -> None:
    assert embed(run, [library], tmp_path / "out", skip_bad=True) == 0
    arrays = np.load(tmp_path / "out" / "vectors.npz")
    assert arrays["items"].shape == (4, 16)
    assert arrays["files"].tolist() == [str(library)] * 4
    assert arrays["names"].tolist() == [f"{library} [line {line}]" for line in (1, 2, 3, 5)]
    assert arrays["records"].tolist() == [f"line {line}" for line in (1, 2, 3, 5)]
    assert arrays["elements"].shape == (13 + 2 + 1 + 7, 16)
    assert arrays["atom"].tolist() == [*range(13), *range(2), 0, *range(7)]
    assert arrays["element_item"].tolist() == [0] * 13 + [1] * 2 + [2] + [3] * 7


def test_nodes_of_networks_are_written_with_their_objects(network: Path, tmp_path: Path) -> None:
    modality = GraphModality(most=7)  # one network of twelve nodes comes in two windows
    items = modality.read([network]).items
    run = tiny_run(tmp_path / "run", modality, "gine", 2, width=16, **modality.encoder_settings("gine", items))
    assert discover(run, [network], tmp_path / "found") == 0
    rows = table(tmp_path / "found" / "nodes.csv")
    assert [row["graph"] for row in rows] == [str(network)] * 12, "two windows of one graph are one graph"
    assert [int(row["node"]) for row in rows] == list(range(12))
    names = [f"a{node}" for node in range(6)] + [f"b{node}" for node in range(6)]
    assert all(row["name"] == names[int(row["node"])] for row in rows)
    assert {row["object"] for row in rows} <= {"1", "2"}
    drawings = sorted((tmp_path / "found" / "drawings").iterdir())
    assert [path.name for path in drawings] == ["00001_window1.svg", "00001_window2.svg"]
    circles = [path.read_text().count("<circle") for path in drawings]
    assert sum(circles) == 12
    assert embed(run, [network], tmp_path / "vectors") == 0
    elements = pyarrow.parquet.read_table(tmp_path / "vectors" / "elements.parquet").to_pydict()
    assert sorted(elements["node"]) == list(map(float, range(12)))


@pytest.mark.parametrize("module", [outputs_molecules, outputs_networks])
def test_only_the_first_graphs_are_drawn_and_it_says_so(
    module: Any, run: Path, library: Path, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "DRAWN", 1)
    if module is outputs_networks:
        modality, library = GraphModality(most=7), network
        settings = modality.encoder_settings("gine", modality.read([network]).items)
        run = tiny_run(tmp_path / "run", modality, "gine", 2, width=16, **settings)
    assert discover(run, [library], tmp_path / "found", skip_bad=True) == 0
    assert len(list((tmp_path / "found" / "drawings").iterdir())) == 1
    assert "(drawn: the first 1), written to" in capsys.readouterr().out
