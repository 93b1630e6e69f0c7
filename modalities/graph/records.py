"""The graphs of a data set as numbered items, made from what their files say when they are asked for."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems, BadItemError
from gestalt.core.modality.windows import InContext, Sight, WindowIndex

from .data import Graph, Schema
from .line_graphs import line_graph
from .molecules import MOLECULE, graph_of, molecule_of
from .windows import surroundings, windows


class AbstractStored(abc.ABC):
    """A graph of a large collection, which is made of its file when it is asked for."""

    schema: Schema

    @abc.abstractmethod
    def graph(self) -> Graph:
        """The graph.

        Raises:
            BadItemError: if it is not there any more.
        """


@final
@dataclass(frozen=True)
class Record:
    """One graph of a file: where it stands, what it holds, and what else the file says of it.

    `source` is a SMILES, RDKit's binary form of a molecule, the graph itself, or what makes it; `values` are the other
    columns, and `column` is that of the SMILES. `title` is what the graph is called. `numbered` counts the nodes that
    the file numbers (its hydrogens are no nodes), None if these are all. `file` is None for graphs that lie in none.
    """

    name: str
    source: str | bytes | Graph | AbstractStored
    size: int
    values: Mapping[str, str]
    file: Path | None = None
    title: str = ""
    column: str = ""
    numbered: int | None = None

    @property
    def schema(self) -> Schema:
        """The features of its nodes and edges."""
        return self.source.schema if isinstance(self.source, Graph | AbstractStored) else MOLECULE

    def made(self) -> Graph:
        """The graph.

        Raises:
            BadItemError: if it cannot be read.
        """
        if isinstance(self.source, Graph):
            return self.source
        if isinstance(self.source, AbstractStored):
            return self.source.graph()
        try:
            return graph_of(molecule_of(self.source), self.title, self.source)
        except ValueError as error:
            raise BadItemError(self.name, f"{error}; correct it, or leave it out with --skip-bad") from error

    @property
    def last(self) -> int:
        """The number of the last node in the file, from 0."""
        return (self.size if self.numbered is None else self.numbered) - 1


KEPT = 20_000
"""So many graphs stay in memory once they were made from their text; further ones are made anew each time."""


@final
class GraphRecords(AbstractItems[Graph]):
    """Graphs, of which those of more than `most` nodes are cut into windows of that many.

    Windows are the same every time and hold every node once; edges from window to window are left out.

    Args:
        records: the graphs, or what they are made of.
        schema: the features that all have.
        most: nodes of a window.
        margin: how many edges away from its window a node may lie that the network sees beside it; at most as many
            nodes as a window holds are seen so (`around`), the nearest ones.
        of_edges: the nodes of the items are the edges of the graphs (`line_graph`), which `records` and `schema` count.
    """

    def __init__(
        self, records: Sequence[Record], schema: Schema, most: int = 512, margin: int = 0, of_edges: bool = False
    ) -> None:
        if most < 1:
            raise ValueError(f"a window holds at least one node, got most={most}")
        self.records = tuple(records)
        self.schema = schema
        self.most = most
        self.margin = margin
        self.around = most
        self.of_edges = of_edges
        self._index = WindowIndex((-(-record.size // most) for record in self.records), "graph")
        self._kept: dict[int, Graph] = {}
        self._cut: tuple[int, list[Int[Tensor, " nodes"]]] = (-1, [])
        self._whole: tuple[Record, Graph] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What travels to worker processes: not what was kept for speed."""
        return {**self.__dict__, "_kept": {}, "_cut": (-1, []), "_whole": None}

    def __len__(self) -> int:
        """Windows of all graphs together."""
        return len(self._index)

    def place(self, index: int) -> tuple[int, int]:
        """The number of the record that item `index` is, or is a window of, and that of the window in it."""
        return self._index.place(index)

    def record(self, index: int) -> Record:
        """The record that item `index` is, or is a window of."""
        return self.records[self._index.place(index)[0]]

    def fields(self, index: int) -> Mapping[str, str]:
        """The columns of the record of item `index`, that of its SMILES among them, and what it is called."""
        record = self.record(index)
        own = {record.column: record.source} if record.column and isinstance(record.source, str) else {}
        named = {"title": record.title} if record.title else {}
        return {**named, **own, **record.values}

    def path(self, index: int) -> Path:
        """The file of item `index`; the name of its record, where it lies in none."""
        record = self.record(index)
        return Path(record.name) if record.file is None else record.file

    def name(self, index: int) -> str:
        """The file, the place of the graph in it, and the window."""
        row, window = self._index.place(index)
        record = self.records[row]
        whole = record.size <= self.most
        return record.name if whole else f"{record.name}, window {window + 1} of {self.count(index)}"

    def count(self, index: int) -> int:
        """How many windows the graph has that item `index` is, or is a window of."""
        return -(-self.record(index).size // self.most)

    def read(self, index: int, rng: np.random.Generator) -> Graph:  # noqa: ARG002
        """One graph, or one window of it.

        Raises:
            BadItemError: if the molecule cannot be read.
        """
        if index in self._kept:
            return self._kept[index]
        row, window = self._index.place(index)
        graph = self._graph(self.records[row])
        if len(graph) > self.most:
            graph = graph.take(self._windows(row, graph)[window])
        if len(self._kept) < KEPT:
            self._kept[index] = graph
        return graph

    def read_in_context(self, index: int, sight: Sight) -> InContext[Graph]:  # noqa: ARG002
        """One graph, or one window of it with the nodes around it, in the order of the graph.

        Raises:
            BadItemError: if the molecule cannot be read.
        """
        window = self.read(index, np.random.default_rng(0))
        row, number = self._index.place(index)
        if self.records[row].size <= self.most:
            own = torch.arange(len(window))
            return InContext(window, window, own, own)
        graph = self._graph(self.records[row])
        own = self._windows(row, graph)[number]
        nodes = surroundings(own, len(graph), graph.edges, self.margin, self.around).nonzero()[:, 0]
        return InContext(window, graph.take(nodes), torch.searchsorted(nodes, own), nodes)

    def overlapping(self, index: int) -> range:
        """The windows of the graph that item `index` is, or is a window of."""
        return self._index.of_file(self._index.place(index)[0])

    def nodes(self, index: int) -> Int[Tensor, " nodes"]:
        """The places of a window's nodes in its graph, as that is read.

        Raises:
            BadItemError: if the molecule cannot be read.
        """
        row, number = self._index.place(index)
        graph = self.graph(index)
        return torch.arange(len(graph)) if len(graph) <= self.most else self._windows(row, graph)[number]

    def graph(self, index: int) -> Graph:
        """The graph that item `index` is, or is a window of.

        Raises:
            BadItemError: if the molecule cannot be read.
        """
        return self._graph(self.records[self._index.place(index)[0]])

    def _windows(self, row: int, graph: Graph) -> list[Int[Tensor, " nodes"]]:
        """The windows of a graph; those of the last one are kept, since they are asked for one after the other."""
        if self._cut[0] != row:
            self._cut = row, windows(len(graph), graph.edges, self.most)
        return self._cut[1]

    def _graph(self, record: Record) -> Graph:
        if isinstance(record.source, Graph) and not self.of_edges:
            return record.source
        if self._whole is not None and self._whole[0] is record:
            return self._whole[1]
        graph = line_graph(record.made()) if self.of_edges else record.made()
        if record.size > self.most:  # its windows are asked for one after the other: it is not made anew for each
            self._whole = record, graph
        return graph
