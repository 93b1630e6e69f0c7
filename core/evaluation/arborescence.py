"""The best tree over the elements of an item, and how many of its arcs are right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import networkx
import torch
from jaxtyping import Float, Int
from torch import Tensor

from .measures import AbstractMeasure


def best_tree(scores: Float[Tensor, "elements parents"]) -> Int[Tensor, " elements"]:
    """argmax Σ_i s[i, parent(i)] over all trees with one root: the parent of every element, the root's is itself.

    The tree may cross itself (non-projective). Where the likeliest parents are a tree with one root already, they are
    it. Otherwise Edmonds' algorithm finds it, with a node above all roots; arcs from there cost so much that it takes
    one of them alone, whatever that costs.

    Args:
        scores: of element i with parent j; on the diagonal that i is the root. All are finite.

    Example: two words that would be each other's parents.

        >>> best_tree(torch.tensor([[0.0, 5.0], [4.0, 1.0]])).tolist()
        [1, 1]

    Source: McDonald et al., "Non-projective dependency parsing using spanning tree algorithms" (2005); Edmonds'
    algorithm is networkx's; one root by re-weighting: Stanojević and Cohen, "A root of a problem" (2021).
    """
    count = len(scores)
    likeliest = scores.argmax(dim=1)
    if count < 2 or is_tree(likeliest):
        return likeliest if count != 1 else torch.zeros(1, dtype=torch.long)
    wide = scores.double().cpu()
    costly = 1 + count * float(wide.max() - wide.min())
    graph = networkx.DiGraph()
    graph.add_weighted_edges_from(
        (count, child, weight - costly) if parent == child else (parent, child, weight)
        for child, row in enumerate(wide.tolist())
        for parent, weight in enumerate(row)
    )
    parents = torch.arange(count)
    for parent, child in networkx.maximum_spanning_arborescence(graph).edges:
        parents[child] = child if parent == count else parent
    return parents


def is_tree(parents: Int[Tensor, " elements"]) -> bool:
    """Whether all elements hang on one root.

    Example:
        >>> is_tree(torch.tensor([1, 1])), is_tree(torch.tensor([0, 1])), is_tree(torch.tensor([0, 2, 1]))
        (True, False, False)
    """
    above = parents
    for _ in range(max(1, len(parents)).bit_length()):  # twice as high in every round
        above = above[above]
    roots = (parents == torch.arange(len(parents), device=parents.device)).nonzero()[:, 0]
    return len(roots) == 1 and bool((above == roots).all())


@final
@dataclass(frozen=True)
class AttachmentMeasure(AbstractMeasure):
    """`las`, `uas`: the share of elements with the true parent and the true relation, and with the true parent.

    Outputs and truth are columns of parent and relation. All elements count, marks of punctuation among them.

    Source: CoNLL 2018 shared task (Zeman et al.), whose LAS and UAS these are where words are cut alike.
    """

    def __call__(self, outputs: Float[Tensor, "rows 2"], known: Int[Tensor, "rows 2"]) -> Mapping[str, float]:
        """The scores."""
        right = outputs.long() == known
        return {"las": float(right.all(dim=1).double().mean()), "uas": float(right[:, 0].double().mean())}
