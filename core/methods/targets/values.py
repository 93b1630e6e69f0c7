"""Values of items or of elements, any number of them, and so of objects."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from ...components.ranges import Between, Finite, check_ranges
from ...data.segmentation import Segmentation
from .base import AbstractTarget, Written, known_rows

Scale = Annotated[float, Between(0.0, 1e30, open_below=True)]
"""The standard deviation of a value, in its unit."""


@final
@dataclass(frozen=True)
class Values(AbstractTarget):
    """Numbers to predict: squared error, root mean square error, R².

    Args:
        names: of the values.
        mean: of each: a head gives (y − mean) / scale, so that it learns numbers of order one.
        scale: of each.

    Example:
        >>> target = Values(("log S",), mean=(-3.0,), scale=(2.0,))
        >>> target.decode(torch.tensor([[0.5]])).tolist(), target.score(torch.tensor([[0.5]]), torch.tensor([[-3.0]]))
        ([[-2.0]], {'rmse': 1.0, 'r2': nan})
    """

    written: ClassVar[Written] = "value"
    names: tuple[str, ...] = ("value",)
    mean: tuple[Finite, ...] = ()
    scale: tuple[Scale, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.names)
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "mean", tuple(self.mean) or (0.0,) * count)
        object.__setattr__(self, "scale", tuple(self.scale) or (1.0,) * count)
        if not count or len(self.mean) != count or len(self.scale) != count:
            raise ValueError(
                "Values needs at least one name, and for every name a mean and a scale, got "
                f"{self.names}, {self.mean} and {self.scale}"
            )
        check_ranges(self)

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """One number per value."""
        return len(self.names)

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names of the values."""
        return self.names

    def standardised(self, known: Float[Tensor, "rows *elements values"]) -> "Values":
        """The same values in units of their mean and standard deviation over the known rows; a constant keeps its unit.

        Example:
            >>> Values(("height",)).standardised(torch.tensor([[1.0], [3.0], [torch.nan]]))
            Values(names=('height',), mean=(2.0,), scale=(1.0,))
        """
        columns = [column[known_rows(column)].double() for column in known.flatten(0, -2).unbind(dim=1)]
        mean = tuple(float(column.mean()) if len(column) else 0.0 for column in columns)
        spread = (float(column.std(correction=0)) if len(column) else 0.0 for column in columns)
        return replace(self, mean=mean, scale=tuple(width if width > 0 else 1.0 for width in spread))

    def of_objects(
        self, known: Float[Tensor, "batch *elements values"], segmentation: Segmentation
    ) -> Float[Tensor, "batch objects values"]:
        """The item's values, or the mean over the elements of the object whose value is known; NaN for none.

        A whole item has the mean over all its elements.
        """
        if known.ndim == 2:
            return known[:, None].expand(-1, segmentation.objects, -1)
        weights = segmentation.weights.float()
        everything = torch.zeros_like(weights[:, :, :0]).new_zeros(*weights.shape[:2], known.shape[1])
        elements = min(known.shape[1], weights.shape[2])
        everything[:, :, :elements] = weights[:, :, :elements]
        everything = torch.where(segmentation.whole[:, None, None], 0.0, everything)
        everything[:, 0] = torch.where(segmentation.whole[:, None], 1.0, everything[:, 0])
        there = known_rows(known).float()
        count = everything @ there
        total = everything @ torch.where(there > 0, known, 0.0)
        return torch.where(count > 0, total / count.clamp(min=1e-12), torch.nan)

    def loss(
        self, outputs: Float[Tensor, "rows outputs"], known: Float[Tensor, "rows values"]
    ) -> Float[Tensor, " rows"]:
        """(y − ŷ)² in units of the scale, averaged over the values that are known."""
        there = known_rows(known)
        error = torch.where(there, self._standard(known.to(outputs)), outputs) - outputs
        return error.square().sum(dim=1) / there.sum(dim=1).clamp(min=1)

    @torch.no_grad()
    def score(self, outputs: Float[Tensor, "rows outputs"], known: Float[Tensor, "rows values"]) -> dict[str, float]:
        """Root mean square error in the values' own units, and R² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)², over all values."""
        outputs, known = outputs.double(), known.double()
        there = known_rows(known)
        error = torch.where(there, known - self.decode(outputs), 0.0)
        mean = torch.where(there, known, torch.nan).nanmean(dim=0)
        scatter = torch.where(there, known - mean, 0.0).square().sum()
        squares = error.square().sum()
        r2 = 1 - squares / scatter if float(scatter) > 0 else torch.tensor(torch.nan)
        return {"rmse": float((squares / there.sum()).sqrt()), "r2": float(r2)}

    def decode(self, outputs: Float[Tensor, "rows outputs"]) -> Float[Tensor, "rows values"]:
        """outputs · scale + mean: the values in their own units."""
        return outputs * outputs.new_tensor(self.scale) + outputs.new_tensor(self.mean)

    def errors(
        self, outputs: Float[Tensor, "rows outputs"], known: Float[Tensor, "rows values"]
    ) -> Float[Tensor, "rows values"]:
        """|y − ŷ| in the values' own units."""
        return (known.to(outputs) - self.decode(outputs)).abs()

    def from_neighbours(
        self, weight: Float[Tensor, "queries k"], known: Float[Tensor, "queries k values"]
    ) -> Float[Tensor, "queries outputs"]:
        """The weighted mean over the neighbours whose value is known; the values' own mean where none is."""
        there = weight[..., None] * known_rows(known)
        standard = self._standard(known.to(weight)).nan_to_num()
        return (there * standard).sum(dim=1) / there.sum(dim=1).clamp(min=1e-12)

    def _standard(self, known: Float[Tensor, "*rows values"]) -> Float[Tensor, "*rows values"]:
        return (known - known.new_tensor(self.mean)) / known.new_tensor(self.scale)
