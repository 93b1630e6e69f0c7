"""The batches and encoders of the toy modalities: the numbers as they are, and a small network in two steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.networks.encoder import AbstractEncoder

PATCH = 4
"""Samples per element of a series."""


@final
@dataclass(frozen=True)
class Ragged:
    """Items of unequal length, padded with zeros; `valid` is False on the padding."""

    values: Float[Tensor, "batch elements dim"]
    valid: Bool[Tensor, "batch elements"]

    def to(self, device: torch.device | str, /) -> "Ragged":
        """The same items on another device."""
        return Ragged(self.values.to(device), self.valid.to(device))


def pad(items: Sequence[Tensor]) -> Ragged:
    """Items of shape (elements, dim) as one batch."""
    longest = max(len(item) for item in items)
    values = torch.zeros(len(items), longest, items[0].shape[1])
    valid = torch.zeros(len(items), longest, dtype=torch.bool)
    for row, item in enumerate(items):
        values[row, : len(item)] = item
        valid[row, : len(item)] = True
    return Ragged(values, valid)


def _lattice(data: Ragged, on_grid: bool) -> Grid | None:
    return Grid.uniform((data.values.shape[1],), (float(PATCH),)) if on_grid else None


@final
class Raw(AbstractEncoder):
    """The coordinates of a point, the samples of a patch."""

    def __init__(self, dim: int, on_grid: bool) -> None:
        super().__init__()
        self.dim = dim
        self.on_grid = on_grid

    def forward(self, data: Ragged) -> FeatureMap:
        """The data as they are."""
        return FeatureMap(data.values, data.valid, _lattice(data, self.on_grid))


@final
class Small(AbstractEncoder):
    """Every element with a glance at the mean of its item, in two steps: tanh(W x + b + V mean(W x))."""

    def __init__(self, inputs: int, dim: int, on_grid: bool) -> None:
        super().__init__()
        self.inputs = inputs
        self.dim = dim
        self.on_grid = on_grid
        self.own = nn.Linear(inputs, dim)
        glance = nn.Linear(inputs, dim, bias=False)  # of the numbers themselves, which the second step does not have
        self.context = nn.Linear(dim, dim, bias=False, device="meta").to_empty(device="cpu")  # draws no random numbers
        with torch.no_grad():
            self.context.weight.copy_(glance.weight @ torch.linalg.pinv(self.own.weight))
        self.element_values = inputs
        self.element_classes = 2

    def embed(self, data: Ragged) -> FeatureMap:
        """W x + b."""
        return FeatureMap(self.own(data.values), data.valid, _lattice(data, self.on_grid))

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> FeatureMap:
        """Padding and what is hidden enter no mean."""
        return tokens.with_values(self.by_layer(tokens, visible)[-1])

    def by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None
    ) -> tuple[Float[Tensor, "batch elements dim"], ...]:
        """Without the mean, and with it."""
        there = tokens.valid if visible is None else tokens.valid & visible
        values = torch.where(there[..., None], tokens.values, 0.0)
        mean = values.sum(dim=1, keepdim=True) / there.sum(dim=1).clamp(min=1)[:, None, None]
        mixed = torch.tanh(values + self.context(mean - self.own.bias))
        return values, mixed if visible is None else torch.where(there[..., None], mixed, 0.0)

    def added_by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None
    ) -> tuple[Float[Tensor, "batch elements dim"], ...]:
        """What each of the two adds to what was there before."""
        first, second = self.by_layer(tokens, visible)
        return first, second - first

    def forward(self, data: Ragged) -> FeatureMap:
        """One vector per element."""
        return self.mix(self.embed(data))

    def element_targets(self, data: Ragged) -> FeatureMap:
        """The numbers of every element."""
        return FeatureMap(data.values, data.valid, _lattice(data, self.on_grid))

    def classes_of_elements(self, data: Ragged) -> Int[Tensor, "batch elements"]:
        """Whether the first number of an element lies above 1."""
        return (data.values[..., 0] > 1).long()


@final
class Summary(AbstractEncoder):
    """Mean, largest and smallest number of every element, of points (no grid) and of series: a teacher for both."""

    dim = 3

    def forward(self, data: Ragged) -> FeatureMap:
        """Three numbers."""
        values = torch.stack([data.values.mean(dim=2), data.values.amax(dim=2), data.values.amin(dim=2)], dim=2)
        return FeatureMap(values, data.valid, _lattice(data, on_grid=data.values.shape[2] == PATCH))


def raw_points(dim: int = 2, on_grid: bool = False) -> AbstractEncoder:
    """The coordinates."""
    return Raw(dim, on_grid)


def small_points(inputs: int = 2, dim: int = 6, on_grid: bool = False) -> AbstractEncoder:
    """The small encoder of points."""
    return Small(inputs, dim, on_grid)


def raw_series(dim: int = PATCH, on_grid: bool = True) -> AbstractEncoder:
    """The samples."""
    return Raw(dim, on_grid)


def small_series(inputs: int = PATCH, dim: int = 6, on_grid: bool = True) -> AbstractEncoder:
    """The small encoder of series."""
    return Small(inputs, dim, on_grid)
