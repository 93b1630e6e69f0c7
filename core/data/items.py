"""Numbered items, wherever they come from, and what is said of those that cannot be read."""

import abc
from dataclasses import dataclass
from typing import Generic, TypeVar, final

import numpy as np

ItemT = TypeVar("ItemT")


class AbstractItems(abc.ABC, Generic[ItemT]):
    """The items of a data set, read one at a time, from any number of worker processes."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """How many items there are."""

    @abc.abstractmethod
    def read(self, index: int, rng: np.random.Generator) -> ItemT:
        """Item `index`; the same `rng` gives the same item, so that any number of workers sees the same data.

        Raises:
            BadItemError: if the item turns out to be unreadable.
        """

    @abc.abstractmethod
    def name(self, index: int) -> str:
        """Where the item comes from, for messages: a path, with the place in it."""


@final
class BadItemError(ValueError):
    """An item that cannot be used: which, why, and what to do about it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason

    def __reduce__(self) -> tuple[type["BadItemError"], tuple[str, str]]:
        """Worker processes send it home."""
        return BadItemError, (self.name, self.reason)


@final
@dataclass(frozen=True)
class Skipped:
    """An item or a file that was left out, and why."""

    name: str
    reason: str
