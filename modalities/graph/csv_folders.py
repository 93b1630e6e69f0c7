"""Data sets of graphs as a folder of tables, in the form of the Open Graph Benchmark.

`edge.csv.gz` has two numbers of nodes on every line, those of all graphs one below the other; `num-node-list.csv.gz`
and `num-edge-list.csv.gz` say how many of each graph; `node-feat.csv.gz`, `edge-feat.csv.gz` and `graph-label.csv.gz`
say more.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int, Num

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.files import ADVICE
from gestalt.core.shards.files import there
from gestalt.core.tables.lines import lines_of

from .data import DIRECTIONS, Graph, Schema
from .directions import both_ways
from .records import AbstractStored, Record

EDGES = ("edge.csv.gz", "edge.csv")
COUNTS = ("num-node-list", "num-edge-list")
BESIDE = frozenset((*COUNTS, "node-feat", "edge-feat", "graph-label", "node-label", "node_year", "edge_reltype"))
ASIDE = frozenset(("mapping", "split", "processed"))
"""Folders beside the tables whose files are no graphs."""
LINES = 1 << 15
"""Lines that are parsed at a time."""
MOST_CATEGORIES = 1 << 16
"""Columns of whole numbers from 0 to below it are categories."""


def is_csv_folder(path: Path) -> bool:
    """Whether a file is the table of edges of such a folder."""
    return path.name in EDGES and there(_beside(path, COUNTS[0]))


def belongs_to(path: Path, listed: Collection[Path]) -> bool:
    """Whether a file is read with a table of edges that is listed, or lies aside of it."""
    if path.name in EDGES:
        return False
    stem = path.name.split(".")[0]
    near = (path.with_name(name) for name in EDGES)
    if stem in BESIDE and any(edges in listed for edges in near):
        return True
    if path.parent.name not in ASIDE and path.parent.parent.name not in ASIDE:
        return False
    tops = [parent.parent for parent in path.parents if parent.name in ASIDE]
    return any(edges in listed for top in tops for name in EDGES for edges in (top / name, top / "raw" / name))


@final
@dataclass(frozen=True)
class Tables:
    """All graphs of a folder, one behind the other: where each begins, what it is made of, and its features."""

    nodes: Int[np.ndarray, " graphs_and_one"]
    edges: Int[np.ndarray, " graphs_and_one"]
    ends: Int[np.ndarray, "edges 2"]
    of_nodes: Num[np.ndarray, "nodes columns"] | None
    of_edges: Num[np.ndarray, "edges kinds"] | None
    directed: bool
    schema: Schema

    def graph(self, number: int, title: str) -> Graph:
        """One of the graphs. Without features of nodes, the logarithm of 1 + the degree is one.

        Of graphs that do not point, an edge that is listed in both directions is one.
        """
        nodes, edges = (slice(bounds[number], bounds[number + 1]) for bounds in (self.nodes, self.edges))
        count = int(nodes.stop - nodes.start)
        ends = torch.from_numpy(self.ends[edges].astype(np.int64))
        kinds, weights = _split(self.of_edges, edges, len(ends))
        kept = ends[:, 0] != ends[:, 1]
        ends, kinds, weights = ends[kept], kinds[kept], weights[kept]
        if not self.directed:
            rows = np.concatenate([ends.sort(dim=1).values.numpy(), kinds.numpy(), weights.numpy()], axis=1)
            first = torch.from_numpy(np.sort(np.unique(rows, axis=0, return_index=True)[1]))
            ends, kinds, weights = ends[first], kinds[first], weights[first]
        pointing = torch.ones(len(ends), dtype=torch.bool) if self.directed else None
        pairs, kinds, weights = both_ways(ends, kinds, weights, pointing)
        categories, numbers = _split(self.of_nodes, nodes, count)
        if self.of_nodes is None:
            numbers = torch.zeros(count).index_add(0, pairs[1], torch.ones(pairs.shape[1])).log1p()[:, None]
        return Graph(categories, numbers, pairs, kinds, weights, torch.arange(count), self.schema, title=title)


@final
@dataclass(frozen=True)
class OfTables(AbstractStored):
    """A graph of a folder, which is made when it is asked for."""

    tables: Tables
    number: int
    title: str

    @property
    def schema(self) -> Schema:  # type: ignore[override]
        """That of the folder."""
        return self.tables.schema

    def graph(self) -> Graph:
        """The graph."""
        return self.tables.graph(self.number, self.title)


def folder_records(path: Path, directed: bool = False) -> Iterator[Record]:
    """The graphs of the folder of a table of edges, with their labels.

    Raises:
        BadItemError: naming the file and the line, if a table is no table of numbers, or they do not fit one another.
    """
    counts = [_table(_beside(path, name), 1)[:, 0] for name in COUNTS]
    for name, count in zip(COUNTS, counts, strict=True):
        wrong = (count < 0) | (count != np.floor(count)) | (count > 2**40)
        if wrong.any():
            raise _bad(_beside(path, name), int(wrong.argmax()), "is no number of nodes or edges")
    if len(counts[0]) != len(counts[1]):
        raise BadItemError(str(path), f"is of {len(counts[0])} graphs by {COUNTS[0]}, {len(counts[1])} by {COUNTS[1]}")
    nodes, edges = (np.concatenate([[0], count.cumsum()]).astype(np.int64) for count in counts)
    ends = _table(path, 2)
    _fits(path, len(ends), int(edges[-1]), "edges", COUNTS[1])
    own = np.repeat(counts[0], counts[1].astype(np.int64))[:, None]
    wrong = ((ends < 0) | (ends >= own) | (ends != np.floor(ends))).any(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise _bad(path, row, f"joins nodes {ends[row, 0]:g} and {ends[row, 1]:g} of a graph of {own[row, 0]:g}")
    of_nodes, columns, numbers = _features(path, "node-feat", int(nodes[-1]))
    of_edges, kinds, weights = _features(path, "edge-feat", int(edges[-1]))
    schema = Schema(
        columns,
        numbers if of_nodes is not None else 1,
        kinds + (DIRECTIONS,) * directed,
        weights,
        directed=directed,
    )
    tables = Tables(nodes, edges, ends.astype(np.int32), of_nodes, of_edges, directed, schema)
    labels = list(_labels(path, len(counts[0])))
    for number, (count, values) in enumerate(zip(counts[0].astype(int).tolist(), labels, strict=True)):
        title = f"graph {number}"
        if count:
            yield Record(f"{path} [{title}]", OfTables(tables, number, title), count, {"title": title, **values})


def _beside(path: Path, stem: str) -> Path:
    """The table of that name in the folder, compressed or not."""
    plain = path.with_name(f"{stem}.csv")
    return plain if there(plain) else path.with_name(f"{stem}.csv.gz")


def _features(path: Path, stem: str, rows: int) -> tuple[Any, tuple[int, ...], int]:
    """The features of nodes or edges, if there are any; the sizes of their categories, and how many are numbers."""
    beside = _beside(path, stem)
    if not there(beside):
        return None, (), 0
    table = _table(beside)
    _fits(beside, len(table), rows, stem.split("-")[0] + "s", "the counts of all graphs")
    if bool((table == np.floor(table)).all()) and table.min(initial=0) >= 0 and table.max(initial=0) < MOST_CATEGORIES:
        whole = table.astype(np.int32)
        return whole, tuple((whole.max(axis=0, initial=0) + 2).tolist()), 0
    return table.astype(np.float32), (), table.shape[1]


def _split(table: Any, rows: slice, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Categories, from 1 on since 0 is the mask, and numbers."""
    empty = torch.zeros(count, 0)
    if table is None:
        return empty.long(), empty
    own = torch.from_numpy(table[rows])
    return (empty.long(), own.float()) if own.is_floating_point() else (own.long() + 1, empty)


def _fits(path: Path, got: int, expected: int, what: str, by: str) -> None:
    if got != expected:
        raise BadItemError(str(path), f"has {got} {what}, {by} has {expected} in all; {ADVICE}")


def _table(path: Path, width: int | None = None) -> Float[np.ndarray, "rows columns"]:
    """A table of finite numbers without a header.

    Raises:
        BadItemError: naming the line that is none.
    """
    if not there(path):
        raise BadItemError(str(path), f"is missing beside the other tables; {ADVICE}")
    lines = lines_of(path)
    parts, row = list[Any](), 0
    while some := [line.text.strip() for line in islice(lines, LINES)]:
        if not all(some):
            raise _bad(path, row + some.index(""), "is empty")
        wanted = width or (parts[0].shape[1] if parts else some[0].count(",") + 1)
        parts.append(_parsed(path, some, row, wanted))
        row += len(some)
    return np.concatenate(parts) if parts else np.zeros((0, width or 0))


def _parsed(path: Path, lines: list[str], first: int, width: int) -> Float[np.ndarray, "rows columns"]:
    for place, line in enumerate(lines):
        if line.count(",") + 1 != width:
            raise _bad(path, first + place, f"has {line.count(',') + 1} cells, expected {width}")
    try:
        table = np.array(",".join(lines).split(","), dtype=np.float64).reshape(-1, width)
    except ValueError:
        table = np.array([[_number(cell) for cell in line.split(",")] for line in lines])
    wrong = ~(np.abs(table) <= np.finfo(np.float32).max).all(axis=1)
    if wrong.any():
        place = int(wrong.argmax())
        raise _bad(path, first + place, f"holds {lines[place][:60]!r}, expected finite numbers with commas between")
    return table


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _labels(path: Path, graphs: int) -> Iterator[dict[str, str]]:
    """What is known of every graph, as text: `label`, or `label 1`, `label 2`, …; empty cells are not known."""
    beside = _beside(path, "graph-label")
    if not there(beside):
        yield from ({} for _ in range(graphs))
        return
    lines = [line.text.strip() for line in lines_of(beside)]
    _fits(beside, len(lines), graphs, "labels", COUNTS[0])
    for line in lines:
        cells = [cell.strip() for cell in line.split(",")]
        heads = ["label"] if len(cells) == 1 else [f"label {number}" for number in range(1, len(cells) + 1)]
        yield dict(zip(heads, cells, strict=True))


def _bad(path: Path, row: int, reason: str) -> BadItemError:
    return BadItemError(f"{path} [line {row + 1}]", f"{reason}; {ADVICE}")
