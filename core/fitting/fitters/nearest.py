"""The labelled vectors themselves answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.functional import normalize

from ...components.ranges import Count, Positive, check_ranges
from ...evaluation.splitting import Split
from ...methods.targets import FromNeighbours
from ..examples import Examples
from ..heads.nearest import NearestRows
from ..task import Task
from .base import AbstractFitter


@final
@dataclass(frozen=True)
class Nearest(AbstractFitter):
    """The k nearest labelled vectors answer (`NearestRows`); nothing is trained.

    Args:
        neighbours: k.
        temperature: τ.
        most: labelled vectors that are kept, drawn by chance.
    """

    neighbours: Count = 20
    temperature: Positive = 0.07
    most: Count = 50_000
    learns: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ranges(self)

    def chosen(self, examples: Examples, task: Task, splits: Sequence[Split]) -> "Nearest":  # noqa: ARG002
        """Itself."""
        return self

    def fit(self, examples: Examples, task: Task, rows: Int[Tensor, " rows"]) -> NearestRows:
        """The rows, kept.

        Raises:
            ValueError: for a target that neighbours cannot answer, or if classes are to be balanced.
        """
        if not isinstance(task.target, FromNeighbours):
            raise ValueError(
                f"nearest neighbours cannot answer {type(task.target).__name__}: take another head (--head linear)"
            )
        if task.balance != "none":
            raise ValueError("nearest neighbours weigh by nearness alone: leave out --balance, or take another head")
        some = examples.some(rows)
        vectors, known = some.vectors(), some.facts()
        kept = torch.randperm(len(vectors), generator=torch.Generator().manual_seed(task.seed))[: self.most].sort()
        vectors, known = vectors[kept.values], known[kept.values]
        columns = known.shape[1] if known.ndim > 1 else 0
        head = NearestRows(
            task.target, vectors.shape[1], len(vectors), columns, self.neighbours, self.temperature
        )  # fmt: skip
        head.standard.see(vectors)
        head.vectors.copy_(normalize(head.standard(vectors), dim=1))
        head.known.copy_(known)
        return head.eval()

    def described(self) -> str:
        """See `AbstractFitter`."""
        return f"the {self.neighbours} nearest labelled vectors"
