"""Directions in which the elements of a whole data set lie, and the object that each stands for."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..components.ranges import Count, Width, check_ranges

BACKGROUND = -1
NO_CLUSTER = -1


@final
class Codebook(nn.Module):
    """Clusters of elements over a data set: their centres of unit length, and the object of each (−1: background).

    A vector of zeros has no direction, so it is of no cluster, and background.

    A fresh one is to be fitted (`core/runs/codebooks.py`); what was fitted is kept with the weights of a run.

    Args:
        clusters: how many.
        dim: of the vectors.

    Example:
        >>> book = Codebook.of(torch.eye(2), torch.tensor([0, -1]))
        >>> book.objects_of(torch.tensor([[3.0, 1.0], [0.0, 2.0], [0.0, 0.0]])).tolist()
        [0, -1, -1]
    """

    centres: Tensor
    objects: Tensor

    def __init__(self, clusters: Count = 200, dim: Width = 1) -> None:
        super().__init__()
        self.clusters, self.dim = clusters, dim
        check_ranges(self)
        self.register_buffer("centres", torch.zeros(clusters, dim))
        self.register_buffer("objects", torch.arange(clusters))

    @classmethod
    def of(cls, centres: Float[Tensor, "clusters dim"], objects: Int[Tensor, " clusters"] | None = None) -> "Codebook":
        """A codebook with these centres; every cluster is an object of its own, if nothing else is said."""
        book = cls(*centres.shape)
        book.centres.copy_(torch.nn.functional.normalize(centres.float(), dim=1))
        if objects is not None:
            book.objects.copy_(objects)
        return book

    @torch.no_grad()
    def nearest(self, values: Float[Tensor, "*elements dim"]) -> Int[Tensor, "*elements"]:
        """The cluster of every vector: the one of greatest cosine similarity; −1 for a vector of zeros.

        Answers lie on the device of the vectors, wherever the codebook does.

        Raises:
            ValueError: if the codebook was never fitted, or is of vectors of another length.
        """
        if not bool(self.centres.any()):
            raise ValueError(
                "this codebook was fitted to no data yet: call fitted_codebook, or load a run that has one"
            )
        if values.shape[-1] != self.dim:
            raise ValueError(
                f"this codebook is of vectors of {self.dim} numbers, got {values.shape[-1]}: it belongs to another "
                "network, space or level"
            )
        found: Tensor = (values.to(self.centres) @ self.centres.T).argmax(dim=-1)
        return torch.where((values != 0).any(dim=-1), found.to(values.device), NO_CLUSTER)

    def objects_of(self, values: Float[Tensor, "*elements dim"]) -> Int[Tensor, "*elements"]:
        """The object of every vector, −1 for background and for vectors of zeros; on the device of the vectors."""
        cluster = self.nearest(values)
        return torch.where(cluster >= 0, self.objects.to(values.device)[cluster.clamp(min=0)], BACKGROUND)
