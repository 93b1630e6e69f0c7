"""Graphs of nodes and edges, and the batches made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

MASK = 0
"""The category of a feature that is masked, in every column: what is known begins at 1."""
ALONG, AGAINST = 1, 2
"""The categories of an edge that points: the way it points, and its other direction."""
DIRECTIONS = 3
"""Categories of the column that says which way, the mask among them."""


@final
@dataclass(frozen=True)
class Schema:
    """Which features nodes and edges have: the number of categories in each column, and how many plain numbers.

    Category 0 of every column is the mask. `kind` says what it is that is described: "molecule", "graph", or "edges"
    where the nodes are the edges of another graph. Where edges point (`directed`), the last column of their categories
    says which way: each is there in both directions, `ALONG` and `AGAINST`, so that both of its ends hear of it.

    Example:
        >>> Schema(nodes=(5, 3), numbers=1).settings()
        {'nodes': [5, 3], 'numbers': 1, 'edges': [], 'weights': 0}
    """

    nodes: tuple[int, ...] = ()
    numbers: int = 0
    edges: tuple[int, ...] = ()
    weights: int = 0
    kind: str = "graph"
    directed: bool = False

    def settings(self) -> dict[str, Any]:
        """The arguments with which an encoder is built for such graphs."""
        return {
            "nodes": list(self.nodes),
            "numbers": self.numbers,
            "edges": list(self.edges),
            "weights": self.weights,
        }


@final
@dataclass(frozen=True)
class Graph:
    """Nodes with features, and edges between them; an edge is there in both directions (`Schema`: those that point).

    `nodes` and `kinds` are categories, `numbers` and `weights` plain numbers of nodes and edges. `ids` says which
    node of its file each node is, and `names` names those where the file does. `source` is what a molecule was made of,
    since features do not hold all of it: a SMILES, or RDKit's binary form.

    Example:
        >>> pair = Graph.of(torch.tensor([[1], [2], [1]]), torch.tensor([[0, 1], [1, 0]]), Schema(nodes=(4,)))
        >>> pair.take(torch.tensor([2, 1])).nodes.flatten().tolist()
        [1, 2]
    """

    nodes: Int[Tensor, "nodes columns"]
    numbers: Float[Tensor, "nodes numbers"]
    edges: Int[Tensor, "2 edges"]
    kinds: Int[Tensor, "edges kinds"]
    weights: Float[Tensor, "edges weights"]
    ids: Int[Tensor, " nodes"]
    schema: Schema
    names: tuple[str, ...] = ()
    title: str = ""
    source: str | bytes = field(default="", repr=False)

    def __post_init__(self) -> None:
        count, pairs, schema = len(self.ids), self.edges.shape[1], self.schema
        expected = {
            "nodes": (count, len(schema.nodes)),
            "numbers": (count, schema.numbers),
            "kinds": (pairs, len(schema.edges)),
            "weights": (pairs, schema.weights),
        }
        for name, shape in expected.items():
            if tuple(getattr(self, name).shape) != shape:
                raise ValueError(f"Graph.{name} must have shape {shape}, got {tuple(getattr(self, name).shape)}")
        if pairs and (int(self.edges.min()) < 0 or int(self.edges.max()) >= count):
            raise ValueError(
                f"edges join nodes 0 … {count - 1}, got {int(self.edges.min())} … {int(self.edges.max())}; "
                "number the nodes of every graph from 0"
            )

    @classmethod
    def of(
        cls,
        nodes: Int[Tensor, "nodes columns"],
        edges: Int[Tensor, "2 edges"],
        schema: Schema,
        kinds: Int[Tensor, "edges kinds"] | None = None,
    ) -> "Graph":
        """A graph whose features are all categories."""
        count, pairs = len(nodes), edges.shape[1]
        kinds = torch.zeros(pairs, 0, dtype=torch.long) if kinds is None else kinds
        empty = torch.zeros(count, 0), torch.zeros(pairs, 0)
        return cls(nodes, empty[0], edges, kinds, empty[1], torch.arange(count), schema)

    def __len__(self) -> int:
        """Number of nodes."""
        return self.ids.shape[0]  # `len` of a tensor takes several times as long, and this is asked for often

    def take(self, index: Int[Tensor, " kept"]) -> "Graph":
        """The nodes `index`, in that order, and the edges between them; all others are really gone."""
        place = torch.full((len(self),), -1)
        place[index] = torch.arange(len(index))
        edges = place[self.edges]
        inside = (edges >= 0).all(dim=0)
        kept = self.with_edges(inside, edges)
        return replace(kept, nodes=self.nodes[index], numbers=self.numbers[index], ids=self.ids[index])

    def with_edges(self, kept: Bool[Tensor, " edges"], edges: Int[Tensor, "2 edges"] | None = None) -> "Graph":
        """The same nodes with some of the edges, renumbered where `edges` says so."""
        edges = self.edges if edges is None else edges
        return replace(self, edges=edges[:, kept], kinds=self.kinds[kept], weights=self.weights[kept])


@final
@dataclass(frozen=True)
class Graphs:
    """A batch of graphs: nodes padded to the largest, edges of all as one list.

    `edges` number the valid nodes of all items in a row, item after item, so no edge touches padding or leaves its
    graph.

    Example:
        >>> one = Graph.of(torch.tensor([[1], [2]]), torch.tensor([[0, 1], [1, 0]]), Schema(nodes=(4,)))
        >>> batch = collate([one.take(torch.tensor([0])), one])
        >>> batch.valid.tolist(), batch.edges.tolist()
        ([[True, False], [True, True]], [[1, 2], [2, 1]])
    """

    nodes: Int[Tensor, "batch elements columns"]
    numbers: Float[Tensor, "batch elements numbers"]
    valid: Bool[Tensor, "batch elements"]
    edges: Int[Tensor, "2 edges"]
    kinds: Int[Tensor, "edges kinds"]
    weights: Float[Tensor, "edges weights"]
    schema: Schema

    def to(self, device: torch.device | str, /) -> "Graphs":
        """The same batch on another device."""
        fields = (self.nodes, self.numbers, self.valid, self.edges, self.kinds, self.weights)
        nodes, numbers, valid, edges, kinds, weights = (field.to(device, non_blocking=True) for field in fields)
        return Graphs(nodes, numbers, valid, edges, kinds, weights, self.schema)


def collate(items: Sequence[Graph]) -> Graphs:
    """Graphs as one batch.

    Raises:
        ValueError: if there are none, or their features differ.
    """
    schemas = {item.schema for item in items}
    if len(schemas) != 1:
        raise ValueError(f"a batch needs graphs with the same features, got {schemas or 'no graphs'}")
    counts = torch.tensor([len(item) for item in items])
    first = torch.cat([counts.new_zeros(1), counts.cumsum(0)[:-1]])
    pairs = torch.tensor([item.edges.shape[1] for item in items])
    edges = torch.cat([item.edges for item in items], dim=1) + first.repeat_interleave(pairs)
    pad = torch.nn.utils.rnn.pad_sequence
    return Graphs(
        pad([item.nodes for item in items], batch_first=True, padding_value=MASK),
        pad([item.numbers for item in items], batch_first=True),
        torch.arange(int(counts.max())) < counts[:, None],
        edges,
        torch.cat([item.kinds for item in items]),
        torch.cat([item.weights for item in items]),
        schemas.pop(),
    )
