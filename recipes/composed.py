"""Items that recipes compose when they are read, kept as far as memory allows."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar, final

import numpy as np
from torch import Tensor

from gestalt.core.data.items import AbstractItems

ItemT = TypeVar("ItemT")
SceneT = TypeVar("SceneT")
ValueT = TypeVar("ValueT")

BUDGET = 384 * 2**20
"""Bytes that a process keeps of one collection: all scenes of every recipe's defaults."""


@final
class Kept(Generic[ValueT]):
    """What is computed by number; the first values that are asked for are kept, up to so many bytes of tensors.

    Args:
        compute: the value of a number, always the same.
        budget: bytes.

    Example:
        >>> import torch
        >>> kept = Kept(torch.ones, budget=100)
        >>> [len(kept[number]) for number in (20, 3, 20, 3)], kept.bytes
        ([20, 3, 20, 3], 92)
    """

    def __init__(self, compute: Callable[[int], ValueT], budget: int = BUDGET) -> None:
        self.compute, self.budget, self.bytes = compute, budget, 0
        self._values: dict[int, ValueT] = {}

    def __getitem__(self, number: int) -> ValueT:
        """The value of a number."""
        if number in self._values:
            return self._values[number]
        value = self.compute(number)
        size = tensor_bytes(value)
        if self.bytes + size <= self.budget:
            self._values[number] = value
            self.bytes += size
        return value


@final
class ComposedItems(AbstractItems[ItemT], Generic[ItemT, SceneT]):
    """Numbered scenes: number `i` of a seed is always the same one, composed when it is read.

    Args:
        count: how many.
        seed: of all of them.
        compose: a scene with its truth; everything in it follows from the generator.
        item: what of a scene is learned from; the first items are kept.
        budget: bytes that are kept.
    """

    def __init__(
        self,
        count: int,
        seed: int,
        compose: Callable[[np.random.Generator], SceneT],
        item: Callable[[SceneT], ItemT],
        budget: int = BUDGET,
    ) -> None:
        if count < 1:
            raise ValueError(f"there must be at least one scene, got {count}")
        self.count, self.seed, self.compose, self.item = count, seed, compose, item
        self._kept = Kept(self._item, budget)

    def __len__(self) -> int:
        """How many scenes there are."""
        return self.count

    def name(self, index: int) -> str:
        """Its number."""
        return f"scene {index}"

    def scene(self, index: int) -> SceneT:
        """Scene `index` with its truth."""
        return self.compose(np.random.default_rng([self.seed, index]))

    def read(self, index: int, rng: np.random.Generator) -> ItemT:  # noqa: ARG002
        """The item of scene `index`."""
        return self._kept[index]

    def _item(self, index: int) -> ItemT:
        return self.item(self.scene(index))


def tensor_bytes(value: Any) -> int:
    """The bytes of all tensors in a value, its containers and dataclasses."""
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, Mapping):
        return sum(map(tensor_bytes, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(tensor_bytes, value))
    if is_dataclass(value):
        return sum(tensor_bytes(getattr(value, one.name)) for one in fields(value))
    return 0
