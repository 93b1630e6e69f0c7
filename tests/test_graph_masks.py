"""Parts that come with graphs lie on their nodes, in windows of them too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch

from gestalt.core.data.items import Skipped
from gestalt.core.data.masks import AbstractMasks
from gestalt.core.training.data import Order, batches
from gestalt.modalities.graph import Graph, GraphModality, GraphRecords, Graphs, chain
from gestalt.modalities.graph.views import NodeDrop, Reorder, Subgraph

RNG = np.random.default_rng(0)
SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "CCO", "c1ccncc1"]
PARTS = {0: [(0, 1, 2, 3), (4, 5, 6, 7, 8, 9), (10, 11, 12)], 2: [(0, 1, 2, 3, 4, 5), (3,)]}
"""Atoms of parts, by molecule; the last ones overlap."""


@final
@dataclass(frozen=True)
class Numbered:
    """Graphs with the numbers of their nodes in the file, which a batch does not keep."""

    graphs: Graphs
    ids: tuple[tuple[int, ...], ...]

    def to(self, device: torch.device | str, /) -> "Numbered":
        """The same, elsewhere."""
        return Numbered(self.graphs.to(device), self.ids)


def numbered(items: Sequence[Graph]) -> Numbered:
    return Numbered(GraphModality().collate(items), tuple(tuple(item.ids.tolist()) for item in items))


def data(at: Path) -> Path:
    rows = ["name,smiles", *(f"m{number},{smiles}" for number, smiles in enumerate(SMILES))]
    return write(at / "data" / "props.csv", *rows)


def write(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*rows, ""]))
    return path


def parts_table(at: Path, prefix: str = "", head: str = "molecule,name,part,atoms,smiles,smarts") -> Path:
    """As `discover` writes it."""
    rows = [
        f'"{prefix}props.csv [line {molecule + 2}]",m{molecule},{number},{joined(atoms)},S{number},A{number}'
        for molecule, parts in PARTS.items()
        for number, atoms in enumerate(parts, start=1)
    ]
    return write(at / "parts.csv", head, *rows)


def joined(atoms: tuple[int, ...]) -> str:
    return " ".join(map(str, atoms))


def nodes_table(at: Path) -> Path:
    """As `discover` writes it for other graphs than molecules."""
    rows = []
    for molecule, count in enumerate((13, 3, 6)):
        for node in range(count):
            own = [number for number, atoms in enumerate(PARTS.get(molecule, ()), start=1) if node in atoms]
            rows.append(f'"props.csv [line {molecule + 2}]",{node},,{own[-1] if own else 0}')
    return write(at / "nodes.csv", "graph,node,name,object", *rows)


def masks_of(at: Path, masks: Path, **settings: Any) -> tuple[GraphRecords, AbstractMasks[Graph]]:
    modality = GraphModality(**settings)
    items = modality.read([data(at)]).items
    assert isinstance(items, GraphRecords)
    return items, modality.read_masks(masks, items)


def groups(items: GraphRecords, masks: AbstractMasks[Graph], index: int) -> set[tuple[int, ...]]:
    """The objects of an item as nodes of the file."""
    item = items.read(index, RNG)
    found = masks.of_item(index, item)
    assert found is not None
    assert found.grid is None
    return {tuple(item.ids[found.labels == number].tolist()) for number in found.objects()}


TABLES: dict[str, Callable[[Path], Path]] = {
    "parts": parts_table,
    "parts with a path": lambda at: parts_table(at, f"{at}/data/"),
    "parts with another directory's path": lambda at: parts_table(at, "data/"),
    "nodes": nodes_table,
}


@pytest.mark.parametrize("name", TABLES)
def test_parts_lie_on_their_atoms_the_smaller_on_top(tmp_path: Path, name: str) -> None:
    items, masks = masks_of(tmp_path, TABLES[name](tmp_path))
    assert groups(items, masks, 0) == set(PARTS[0])
    assert groups(items, masks, 2) == {(0, 1, 2, 4, 5), (3,)}
    if name == "nodes":  # it names the molecule without any part, too
        assert groups(items, masks, 1) == set()
    else:
        assert not masks.has(1)
        assert masks.of_item(1, items.read(1, RNG)) is None


def test_parts_are_named_and_shown(tmp_path: Path) -> None:
    items, masks = masks_of(tmp_path, parts_table(tmp_path))
    item = items.read(0, RNG)
    found = masks.of_item(0, item)
    assert found is not None
    shown = GraphModality().shown_masks(item, found)
    assert sorted((name, tuple(nodes)) for name, nodes in shown) == [
        (f"A{number}", atoms) for number, atoms in enumerate(PARTS[0], start=1)
    ]
    assert "A2" in GraphModality().render(item, torch.full((13,), -1), None, shown)


def test_windows_of_a_graph_have_their_part_of_the_parts(tmp_path: Path) -> None:
    items, masks = masks_of(tmp_path, parts_table(tmp_path), most=5)
    met: dict[int, set[int]] = {}
    for index in range(3):
        item = items.read(index, RNG)
        found = masks.of_item(index, item)
        assert found is not None
        for node, label in zip(item.ids.tolist(), found.labels.tolist(), strict=True):
            met.setdefault(label, set()).add(node)
    assert sorted(map(sorted, met.values())) == sorted(map(list, PARTS[0]))


def test_a_table_may_name_windows(tmp_path: Path) -> None:
    rows = [
        f'"props.csv [line 2], window {window} of 3",x,1,{atoms},S,A' for window, atoms in ((1, "0 1"), (3, "11 12"))
    ]
    path = write(tmp_path / "parts.csv", "molecule,name,part,atoms,smiles,smarts", *rows)
    items, masks = masks_of(tmp_path, path, most=5)
    assert {group for index in range(3) for group in groups(items, masks, index)} == {(0, 1), (11, 12)}


def test_the_masks_of_training_are_on_their_nodes(tmp_path: Path) -> None:
    """Nodes that a view drops or reorders: each belongs to the part in which it was."""
    items, masks = masks_of(tmp_path, parts_table(tmp_path))
    views = type(GraphModality().views)(
        chain((1.0, Subgraph(0.7, 0.9)), (1.0, Reorder())), (chain((1.0, NodeDrop()), (1.0, Reorder())),) * 2
    )
    seen = 0
    for batch in batches(items, views, numbered, Order(3, 3, 6, 0), 0, False, masks=masks):
        assert batch.masks is not None
        for made in batch.views:
            features = GraphModality().encoders["raw"](**items.schema.settings())(made.data.graphs)
            found = batch.masks.seen_from(made.correspondence, features).labels()
            for row, index in enumerate(batch.index.tolist()):
                if index == 1:
                    assert batch.masks.whole[row]
                    continue
                part = [0 if index == 2 else -1] * 13
                for number, atoms in enumerate(PARTS[index]):
                    for atom in atoms:
                        part[atom] = number
                kinds: dict[int, set[int]] = {}
                for node, label in zip(made.data.ids[row], found[row].tolist(), strict=False):
                    kinds.setdefault(label, set()).add(part[node])
                    seen += label >= 0
                assert all(len(kind) == 1 for kind in kinds.values())
                assert kinds.get(-1, {-1}) == {-1}
    assert seen > 50


WRONG: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (lambda at: at / "no.csv", r"the masks .*no\.csv do not exist"),
    "another format": (lambda at: write(at / "x.json", "{}"), r"x\.json holds no masks.*a table"),
    "a folder": (lambda at: write(at / "m" / "parts.csv", "a").parent, "m holds no masks"),
    "no columns": (lambda at: write(at / "x.csv", "smiles,log"), r"x\.csv has the columns smiles, log; give a table"),
    "a stranger": (
        lambda at: write(at / "x.csv", "molecule,atoms", "z.csv [line 2],0 1"),
        r"x\.csv names 'z\.csv \[line 2\]', which is none of the 3 graphs .* such as .*props\.csv \[line 2\]",
    ),
    "no atoms": (
        lambda at: write(at / "x.csv", "molecule,atoms", "props.csv [line 2],C O"),
        r"x\.csv:2: 'C O' are no numbers",
    ),
    "an atom too many": (
        lambda at: write(at / "x.csv", "molecule,atoms", "props.csv [line 3],1 2 3"),
        r"x\.csv:2: there is no node 3 in props\.csv \[line 3\], which has 3",
    ),
    "no text": (lambda at: binary(at / "x.csv"), r"x\.csv:1: is not in UTF-8"),
}


def binary(path: Path) -> Path:
    path.write_bytes(b"\x80\xfe\x01")
    return path


@pytest.mark.parametrize("name", WRONG)
def test_wrong_parts_are_refused_by_name(tmp_path: Path, name: str) -> None:
    make, message = WRONG[name]
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        masks_of(tmp_path, make(tmp_path))


def test_a_name_that_fits_two_graphs_is_refused_and_another_folder_is_none(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write(tmp_path / "data" / folder / "p.csv", "smiles", "CCO")
    items = GraphModality().read([tmp_path / "data"]).items
    path = write(tmp_path / "x.csv", "molecule,atoms", "p.csv [line 2],0")
    with pytest.raises(ValueError, match=r"fits both .*one/p\.csv \[line 2\] and .*two/p\.csv"):
        GraphModality().read_masks(path, items)
    path = write(tmp_path / "x.csv", "molecule,atoms", "three/p.csv [line 2],0")
    with pytest.raises(ValueError, match=r"'three/p\.csv \[line 2\]', which is none"):
        GraphModality().read_masks(path, items)


def test_names_that_were_written_in_another_working_directory_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data(tmp_path)
    monkeypatch.chdir(tmp_path / "data")
    items = GraphModality().read([Path("props.csv")]).items
    path = write(tmp_path / "x.csv", "molecule,atoms", "/home/me/data/props.csv [line 3],0 1")
    assert [GraphModality().read_masks(path, items).has(index) for index in range(3)] == [False, True, False]


def test_parts_of_graphs_that_were_left_out_may_be_there(tmp_path: Path) -> None:
    items, _ = masks_of(tmp_path, parts_table(tmp_path))
    path = write(tmp_path / "x.csv", "molecule,atoms", "props.csv [line 2],0 1", "props.csv [line 9],0 1")
    skipped = [Skipped(f"{tmp_path}/data/props.csv [line 9]", "is no molecule")]
    assert GraphModality().read_masks(path, items, skipped).has(0)
