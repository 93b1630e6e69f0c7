"""Parts of one graph joined to another: by a single bond where both are molecules, by an edge otherwise."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.transplant import Transplant

from .data import Graph
from .directions import turned
from .molecules import BONDED, CHIRAL, HYDROGEN, MOLECULE, SINGLE_BOND

FOREIGN = -1
"""The number, in the host's file, of a node that comes from another graph."""


def transplant(host: Graph, donor: Graph, part: ItemMasks, rng: np.random.Generator) -> Transplant[Graph] | None:
    """A part of one graph joined to a random node of another.

    The largest connected piece of the part is taken. In a molecule the single bonds that held it are cut, and each
    gives its atom a hydrogen; the new single bond takes one from an atom of the piece, where it was cut if possible,
    and one from an atom of the host, so that every atom keeps its valence. Other graphs are joined by an edge like one
    that was cut, or like any of theirs, in both directions.

    Args:
        host: the graph that the part is joined to.
        donor: the graph that it is a part of.
        part: which nodes.
        rng: the only source of randomness.

    Returns:
        None for a part with more nodes than the host or of other features, and in molecules for one that is held by
        other than single bonds, or where host or part have no hydrogen to give.
    """
    inside = _largest_piece(donor, part.under(None, len(donor)) >= 0)
    count = int(inside.sum())
    if not 0 < count <= len(host) or host.schema != donor.schema:
        return None
    cut = inside[donor.edges[0]] & ~inside[donor.edges[1]]
    taken = inside.nonzero()[:, 0]
    place = torch.full((len(donor),), -1)
    place[taken] = torch.arange(count)
    ends = torch.bincount(place[donor.edges[0, cut]], minlength=count)  # cut edges by node of the piece
    piece = donor.take(taken)
    # Drawn by numbers of nodes alone: what is said of one node decides of no other.
    of_host, of_piece = (torch.from_numpy(rng.permutation(len(graph))) for graph in (host, piece))
    of_piece = torch.cat([of_piece[ends[of_piece] > 0], of_piece[ends[of_piece] == 0]])
    if host.schema == MOLECULE:
        if bool((donor.kinds[cut, 0] != SINGLE_BOND[0]).any()):
            return None
        piece = _given_hydrogens(piece, ends)
        of_host, of_piece = of_host[_spare(host)[of_host]], of_piece[_spare(piece)[of_piece]]
        if not len(of_host) or not len(of_piece):
            return None
    one, two = int(of_host[0]), int(of_piece[0])
    there = cut & (donor.edges[0] == taken[two])
    joined = _joined(host, piece, (one, two + len(host)), _edge(host, donor, there))
    if host.schema == MOLECULE:
        joined = _bonded(joined, [one, two + len(host)])
    return Transplant.of_set(joined, [*range(len(host)), *[-1] * count], [*[-1] * len(host), *taken.tolist()])


def _largest_piece(graph: Graph, inside: Bool[Tensor, " nodes"]) -> Bool[Tensor, " nodes"]:
    """The largest connected piece of some nodes; of several, that of the first node."""
    if not bool(inside.any()):
        return inside
    within = graph.edges[:, inside[graph.edges].all(dim=0)]
    one, two = torch.cat([within, within.flip(0)], dim=1)
    numbers, before = torch.arange(len(graph)), None
    while before is None or not torch.equal(numbers, before):  # as often as the piece is wide
        before, numbers = numbers, numbers.scatter_reduce(0, two, numbers[one], "amin")
    sizes = torch.bincount(numbers[inside], minlength=len(graph))
    return inside & (numbers == sizes.argmax())


def _spare(graph: Graph) -> Bool[Tensor, " nodes"]:
    """Which atoms have a hydrogen to give: categories count from the mask, and from no hydrogen."""
    return graph.nodes[:, HYDROGEN] >= 2


def _given_hydrogens(piece: Graph, ends: Int[Tensor, " nodes"]) -> Graph:
    """The piece with a hydrogen for every bond that was cut."""
    nodes = piece.nodes.clone()
    nodes[:, HYDROGEN] = _added(nodes, HYDROGEN, ends)
    nodes[:, BONDED] = _added(nodes, BONDED, -ends)
    return replace(piece, nodes=nodes)


def _added(nodes: Int[Tensor, "nodes columns"], column: int, more: Int[Tensor, " nodes"]) -> Int[Tensor, " nodes"]:
    """A column of counts with some more; a mask stays, and so does the last category, which is for all above."""
    known = nodes[:, column]
    return torch.where(known > 0, (known + more).clamp(1, MOLECULE.nodes[column] - 1), known)


def _edge(host: Graph, donor: Graph, cut: Bool[Tensor, " edges"]) -> tuple[Tensor, Tensor]:
    """Kinds and weights of the new edge: those of the first that was cut, otherwise of any, otherwise masked."""
    for graph, edges in ((donor, cut), (host, slice(None)), (donor, slice(None))):
        if len(graph.kinds[edges]):
            return graph.kinds[edges][:1], graph.weights[edges][:1]
    return torch.zeros(1, len(host.schema.edges), dtype=torch.long), torch.zeros(1, host.schema.weights)


def _joined(host: Graph, piece: Graph, ends: tuple[int, int], like: tuple[Tensor, Tensor]) -> Graph:
    """Both as one graph, with an edge more, in both directions."""
    new = torch.tensor([ends[::-1], ends]).T  # out of the piece, as the edges that were cut
    kind, weight = like
    return replace(
        host,
        nodes=torch.cat([host.nodes, piece.nodes]),
        numbers=torch.cat([host.numbers, piece.numbers]),
        edges=torch.cat([host.edges, piece.edges + len(host), new], dim=1),
        kinds=torch.cat([host.kinds, piece.kinds, kind, turned(kind, host.schema)]),
        weights=torch.cat([host.weights, piece.weights, weight, weight]),
        ids=torch.cat([host.ids, torch.full_like(piece.ids, FOREIGN)]),
    )


def _bonded(graph: Graph, ends: list[int]) -> Graph:
    """A molecule whose last edge is a new single bond: both atoms have a hydrogen less, and no stereo that is known."""
    nodes, kinds = graph.nodes.clone(), graph.kinds.clone()
    one = torch.ones(2, dtype=torch.long)
    nodes[ends, HYDROGEN] = _added(nodes[ends], HYDROGEN, -one)
    nodes[ends, BONDED] = _added(nodes[ends], BONDED, one)
    nodes[ends, CHIRAL] = 1
    kinds[-2:] = torch.tensor(SINGLE_BOND)
    return replace(graph, nodes=nodes, kinds=kinds)
