"""Unsupervised segmentation: clusters of elements over a whole data set, named by classes with the Hungarian method."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from ...components.ranges import Count, CountOrNone, check_ranges
from ..clusters import k_means
from ..measures import OverlapMeasure
from .base import AbstractProtocol, Answer, EvaluationData, answer, classes_of, elements_of


@final
@dataclass(frozen=True)
class Segmenting(AbstractProtocol):
    """k-means over the elements of all items, each cluster named by a class, and the mean intersection over union.

    With as many clusters as classes they are named one to one, so that the sum of intersections over unions is
    greatest (Hungarian); what is left without a name counts as wrong. With more clusters each has the class of most of
    its elements. Vectors are standardised and projected on their first principal components. Means over draws of the
    start.

    Args:
        clusters: how many; 0 for as many as there are classes.
        components: greatest number of principal components; 0 for none.
        draws: k-means with so many seeds.

    Source: Leopart (Ziegler and Asano, 2022): 50 components, five seeds; matched at the resolution of elements.
    """

    clusters: CountOrNone = 0
    components: CountOrNone = 50
    draws: Count = 5
    title: ClassVar[str] = "unsupervised segmentation"
    of: ClassVar[Literal["items", "elements", "masked"]] = "elements"

    def __post_init__(self) -> None:
        check_ranges(self)

    def answers(self, data: EvaluationData[Any]) -> Sequence[Answer]:
        """One."""
        rows = elements_of(data)
        classes = len(classes_of(rows).names)
        tested = rows.tested()
        vectors = StandardScaler().fit_transform(rows.vectors[tested].numpy())
        components = min(self.components, *vectors.shape)
        if components:
            vectors = PCA(components, random_state=data.seed).fit_transform(vectors)
        distinct = len(np.unique(vectors, axis=0))
        count = min(self.clusters or classes, distinct)
        known = rows.known[tested].long().cpu()
        found = []
        for draw in range(self.draws):
            numbers = k_means(vectors, count, 3, data.seed + draw)
            found.append(names_of_clusters(numbers, known, classes)[numbers])
        outputs = torch.stack(found).double()[..., None]
        return [answer(rows, f"{count} clusters", outputs, OverlapMeasure())]


def names_of_clusters(
    clusters: Int[Tensor, " rows"], known: Int[Tensor, " rows"], classes: int
) -> Int[Tensor, " clusters"]:
    """The class of every cluster, −1 for one without: one to one, or by majority where clusters are more than classes.

    Example: by majority both clusters would have class 0.

        >>> names_of_clusters(torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([0, 0, 0, 0, 0, 1]), 2).tolist()
        [0, 1]
    """
    count = int(clusters.max()) + 1
    table = torch.bincount(clusters * classes + known, minlength=count * classes).view(count, classes).double()
    if count > classes:
        return table.argmax(dim=1)
    overlap = _overlaps(table)
    names = torch.full((count,), -1)
    found, named = linear_sum_assignment(-overlap.numpy())
    names[torch.from_numpy(found)] = torch.from_numpy(named)
    return names


def _overlaps(table: Float[Tensor, "clusters classes"]) -> Float[Tensor, "clusters classes"]:
    return table / (table.sum(dim=1, keepdim=True) + table.sum(dim=0) - table).clamp(min=1)
