"""Molecules and networks as people have them: what features do not hold comes back from the file all the same."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.items import BadItemError
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.found import FoundBatch
from gestalt.modalities.graph import MODALITY, Graph, GraphModality, GraphRecords, graph_of, molecule_from, molecule_of
from gestalt.modalities.graph.outputs_molecules import parts_of, write_molecules
from gestalt.modalities.graph.refused import REFUSED

RNG = np.random.default_rng(0)
HARD = {
    "dative bonds": "Cl[Pt](Cl)(<-[NH3])<-[NH3]",
    "dative the other way": "CC(C)(C)[P](->[Pd](Cl)Cl)(C)C",
    "deuterium": "[2H]C([2H])([2H])Oc1ccccc1",
    "carbon-13": "[13CH3][13C](=O)O",
    "high charges": "[Os+8].[O-7]",
    "stereo": "C[C@H](N)C(=O)O",
    "double bonds": "C/C=C\\C",
    "written hydrogens": "[H]OC([H])([H])C",
    "wildcards": "*c1ccc(*)cc1",
    "fragments": "[Na+].[O-]C(=O)c1ccccc1.O",
    "a proton": "[H+].[Cl-]",
    "hydrogen": "[H][H]",
    "a zero-order bond": "[Fe]~C",
}


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def items_of(*paths: Path, modality: GraphModality = MODALITY, skip_bad: bool = False) -> GraphRecords:
    items = modality.read(paths, skip_bad).items
    assert isinstance(items, GraphRecords)
    return items


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("suffix", ["smi", "sdf"])
def test_a_molecule_comes_back_as_it_was_and_its_parts_match_it(tmp_path: Path, name: str, suffix: str) -> None:
    original = Chem.MolFromSmiles(HARD[name])
    if suffix == "sdf":
        with Chem.SDWriter(str(tmp_path / "a.sdf")) as writer:
            writer.SetForceV3000(True)
            writer.write(original)
        original = Chem.MolFromMolBlock(Chem.MolToV3KMolBlock(original))
    else:
        write(tmp_path / "a.smi", HARD[name])
    graph = items_of(tmp_path / f"a.{suffix}").read(0, RNG)
    whole = molecule_from(graph)
    assert Chem.MolToSmiles(whole) == Chem.MolToSmiles(original)
    labels = [node % 2 for node in range(len(graph))]
    for part in parts_of(graph, labels, "x"):
        matches = whole.GetSubstructMatches(Chem.MolFromSmarts(part.smarts), uniquify=False)
        places = {place for place, number in enumerate(graph.ids.tolist()) if number in part.atoms}
        assert places in [set(match) for match in matches]


def test_what_a_view_changed_is_made_of_its_features() -> None:
    graph = graph_of(molecule_of("CC[13CH2]O"), source="CC[13CH2]O")
    nodes = graph.nodes.clone()
    nodes[1] = 0
    masked = Graph(
        nodes, graph.numbers, graph.edges, graph.kinds, graph.weights, graph.ids, graph.schema, source="CCCO"
    )
    assert Chem.MolToSmiles(molecule_from(masked)) in ("*(C)CO", "C*CO")
    cut = graph.with_edges(torch.tensor([False, False, True, True, True, True]))
    assert "." in Chem.MolToSmiles(molecule_from(cut))
    window = graph.take(torch.tensor([3, 2]))
    assert Chem.MolToSmiles(molecule_from(window)) == "[13CH2]O"
    assert [atom.GetSymbol() for atom in molecule_from(window).GetAtoms()] == ["O", "C"]


def hydrogens_first(text: str) -> Chem.Mol:
    molecule = Chem.AddHs(Chem.MolFromSmiles(text))
    rdDistGeom.EmbedMolecule(molecule, randomSeed=1)
    order = sorted(range(molecule.GetNumAtoms()), key=lambda place: molecule.GetAtomWithIdx(place).GetAtomicNum() > 1)
    return Chem.RenumberAtoms(molecule, order)


@pytest.mark.parametrize("text", ["CC(N)=O", "C[C@H](N)C(=O)O", "OC/C=C/C"])
def test_atoms_have_the_numbers_of_the_file_though_hydrogens_are_none(tmp_path: Path, text: str) -> None:
    molecule = hydrogens_first(text)
    path = tmp_path / "a.sdf"
    with Chem.SDWriter(str(path)) as writer:
        writer.write(molecule)
    items = items_of(path, modality=GraphModality(most=3))
    ids = [number for index in range(len(items)) for number in items.read(index, RNG).ids.tolist()]
    heavy = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() > 1]
    assert sorted(ids) == heavy
    whole = items_of(path).read(0, RNG)
    assert torch.equal(whole.nodes, graph_of(Chem.MolFromMolBlock(Chem.MolToMolBlock(molecule))).nodes)
    parts = write(tmp_path / "p.csv", f"molecule,atoms\na.sdf [record 1],0 {heavy[0]} {heavy[1]}\n")
    found = MODALITY.read_masks(parts, items_of(path)).of_item(0, whole)
    assert found is not None
    assert found.labels.tolist() == [0, 0, *[-1] * (len(heavy) - 2)], "hydrogens are in the file, and no nodes"
    write(parts, f"molecule,atoms\na.sdf [record 1],{molecule.GetNumAtoms()}\n")
    with pytest.raises(ValueError, match=f"there is no node {molecule.GetNumAtoms()} in"):
        MODALITY.read_masks(parts, items_of(path))


def record(title: str, text: str, fields: str = "") -> str:
    block = Chem.MolToMolBlock(Chem.MolFromSmiles(text, sanitize=False), kekulize=False)
    return "\n".join([title, block.split("\n", 1)[1] + fields + "$$$$\n"])


SDF = (
    record("Äthanol", "CCO", ">  <note> (1)\ntwo\nlines\n\n> <007>\n1.50\n\n")
    + record("", "C", "> <PUBCHEM_COMPOUND_CID>\n297\n\n")
    + "junk\n\n\n  nothing here\n$$$$\n"
    + record("pentavalent", "CC(C)(C)(C)C")
    + record("empty", "")
    + record("last", "N").removesuffix("$$$$\n")
)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_records_of_an_sdf_are_read_one_by_one_in_any_encoding(tmp_path: Path, encoding: str, ending: str) -> None:
    path = write(tmp_path / "a.sdf", SDF.replace("\n", ending).encode(encoding))
    with pytest.raises(BadItemError, match=r"a\.sdf \[record 3\]: is no molecule"):
        MODALITY.read([path])
    reading = MODALITY.read([path], skip_bad=True)
    items = items_of(path, skip_bad=True)
    assert [entry.name[-10:] for entry in reading.skipped] == ["[record 3]", "[record 4]", "[record 5]"]
    assert [items.read(index, RNG).title for index in range(3)] == ["Äthanol", "297", "last"]
    assert items.record(0).values == {"title": "Äthanol", "note": "two\nlines", "007": "1.50"}


@pytest.mark.parametrize("name", ["a.mol", "a.sd", "a.sdf.gz", "a.smi.gz", "a.csv.gz"])
def test_molfiles_and_compressed_files_are_read(tmp_path: Path, name: str) -> None:
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
    text = {"smi": "CCO\n", "csv": "smiles\nCCO\n"}.get(name.split(".")[1], block)
    write(tmp_path / name, gzip.compress(text.encode()) if name.endswith("gz") else text)
    assert Chem.MolToSmiles(molecule_from(items_of(tmp_path).read(0, RNG))) == "CCO"


LINES = "smiles\tID\r\nCCO\tname\twith tabs\rCCN  two  spaces \n# a remark\n\n\nC\u2028\nO a\u2028b\x0bc"


def test_lines_of_smiles_end_where_they_end(tmp_path: Path) -> None:
    items = items_of(write(tmp_path / "a.smi", LINES))
    assert [record.source for record in items.records] == ["CCO", "CCN", "C", "O"]
    assert [record.title for record in items.records] == ["name\twith tabs", "two  spaces", "", "a\u2028b\x0bc"]
    assert [items.name(index).rpartition(" ")[2] for index in range(4)] == ["2]", "3]", "7]", "8]"]


@pytest.mark.parametrize(
    ("head", "column"),
    [
        ("ID,Canonical SMILES,logS", None),
        ("ID,SMILES (OpenEye),logS", None),
        ("ID,mol,logS", None),
        ("ID,Isomeric_Smiles,smiles_notes", None),
        ("smiles,product,ID", "Product"),
        ("first smiles,Second SMILES,ID", "second_smiles"),
    ],
)
def test_the_column_of_smiles_has_any_spelling(tmp_path: Path, head: str, column: str | None) -> None:
    path = write(tmp_path / "a.csv", f"{head}\n7,CCO,1\n")
    assert items_of(path, modality=GraphModality(column=column)).record(0).source == "CCO"


@pytest.mark.parametrize(
    ("head", "column", "message"),
    [
        (
            "raw smiles,clean smiles",
            None,
            r"several columns that may hold SMILES, 'raw smiles', 'clean smiles'; .*--column",
        ),
        ("a,b", "c", r"has no column 'c'; its columns are 'a', 'b'"),
        ("smiles,smiles", "smiles", "has 2 columns 'smiles'"),
    ],
)
def test_a_column_that_is_not_clear_is_asked_for(tmp_path: Path, head: str, column: str | None, message: str) -> None:
    path = write(tmp_path / "a.csv", f"{head}\nC,C\n")
    with pytest.raises(BadItemError, match=message):
        GraphModality(column=column).read([path])


EDGES = {
    "spaces": "% remark\n# remark\n a   b\nb  c \n\nc a\n",
    "tabs": "a\tb\nb\tc\nc\ta\n",
    "semicolons": "// remark\r\na;b\r\nb;c\r\nc;a\r\n",
    "NetworkX": "a b {}\nb c {}\nc a {}\n",
    "bars": "a|b\nb|c\nc|a",
    "UTF-16": "a b\nb c\nc a\n",
}


@pytest.mark.parametrize("name", EDGES)
def test_edges_are_written_in_many_ways(tmp_path: Path, name: str) -> None:
    content = EDGES[name].encode("utf-16" if name == "UTF-16" else "utf-8")
    graph = items_of(write(tmp_path / "a.edgelist", content)).read(0, RNG)
    assert graph.names == ("a", "b", "c")
    assert graph.edges.tolist() == [[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]]


@pytest.mark.parametrize("head", ["FromNodeId,ToNodeId", "node1,node2", "Source ID,Target ID", "u,v"])
def test_tables_of_edges_have_names_of_many_kinds(tmp_path: Path, head: str) -> None:
    assert items_of(write(tmp_path / "a.csv", f"{head}\n1,2\n2,3\n")).read(0, RNG).names == ("1", "2", "3")


OTHERS: dict[str, tuple[str, str | bytes, str]] = {
    "GML": ("a.gml", "graph []", r"a\.gml: is a network in a form that is not read; convert it"),
    "mol2": ("a.mol2", "@<TRIPOS>", r"a\.mol2: is a molecule in a form that is not read; convert it \(obabel"),
    "a zip": ("a.zip", b"PK", r"a\.zip: is compressed in a way that is not read; unpack it"),
    "a torn gzip": ("a.sdf.gz", b"\x1f\x8b\x08", r"a\.sdf\.gz: cannot be unpacked"),
    "edge data": ("a.edgelist", "a b {'w': 1}\n", r"a\.edgelist \[line 1\]: has the data of an edge in braces"),
    "an open quote": ("a.csv", 'source,target\na,"b\n', r"a\.csv \[line 2\]: has a quotation mark that does not end"),
    "a row too long": ("b.csv", "smiles,x\nC,1,2\n", r"b\.csv \[line 2\]: has 3 cells, the header has 2"),
    "a node twice": ("n.edgelist", "a b\n", r"n\.nodes\.csv \[line 3\]: says again, and otherwise, what 'a' is"),
    "a binary file": ("b.smi", b"C\n\0\1", r"b\.smi:2: holds zero bytes"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_read_is_refused_by_name_and_left_out_on_request(tmp_path: Path, name: str) -> None:
    file, content, message = OTHERS[name]
    path, good = write(tmp_path / file, content), tmp_path / "good.edgelist"
    write(good, "1 2\n2 3\n")
    if name == "a node twice":
        write(tmp_path / "n.nodes.csv", "node,age\na,1\na,2\n")
    with pytest.raises(BadItemError, match=message):
        MODALITY.read([path, good])
    reading = MODALITY.read([path, good], skip_bad=True)
    assert [file in entry.name or "n.nodes" in entry.name for entry in reading.skipped] == [True]


def test_graphs_in_other_forms_in_a_folder_are_listed_as_left_out(tmp_path: Path) -> None:
    others = {suffix for suffix in REFUSED if suffix != ".tar"}  # an archive is a folder of files
    for suffix in others:
        write(tmp_path / f"a{suffix}", "x")
    write(tmp_path / "good.smi", "C\n")
    write(tmp_path / "notes.tar.gz", b"x")
    reading = MODALITY.read([tmp_path])
    assert {Path(entry.name).suffix for entry in reading.skipped} == {*others, ".gz"}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("most", [512, 4])
def test_everything_that_a_file_says_of_a_molecule_is_written_beside_it(tmp_path: Path, most: int) -> None:
    path = write(
        tmp_path / "a.csv", "ChEMBL ID,SMILES,name,log P\nCHEMBL545,OCC,ethanol,-0.1\nCHEMBL277500,c1ccccc1C,,2.7\n"
    )
    items = items_of(path, modality=GraphModality(most=most))
    graphs = [items.read(index, RNG) for index in range(len(items))]
    count = max(map(len, graphs))
    labels = torch.zeros(len(graphs), count, dtype=torch.long)
    valid = torch.arange(count) < torch.tensor([len(graph) for graph in graphs])[:, None]
    batch = FoundBatch(
        tuple(range(len(graphs))),
        tuple(graphs),
        FeatureMap(torch.zeros(len(graphs), count, 1), valid),
        Segmentation.from_labels(torch.where(valid, labels, -1), 1),
    )
    write_molecules([batch], items, tmp_path)
    rows = table(tmp_path / "molecules.csv")
    assert [row["molecule"] for row in rows] == [record.name for record in items.records]
    assert rows[0] == {
        "molecule": f"{path} [line 2]",
        "name": "ethanol",
        "smiles": "OCC",
        "parts": "1",
        "ChEMBL ID": "CHEMBL545",
        "name (file)": "ethanol",
        "log P": "-0.1",
    }
    assert {row["name"] for row in rows[1:]} == {"CHEMBL277500"}
    assert {row["name"] for row in table(tmp_path / "parts.csv")} == {"ethanol", "CHEMBL277500"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("InChI=1S/CH4/h1H4", "an InChI, perhaps: write SMILES"),
        ("CCO>>CC=O", "a reaction, perhaps"),
        ("0\t1", "an edge, perhaps: call a list of edges FILE.edgelist"),
        ("CCO,ethanol", "a row of a table, perhaps: call it FILE.csv"),
    ],
)
def test_what_a_line_may_be_that_is_no_smiles_is_said(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text(f"{line}\n")
    with pytest.raises(BadItemError, match=rf"a\.smi \[line 1\]: .*is no SMILES.*{said}"):
        GraphModality().read([tmp_path])


@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", "source,target\n#owl,wood\nwood,sea\n"), ("a.edgelist", "a b\n#c d\n")]
)
def test_names_that_begin_as_remarks_are_asked_for(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadItemError, match=rf"{name} \[line 2\]: begins with # and may be an edge or a remark"):
        MODALITY.read([tmp_path / name])
    (tmp_path / name).write_text(text.replace("#owl", '"#owl"').replace("#c d", "# c d"))
    assert len(MODALITY.read([tmp_path / name]).items.read(0, np.random.default_rng(0))) == (3 if "owl" in text else 2)
