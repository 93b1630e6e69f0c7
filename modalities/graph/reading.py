"""Files of molecules and networks: what stands on every line, and what is wrong with it."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from rdkit import Chem

from gestalt.core.data.items import BadItemError, Skipped, as_bad_item
from gestalt.core.modality.base import Reading
from gestalt.core.modality.files import ADVICE, find_files, may_hide_data
from gestalt.core.modality.probing import none_usable, probe
from gestalt.core.shards.addresses import is_archive
from gestalt.core.shards.files import bytes_of
from gestalt.core.tables.blocks import suffix_of
from gestalt.core.tables.lines import lines_of
from gestalt.core.tables.rows import table_of

from .columns import SMILES, is_edge_list, plain, smiles_column, title_in
from .csv_folders import belongs_to, folder_records, is_csv_folder
from .data import Graph, Schema
from .graphml import graphml_records
from .json_graphs import LINES as JSON_LINES
from .json_graphs import json_records
from .line_graphs import edge_count, line_schema
from .molecules import MOLECULE, molecule_of
from .networks import from_saved, network
from .parsing import atoms_in_file, packed
from .records import GraphRecords, Record
from .refused import REFUSED
from .sdf import molecule_of_record, sdf_records
from .tables import rows_of

LINES = frozenset((".smi", ".smiles", ".txt"))
TABLES = frozenset((".csv", ".tsv"))
SDF = frozenset((".sdf", ".sd", ".mol"))
JSON = JSON_LINES | {".json"}
SUFFIXES = LINES | TABLES | SDF | JSON | {".edgelist", ".pt", ".graphml"}


@final
@dataclass(frozen=True)
class Written:
    """How files are written, where they do not say it.

    Args:
        column: of SMILES in tables.
        encoding: of files that are not in Unicode.
        directed: the edges of edge lists and of tables of numbers point from the first node to the second.
    """

    column: str | None = None
    encoding: str | None = None
    directed: bool = False


def find_graphs(paths: Sequence[Path]) -> list[Path]:
    """The graph files among `paths` and in the folders among them, compressed ones too; features of nodes are read with
    their edges.
    """
    found = find_files(paths, SUFFIXES | {".gz"}, "graphs", REFUSED.keys())
    tables = {path for path in found if is_csv_folder(path)}
    return [
        path
        for path in found
        if path in paths
        or may_hide_data(path)
        or (
            suffix_of(path) in SUFFIXES | REFUSED.keys()
            and not path.stem.endswith(".nodes")
            and not (tables and belongs_to(path, tables))
        )
    ]


def read_graphs(
    paths: Sequence[Path],
    most: int,
    skip_bad: bool = False,
    written: Written | None = None,
    margin: int = 0,
    of_edges: bool = False,
) -> Reading[Graph]:
    """Every graph in every file; each SMILES is parsed once.

    Files in folders that hold graphs in a form that is not read are among what was left out, with the reason. With
    `of_edges`, the nodes of the items are the edges of the graphs; graphs without edges are left out, counted.

    Raises:
        BadItemError: for the first line, record or file that cannot be used, unless `skip_bad`.
        ValueError: if no graph is left, or molecules and networks are mixed.
    """
    skipped: list[Skipped] = []
    left_out = skipped if skip_bad else None
    how = Written() if written is None else written

    def examine(path: Path) -> list[Record]:
        return _good_records(path, how, left_out)

    listed = find_graphs(paths)
    other = [path for path in listed if suffix_of(path) in REFUSED and path not in paths and not is_archive(path)]
    skipped += [Skipped(str(path), REFUSED[suffix_of(path)]) for path in other]
    probed = probe([path for path in listed if path not in other], examine, left_out)
    good = [record for _, records in probed for record in records]
    if not good:
        raise none_usable(skipped, f"{len(skipped)} graphs")
    kept, schema = common_schema(good, left_out)
    if of_edges:
        sized = [replace(record, size=edge_count(record.made()), numbered=None) for record in kept]
        skipped += [
            Skipped(record.name, "has no edge, and edges are the elements") for record in sized if not record.size
        ]
        kept, schema = [record for record in sized if record.size], line_schema(schema)
        if not kept:
            raise none_usable(skipped, f"{len(skipped)} graphs")
    return Reading(GraphRecords(kept, schema, most, margin, of_edges), tuple(skipped))


def _good_records(path: Path, written: Written, skipped: list[Skipped] | None) -> list[Record]:
    """The records of a file that can be used; the others are added to `skipped`, or raised where it is None."""
    good: list[Record] = []
    bad = False
    for found in _records(path, written):
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
    own = [record.schema for record in records]
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
    pointing = " of edges that point," if schema.directed else ""
    return f"a network{pointing} with {nodes}, {len(schema.edges)} and {schema.weights} for every edge"


def _records(path: Path, written: Written) -> Iterator[Record | Skipped]:
    """What a file holds, record by record; what cannot be used as `Skipped`."""
    if bytes_of(path) == 0:
        raise BadItemError(str(path), f"the file has no bytes; {ADVICE}")
    suffix = suffix_of(path)
    if suffix in REFUSED:
        raise BadItemError(str(path), f"{REFUSED[suffix]}, or leave it out with --skip-bad")
    if suffix in SDF:
        return _from_sdf(path)
    if suffix == ".pt":
        return from_saved(path)
    if suffix == ".graphml":
        return graphml_records(path)
    if suffix in JSON:
        return json_records(path)
    if is_csv_folder(path):
        return folder_records(path, written.directed)
    if suffix == ".edgelist":
        return iter([network(path, rows_of(path, written.encoding), written.encoding, written.directed)])
    return _from_table(path, written) if suffix in TABLES else _from_lines(path, written.encoding)


EXTENSION = re.compile(r"^\|[^|]*\|")
"""What ChemAxon's form of SMILES says of the atoms, before the name."""


def _from_lines(path: Path, encoding: str | None) -> Iterator[Record | Skipped]:
    """A SMILES on every line, and its name behind it if it has one; `#` begins a remark."""
    for line in lines_of(path, encoding):
        text, *rest = line.text.split(None, 1) if line.text.strip() else ("",)
        title = EXTENSION.sub("", rest[0]).strip() if rest else ""
        if text and not text.startswith("#") and not (line.number == 1 and plain(text) in SMILES):
            yield _molecule(f"{path} [line {line.number}]", text, {"title": title}, title)


def _from_table(path: Path, written: Written) -> Iterator[Record | Skipped]:
    layout, rows = table_of(path, written.encoding)
    try:
        place = smiles_column(layout, written.column)
    except ValueError as error:
        raise BadItemError(f"{path} [line 1]", f"{error}, or leave the file out with --skip-bad") from error
    if place is None:
        if is_edge_list(layout.names):
            yield network(path, rows_of(path, written.encoding), written.encoding, written.directed)
            return
        raise BadItemError(
            str(path),
            f"has no column of SMILES, such as {' or '.join(map(repr, ('smiles', 'Canonical SMILES')))}, and no two "
            "columns of an edge list (such as source and target); its columns are "
            f"{', '.join(map(repr, layout.names[:12])) or 'none'}: name the right one by --column",
        )
    for row in rows:
        name = f"{path} [line {row.line}]"
        if row.problem:
            yield Skipped(name, f"{row.problem}; {ADVICE}")
            continue
        cells = {head: cell.strip() for head, cell in zip(layout.told_apart, row.cells, strict=True)}
        values = {head: cell for head, cell in cells.items() if head != layout.told_apart[place]}
        yield _molecule(name, row.cells[place].strip(), values, title_in(values), layout.names[place])


def _molecule(name: str, text: str, values: dict[str, str], title: str, column: str = "smiles") -> Record | Skipped:
    try:
        return _record(name, text, molecule_of(text), values, title, column)
    except ValueError as error:
        return Skipped(name, f"{error}; {ADVICE}")


def _record(
    name: str, source: str | bytes, molecule: Chem.Mol, values: dict[str, str], title: str, column: str = ""
) -> Record:
    return Record(
        name, source, molecule.GetNumAtoms(), values, title=title, column=column, numbered=atoms_in_file(molecule)
    )


def _from_sdf(path: Path) -> Iterator[Record | Skipped]:
    """Every record of an SDF, or the one molecule of a molfile, without its hydrogens; its fields are the columns."""
    for number, text in enumerate(sdf_records(path), start=1):
        name = f"{path} [record {number}]"
        try:
            molecule = molecule_of_record(text)
        except ValueError as error:
            yield Skipped(name, f"{error}; {ADVICE}")
            continue
        except Exception as error:  # whatever RDKit raises over a record
            yield Skipped(name, as_bad_item(name, error).reason)
            continue
        values = {key: molecule.GetProp(key) for key in molecule.GetPropNames()}
        title = text.split("\n", 1)[0].strip() or title_in(values)
        yield _record(name, packed(molecule), molecule, {"title": title, **values}, title)
