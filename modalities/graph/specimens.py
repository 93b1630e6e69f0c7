"""Small molecules with known parts, on which the conformance suite runs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import final

import torch

from gestalt.core.modality.base import Specimen

from .data import Graph
from .molecules import HYDROGEN, graph_of, molecule_of

KNOWN = (
    ("CC(=O)Oc1ccccc1C(=O)O", (("ester", (0, 1, 2, 3)), ("ring", (4, 5, 6, 7, 8, 9)), ("acid", (10, 11, 12)))),
    ("[Na+].[O-]S(=O)(=O)c1ccc(N)cc1", (("ion", (0,)), ("sulphonate", (1, 2, 3, 4)), ("ring", (5, 6, 7, 8, 10, 11)))),
    ("CC(C)Cc1ccc(cc1)C(C)C(=O)O", (("alkyl", (0, 1, 2, 3)), ("ring", (4, 5, 6, 7, 8, 9)), ("acid", (12, 13, 14)))),
)
"""Aspirin, a salt, ibuprofen: SMILES, and the names and atoms of their parts."""


@final
class Mark:
    """A graph in which every category of one node is another than it was, but for its hydrogens.

    These decide which atoms can be bonded to others, and so where a transplant lands.
    """

    def __init__(self, item: Graph) -> None:
        self.item = item

    def __call__(self, element: int) -> Graph:
        """The graph, marked at that node."""
        nodes = self.item.nodes.clone()
        sizes = torch.tensor(self.item.schema.nodes)
        others = torch.arange(len(sizes)) != HYDROGEN
        nodes[element, others] = (nodes[element] % (sizes - 1) + 1)[others]
        return replace(self.item, nodes=nodes)


def specimens() -> Sequence[Specimen[Graph]]:
    """Aspirin, a salt of sulphanilic acid, and ibuprofen, with their rings and functional groups."""
    made = []
    for smiles, parts in KNOWN:
        item = graph_of(molecule_of(smiles))
        labels = torch.full((len(item),), -1)
        for number, (_, atoms) in enumerate(parts):
            labels[list(atoms)] = number
        made.append(Specimen(item, labels, Mark(item), parts))
    return made
