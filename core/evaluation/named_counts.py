"""Things of several classes, found and true: events, spans, objects, counted by class and by file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from .counts import Counts
from .events import collar_counts, event_counts, segment_counts
from .intervals import Intervals
from .matching import most_pairs
from .measures import AbstractMeasure

SHOWN = 20
"""So many classes have a score of their own."""


@final
@dataclass(frozen=True)
class CountsMeasure(AbstractMeasure):
    """F1 = 2 hits / (found + true), precision and recall of all classes at once, and F1 averaged over the classes.

    The outputs of a row (a file) are hits, found and true of every class in a row. The average is over the classes that
    are true in these rows. Each class has its own F1, too, the first 20.

    Args:
        names: of the classes.

    Example: of two classes in one file, one event each is true; one is found twice, the other not.

        >>> measure = CountsMeasure(("cat", "dog"))
        >>> scores = measure(torch.tensor([[1.0, 2, 1, 0, 0, 1]]), torch.zeros(1))
        >>> {name: round(score, 2) for name, score in scores.items()}
        {'f1': 0.5, 'macro_f1': 0.33, 'precision': 0.5, 'recall': 0.5, 'f1 of cat': 0.67, 'f1 of dog': 0.0}
    """

    names: tuple[str, ...]

    def __call__(
        self,
        outputs: Float[Tensor, "rows counts"],
        known: Shaped[Tensor, "rows ..."],  # noqa: ARG002
    ) -> Mapping[str, float]:
        """The scores."""
        hits, found, true = outputs.double().view(len(outputs), len(self.names), 3).sum(dim=0).unbind(dim=1)
        f1 = torch.where(found + true > 0, 2 * hits / (found + true), torch.nan)
        scores = {
            "f1": 2 * hits.sum() / (found + true).sum(),
            "macro_f1": f1[true > 0].mean(),
            "precision": hits.sum() / found.sum(),
            "recall": hits.sum() / true.sum(),
        }
        scores |= {f"f1 of {name}": score for name, score in zip(self.names[:SHOWN], f1[:SHOWN], strict=True)}
        return {name: float(score) for name, score in scores.items()}


@final
@dataclass(frozen=True)
class NamedIntervals:
    """Stretches of one axis with their classes."""

    at: Intervals
    classes: Int[Tensor, " n"]

    def of(self, number: int) -> Intervals:
        """Those of one class."""
        own = self.classes == number
        return Intervals(self.at.onset[own], self.at.offset[own])


def joined(parts: Sequence[NamedIntervals], lengths: Sequence[float]) -> NamedIntervals:
    """The stretches of consecutive windows on one axis; what goes on behind a border is one.

    Args:
        parts: of every window, from its own begin on.
        lengths: of the windows.

    Example:
        >>> one = NamedIntervals(Intervals.of([(1.0, 2.0)]), torch.tensor([0]))
        >>> two = NamedIntervals(Intervals.of([(0.0, 0.5)]), torch.tensor([0]))
        >>> joined([one, two], [2.0, 2.0]).at.offset.tolist()
        [2.5]
    """
    found, begin = list[tuple[float, float, int]](), 0.0
    for part, length in zip(parts, lengths, strict=True):
        ends = zip(part.at.onset.tolist(), part.at.offset.tolist(), part.classes.tolist(), strict=True)
        for onset, offset, number in ends:
            last = found[-1] if found else None
            if last is not None and last[2] == number and onset <= 1e-6 and abs(last[1] - begin) <= 1e-6:
                found[-1] = (last[0], begin + offset, number)
            else:
                found.append((begin + onset, begin + offset, number))
        begin += length
    numbers = torch.tensor([number for *_, number in found], dtype=torch.long)
    return NamedIntervals(Intervals.of([(onset, offset) for onset, offset, _ in found]), numbers)


def interval_counts(
    found: NamedIntervals, true: NamedIntervals, classes: int, in_units: bool
) -> dict[str, list[Counts]]:
    """Hits, found and true of every class by what counts as a hit.

    Args:
        found, true: of one whole.
        classes: how many there are.
        in_units: the axis has a unit, such as seconds; otherwise elements are counted, and a hit is exact.

    Source: events by collar and segments: Mesaros et al. (2016), as DCASE and sed_eval; exact spans: CoNLL-2000.
    """
    pairs = [(found.of(number), true.of(number)) for number in range(classes)]
    if not in_units:
        return {"exact": [event_counts(one, other, 1.0) for one, other in pairs]}
    return {
        "begin and end within 0.2": [collar_counts(one, other) for one, other in pairs],
        "overlapping by half": [event_counts(one, other) for one, other in pairs],
        "segments of 1": [segment_counts(one, other) for one, other in pairs],
    }


def object_counts(
    found: Int[Tensor, " elements"],
    found_classes: Mapping[int, int],
    true: Int[Tensor, " elements"],
    true_classes: Mapping[int, int],
    classes: int,
) -> list[Counts]:
    """Objects of one item that match one to one, by class: of their elements at least half of the union are in both.

    Example:
        >>> labels = torch.tensor([0, 0, 1, -1])
        >>> object_counts(labels, {0: 0, 1: 0}, torch.tensor([5, 5, -1, -1]), {5: 0}, 1)
        [Counts(hits=1, found=2, true=1)]
    """
    counts = []
    for number in range(classes):
        mine = [label for label, own in found_classes.items() if own == number]
        theirs = [label for label, own in true_classes.items() if own == number]
        one = (found[None] == torch.tensor(mine, dtype=torch.long)[:, None]).float()
        other = (true[None] == torch.tensor(theirs, dtype=torch.long)[:, None]).float()
        both = one @ other.T
        either = one.sum(dim=1)[:, None] + other.sum(dim=1) - both
        counts.append(Counts(most_pairs(both >= 0.5 * either.clamp(min=1)), len(mine), len(theirs)))
    return counts


def as_row(counts: Sequence[Counts]) -> list[float]:
    """Counts as a row of `CountsMeasure`."""
    return [float(value) for one in counts for value in (one.hits, one.found, one.true)]
