"""Networks as files name them: nodes and edges with cells of words and numbers, made into graphs of one schema."""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.tables.numbers import plain_float

from .data import DIRECTIONS, Graph, Schema
from .directions import both_ways

GREATEST = float(torch.finfo(torch.float32).max)
DECIMAL = re.compile(r"^([-+]?\d+),(\d+(?:[eE][-+]?\d+)?)$")
WORDS = 256
"""Words in a column share so many categories, by a hash that is the same everywhere: nothing needs to be stored."""


@final
@dataclass(frozen=True)
class Edge:
    """An edge by the names of its ends, with a cell for every column; whether it points from `one` to `two`."""

    one: str
    two: str
    cells: tuple[str, ...] = ()
    points: bool = False


@final
@dataclass(frozen=True)
class Network:
    """What a file says of a graph: the cells of every node by its name, its edges, and whether edges may point."""

    title: str
    nodes: Mapping[str, tuple[str, ...]]
    edges: Sequence[Edge]
    directed: bool = False


def built(
    networks: Sequence[Network], of_nodes: Sequence[bool] | None = None, of_edges: Sequence[bool] | None = None
) -> list[Graph]:
    """The graphs, whose columns are of one type in all of them: numbers where every cell of a column is one.

    The first number of every node is ln(1 + degree), so that there is always something to see. Loops are left out.

    Args:
        networks: all graphs of a file.
        of_nodes: which columns of nodes are numbers, where the file says it.
        of_edges: which columns of edges are.

    Example:
        >>> pair = Network("a", {"x": ("red",), "y": ("blue",)}, [Edge("x", "y", ("2.5",), True)], directed=True)
        >>> graph = built([pair])[0]
        >>> graph.edges.tolist(), graph.kinds.tolist(), graph.weights.flatten().tolist()
        ([[0, 1], [1, 0]], [[1], [2]], [2.5, 2.5])
    """
    listed = [[edge for edge in one.edges if edge.one != edge.two] for one in networks]
    if not networks:
        return []
    nodes = features([cells for one in networks for cells in one.nodes.values()], of_nodes)
    edges = features([edge.cells for edges in listed for edge in edges], of_edges)
    sizes = [len(one.nodes) for one in networks], [len(own) for own in listed]
    tables = zip(*(table.split(sizes[0]) for table in nodes), *(table.split(sizes[1]) for table in edges), strict=True)
    return [_graph(one, own, *own_tables) for one, own, own_tables in zip(networks, listed, tables, strict=True)]


def _graph(
    network: Network,
    listed: Sequence[Edge],
    nodes: Int[Tensor, "nodes columns"],
    numbers: Float[Tensor, "nodes numbers"],
    kinds: Int[Tensor, "edges kinds"],
    weights: Float[Tensor, "edges weights"],
) -> Graph:
    place = {name: number for number, name in enumerate(network.nodes)}
    ends = torch.tensor([(place[edge.one], place[edge.two]) for edge in listed], dtype=torch.long).view(-1, 2)
    pointing = torch.tensor([edge.points for edge in listed], dtype=torch.bool) if network.directed else None
    return joined(nodes, numbers, ends, kinds, weights, pointing, tuple(network.nodes), network.title)


def joined(
    nodes: Int[Tensor, "nodes columns"],
    numbers: Float[Tensor, "nodes numbers"],
    ends: Int[Tensor, "edges 2"],
    kinds: Int[Tensor, "edges kinds"],
    weights: Float[Tensor, "edges weights"],
    pointing: Tensor | None,
    names: tuple[str, ...],
    title: str,
) -> Graph:
    """A graph with edges in both directions, and the degree of every node before its numbers."""
    count = len(nodes)
    widths = (WORDS,) * nodes.shape[1], (WORDS,) * kinds.shape[1]
    edges, kinds, weights = both_ways(ends, kinds, weights, pointing)
    degree = torch.zeros(count).index_add(0, edges[1], torch.ones(edges.shape[1])).log1p()
    numbers = torch.cat([degree[:, None], numbers], dim=1)
    directed = pointing is not None
    schema = Schema(
        widths[0], numbers.shape[1], widths[1] + (DIRECTIONS,) * directed, weights.shape[1], directed=directed
    )
    return Graph(nodes, numbers, edges, kinds, weights, torch.arange(count), schema, names, title)


def category(word: str) -> int:
    """The category of a word, 0 for none.

    Example:
        >>> category(""), category("tree") == category("tree")
        (0, True)
    """
    return 1 + zlib.crc32(word.encode("utf-8", "replace")) % (WORDS - 1) if word else 0


def features(
    rows: Sequence[Sequence[str]], known: Sequence[bool] | None = None
) -> tuple[Int[Tensor, "rows columns"], Float[Tensor, "rows numbers"]]:
    """Columns of words as categories, columns of numbers as numbers; an empty cell is masked, or 0.

    Args:
        rows: of cells.
        known: which columns are numbers; None: those whose cells all are.

    Example:
        >>> features([("a", "1,5"), ("b", "2")])[1].tolist()
        [[1.5], [2.0]]
    """
    words: list[Tensor] = []
    numbers: list[Tensor] = []
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(known or ())
    for place, column in enumerate(columns):
        values = [_number(cell) for cell in column]
        if any(value is None for value in values) and not any("." in cell for cell in column):
            values = [_number(DECIMAL.sub(r"\1.\2", cell)) for cell in column]  # a decimal comma, in all of them
        if known[place] if known is not None else all(value is not None for value in values):
            numbers.append(torch.tensor([value or 0.0 for value in values]))
        else:
            words.append(torch.tensor([category(cell) for cell in column], dtype=torch.long))
    empty = torch.zeros(len(rows), 0)
    return (
        torch.stack(words, dim=1) if words else empty.long(),
        torch.stack(numbers, dim=1) if numbers else empty,
    )


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number.

    Example:
        >>> is_number("1e3"), is_number("nan"), is_number("one")
        (True, False, False)
    """
    return _number(cell) is not None


def _number(cell: str) -> float | None:
    try:
        value = plain_float(cell) if cell else 0.0
    except ValueError:
        return None
    return value if abs(value) <= GREATEST else None
