"""Parts that come with graphs: tables of parts with their atoms, or of nodes with their objects."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.modality.pairing import must_exist, unreadable_masks, written_form
from gestalt.core.storage.csv_file import meant
from gestalt.core.tables.rows import table_of

from .data import Graph
from .records import GraphRecords, Record

ACCEPTED = (
    "a table (.csv, .tsv) of parts with the columns molecule (or graph) and atoms (or nodes), numbers from 0 with "
    "spaces between; or one of nodes with the columns graph, node and object (0 for none)"
)
TITLE = "\0"
"""Before what a record is called, so that it is no place in a file."""
WINDOW = re.compile(r", window \d+ of \d+$")


@final
@dataclass(frozen=True)
class Part:
    """One object of a graph: its nodes as the file numbers them, from 0, and what it is called."""

    nodes: tuple[int, ...]
    name: str
    source: str


def read_masks(path: Path, items: AbstractItems[Graph], skipped: Sequence[Skipped] = ()) -> AbstractMasks[Graph]:
    """The parts of graphs.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if it is no such table, or names a graph or a node that there is not; or if the graphs are no
            records of files.
    """
    must_exist(path)
    path = written_form(path, "parts.csv", "nodes.csv")
    if not isinstance(items, GraphRecords):
        raise ValueError(f"parts belong to graphs by the names of records, and these have none: {items.name(0)}")
    if path.is_dir() or path.suffix.lower() not in (".csv", ".tsv"):
        raise unreadable_masks(path, ACCEPTED)
    numbers = _numbers(items)
    left_out = {entry.name for entry in skipped}
    parts: dict[int, list[Part]] = {}
    unused: dict[str, ValueError] = {}
    for name, part in _rows(path):
        try:
            number = _number(name, numbers, left_out, path, items)
        except LookupError as error:
            unused[name] = ValueError(str(error.args[0]))
            continue
        if number is not None:
            _refuse_beyond(part, items.records[number], name)
            parts.setdefault(number, []).append(part)
    if unused and not parts:
        raise next(iter(unused.values()))
    own = {number: tuple(part for part in given if part.nodes) for number, given in parts.items()}
    return PartMasks(items, own, tuple(unused))


@final
@dataclass(frozen=True)
class PartMasks(AbstractMasks[Graph]):
    """Every part is an object; where two share a node, the smaller is on top. Nodes of no part are in no object."""

    graphs: GraphRecords
    parts: Mapping[int, tuple[Part, ...]]
    unused: tuple[str, ...] = ()

    def has(self, index: int) -> bool:
        """Whether the table names the graph."""
        return self.graphs.place(index)[0] in self.parts

    def of_item(self, index: int, item: Graph) -> ItemMasks | None:
        """The part of every node, of a window or a whole graph."""
        parts = self.parts.get(self.graphs.place(index)[0])
        if parts is None:
            return None
        place = {node: at for at, node in enumerate(item.ids.tolist())}
        labels = torch.full((len(item),), -1)
        ordered = sorted(parts, key=lambda part: -len(part.nodes))
        for number, part in enumerate(ordered):
            labels[[place[node] for node in part.nodes if node in place]] = number
        return ItemMasks(labels, None, tuple(part.name for part in ordered))


def _rows(path: Path) -> list[tuple[str, Part]]:
    """The parts of a table, each with the name of its graph."""
    try:
        layout, found = table_of(path)
        table = list(found)
    except BadItemError as error:
        raise ValueError(str(error)) from error
    head = [name.lower() for name in layout.names]
    graph = next((name for name in ("molecule", "graph") if name in head), None)
    nodes = next((name for name in ("atoms", "nodes") if name in head), None)
    one_each = nodes is None and {"node", "object"} <= set(head)
    if graph is None or (nodes is None and not one_each):
        raise ValueError(f"{path} has the columns {layout.listed or 'none'}; give {ACCEPTED}")
    wrong = next((row for row in table if row.problem), None)
    if wrong is not None:
        raise ValueError(f"{path}:{wrong.line} {wrong.problem}; correct the line")
    rows = [(dict(zip(head, row.cells, strict=True)), f"{path}:{row.line}") for row in table]
    if nodes is None:
        return _joined([(row[graph].strip(), row.get("object", ""), row.get("node", ""), at, row) for row, at in rows])
    return [
        (row[graph].strip(), Part(_nodes(row.get(nodes, ""), source), _called(row), source)) for row, source in rows
    ]


def _called(row: Mapping[str, str]) -> str:
    return meant(row.get("label", "")) or row.get("smarts") or row.get("smiles") or row.get("part") or ""


def _joined(rows: Sequence[tuple[str, str, str, str, Mapping[str, str]]]) -> list[tuple[str, Part]]:
    """Rows of single nodes as parts; object 0 is a part without nodes, so that its graph is named.

    A column `label` says what the object is called.
    """
    nodes: dict[tuple[str, str], list[int]] = {}
    sources: dict[tuple[str, str], str] = {}
    called: dict[tuple[str, str], str] = {}
    for name, own, node, source, row in rows:
        key = (name, own.strip())
        sources.setdefault(key, source)
        called.setdefault(key, meant(row.get("label", "").strip()) or f"object {own.strip()}")
        nodes.setdefault(key, []).extend(_nodes(node, source))
    return [
        (name, Part(() if own in ("0", "") else tuple(members), called[name, own], sources[name, own]))
        for (name, own), members in nodes.items()
    ]


def _nodes(text: str, source: str) -> tuple[int, ...]:
    try:
        nodes = tuple(int(part) for part in text.replace(",", " ").replace(";", " ").split())
    except ValueError:
        nodes = ()
    if not nodes or min(nodes) < 0:
        raise ValueError(f"{source}: {text!r} are no numbers of nodes; write them from 0 on, with spaces between")
    return nodes


def _numbers(items: GraphRecords) -> dict[str, list[int]]:
    """The records by everything that names them: their names, the ends of these, and what the records are called."""
    found: dict[str, list[int]] = {}
    for number, record in enumerate(items.records):
        parts = record.name.replace("\\", "/").split("/")
        for start in range(len(parts)):
            found.setdefault("/".join(parts[start:]), []).append(number)
    for number, record in enumerate(items.records):
        if record.title and record.title not in found:
            found.setdefault(TITLE + record.title, []).append(number)
    return found


def _number(
    name: str, numbers: Mapping[str, Sequence[int]], skipped: set[str], path: Path, items: GraphRecords
) -> int | None:
    """The record that a table names, or a window of it; None for one that was left out.

    Raises:
        LookupError: if there is none.
        ValueError: if there are several.
    """
    bare = WINDOW.sub("", meant(name)).replace("\\", "/").removeprefix("./")
    parts = bare.split("/")
    found = numbers.get(bare, ())
    for end in ("/".join(parts[at:]) for at in range(1, len(parts))):
        if not found:  # written in another working directory: then our whole name may be the end of it
            found = [number for number in numbers.get(end, ()) if items.records[number].name == end]
    found = found or numbers.get(TITLE + name.strip(), ())
    if len(found) > 1:
        first, second = (items.records[number].name for number in found[:2])
        raise ValueError(f"{path} names {name!r}, which fits both {first} and {second}; write more of the path")
    if found:
        return found[0]
    if bare in skipped or any(entry.endswith(f"/{bare}") for entry in skipped):
        return None
    raise LookupError(
        f"{path} names {name!r}, which is none of the {len(items.records)} graphs of the data; "
        f"these have names such as {items.records[0].name!r}"
    )


def _refuse_beyond(part: Part, record: Record, name: str) -> None:
    if part.nodes and max(part.nodes) > record.last:
        raise ValueError(
            f"{part.source}: there is no node {max(part.nodes)} in {name}, which has {record.last + 1}; nodes count "
            "from 0"
        )


def shown_masks(item: Graph, masks: ItemMasks) -> list[tuple[str, list[int]]]:
    """Each part with its nodes."""
    labels = masks.labels[: len(item)]
    return [(masks.name(number), (labels == number).nonzero()[:, 0].tolist()) for number in masks.objects()]
