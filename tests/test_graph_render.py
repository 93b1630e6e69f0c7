"""A graph is drawn with what was found and what is true; its texts stay text."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gestalt.core.data.feature_map import Grid
from gestalt.modalities.graph import MODALITY, Graph, draw, graph_of, molecule_of
from gestalt.modalities.graph.molecules import molecule_from
from gestalt.modalities.graph.render import pale, rdkit_drawing
from gestalt.modalities.graph.views import NodeDrop, NodeMask

SPECIMEN = MODALITY.specimens()[0]


def test_every_atom_of_an_object_has_its_colour() -> None:
    page = MODALITY.render(SPECIMEN.item, SPECIMEN.labels, None, SPECIMEN.truth)
    assert page.count("<svg") == 2
    plain = draw(SPECIMEN.item, [])
    drawn = draw(SPECIMEN.item, [("ring", [4, 5, 6, 7, 8, 9])]).lower()
    assert pale(0) not in plain.lower()
    # Six discs and six bonds; RDKit may draw a bond in two strokes.
    assert drawn.count(pale(0)) >= 12


def test_a_drawing_holds_no_id_and_names_no_other_file() -> None:
    page = MODALITY.render(SPECIMEN.item, SPECIMEN.labels, None, SPECIMEN.truth)
    for word in (" id=", "xlink", "<?xml", "url(", "href"):
        assert word not in page


def test_molecules_are_drawn_as_graphs_where_a_system_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdkit.Chem.Draw", None)
    rdkit_drawing.cache_clear()
    try:
        with pytest.warns(UserWarning, match=r"RDKit cannot draw here \(.*apt-get install libxrender1 libxext6"):
            page = MODALITY.render(SPECIMEN.item, SPECIMEN.labels, None, SPECIMEN.truth)
        assert page.count("<svg") == 2
        assert page.count("<circle") == 2 * len(SPECIMEN.item)
        assert page.count(">O</text>") == 2 * sum(
            atom.GetSymbol() == "O" for atom in molecule_from(SPECIMEN.item).GetAtoms()
        )
        assert draw(SPECIMEN.item, [("ring", [4, 5])]).lower().count(pale(0)) == 2
    finally:
        rdkit_drawing.cache_clear()


def network(tmp_path: Path, nodes: int) -> Graph:
    path = tmp_path / "net.csv"
    path.write_text(
        "source,target\n" + "\n".join(f"<b>{node}</b>,<b>{(node * 7 + 1) % nodes}</b>" for node in range(nodes))
    )
    return MODALITY.read([path]).items.read(0, np.random.default_rng(0))


@pytest.mark.parametrize("nodes", [12, 200])
def test_networks_are_laid_out_with_a_circle_for_every_node(tmp_path: Path, nodes: int) -> None:
    graph = network(tmp_path, nodes)
    page = MODALITY.render(graph, torch.arange(len(graph)) % 3, None, [("<i>", [0])])
    assert page.count("<circle") == 2 * len(graph)
    assert "<b>" not in page
    assert "<i>" not in page
    assert ("&lt;b&gt;" in page) == (len(graph) <= 60)
    assert "nan" not in page


@pytest.mark.parametrize("text", ["C", "[Na+].[Cl-]", "F[P-](F)(F)(F)(F)F", "[2H]O", "*c1ccccc1"])
def test_any_molecule_and_any_part_of_one_is_drawn(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    graph = graph_of(molecule_of(text), "<script>")
    for transform in (NodeDrop(0.5), NodeMask(0.7)):
        view, _ = transform(graph, np.random.default_rng(0))
        page = MODALITY.render(view, torch.zeros(len(view), dtype=torch.long), None)
        assert "<svg" in page
        assert "<script>" not in page
    assert capfd.readouterr().err == ""


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="13 nodes, found names 3"):
        MODALITY.render(SPECIMEN.item, torch.zeros(3, dtype=torch.long), None)
    with pytest.raises(ValueError, match="a set, got a grid"):
        MODALITY.render(SPECIMEN.item, SPECIMEN.labels, Grid.uniform((13,), (1.0,)))
