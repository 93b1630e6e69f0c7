"""Corruptions of graphs among which a network can tell the one that was applied."""

from collections.abc import Mapping
from dataclasses import replace
from typing import final

import numpy as np
import torch

from gestalt.core.data.correspondence import Index
from gestalt.core.modality.transform import AbstractTransform

from .data import Graph
from .views import chain


@final
class ShuffledFeatures(AbstractTransform[Graph]):
    """The features of the nodes on other nodes: the structure stays, and so does how often each feature is there.

    Source: the corruption of Deep Graph Infomax (Veličković et al., 2019).
    """

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """A node shows the node whose features it has."""
        order = torch.from_numpy(rng.permutation(len(item)))
        shuffled = replace(item, nodes=item.nodes[order], numbers=item.numbers[order])
        return shuffled, Index(order[None], torch.ones(1, dtype=torch.bool))


CHOICES: Mapping[str, Mapping[str, AbstractTransform[Graph]]] = {
    "features": {"own": chain(), "shuffled": ShuffledFeatures()},
}
"""The features of nodes where they belong, or shuffled among the nodes."""
