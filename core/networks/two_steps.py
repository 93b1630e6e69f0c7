"""Encoders in two steps: tokens of single elements first, and then what they make of one another."""

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Bool, Float
from torch import Tensor

from ..data.feature_map import FeatureMap


@runtime_checkable
class InTwoSteps(Protocol):
    """An encoder f(x) = mix(embed(x)), so that elements can be hidden, or replaced, between the two steps.

    Law 14: with nothing hidden, `mix(embed(x))` is the encoder; a hidden element influences nothing.
    """

    def embed(self, data: Any) -> FeatureMap:
        """A token for every element, of what the element itself holds and of nothing else (in evaluation mode).

        Where an element lies is no part of its token: `mix` adds places, from the grid, the order or the neighbours of
        the map. So a token can be replaced, by a mask token for instance, and whatever is put there keeps its place.
        """
        ...

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> FeatureMap:
        """One vector per element, of what all of them hold.

        Args:
            tokens: as `embed` gives them, or others on the same elements.
            visible: where it is False, an element has no token and influences nothing, as padding does. Its vector is
                zero; it stays valid, and the grid that of all elements, so that a decoder knows all places. None: all
                elements are visible.
        """
        ...


@runtime_checkable
class GivesLayers(Protocol):
    """An encoder in two steps whose second step consists of layers of one width."""

    def by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None
    ) -> tuple[Float[Tensor, "batch elements dim"], ...]:
        """What each layer gives, from the first to the last; arguments as those of `mix`."""
        ...


@runtime_checkable
class GivesAdditions(Protocol):
    """An encoder in two steps whose layers each end in a sum: what came before, and what a network adds to it."""

    def added_by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None
    ) -> tuple[Float[Tensor, "batch elements dim"], ...]:
        """What is added at the end of each layer, from the first to the last; arguments as those of `mix`."""
        ...


@runtime_checkable
class SharesData(Protocol):
    """An encoder in two steps whose tokens overlap: windows of spectra reach into the elements before and after."""

    @property
    def shared(self) -> int:
        """Up to how many elements ahead, along the first axis, a token holds something of the same data."""
        ...


@runtime_checkable
class GivesAttention(Protocol):
    """An encoder that can say what it looks at: foregrounds, as DINO shows them."""

    def attention(self, data: Any) -> Float[Tensor, "batch heads elements"]:
        """How much attention every element gets in the last layer, on average over the elements of its item.

        It sums to 1 over the valid elements of an item, for every head, and is 0 on padding.
        """
        ...
