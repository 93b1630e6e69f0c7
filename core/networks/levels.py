"""Levels of an encoder: parts of its vectors that are asked for different things."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from ..data.feature_map import FeatureMap
from .encoder import AbstractEncoder


@runtime_checkable
class HasLevels(Protocol):
    """An encoder whose vectors hold several levels side by side, each trained for something of its own.

    What belongs together within an item, and what something is wherever it is found, need not be the same numbers.
    """

    @property
    def levels(self) -> Mapping[str, int]:
        """The length of every level by its name, in the order in which they lie; together the whole vector."""
        ...


@final
@dataclass(frozen=True)
class Level:
    """Where a level lies in a vector: the components from `first` on, so many."""

    first: int
    dims: int

    def of(self, features: FeatureMap) -> FeatureMap:
        """The level alone.

        Example:
            >>> import torch
            >>> Level(1, 2).of(FeatureMap.padded([torch.tensor([[1.0, 2.0, 3.0]])])).values.tolist()
            [[[2.0, 3.0]]]
        """
        values: Float[Tensor, "batch elements dims"] = features.values[..., self.first : self.first + self.dims]
        return features.with_values(values)


def level_of(encoder: AbstractEncoder, name: str | None) -> Level:
    """Where the level of a name lies; the whole vector without a name, and of an encoder without levels.

    So a finder or a method that names a level works with any encoder.

    Raises:
        ValueError: if the encoder has levels, and none of this name.

    Example:
        >>> from gestalt.core.networks.encoder import Identity
        >>> level_of(Identity(dim=3), "membership")
        Level(first=0, dims=3)
    """
    if name is None or not isinstance(encoder, HasLevels):
        return Level(0, encoder.dim)
    first = 0
    for level, dims in encoder.levels.items():
        if level == name:
            return Level(first, dims)
        first += dims
    raise ValueError(f"{type(encoder).__name__} has the levels {', '.join(encoder.levels)}, and none named {name!r}")
