"""Next-element prediction: which elements come after those that were seen?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...components.ranges import Count, Width, check_ranges
from ...data.feature_map import FeatureMap
from ...data.item_noise import ItemNoise
from ...distributed.ranks import gather
from ...losses.distances import at_least_float, products
from ...losses.info_nce import info_nce_of_scores
from ...networks.encoder import AbstractEncoder
from ...networks.heads import StepPredictors
from ...networks.two_steps import InTwoSteps, SharesData
from ..objectives.base import Loss
from .base import AbstractElementTask, asked_of, tokens_of


@final
class NextElement(AbstractElementTask):
    """−log( e^{⟨W_k c_t, z_{t+k}⟩} / Σ_n e^{⟨W_k c_t, z_n⟩} ): which token z is k steps ahead of what was seen up to t?

    c_t is the vector that the encoder gives the element at t when it sees none behind it; z are tokens of single
    elements, and n runs over the right one and the tokens that are k steps ahead in all items of the batch on all
    ranks, without those that equal the right one, such as the same word in another text: they are right as well. Along
    an axis of time with further axes behind it, every element predicts those in its own row. A token beside which
    nothing so far ahead is wrong is not asked for. The loss is a mean over all that is asked, at all steps.
    Where tokens overlap (`SharesData`), k begins behind the last that shares something with that of t.

    Args:
        dim: length of the encoder's vectors, and of its tokens.
        steps: so many steps ahead are predicted: k runs from 1 to this, or as many from the first that is not shared.
        cuts: moments t that are drawn of every item.
    """

    def __init__(self, dim: Width, steps: Count = 12, cuts: Count = 1) -> None:
        super().__init__()
        self.dim, self.steps, self.cuts = dim, steps, cuts
        check_ranges(self)
        self.predictors = StepPredictors(dim, dim, steps)

    def forward(self, encoder: AbstractEncoder, data: Any, noise: ItemNoise) -> Loss:
        """The mean over steps, elements and moments, and the share of tokens that are found."""
        assert isinstance(encoder, InTwoSteps)
        tokens = tokens_of(encoder, data, self.dim)
        across = 1 if tokens.grid is None else tokens.grid.elements // tokens.grid.shape[0]
        length = tokens.valid.view(len(tokens.valid), -1, across).any(dim=2).sum(dim=1)
        moments = (noise.uniform(self.cuts) * (length - 1).clamp(min=1)[:, None]).long()
        parts = [self._from(encoder, tokens, moment, across) for moment in moments.unbind(dim=1)]
        total, right, count = (torch.stack(part).sum() for part in zip(*parts, strict=True))
        return asked_of(total, right, count, "next")

    def _from(
        self, encoder: InTwoSteps, tokens: FeatureMap, moment: Int[Tensor, " batch"], across: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The losses of all that is predicted from one moment of every item; how many are right; how many there are."""
        elements, device = tokens.valid.shape[1], tokens.valid.device
        time = torch.arange(elements, device=device) // across
        seen = encoder.mix(tokens, tokens.valid & (time <= moment[:, None]))
        row = torch.arange(across, device=device)
        now = moment[:, None] * across + row
        context, present = _at(seen, now)
        first = 1 + (encoder.shared if isinstance(encoder, SharesData) else 0)
        queries, keys = [], []
        for step in range(self.steps):
            wanted = now + (first + step) * across
            inside = wanted < elements
            key, there = _at(tokens, wanted.clamp(max=elements - 1))
            rows = present & there & inside
            queries.append(at_least_float(self.predictors(context, step))[rows])
            keys.append(at_least_float(key)[rows])
        total, right, count = torch.zeros(3, device=device).unbind()
        for losses, found, asked in matched(queries, keys):
            total, right, count = total + losses.sum(), right + found.sum(), count + asked.sum()
        return total, right, count

    def heads(self) -> Mapping[str, nn.Module]:
        """The predictors of all steps."""
        return {"predictors": self.predictors}


def _at(
    features: FeatureMap, places: Int[Tensor, "batch places"]
) -> tuple[Float[Tensor, "batch places dim"], Bool[Tensor, "batch places"]]:
    values = features.values.gather(1, places[..., None].expand(-1, -1, features.values.shape[2]))
    return values, features.valid.gather(1, places)


def matched(
    queries: Sequence[Float[Tensor, "_ dim"]], keys: Sequence[Float[Tensor, "_ dim"]]
) -> Iterator[tuple[Float[Tensor, " _"], Bool[Tensor, " _"], Bool[Tensor, " _"]]]:
    """For every step `found_among` its keys of all ranks, one for every query; those that differ from it are wrong.

    The keys of all steps travel between ranks at once.
    """
    step = torch.cat([torch.full_like(key[:, :1], number) for number, key in enumerate(keys)])
    everyone, start = gather(torch.cat([torch.cat(list(keys)), step], dim=1))
    for number, query in enumerate(queries):
        there = (everyone[:, -1] == number).nonzero()[:, 0]
        mine = start + (step[:, 0] == number).nonzero()[:, 0]
        own, key = torch.searchsorted(there, mine), everyone[there, :-1]
        yield found_among(query, key, own, differ(key, own))


def differ(keys: Float[Tensor, "keys dim"], own: Int[Tensor, " rows"]) -> Bool[Tensor, "rows keys"]:
    """Which keys have other numbers than the one of each row.

    Example:
        >>> differ(torch.tensor([[1.0, 2.0], [1.0, 3.0], [1.0, 2.0]]), torch.tensor([0])).tolist()
        [[False, True, False]]
    """
    if not len(keys):
        return torch.zeros(len(own), 0, dtype=torch.bool, device=keys.device)
    value: Tensor = keys.detach().unique(dim=0, return_inverse=True)[1]
    return value[own][:, None] != value


def found_among(
    query: Float[Tensor, "rows dim"],
    keys: Float[Tensor, "keys dim"],
    own: Int[Tensor, " rows"],
    wrong: Bool[Tensor, "rows keys"],
) -> tuple[Float[Tensor, " rows"], Bool[Tensor, " rows"], Bool[Tensor, " rows"]]:
    """InfoNCE by the scalar product of every query with its own key and wrong ones; which are found; which were asked.

    A query without a wrong key asks nothing: its loss is 0, and it counts neither as found nor as not.

    Example:
        >>> wrong = torch.tensor([[False, True], [False, False]])
        >>> loss, found, asked = found_among(torch.eye(2), torch.eye(2), torch.tensor([0, 1]), wrong)
        >>> [round(value, 3) for value in loss.tolist()], found.tolist(), asked.tolist()
        ([0.313, 0.0], [True, False], [True, False])
    """
    scores = products(query, keys)
    positive = scores.gather(1, own[:, None])[:, 0]
    asked = wrong.any(dim=1)
    if not len(keys):
        return info_nce_of_scores(positive, scores, wrong), asked, asked
    right = own[:, None] == torch.arange(len(keys), device=query.device)
    best = torch.where(wrong | right, scores.detach(), -torch.inf).argmax(dim=1)
    return info_nce_of_scores(positive, scores, wrong), (best == own) & asked, asked
