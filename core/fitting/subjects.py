"""What a target is of: items, elements, discovered objects, pairs of items; which vectors a head is given of them."""

import abc
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ..data.feature_map import FeatureMap, item_means, item_means_and_sums
from ..data.segmentation import Segmentation
from ..methods.targets import AbstractTarget


class AbstractSubject(abc.ABC):
    """What is asked about in an item: vectors from its features, and what is known of them.

    Attributes:
        word: what one of them is called.
        of_found: whether discovered objects are needed.
    """

    word: ClassVar[str]
    of_found: ClassVar[bool] = False

    @abc.abstractmethod
    def asked(self, features: FeatureMap, found: Segmentation) -> FeatureMap:
        """A vector for everything that is asked about; where nothing lies on a lattice, without places."""

    @abc.abstractmethod
    def known(
        self, target: AbstractTarget, known: Shaped[Tensor, "batch ..."], features: FeatureMap, found: Segmentation
    ) -> Shaped[Tensor, "batch asked ..."]:
        """What is known of each, from what is known of the items or of their elements."""

    @abc.abstractmethod
    def width(self, dim: int) -> int:
        """The length of the vectors, by that of the elements'."""


@final
@dataclass(frozen=True)
class OfItems(AbstractSubject):
    """Whole items: the mean of their elements.

    Args:
        sums: their sum beside it, where it matters how large an item is.

    Example:
        >>> features = FeatureMap.padded([torch.tensor([[1.0], [3.0]])])
        >>> OfItems(sums=True).asked(features, Segmentation.whole_items(1)).values.tolist()
        [[[2.0, 4.0]]]
    """

    sums: bool = False
    word: ClassVar[str] = "item"

    def asked(self, features: FeatureMap, found: Segmentation) -> FeatureMap:  # noqa: ARG002
        """One vector per item."""
        pooled = item_means_and_sums(features) if self.sums else item_means(features)
        return FeatureMap(pooled[:, None], features.valid.any(dim=1, keepdim=True))

    def known(
        self,
        target: AbstractTarget,
        known: Shaped[Tensor, "batch ..."],
        features: FeatureMap,  # noqa: ARG002
        found: Segmentation,  # noqa: ARG002
    ) -> Shaped[Tensor, "batch asked ..."]:
        """What is known of the item, or most of its elements."""
        return target.of_objects(known, Segmentation.whole_items(len(known), known.device))

    def width(self, dim: int) -> int:
        """Twice as long with sums."""
        return 2 * dim if self.sums else dim


@final
@dataclass(frozen=True)
class OfElements(AbstractSubject):
    """Every element: frames, cells, words, nodes.

    Example:
        >>> features = FeatureMap.padded([torch.tensor([[1.0], [3.0]])])
        >>> OfElements().asked(features, Segmentation.whole_items(1)) is features
        True
    """

    word: ClassVar[str] = "element"

    def asked(self, features: FeatureMap, found: Segmentation) -> FeatureMap:  # noqa: ARG002
        """The elements as they are."""
        return features

    def known(
        self,
        target: AbstractTarget,
        known: Shaped[Tensor, "batch ..."],
        features: FeatureMap,
        found: Segmentation,  # noqa: ARG002
    ) -> Shaped[Tensor, "batch asked ..."]:
        """What is known of each; nothing of elements beyond those that something is known of."""
        elements, values = features.valid.shape[1], known.is_floating_point()
        if known.ndim == 1 + values:  # known of the whole item
            return target.of_objects(known, Segmentation.whole_items(len(known), known.device)).repeat(
                1, elements, *[1] * values
            )
        said = known.new_full((len(known), elements, *known.shape[2:]), torch.nan if values else -1)
        count = min(elements, known.shape[1])
        said[:, :count] = known[:, :count]
        return said

    def width(self, dim: int) -> int:
        """As long."""
        return dim


@final
@dataclass(frozen=True)
class OfObjects(AbstractSubject):
    """Discovered objects: the mean of each one's elements. An object is what most of its elements are.

    Example:
        >>> features = FeatureMap.padded([torch.tensor([[1.0], [3.0], [8.0]])])
        >>> found = Segmentation.from_labels(torch.tensor([[0, 0, 1]]), objects=2)
        >>> OfObjects().asked(features, found).values.tolist()
        [[[2.0], [8.0]]]
    """

    word: ClassVar[str] = "object"
    of_found: ClassVar[bool] = True

    def asked(self, features: FeatureMap, found: Segmentation) -> FeatureMap:
        """One vector per object."""
        pooled = found.pool(features)
        return FeatureMap(pooled.vectors, pooled.present)

    def known(
        self,
        target: AbstractTarget,
        known: Shaped[Tensor, "batch ..."],
        features: FeatureMap,  # noqa: ARG002
        found: Segmentation,
    ) -> Shaped[Tensor, "batch asked ..."]:
        """What is known of most of the object."""
        return target.of_objects(known, found)

    def width(self, dim: int) -> int:
        """As long."""
        return dim


@final
@dataclass(frozen=True)
class OfPairs(AbstractSubject):
    """Two items: |a − b| and a · b, number by number, of the means of their elements; the order says nothing.

    Args:
        parts: of items with parts, the part of the first and the part of the second that are compared; none for all.

    Source: Conneau et al., "Supervised learning of universal sentence representations" (2017), without a and b
    themselves, so that a pair is the same the other way round.
    """

    parts: tuple[str, ...] = ()
    word: ClassVar[str] = "pair"

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))
        if len(self.parts) not in (0, 2):
            raise ValueError(f"the parts of a pair are two (--pair-parts image text), or none, got {self.parts}")

    def asked(self, features: FeatureMap, found: Segmentation) -> FeatureMap:  # noqa: ARG002
        """Nothing: one item is no pair.

        Raises:
            ValueError: always.
        """
        raise ValueError("this model says something of pairs of items: predict with --pairs FILE, model.pairs(…)")

    def known(
        self,
        target: AbstractTarget,  # noqa: ARG002
        known: Shaped[Tensor, "batch ..."],  # noqa: ARG002
        features: FeatureMap,  # noqa: ARG002
        found: Segmentation,  # noqa: ARG002
    ) -> Shaped[Tensor, "batch asked ..."]:
        """Nothing, as above."""
        raise ValueError("this model says something of pairs of items: label them with --labels FILE, one to a row")

    def width(self, dim: int) -> int:
        """Twice as long."""
        return 2 * dim

    def joined(self, first: Float[Tensor, "pairs dim"], second: Float[Tensor, "pairs dim"]) -> FeatureMap:
        """One vector per pair.

        Example:
            >>> OfPairs().joined(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 2.0]])).values.tolist()
            [[[2.0, 0.0, 3.0, 4.0]]]
        """
        both = torch.cat([(first - second).abs(), first * second], dim=1)
        return FeatureMap(both[:, None], torch.ones(len(both), 1, dtype=torch.bool, device=both.device))
