"""Files of molecules and networks: what stands on every line, and what is wrong with it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rdkit import Chem, rdBase

from gestalt.core.data.items import BadItemError, Skipped
from gestalt.core.modality.base import Reading
from gestalt.core.modality.files import ADVICE, find_files
from gestalt.core.modality.probing import none_usable, probe

from .data import Graph, Schema
from .molecules import MOLECULE, molecule_of
from .networks import from_saved, is_edge_list, network
from .records import GraphRecords, Record
from .tables import table_of, text_of

LINES = frozenset((".smi", ".smiles", ".txt"))
TABLES = frozenset((".csv", ".tsv"))
SUFFIXES = LINES | TABLES | {".sdf", ".edgelist", ".pt"}
SMILES = ("smiles", "canonical_smiles", "smi", "structure", "molecule")


def find_graphs(paths: Sequence[Path]) -> list[Path]:
    """The graph files among `paths` and in the folders among them; features of nodes are read with their edges."""
    found = find_files(paths, SUFFIXES, "graphs")
    return [path for path in found if path in paths or not path.stem.endswith(".nodes")]


def read_graphs(
    paths: Sequence[Path], most: int, skip_bad: bool = False, smiles: str | None = None, margin: int = 0
) -> Reading[Graph]:
    """Every graph in every file; each SMILES is parsed once.

    Raises:
        BadItemError: for the first line, record or file that cannot be used, unless `skip_bad`.
        ValueError: if no graph is left, or molecules and networks are mixed.
    """
    skipped: list[Skipped] = []
    left_out = skipped if skip_bad else None

    def examine(path: Path) -> list[Record]:
        return _good_records(path, smiles, left_out)

    good = [record for _, records in probe(find_graphs(paths), examine, left_out) for record in records]
    if not good:
        raise none_usable(skipped, f"{len(skipped)} graphs")
    kept, schema = common_schema(good, left_out)
    return Reading(GraphRecords(kept, schema, most, margin), tuple(skipped))


def _good_records(path: Path, smiles: str | None, skipped: list[Skipped] | None) -> list[Record]:
    """The records of a file that can be used; the others are added to `skipped`, or raised where it is None."""
    good: list[Record] = []
    bad = False
    for found in _records(path, smiles):
        if isinstance(found, Record):
            good.append(replace(found, file=path))
        elif skipped is None:
            raise BadItemError(found.name, found.reason)
        else:
            bad = True
            skipped.append(found)
    if not good and not bad:
        raise BadItemError(str(path), f"holds no graph; {ADVICE}")
    return good


def common_schema(records: Sequence[Record], skipped: list[Skipped] | None = None) -> tuple[list[Record], Schema]:
    """The records that have the same features, and which: those of the most, whose others are added to `skipped`.

    Raises:
        BadItemError: naming the first record whose features differ from those of the first, if `skipped` is None.
    """
    own = [record.source.schema if isinstance(record.source, Graph) else MOLECULE for record in records]
    wanted = Counter(own).most_common(1)[0][0] if skipped is not None else own[0]
    kept: list[Record] = []
    for record, schema in zip(records, own, strict=True):
        if schema == wanted:
            kept.append(record)
            continue
        like = records[own.index(wanted)].name
        other, first = _described(schema), _described(wanted)
        reason = f"is {other}, but {like} is {first}; read files of one schema at a time, or {ADVICE}"
        if skipped is None:
            raise BadItemError(record.name, reason)
        skipped.append(Skipped(record.name, reason))
    return kept, wanted


def _described(schema: Schema) -> str:
    """What is described, in words."""
    if schema == MOLECULE:
        return "a molecule"
    nodes = f"{len(schema.nodes)} categories and {schema.numbers} numbers for every node"
    return f"a network with {nodes}, {len(schema.edges)} and {schema.weights} for every edge"


def _records(path: Path, smiles: str | None) -> Iterator[Record | Skipped]:
    """What a file holds, record by record; what cannot be used as `Skipped`."""
    if path.stat().st_size == 0:
        raise BadItemError(str(path), f"the file has no bytes; {ADVICE}")
    match path.suffix.lower():
        case ".sdf":
            return _from_sdf(path)
        case ".pt":
            return from_saved(path)
        case ".edgelist":
            return iter([network(path, table_of(path))])
        case ".csv" | ".tsv":
            return _from_table(path, smiles)
        case _:
            return _from_lines(path)


def _from_lines(path: Path) -> Iterator[Record | Skipped]:
    """A SMILES on every line, and its name behind it if it has one; `#` begins a remark."""
    for number, line in enumerate(text_of(path).splitlines(), start=1):
        text, _, title = line.strip().partition("\t") if "\t" in line else line.strip().partition(" ")
        if text and not text.startswith("#") and not (number == 1 and text.lower() in SMILES):
            yield _molecule(f"{path} [line {number}]", text, {"title": title.strip()})


def _from_table(path: Path, smiles: str | None) -> Iterator[Record | Skipped]:
    rows = table_of(path)
    head = [cell.strip() for cell in rows[0][1]] if rows else []
    wanted = (smiles.lower(),) if smiles else SMILES
    place = next((head.index(name) for want in wanted for name in head if name.lower() == want), None)
    if place is None:
        if smiles is None and rows and is_edge_list(head):
            yield network(path, rows)
            return
        raise BadItemError(
            str(path),
            f"has no column {' or '.join(map(repr, wanted))} of SMILES, and no two columns of an edge list (such as "
            f"source and target); its columns are {', '.join(map(repr, head[:12])) or 'none'}: rename the right one, "
            "or name it with GraphModality(smiles='…')",
        )
    for line, row in rows[1:]:
        if len(row) <= place:
            yield Skipped(f"{path} [line {line}]", f"has {len(row)} cells, the SMILES would be number {place + 1}")
            continue
        values = {
            name: cell.strip() for number, (name, cell) in enumerate(zip(head, row, strict=False)) if number != place
        }
        yield _molecule(f"{path} [line {line}]", row[place].strip(), values)


def _molecule(name: str, text: str, values: dict[str, str]) -> Record | Skipped:
    try:
        return Record(name, text, molecule_of(text).GetNumAtoms(), values)
    except ValueError as error:
        return Skipped(name, f"{error}; {ADVICE}")


def _from_sdf(path: Path) -> Iterator[Record | Skipped]:
    """Every record of an SDF, without its hydrogens; its fields are the other columns."""
    with path.open("rb") as file, rdBase.BlockLogs():
        for number, molecule in enumerate(Chem.ForwardSDMolSupplier(file), start=1):
            name = f"{path} [record {number}]"
            if molecule is None:
                yield Skipped(name, f"is no molecule that RDKit can read; {ADVICE}")
            elif molecule.GetNumAtoms() == 0:
                yield Skipped(name, f"describes no atom; {ADVICE}")
            else:
                title = molecule.GetProp("_Name") if molecule.HasProp("_Name") else ""
                values = {"title": title, **{key: str(value) for key, value in molecule.GetPropsAsDict().items()}}
                yield Record(name, molecule.ToBinary(), molecule.GetNumAtoms(), values)
