"""Edge lists with features, and the graphs of PyTorch Geometric."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gestalt.core.data.items import BadItemError
from gestalt.core.shards.files import open_file, there
from gestalt.core.storage.damage import first_line

from .columns import is_edge_list
from .data import Graph, Schema
from .records import GraphRecords, Record
from .tables import Rows, rows_of
from .typed import Edge, Network, built


def network(path: Path, rows: Rows, encoding: str | None = None, directed: bool = False) -> Record:
    """The one graph of an edge list.

    The first two columns name the ends; further ones are features of edges: plain numbers, or words. A file
    `NAME.nodes.csv` beside `NAME.csv` has a node in its first column and the node's features in the others. The first
    number of every node is ln(1 + degree), so that there is always something to see. Loops are left out.

    Raises:
        BadItemError: if a line has fewer than two cells, the columns differ from line to line, or no edge is left.
    """
    lines = rows[1:] if rows and is_edge_list(rows[0][1]) else rows
    _even(path, lines)
    features = _node_table(path, encoding)
    order = dict.fromkeys([*features, *(cell for _, row in lines for cell in row[:2])])
    edges = [Edge(row[0], row[1], tuple(row[2:]), directed) for _, row in lines]
    if not any(edge.one != edge.two for edge in edges):
        raise BadItemError(str(path), "holds no edge between two nodes; name the ends of one edge on every line")
    width = max((len(row) for row in features.values()), default=0)
    nodes = {name: tuple(features.get(name, [""] * width)) for name in order}
    graph = built([Network(path.name, nodes, edges, directed)])[0]
    return Record(str(path), graph, len(graph), {"title": path.name})


def _even(path: Path, lines: Rows) -> None:
    for line, row in lines:
        if len(row) < 2 or not row[0] or not row[1]:
            raise BadItemError(f"{path} [line {line}]", "names no two ends of an edge; give both, or remove the line")
        if len(row) != len(lines[0][1]):
            raise BadItemError(
                f"{path} [line {line}]", f"has {len(row)} cells, the first edge has {len(lines[0][1])}; even them out"
            )


def _node_table(path: Path, encoding: str | None) -> dict[str, list[str]]:
    """The features of nodes in the file beside an edge list, by node; empty where there is no such file."""
    for beside in (path.with_name(f"{path.stem}.nodes{suffix}") for suffix in (".csv", ".tsv")):
        if there(beside):
            rows = list(rows_of(beside, encoding))
            for line, row in rows:
                if not row:
                    raise BadItemError(
                        f"{beside} [line {line}]", "holds nothing; write a node and its features, or remove it"
                    )
            if rows and rows[0][1][0].lower() in ("node", "id", "name"):
                rows = rows[1:]
            found: dict[str, list[str]] = {}
            for line, row in rows:
                if len(row) != len(rows[0][1]):
                    raise BadItemError(
                        f"{beside} [line {line}]", "has more or fewer cells than the first; even them out"
                    )
                if found.setdefault(row[0], row[1:]) != row[1:]:
                    raise BadItemError(f"{beside} [line {line}]", f"says again, and otherwise, what {row[0]!r} is")
            return found
    return {}


def from_pyg(graphs: Iterable[Any], name: str = "graph", most: int = 512) -> GraphRecords:
    """The graphs of a PyTorch Geometric `Dataset`, or of any list of its `Data`, as they are.

    Integer features are categories from 0 on, others numbers; `edge_attr` likewise. Edges keep their directions.

    Raises:
        BadItemError: naming the first graph that has no nodes, negative categories, features of another kind than the
            first, or numbers that are not finite.
    """
    listed = list(graphs)
    if not listed:
        raise ValueError("a data set of no graphs; pass at least one")
    tables = [_pyg_tables(f"{name} [{number}]", data) for number, data in enumerate(listed)]
    shapes = [
        (nodes.shape[1], numbers.shape[1], kinds.shape[1], weights.shape[1])
        for nodes, numbers, kinds, weights in tables
    ]
    for number, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise BadItemError(
                f"{name} [{number}]",
                f"has {shape} columns of node categories and numbers, edge categories and numbers, the first has "
                f"{shapes[0]}; read graphs of one schema at a time",
            )
    schema = Schema(
        _sizes([table[0] for table in tables]), shapes[0][1], _sizes([table[2] for table in tables]), shapes[0][3]
    )
    records = []
    for number, (data, (nodes, numbers, kinds, weights)) in enumerate(zip(listed, tables, strict=True)):
        graph = Graph(nodes, numbers, data.edge_index.long(), kinds, weights, torch.arange(len(nodes)), schema)
        target = getattr(data, "y", None)
        values = {} if target is None else {"y": str(torch.as_tensor(target).flatten().tolist())}
        records.append(Record(f"{name} [{number}]", graph, len(nodes), values))
    return GraphRecords(records, schema, most)


def _pyg_tables(name: str, data: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    if not data.num_nodes:
        raise BadItemError(name, "has no nodes; leave it out")
    nodes, numbers = _columns(name, data.x, data.num_nodes)
    if not nodes.shape[1] and not numbers.shape[1]:
        ends = data.edge_index[1]
        numbers = torch.zeros(data.num_nodes).index_add(0, ends, torch.ones(len(ends))).log1p()[:, None]
    return nodes, numbers, *_columns(name, data.edge_attr, data.edge_index.shape[1])


def _columns(name: str, table: Tensor | None, rows: int) -> tuple[Tensor, Tensor]:
    """The categories, from 1 on since 0 is the mask, and the numbers of a table of features."""
    empty = torch.zeros(rows, 0)
    if table is None:
        return empty.long(), empty
    table = table.view(rows, -1)
    if table.is_floating_point():
        if not bool(table.isfinite().all()):
            raise BadItemError(name, "has features that are NaN or infinite; clean them, or leave it out")
        return empty.long(), table.float()
    if table.numel() and int(table.min()) < 0:
        raise BadItemError(name, "has integer features below 0, which are no categories; make them floating-point")
    return table.long() + 1, empty


def _sizes(tables: Sequence[Tensor]) -> tuple[int, ...]:
    return (
        tuple((torch.cat(list(tables)).amax(dim=0) + 1).tolist())
        if sum(map(len, tables))
        else (2,) * tables[0].shape[1]
    )


def from_saved(path: Path) -> Iterator[Record]:
    """The graphs of a file that `torch.save` wrote: one `Data`, or a list of them.

    Raises:
        BadItemError: if it holds anything else; nothing in it is ever run.
    """
    from .geometric import STORAGE

    try:
        with torch.serialization.safe_globals(list(STORAGE)), warnings.catch_warnings(action="ignore"):
            with open_file(path) as file:
                loaded = torch.load(file, weights_only=True)
            return iter(from_pyg(loaded if isinstance(loaded, list) else [loaded], str(path)).records)
    except BadItemError:
        raise
    except Exception as error:  # whatever a broken file makes torch raise
        raise BadItemError(
            str(path),
            f"holds no graphs of PyTorch Geometric ({first_line(error)}); save a list of Data with torch.save",
        ) from error
