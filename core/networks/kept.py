"""The elements of a batch that are there, moved to the front, and put back in their places afterwards."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@final
@dataclass(frozen=True)
class Kept:
    """Which elements a network sees: `index` of each in its item, `valid` where there is one.

    Where all elements are kept, `index` is None and nothing is moved.

    Example:
        >>> kept = Kept.of(torch.tensor([[True, False, True], [False, True, False]]))
        >>> kept.index.tolist(), kept.valid.tolist()
        ([[0, 2], [1, 0]], [[True, True], [True, False]])
    """

    index: Int[Tensor, "batch kept"] | None
    valid: Bool[Tensor, "batch kept"]
    elements: int

    @classmethod
    def of(cls, there: Bool[Tensor, "batch elements"]) -> "Kept":
        """Those that are there, in their order."""
        elements = there.shape[1]
        if torch.compiler.is_compiling():  # how many are there is known when it runs
            return cls(None, there, elements)
        counts = there.sum(dim=1)
        most = int(counts.max()) if len(there) else 0
        if most == elements:
            return cls(None, there, elements)
        index = (~there).to(torch.uint8).argsort(dim=1, stable=True)[:, : max(most, 1)]
        return cls(index, torch.arange(index.shape[1], device=there.device) < counts[:, None], elements)

    def taken(self, values: Float[Tensor, "batch elements dim"]) -> Float[Tensor, "batch kept dim"]:
        """The vectors of those that are kept; zero where there is none."""
        if self.index is not None:
            values = values.gather(1, self.index[..., None].expand(-1, -1, values.shape[2]))
        return torch.where(self.valid[..., None], values, 0.0)

    def put_back(self, values: Float[Tensor, "batch kept dim"]) -> Float[Tensor, "batch elements dim"]:
        """The vectors in the places of their elements; zero everywhere else."""
        values = torch.where(self.valid[..., None], values, 0.0)
        if self.index is None:
            return values
        index = self.index[..., None].expand(-1, -1, values.shape[2])
        # What stands where there is none is zero and may be added anywhere.
        return values.new_zeros(len(values), self.elements, values.shape[2]).scatter_add(1, index, values)

    def pairs(
        self, neighbours: Bool[Tensor, "batch elements elements"] | None
    ) -> Bool[Tensor, "batch kept kept"] | None:
        """Which of those that are kept may look at which: at what is there, and is joined to them; None for all.

        What is not there looks at itself, so that no row is empty.
        """
        count = self.valid.shape[1]
        itself = torch.eye(count, dtype=torch.bool, device=self.valid.device)
        if neighbours is None:
            every = not torch.compiler.is_compiling() and bool(self.valid.all())
            return None if every else self.valid[:, None] | itself
        if self.index is not None:
            rows = neighbours.gather(1, self.index[..., None].expand(-1, -1, neighbours.shape[2]))
            neighbours = rows.gather(2, self.index[:, None].expand(-1, count, -1))
        return (neighbours & self.valid[:, None]) | itself
