"""Found objects of large graphs that came in windows, as those of the graphs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.discovery.found import FoundBatch, Named

from .data import Graph
from .records import GraphRecords


@final
@dataclass(frozen=True)
class FoundGraph:
    """A graph with the object of every node.

    Attributes:
        number: its number among all graphs, from 0.
        name: where it stands.
        graph: itself, as a whole.
        labels: the object of every node; one number is one object in the whole graph, −1 is none.
        windows: the nodes of every window that it came in.
        named: what a model calls the objects, and how sure it is of every node; None where nobody knows.
    """

    number: int
    name: str
    graph: Graph
    labels: Int[Tensor, " nodes"]
    windows: tuple[Int[Tensor, " _"], ...]
    named: Named | None = None


@final
@dataclass(frozen=True)
class FoundWindow:
    """A window of a graph: its number among all, its nodes in the graph, their objects, and what these are called."""

    index: int
    nodes: Int[Tensor, " nodes"]
    labels: Int[Tensor, " nodes"]
    named: Named | None = None


def whole_graphs(found: Iterable[FoundBatch[Graph]], items: GraphRecords) -> Iterator[FoundGraph]:
    """The graphs in their order; the windows of one come one behind the other.

    Nodes of windows that are missing are in no object.
    """
    waiting: list[FoundWindow] = []
    for batch in found:
        for row, (index, window, labels) in enumerate(zip(batch.index, batch.items, batch.labels(), strict=True)):
            parts, own = items.overlapping(index), labels[: len(window)]
            named = None
            if batch.named is not None:
                named = Named(batch.named.names, batch.named.scores[row : row + 1, : len(window)])
            if waiting and waiting[0].index not in parts:
                yield _joined(waiting, items)
                waiting = []
            if len(parts) == 1:
                whole = (torch.arange(len(window)),)
                yield FoundGraph(items.place(index)[0], items.record(index).name, window, own, whole, named)
            else:
                waiting.append(FoundWindow(index, items.nodes(index), own, named))
    if waiting:
        yield _joined(waiting, items)


def _joined(windows: list[FoundWindow], items: GraphRecords) -> FoundGraph:
    index = windows[0].index
    graph = items.graph(index)
    labels, scores = torch.full((len(graph),), -1), torch.zeros(1, len(graph))
    for window in windows:
        labels[window.nodes] = window.labels
        if window.named is not None:
            scores[0, window.nodes] = window.named.scores[0]
    nodes = tuple(window.nodes for window in windows)
    named = None if windows[0].named is None else Named(windows[0].named.names, scores)
    return FoundGraph(items.place(index)[0], items.record(index).name, graph, labels, nodes, named)


def shown_windows(one: FoundGraph) -> Iterator[tuple[str, Graph, Int[Tensor, " nodes"]]]:
    """What is drawn of a graph, with the names of the files: itself, or its windows."""
    name = f"{one.number + 1:05d}"
    if len(one.windows) == 1:
        yield f"{name}.svg", one.graph, one.labels
        return
    for place, nodes in enumerate(one.windows, start=1):
        yield f"{name}_window{place}.svg", one.graph.take(nodes), one.labels[nodes]


def in_windows(graphs: int, windows: int) -> str:
    """How it is said that some graphs came in windows.

    Example:
        >>> in_windows(2, 5), in_windows(2, 2)
        (' (in 5 windows)', '')
    """
    return f" (in {windows} windows)" if windows > graphs else ""
