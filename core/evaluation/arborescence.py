"""The best tree over the elements of an item, and how many of its arcs are right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..methods.targets.trees import attachment_scores
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

    Source: McDonald et al., "Non-projective dependency parsing using spanning tree algorithms" (2005); one root by
    re-weighting: Stanojević and Cohen, "A root of a problem" (2021).
    """
    count = len(scores)
    likeliest = scores.argmax(dim=1)
    if count < 2 or is_tree(likeliest):
        return likeliest if count != 1 else torch.zeros(1, dtype=torch.long)
    wide = scores.double().cpu().numpy()
    costly = 1 + count * float(wide.max() - wide.min())
    weights = np.full((count + 1, count + 1), -np.inf)  # node 0 is above all roots
    weights[1:, 1:] = wide
    weights[1:, 0] = wide.diagonal() - costly
    np.fill_diagonal(weights, -np.inf)
    parents = torch.from_numpy(arborescence(weights)[1:]) - 1
    return torch.where(parents < 0, torch.arange(count), parents)


def arborescence(weights: Float[np.ndarray, "nodes parents"]) -> Int[np.ndarray, " nodes"]:
    """argmax Σ_i w[i, parent(i)] over all trees that hang on node 0, which is its own parent.

    Every node takes its best parent. Where that makes a cycle, the cycle becomes one node: what enters it at node c
    gains w[c, u] − w[c, parent(c)], for one arc of the cycle is given up there; and so on until there is none.

    Args:
        weights: of node i with parent j; −∞ where that cannot be, as on the diagonal. Some tree has a finite weight.

    Source: Chu and Liu, "On the shortest arborescence of a directed graph" (1965); Edmonds, "Optimum branchings"
    (1967).

    Example:
        >>> none = -np.inf
        >>> arborescence(np.array([[none, none, none], [1.0, none, 5.0], [2.0, 5.0, none]])).tolist()
        [0, 2, 0]
    """
    contracted: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    while True:
        parents: np.ndarray = weights.argmax(axis=1)
        parents[0] = 0
        cycle = _cycle_of(parents)
        if not len(cycle):
            break
        outside = np.setdiff1d(np.arange(len(parents)), cycle)
        entering = weights[np.ix_(cycle, outside)] - weights[cycle, parents[cycle]][:, None]
        leaving = weights[np.ix_(outside, cycle)]
        contracted.append((outside, parents, cycle[entering.argmax(axis=0)], cycle[leaving.argmax(axis=1)]))
        within = weights[np.ix_(outside, outside)]
        bottom = np.append(entering.max(axis=0), -np.inf)
        weights = np.vstack([np.column_stack([within, leaving.max(axis=1)]), bottom])
    for outside, taken, enters, leaves in reversed(contracted):
        *inner, above = parents.tolist()  # the last node is the cycle
        whole = taken.copy()
        whole[outside] = np.where(np.equal(inner, len(outside)), leaves, np.append(outside, 0)[inner])
        whole[enters[above]] = outside[above]
        parents = whole
    return parents


def _cycle_of(parents: Int[np.ndarray, " nodes"]) -> Int[np.ndarray, " cycle"]:
    """The nodes of the first cycle, but for that of node 0 with itself; none where there is no other."""
    above, least = parents, np.arange(len(parents))
    for _ in range(len(parents).bit_length()):  # twice as high in every round
        least, above = np.minimum(least, least[above]), above[above]
    on_cycles: np.ndarray = np.unique(above)  # so high up there is nothing else
    if len(on_cycles) < 2:
        return on_cycles[1:]
    first = on_cycles[1]
    cycle: np.ndarray = on_cycles[least[on_cycles] == first]
    return cycle


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
    """`las`, `uas`: see `attachment_scores`. Outputs and truth are columns of parent and relation.

    All elements count of which something is known, marks of punctuation among them.

    Source: CoNLL 2018 shared task (Zeman et al.), whose LAS and UAS these are where words are cut alike.
    """

    def __call__(self, outputs: Float[Tensor, "rows 2"], known: Int[Tensor, "rows 2"]) -> Mapping[str, float]:
        """The scores."""
        return attachment_scores(outputs.long(), known)
