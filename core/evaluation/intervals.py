"""Stretches of one axis: events of a recording, spans of a text, scenes of a clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor


@final
@dataclass(frozen=True)
class Intervals:
    """`[onset, offset)` of every object of one item, in axis units (seconds, characters); they may overlap.

    Example:
        >>> events = Intervals.of([(0.5, 1.0), (1.0, 2.5)])
        >>> events.boundaries().tolist(), events.overlap(Intervals.of([(1.0, 2.0)])).tolist()
        ([0.5, 1.0, 2.5], [[0.0], [0.666...]])
    """

    onset: Float[Tensor, " n"]
    offset: Float[Tensor, " n"]

    def __post_init__(self) -> None:
        if self.onset.shape != self.offset.shape:
            raise ValueError(f"every onset needs an offset, got {len(self.onset)} and {len(self.offset)}")
        wrong = ~(self.onset < self.offset) | ~self.onset.isfinite() | ~self.offset.isfinite()
        if bool(wrong.any()):
            first = int(wrong.nonzero()[0])
            raise ValueError(
                f"an interval ends after it begins, got onset {float(self.onset[first])} "
                f"and offset {float(self.offset[first])} (number {first})"
            )

    def __len__(self) -> int:
        return len(self.onset)

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> "Intervals":
        """From (onset, offset) pairs; in float64, so that seconds far into a long item keep their place."""
        ends = torch.tensor(list(pairs), dtype=torch.float64).view(-1, 2)
        return cls(ends[:, 0], ends[:, 1])

    @classmethod
    def from_labels(cls, labels: Int[Tensor, " elements"], edges: Float[Tensor, " bounds"]) -> "Intervals":
        """Run-length decoding: every stretch of neighbouring elements with one object number; −1 is left out.

        Element `i` covers `[edges[i], edges[i + 1])`.

        Raises:
            ValueError: if there is not one edge more than there are elements.

        Example:
            >>> Intervals.from_labels(torch.tensor([0, 0, -1, 1, 0]), torch.arange(6) * 0.5).onset.tolist()
            [0.0, 1.5, 2.0]
        """
        if len(edges) != len(labels) + 1:
            raise ValueError(f"{len(labels)} elements have {len(labels) + 1} edges, got {len(edges)}")
        labels, edges = labels.cpu(), edges.cpu().double()
        if not len(labels):
            return cls.of([])
        change = torch.ones(len(labels) + 1, dtype=torch.bool)
        change[1:-1] = labels[1:] != labels[:-1]
        cuts = change.nonzero().flatten()
        kept = labels[cuts[:-1]] >= 0
        return cls(edges[cuts[:-1]][kept], edges[cuts[1:]][kept])

    @property
    def length(self) -> Float[Tensor, " n"]:
        """How long every interval is."""
        return self.offset - self.onset

    def boundaries(self) -> Float[Tensor, " boundaries"]:
        """All onsets and offsets in order; where one interval ends as another begins there is one boundary."""
        boundaries: Tensor = torch.unique(torch.cat([self.onset, self.offset]), sorted=True)
        return boundaries

    def overlap(self, other: "Intervals") -> Float[Tensor, "n others"]:
        """Intersection over union of every interval with every one of `other`."""
        low = torch.maximum(self.onset[:, None], other.onset)
        high = torch.minimum(self.offset[:, None], other.offset)
        shared = (high - low).clamp(min=0)
        return shared / (self.length[:, None] + other.length - shared)
