"""What a method knows of the targets that are computed from its items."""

from dataclasses import dataclass
from typing import final

from ...networks.encoder import AbstractEncoder
from .scores import NormalScores


@final
@dataclass(frozen=True)
class ComputedInfo:
    """What is computed, and its scores over the training items.

    Attributes:
        names: of the numbers of an item; none where the modality computes nothing.
        scores: of these numbers.
        plain: the plain features of elements, without parameters; None where elements have no targets.
        plain_scores: of these features.
    """

    names: tuple[str, ...] = ()
    scores: NormalScores | None = None
    plain: AbstractEncoder | None = None
    plain_scores: NormalScores | None = None

    def __post_init__(self) -> None:
        wanted = (len(self.names) or None, None if self.plain is None else self.plain.dim)
        got = tuple(None if one is None else one.values for one in (self.scores, self.plain_scores))
        if got != wanted:
            raise ValueError(f"{wanted} numbers of items and of elements are computed, there are scores of {got}")
