"""Molecules with everything that their files say of them: names, numbers in data bases, measured properties."""

from typing import IO, final

from rdkit import Chem

from gestalt.core.storage.csv_file import TableWriter

from .data import Graph
from .molecules import in_whole
from .records import GraphRecords

OWN = ("molecule", "name", "smiles", "parts")


@final
class MoleculeTable:
    """`molecules.csv`: the place of every molecule, its name, its SMILES as it was given, how many parts it has, and
    the columns or fields of its file. A column of theirs with a name of ours gets ` (file)` behind it.

    Args:
        file: open for text.
        items: the molecules that will be written.
    """

    def __init__(self, file: IO[str], items: GraphRecords) -> None:
        self._items = items
        self._columns = [
            name for name in dict.fromkeys(key for one in items.records for key in one.values) if name != "title"
        ]
        heads = [f"{name} (file)" if name in OWN else name for name in self._columns]
        self._table = TableWriter(file, (*OWN, *heads))

    def row(self, number: int, name: str, graph: Graph, parts: int) -> None:
        """Molecule `number` of all, called `name`, with so many parts."""
        record = self._items.records[number]
        smiles = record.source if isinstance(record.source, str) else Chem.MolToSmiles(in_whole(graph)[0])
        own = (record.values.get(name, "") for name in self._columns)
        self._table.row((name, record.title, smiles, parts, *own))
