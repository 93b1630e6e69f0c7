"""Found parts of molecules in formats that chemists' tools read, and the objects of other graphs as tables."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float
from rdkit import Chem

from gestalt.core.data.items import AbstractItems
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.storage.naming import counted

from .data import Graph
from .molecules import MOLECULE, molecule_from
from .render import draw, found_parts

DRAWN = 500
"""So many molecules are drawn, the first ones; the tables hold all."""
LAID_OUT = 50
"""So many other graphs are drawn: it takes longer to lay one out."""


def write_objects(found: Iterable[FoundBatch[Graph]], items: AbstractItems[Graph], out: Path) -> str:
    """Drawings of the first graphs, `drawings/00001.svg` for the first, and tables of all.

    Molecules: `parts.csv`, a line for every part with its atoms, SMILES and SMARTS, and `kinds.csv`, a line for every
    kind of part. Other graphs: `nodes.csv`, a line for every node with its object.
    """
    molecules, counts = Counter[str](), Counter[str]()
    smarts: dict[str, str] = {}
    (out / "drawings").mkdir()
    with _tables(out) as tables:
        for index, graph, labels in _graphs(found):
            parts, source = found_parts(labels), items.name(index)
            chemical = graph.schema == MOLECULE
            counts.update({"graphs": 1, "parts": len(parts)})
            molecules.update({"molecules": chemical})
            shown = parts
            if chemical:
                pieces = parts_of(graph, [nodes for _, nodes in parts], source)
                tables.add("parts.csv", ("molecule", "name", "part", "atoms", "smiles", "smarts"), map(_row, pieces))
                shown = [(piece.smarts, nodes) for piece, (_, nodes) in zip(pieces, parts, strict=True)]
            else:
                tables.add("nodes.csv", ("graph", "node", "name", "object"), _nodes(graph, parts, source))
            if counts["graphs"] <= (DRAWN if chemical else LAID_OUT):
                (out / "drawings" / f"{index + 1:05d}.svg").write_text(draw(graph, shown), encoding="utf-8")
