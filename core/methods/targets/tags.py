"""Several labels of one item, of an element, and so of objects: each is there or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ...data.segmentation import Segmentation
from .base import AbstractTarget, Written, known_rows

LEAST = 1e-4
"""The smallest probability that neighbours give a label, so that its logit is finite."""
NOBODY = 1e-12
"""The weight of neighbours of none of which a label is known."""


@final
@dataclass(frozen=True)
class Tags(AbstractTarget):
    """Any number of labels at once: binary cross-entropy of each, mean average precision, F1 at one half.

    What is known is 1 for a label that is there, 0 for one that is not, NaN for one of which nothing is known.

    Args:
        names: of the labels, by number.

    Example:
        >>> target = Tags(("rain", "wind"))
        >>> outputs = torch.tensor([[3.0, -3.0], [-1.0, 2.0], [1.0, 1.0]])
        >>> {name: round(value, 2) for name, value in target.score(outputs, torch.eye(3, 2)).items()}
        {'map': 1.0, 'macro_f1': 0.67, 'micro_f1': 0.67}
    """

    written: ClassVar[Written] = "several"
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names:
            raise ValueError("Tags needs at least one name, got none")

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """One number per label."""
        return len(self.names)

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names of the labels."""
        return self.names

    def of_objects(
        self, known: Float[Tensor, "batch *elements tags"], segmentation: Segmentation
    ) -> Float[Tensor, "batch objects tags"]:
        """The item's labels; of labelled elements those that any element of the object has.

        NaN where a label is known of none of its elements. A whole item has the labels of all its elements.
        """
        if known.ndim == 2:
            return known[:, None].expand(-1, segmentation.objects, -1)
        weights = segmentation.weights.float()
        inside = weights.new_zeros(*weights.shape[:2], known.shape[1])
        elements = min(known.shape[1], weights.shape[2])
        inside[:, :, :elements] = (weights[:, :, :elements] > 0).float()
        first = (torch.arange(segmentation.objects, device=known.device) == 0)[:, None].float()
        inside = torch.where(segmentation.whole[:, None, None], first, inside)
        there = known_rows(known).float()
        found = (inside @ known.nan_to_num() > 0).float()
        return torch.where(inside @ there > 0, found, torch.nan)

    def loss(self, outputs: Float[Tensor, "rows outputs"], known: Float[Tensor, "rows tags"]) -> Float[Tensor, " rows"]:
        """−y log σ(o) − (1 − y) log(1 − σ(o)), averaged over the labels of which something is known."""
        there = known_rows(known)
        each: Tensor = binary_cross_entropy_with_logits(outputs, known.nan_to_num().to(outputs), reduction="none")
        return (each * there).sum(dim=1) / there.sum(dim=1).clamp(min=1)

    @torch.no_grad()
    def score(self, outputs: Float[Tensor, "rows outputs"], known: Float[Tensor, "rows tags"]) -> dict[str, float]:
        """Mean average precision over the labels that occur; F1 at σ(o) ≥ ½, averaged over labels, and of all at once.

        The average precision of a label is the mean, over the rows that have it, of the precision down to that row in
        the order of the outputs; rows of equal outputs have one place, the last of theirs, so that their order in the
        data wins nothing. NaN where no row has any label.
        """
        there = known_rows(known)
        true, found = known.nan_to_num() * there, (outputs >= 0).double() * there
        hits, either = (true * found).sum(dim=0), true.sum(dim=0) + found.sum(dim=0)
        f1 = (2 * hits / either)[either > 0]
        micro = 2 * hits.sum() / either.sum()
        columns = range(len(self.names))
        each = [_average_precision(outputs[there[:, n], n], true[there[:, n], n]) for n in columns]
        occurring = torch.tensor([value for value in each if value == value], dtype=torch.float64)
        scores = occurring.mean(), f1.mean(), micro
        return dict(zip(("map", "macro_f1", "micro_f1"), map(float, scores), strict=True))

    def decode(self, outputs: Float[Tensor, "rows outputs"]) -> Float[Tensor, "rows tags"]:
        """The probability of every label."""
        return outputs.sigmoid()

    def decide(self, decoded: Float[Tensor, "rows tags"]) -> list[str]:
        """The labels of a probability of at least one half, with semicolons between them; nothing where there is none.

        Example:
            >>> Tags(("rain", "wind")).decide(torch.tensor([[0.9, 0.6], [0.1, 0.2]]))
            ['rain;wind', '']
        """
        return [
            ";".join(name for name, value in zip(self.names, row, strict=True) if value >= 0.5)
            for row in decoded.tolist()
        ]

    def from_neighbours(
        self, weight: Float[Tensor, "queries k"], known: Float[Tensor, "queries k tags"]
    ) -> Float[Tensor, "queries outputs"]:
        """The logit of the weighted share that has each label, of the neighbours of which it is known."""
        there = weight[..., None] * known_rows(known)
        share = (there * known.nan_to_num()).sum(dim=1) / there.sum(dim=1).clamp(min=NOBODY)
        return share.clamp(LEAST, 1 - LEAST).logit()

    def balanced(self, known: Float[Tensor, "rows tags"]) -> Float[Tensor, " rows"]:
        """A weight for every row, by the rarest of its labels: rows / rows that have it, 1 in the mean."""
        true = known.nan_to_num() > 0
        rarity = (len(known) / true.sum(dim=0).clamp(min=1)).expand(len(known), -1)
        weight = torch.where(true, rarity, 1.0).amax(dim=1)
        return weight / weight.mean()


def tags_from(texts: Sequence[str | None]) -> tuple[Tags, Float[Tensor, "rows tags"]]:
    """Labels that are written with semicolons between them; `-` says that there is none, None that nothing is known.

    Example:
        >>> target, known = tags_from(["rain; wind", "-", None, "wind"])
        >>> target.names, known.tolist()
        (('rain', 'wind'), [[1.0, 1.0], [0.0, 0.0], [nan, nan], [0.0, 1.0]])

    Raises:
        ValueError: if there is no label at all.
    """
    rows = [None if text is None else {tag.strip() for tag in text.split(";")} - {"", "-"} for text in texts]
    names = tuple(sorted(set[str]().union(*(row for row in rows if row is not None))))
    if not names:
        raise ValueError("no row has any label; write labels with semicolons between them, `-` for none of them")
    known = [[torch.nan if row is None else float(name in row) for name in names] for row in rows]
    return Tags(names), torch.tensor(known)


def _average_precision(outputs: Tensor, true: Tensor) -> float:
    if not bool(true.any()):
        return float("nan")
    _, place, counts = (-outputs).unique(return_inverse=True, return_counts=True)
    hits = torch.zeros(len(counts), dtype=torch.float64, device=true.device).index_add_(0, place, true.double())
    precision = hits.cumsum(0) / counts.cumsum(0)
    return float((hits * precision).sum() / hits.sum())
