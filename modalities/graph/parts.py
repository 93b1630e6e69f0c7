"""The part of a batch of graphs that is there: nodes that are hidden are gone, and so are their edges."""

from dataclasses import dataclass
from typing import final

from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.exporting import is_exporting
from gestalt.core.data.feature_map import FeatureMap, Links

from .data import Graphs
from .plain_messages import arriving_at
from .rows import in_places, place_of_node, row_of_place, rows_of


def joined(nodes: FeatureMap, edges: Float[Tensor, "edges dim"], data: Graphs) -> FeatureMap:
    """Nodes with the vectors of their edges as links."""
    ends = place_of_node(data.valid)[data.edges]
    return FeatureMap(nodes.values, nodes.valid, neighbours=nodes.neighbours, links=Links(ends, edges))


@final
@dataclass(frozen=True)
class Part:
    """Nodes that are there, one row each, and the edges between them with their vectors; `whole` is what it is of.

    Example:
        >>> import torch
        >>> from gestalt.core.data.feature_map import Links
        >>> links = Links(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.zeros(4, 2))
        >>> whole = FeatureMap(torch.ones(1, 3, 2), torch.ones(1, 3, dtype=torch.bool), links=links)
        >>> Part.of(whole, torch.tensor([[False, True, True]])).edges.tolist()
        [[0, 1], [1, 0]]
    """

    nodes: Float[Tensor, "rows dim"]
    edges: Int[Tensor, "2 edges"]
    of_edges: Float[Tensor, "edges dim"]
    there: Bool[Tensor, "batch elements"]
    whole: FeatureMap

    @classmethod
    def of(cls, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> "Part":
        """The visible nodes.

        Raises:
            ValueError: if the tokens do not say what joins them.
        """
        if tokens.links is None:
            raise ValueError("messages need the edges of the tokens: take tokens from `embed`, and keep their links")
        there = tokens.valid if visible is None else tokens.valid & visible
        ends, vectors = tokens.links.ends, tokens.links.values
        if visible is not None:
            inside = there.flatten()[ends].all(dim=0)
            ends, vectors = ends[:, inside], vectors[inside]
        return cls(rows_of(tokens.values, there), row_of_place(there)[ends], vectors, there, tokens)

    def arriving(self) -> Float[Tensor, "rows dim"]:
        """The sum of the vectors of the edges that arrive at each node."""
        rows = self.of_edges.new_zeros(self.nodes.shape[0], self.of_edges.shape[1])
        if is_exporting():
            return arriving_at(self.of_edges, self.edges[1], rows.shape[0])
        return rows.index_add(0, self.edges[1], self.of_edges)

    def put_back(self, rows: Float[Tensor, "rows other"]) -> FeatureMap:
        """Other vectors of these nodes in their places, zero everywhere else; links are left behind."""
        return FeatureMap(in_places(rows, self.there), self.whole.valid, neighbours=self.whole.neighbours)
