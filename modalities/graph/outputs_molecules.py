"""Found parts of molecules in formats that chemists' tools read."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from rdkit import Chem

from gestalt.core.discovery.found import FoundBatch, Named
from gestalt.core.storage.csv_file import TableWriter
from gestalt.core.storage.naming import counted
from gestalt.core.storage.text_file import open_text

from .data import Graph
from .joining import in_windows, shown_windows, whole_graphs
from .molecules import in_whole
from .outputs_records import MoleculeTable
from .records import GraphRecords
from .render import draw

DRAWN = 500
"""So many molecules are drawn, the first ones; the tables hold all."""


@final
@dataclass(frozen=True)
class FoundPart:
    """One part of a molecule: where the molecule stands, its number there, its atoms, and what they are.

    `label` is what a model calls it, `score` how sure that is.
    """

    source: str
    title: str
    number: int
    atoms: tuple[int, ...]
    smiles: str
    smarts: str
    label: str = ""
    score: float = 1.0


def write_molecules(found: Iterable[FoundBatch[Graph]], items: GraphRecords, out: Path) -> str:
    """`drawings/00001.svg` of the first molecule, …; `parts.csv`, a line for every part; `kinds.csv` of all parts;
    `molecules.csv`, a line for every molecule with what its file says of it.

    A part has its atoms, as the file numbers them from 0, and its SMILES and SMARTS; a kind is a SMILES. A molecule
    that came in windows is one molecule here; each of its windows has a drawing, `00001_window1.svg`, ….
    """
    assert isinstance(items, GraphRecords)
    counts, smarts, seen, windows, drawn = Counter[str](), dict[str, str](), 0, 0, 0
    (out / "drawings").mkdir()
    with open_text(out / "parts.csv") as file, open_text(out / "molecules.csv") as whole:
        molecules = MoleculeTable(whole, items)
        table: TableWriter | None = None
        for one in whole_graphs(found, items):
            parts = parts_of(one.graph, one.labels.tolist(), one.name, one.named)
            said = () if one.named is None else ("label", "score")
            table = table or TableWriter(file, ("molecule", "name", "part", "atoms", "smiles", "smarts", *said))
            molecules.row(one.number, one.name, one.graph, len(parts))
            for part in parts:
                counts[part.smiles] += 1
                smarts.setdefault(part.smiles, part.smarts)
                atoms = " ".join(map(str, part.atoms))
                cells = part.source, part.title, part.number, atoms, part.smiles, part.smarts
                table.row((*cells, *((part.label, round(part.score, 4)) if said else ())))
            for name, graph, labels in shown_windows(one):
                if drawn < DRAWN:
                    picture = drawing(graph, parts_of(graph, labels.tolist(), one.name))
                    (out / "drawings" / name).write_text(picture, encoding="utf-8")
                    drawn += 1
            seen, windows = seen + 1, windows + len(one.windows)
    with open_text(out / "kinds.csv") as file:
        table = TableWriter(file, ("smiles", "parts", "smarts"))
        for smiles, count in counts.most_common():
            table.row((smiles, count, smarts[smiles]))
    more = "" if windows <= DRAWN else f" (drawn: the first {DRAWN})"
    return f"{counted(sum(counts.values()), 'part')} in {counted(seen, 'molecule')}{in_windows(seen, windows)}{more}"


def parts_of(graph: Graph, labels: Sequence[int], source: str, named: Named | None = None) -> list[FoundPart]:
    """The parts of one molecule, in order of their first atoms; atoms are numbered as in the file, from 0.

    They are parts of the molecule of the file, with its isotopes, charges and the directions of its bonds; that of
    chirality has no sense in a part.
    """
    whole, atoms = in_whole(graph)
    molecule: Any = Chem.Mol(whole)
    Chem.RemoveStereochemistry(molecule)
    ids = graph.ids.tolist()
    own: dict[int, list[int]] = {}
    for place, number in enumerate(labels[: len(graph)]):
        if number >= 0:
            own.setdefault(number, []).append(place)
    return [
        FoundPart(
            source,
            graph.title,
            number,
            tuple(ids[place] for place in places),
            Chem.MolFragmentToSmiles(molecule, [atoms[place] for place in places]),
            Chem.MolFragmentToSmarts(molecule, [atoms[place] for place in places]),
            "" if named is None else named.name(called),
            1.0 if named is None else float(named.scores[0, places].mean()),
        )
        for number, (called, places) in enumerate(own.items(), start=1)
    ]


def drawing(graph: Graph, parts: Sequence[FoundPart]) -> str:
    """An SVG of the molecule with its parts in colours."""
    place = {number: node for node, number in enumerate(graph.ids.tolist())}
    return draw(graph, [(part.smarts, [place[atom] for atom in part.atoms]) for part in parts])
