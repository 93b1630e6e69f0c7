"""Context prediction: how do two elements lie to one another?"""

from collections.abc import Mapping
from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...components.ranges import Count, Width, check_ranges
from ...data.feature_map import FeatureMap
from ...data.item_noise import ItemNoise
from ...losses.distances import at_least_float
from ...networks.encoder import AbstractEncoder
from ...networks.heads import MLP
from ...networks.two_steps import InTwoSteps
from ..objectives.base import Loss
from .base import AbstractElementTask, asked_of, seen_alone
from .relations import RELATIONS, Relations, relations


@final
class ContextPrediction(AbstractElementTask):
    """−log p(r | z_i, z_j), p = softmax(MLP([z_i, z_j])): in which relation r lie elements i and j of an item?

    Pairs are drawn so that all relations of an item come equally often. Relations that a map cannot have (directions
    of axes that it lacks) are left out of the soft-max.

    Args:
        dim: length of the encoder's vectors.
        hidden: width of the hidden layer.
        pairs: of every item.
        gap: how many cells apart two elements of a grid, or of a sequence, lie.
        hops: how many distances along links are told apart; the last is all that are longer.
        alone: encoders in two steps see each of the two elements alone; others see their surroundings too.
        ordered: whether elements of a set without neighbours lie in order.
    """

    def __init__(
        self,
        dim: Width,
        hidden: Width = 4096,
        pairs: Count = 16,
        gap: Count = 2,
        hops: Count = 4,
        alone: bool = True,
        ordered: bool = False,
    ) -> None:
        super().__init__()
        self.dim, self.hidden, self.pairs, self.gap, self.hops = dim, hidden, pairs, gap, hops
        self.alone, self.ordered = alone, ordered
        check_ranges(self)
        if hops > RELATIONS:
            raise ValueError(f"up to {RELATIONS} numbers of hops are told apart, got {hops}")
        self.classifier = MLP(2 * dim, hidden, RELATIONS)

    def forward(self, encoder: AbstractEncoder, data: Any, noise: ItemNoise) -> Loss:
        """The loss and the share of pairs that are told rightly."""
        apart = self.alone and isinstance(encoder, InTwoSteps)
        features: FeatureMap = encoder.embed(data) if apart else encoder(data)  # type: ignore[operator]
        known = relations(features, self.gap, self.hops, self.ordered)
        place, chosen = drawn(known, self.pairs, noise)
        ends = torch.cat([known.one[place], known.other[place]], dim=1)
        if apart:
            assert isinstance(encoder, InTwoSteps)
            vectors = seen_alone(encoder, features, ends)
        else:
            vectors = features.values.gather(1, ends[..., None].expand(-1, -1, features.values.shape[2]))
        one, other = vectors.chunk(2, dim=1)
        kind = known.kind.expand(len(place), -1).gather(1, place)[chosen]
        logits: Float[Tensor, "rows relations"] = at_least_float(
            self.classifier(torch.cat([one, other], dim=2)[chosen])
        )
        logits = logits[:, : known.kinds]
        with torch.autocast(logits.device.type, enabled=False):
            rows = nn.functional.cross_entropy(logits, kind, reduction="none")
        right = (logits.detach().argmax(dim=1) == kind).sum()
        return asked_of(rows.sum(), right, torch.tensor(len(rows), device=rows.device), "context")

    def heads(self) -> Mapping[str, nn.Module]:
        """The classifier."""
        return {"classifier": self.classifier}


def drawn(
    known: Relations, count: int, noise: ItemNoise
) -> tuple[Int[Tensor, "batch drawn"], Bool[Tensor, "batch drawn"]]:
    """Up to `count` pairs of every item without replacement, all its relations equally often; and which are pairs."""
    kind, there = known.kind.expand_as(known.there), known.there
    often = torch.zeros(len(there), known.kinds, device=there.device).scatter_add_(1, kind, there.float())
    # Largest −log(−log u) − log n first: a draw without replacement by weights 1/n (Gumbel).
    luck = noise.uniform(there.shape[1]).clamp(1e-7, 1 - 1e-7)
    score = -(-luck.log()).log() - often.gather(1, kind).clamp(min=1).log()
    best = torch.where(there, score, -torch.inf).topk(min(count, there.shape[1]), dim=1)
    return best.indices, best.values > -torch.inf
