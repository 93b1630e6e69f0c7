"""A head whose elements point at one another: the parent of each, and its relation to it."""

from typing import Annotated, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import gelu, pad

from ...components.ranges import Between, Count, CountOrNone, Width, check_ranges
from ...data.feature_map import FeatureMap
from .base import AbstractFittedHead, Standard

LeftOut = Annotated[float, Between(0.0, 0.9)]
"""A share of numbers that are left out in training."""
NO_PARENT = -1e4
"""The score of what is no element: its probability is 0, and nothing becomes infinite."""


@final
class Biaffine(AbstractFittedHead):
    """Scores of every element j as the parent of element i, and of every relation r of i to its parent.

    s[i, j] = c_i · U p_j + u · p_j, with the vectors c = GELU(W₁ h) of elements as children and p = GELU(W₂ h) as
    parents; for the root, p is a vector of its own. r[i] = [c'_i; 1] · U_r [p̄'_i; 1], p̄'_i = Σ_j softmax(s[i])_j p'_j.
    In a sequence, s has a learned summand for the distance j − i.

    Args:
        inputs: length of the vectors.
        relations: how many there are.
        longest: elements of an item, at most.
        hidden: length of c and p.
        relation_hidden: length of c' and p'.
        distances: how far in a sequence distances are told apart; 0 for sets, whose order says nothing.
        dropout: share of the hidden numbers that are left out in training.

    Source: Dozat and Manning, "Deep biaffine attention for neural dependency parsing" (2017), on whatever an encoder
    gives in place of an LSTM. There p' is that of the true parent in training and of the chosen one afterwards; the
    mean over what is likely needs no truth. The distance is ours.
    """

    def __init__(
        self,
        inputs: Width,
        relations: Count,
        longest: Count,
        hidden: Width = 64,
        relation_hidden: Width = 32,
        distances: CountOrNone = 0,
        dropout: LeftOut = 0.33,
    ) -> None:
        super().__init__()
        self.inputs, self.relations, self.longest = inputs, relations, longest
        self.hidden, self.relation_hidden, self.distances, self.dropout = hidden, relation_hidden, distances, dropout
        check_ranges(self)
        self.standard = Standard(inputs)
        self.arc_vectors = nn.Linear(inputs, 2 * hidden)
        self.relation_vectors = nn.Linear(inputs, 2 * relation_hidden)
        self.left_out = nn.Dropout(dropout)
        self.arc = nn.Linear(hidden, hidden)  # U, and u as its bias
        self.root = nn.Parameter(torch.randn(hidden) / hidden**0.5)
        self.relation_root = nn.Parameter(torch.randn(relation_hidden) / relation_hidden**0.5)
        self.relation = nn.Parameter(torch.randn(relations, relation_hidden + 1, relation_hidden + 1) / relation_hidden)
        self.near = nn.Parameter(torch.zeros(2 * distances + 1 if distances else 0))

    def forward(self, asked: FeatureMap) -> Float[Tensor, "batch asked outputs"]:
        """See the class.

        Raises:
            ValueError: for items of more elements than `longest`.
        """
        count = asked.valid.shape[1]
        seen = torch.where(asked.valid[..., None], self.standard(asked.values.float()), 0.0)
        child, parent = self.left_out(gelu(self.arc_vectors(seen))).chunk(2, dim=-1)
        scores = self._arcs(child, parent, asked.valid)
        child, parent = self.left_out(gelu(self.relation_vectors(seen))).chunk(2, dim=-1)
        share = scores.softmax(dim=2)
        own = torch.eye(count, dtype=torch.bool, device=scores.device)
        mean = share.masked_fill(own, 0.0) @ parent + share.diagonal(dim1=1, dim2=2)[..., None] * self.relation_root
        relations = torch.einsum(
            "bic,rcp,bip->bir", pad(child, (0, 1), value=1.0), self.relation, pad(mean, (0, 1), value=1.0)
        )
        if count > self.longest and bool(asked.valid[:, self.longest :].any()):
            raise ValueError(f"this head was fitted to items of at most {self.longest} elements, and one has {count}")
        padded = pad(scores[..., : self.longest], (0, max(0, self.longest - count)), value=NO_PARENT)
        return torch.cat([padded, relations], dim=2) * asked.valid[..., None]

    def _arcs(
        self,
        child: Float[Tensor, "batch asked hidden"],
        parent: Float[Tensor, "batch asked hidden"],
        valid: Bool[Tensor, "batch asked"],
    ) -> Float[Tensor, "batch asked parents"]:
        count = valid.shape[1]
        asking = self.arc(child)
        scores = asking @ parent.mT
        if self.distances:
            place = torch.arange(count, device=valid.device)
            apart = (place[None] - place[:, None]).clamp(-self.distances, self.distances) + self.distances
            scores = scores + self.near[apart]
        scores = scores.masked_fill(~valid[:, None], NO_PARENT)
        root: Tensor = asking @ self.root
        own = torch.eye(count, dtype=torch.bool, device=valid.device)
        return torch.where(own, root[..., None], scores)
