"""What a fit has learned: what its target is of, the head that answers, how sure it may be, and how far is too far."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from ..components.ranges import CountOrNone, Width, check_ranges
from ..data.feature_map import FeatureMap
from ..data.segmentation import Segmentation
from ..methods.targets import AbstractTarget, Decides, Errs
from .heads.base import AbstractFittedHead, Standard
from .margins import widening
from .subjects import AbstractSubject

UNKNOWN = "unknown"
"""The answer about what is far from everything labelled."""
CHUNK = 2048
REMEMBERED = 4096
"""Labelled vectors that distances are measured to, at most; drawn by chance."""


@final
@dataclass(frozen=True)
class Said:
    """What a fit says of some items: of everything that was asked about, padded.

    Attributes:
        outputs: the head's, divided by the temperature.
        asked: what is there to be asked about.
        distance: to the nearest labelled vector; 0 where nothing was remembered.
    """

    outputs: Float[Tensor, "batch asked outputs"]
    asked: Bool[Tensor, "batch asked"]
    distance: Float[Tensor, "batch asked"]


@final
class Fitted(nn.Module):
    """A head with what its answers mean.

    Outputs are divided by a temperature, so that probabilities are as sure as held-out rows were right. What lies
    further from every labelled vector than `threshold` is unknown; the distance is 1 − cosine of standardised vectors.
    Values have `margins`, which widen with that distance; they are infinite where nothing was held out.

    Args:
        of: what the target is of.
        target: what is answered.
        head: that answers.
        inputs: length of the vectors.
        remembered: labelled vectors that distances are measured to; 0 for none, then nothing is unknown.

    Source: temperature: Guo et al., "On calibration of modern neural networks" (2017); distance to the nearest
    neighbour as what tells the unknown: Sun et al., "Out-of-distribution detection with deep nearest neighbors" (2022),
    on standardised vectors with k = 1 (ours).
    """

    temperature: Tensor
    threshold: Tensor
    vectors: Tensor
    margins: Tensor
    usual: Tensor

    def __init__(
        self,
        of: AbstractSubject,
        target: AbstractTarget,
        head: AbstractFittedHead,
        inputs: Width,
        remembered: CountOrNone = 0,
    ) -> None:
        super().__init__()
        self.of, self.target, self.head, self.inputs, self.remembered = of, target, head, inputs, remembered
        check_ranges(self)
        self.standard = Standard(inputs)
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("threshold", torch.tensor(torch.inf))
        self.register_buffer("vectors", torch.zeros(remembered, inputs))
        self.register_buffer("margins", torch.full((len(target.columns) * isinstance(target, Errs),), torch.inf))
        self.register_buffer("usual", torch.ones(()))

    def forward(self, features: FeatureMap, found: Segmentation) -> Said:
        """What is said of all items of a batch."""
        return self.say(self.of.asked(features, found))

    def say(self, asked: FeatureMap) -> Said:
        """What is said of vectors that are there already."""
        distance = torch.zeros(asked.valid.shape, device=asked.values.device)
        if self.remembered:
            rows = self.standard(asked.values[asked.valid].float())
            distance = distance.masked_scatter(asked.valid, nearest_distance(rows, self.vectors))
        return Said(self.head(asked) / self.temperature, asked.valid, distance)

    def margins_at(self, distance: Float[Tensor, " rows"]) -> Float[Tensor, "rows values"]:
        """By how much the values of rows may be off that lie so far from what was labelled; see `margins_of`."""
        return widening(distance, self.usual.to(distance))[:, None] * self.margins.to(distance)

    @property
    def has_margins(self) -> bool:
        """Whether they are known of any value."""
        return bool(self.margins.isfinite().any())

    def remember(self, rows: Float[Tensor, "rows inputs"]) -> None:
        """Keep these vectors as what is known; as many as were said."""
        self.standard.see(rows)
        self.vectors.copy_(normalize(self.standard(rows), dim=1))

    def answers(self, outputs: Float[Tensor, "rows outputs"], distance: Float[Tensor, " rows"]) -> list[str | None]:
        """The decision about every row, `unknown` where it is too far; None of targets without decisions."""
        decided: list[str | None] = [None] * len(outputs)
        if isinstance(self.target, Decides):
            decided = [*self.target.decide(self.target.decode(outputs))]
        far = (distance > self.threshold).tolist()
        return [UNKNOWN if too_far else one for one, too_far in zip(decided, far, strict=True)]


def nearest_distance(rows: Float[Tensor, "rows dim"], bank: Float[Tensor, "bank dim"]) -> Float[Tensor, " rows"]:
    """1 − the greatest cosine to any vector of the bank, which are of length 1.

    Example:
        >>> nearest_distance(torch.tensor([[2.0, 0.0], [0.0, -1.0]]), torch.eye(2)).tolist()
        [0.0, 1.0]
    """
    parts = [(1 - (normalize(some, dim=1) @ bank.T).amax(dim=1)).clamp(min=0) for some in rows.split(CHUNK)]
    return torch.cat(parts) if parts else rows.new_zeros(0)


def some_of(vectors: Tensor, seed: int) -> Tensor:
    """Up to `REMEMBERED` of the vectors, in their order."""
    if len(vectors) <= REMEMBERED:
        return vectors
    order = torch.randperm(len(vectors), generator=torch.Generator().manual_seed(seed))
    return vectors[order[:REMEMBERED].sort().values]
