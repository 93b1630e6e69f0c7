"""Which column of a table holds SMILES, which says what a molecule is called, and which are the ends of edges."""

import re
from collections.abc import Mapping, Sequence

from gestalt.core.tables.layout import Layout

SMILES = ("smiles", "canonicalsmiles", "isomericsmiles", "smi", "structure", "molecule", "mol")
"""Names of columns of SMILES in small letters, without spaces and marks, the likelier first."""
NAMES = ("title", "name", "compoundname", "moleculename", "drugname", "preferredname")
ENDS = {
    *(("source", "target"), ("from", "to"), ("src", "dst"), ("u", "v"), ("head", "tail"), ("start", "end")),
    *((f"{one}1", f"{one}2") for one in ("node", "id", "vertex", "nodeid", "vertexid")),
}
"""Names of the first two columns of an edge list in small letters; `node`, `vertex` and `id` may stand beside them."""


def plain(name: str) -> str:
    """A name in small letters, without spaces and marks.

    Example:
        >>> plain("Canonical_SMILES (OpenEye)")
        'canonicalsmilesopeneye'
    """
    return re.sub(r"[\W_]+", "", name.lower())


def smiles_column(layout: Layout, wanted: str | None) -> int | None:
    """The column of SMILES; None if there is none.

    Raises:
        ValueError: if several may be it, or the wanted one is not there.

    Example:
        >>> smiles_column(Layout(",", ("CID", "Canonical SMILES")), None), smiles_column(Layout(",", ("a", "b")), None)
        (1, None)
    """
    names = [plain(name) for name in layout.names]
    listed = ", ".join(map(repr, layout.names[:12])) or "none"
    if wanted is not None:
        found = layout.column(wanted)
        if found is None and names.count(plain(wanted)) == 1:
            found = names.index(plain(wanted))
        if found is None:
            raise ValueError(f"has no column {wanted!r}; its columns are {listed}")
        return found
    known = next((name for name in SMILES if name in names), None)
    likely = [place for place, name in enumerate(names) if name == known or (known is None and "smiles" in name)]
    if len(likely) > 1:
        said = ", ".join(repr(layout.names[place]) for place in likely)
        raise ValueError(f"has several columns that may hold SMILES, {said}; name the right one by --column")
    return likely[0] if likely else None


def title_in(values: Mapping[str, str]) -> str:
    """What a molecule is called, by the columns beside it: its name, or its number in a data base.

    Example:
        >>> title_in({"log P": "2", "ChEMBL ID": "CHEMBL25"}), title_in({"ID": "7", "Name": "aspirin"})
        ('CHEMBL25', 'aspirin')
    """
    names = {plain(column): value for column, value in values.items() if value}
    for known in NAMES:
        if known in names:
            return names[known]
    likely = [name for name in names if "name" in name] + [name for name in names if name.endswith("id")]
    return names[likely[0]] if likely else ""


def is_edge_list(head: Sequence[str]) -> bool:
    """Whether the first two columns are named as the ends of edges.

    Example:
        >>> is_edge_list(["FromNodeId", "ToNodeId"]), is_edge_list(["name", "smiles"])
        (True, False)
    """
    names = tuple(map(plain, head[:2]))
    return names in ENDS or tuple(re.sub(r"node|vertex|id", "", name) for name in names) in ENDS
