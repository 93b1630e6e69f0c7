"""Do clusters of vectors agree with classes?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import numpy as np
import torch
from torch.nn.functional import normalize

from ...components.ranges import Count, CountOrNone, check_ranges
from ..clusters import k_means
from ..measures import ClusterMeasure
from .base import AbstractProtocol, Answer, EvaluationData, answer, classes_of, items_of


@final
@dataclass(frozen=True)
class Clustering(AbstractProtocol):
    """k-means on the tested items' normalised vectors, without labels, and how its clusters agree with the classes.

    Accuracy is that of the best one-to-one naming of clusters by classes (Hungarian); normalised mutual information;
    purity. Means over draws of the start.

    Args:
        clusters: how many; 0 for as many as there are classes among the tested items.
        draws: k-means with so many seeds, each the best of ten starts.

    Source: the metrics of DeepCluster (Caron et al., 2018) and SeLa (Asano et al., 2020).
    """

    clusters: CountOrNone = 0
    draws: Count = 3
    title: ClassVar[str] = "clustering"
    of: ClassVar[Literal["items", "elements", "masked"]] = "items"

    def __post_init__(self) -> None:
        check_ranges(self)

    def answers(self, data: EvaluationData[Any]) -> Sequence[Answer]:
        """One."""
        rows = items_of(data)
        classes_of(rows)
        tested = rows.tested()
        vectors = normalize(rows.vectors[tested].float(), dim=1).numpy()
        distinct = len(np.unique(vectors, axis=0))
        wanted = self.clusters or len(rows.known[tested].unique())
        count = min(wanted, distinct)
        found = [k_means(vectors, count, 10, data.seed + draw) for draw in range(self.draws)]
        outputs = torch.stack(found).double()[..., None]
        note = (
            f"only {distinct} vectors differ, so there are {count} clusters and not {wanted}" if count < wanted else ""
        )
        return [answer(rows, f"{count} clusters", outputs, ClusterMeasure(), note)]
