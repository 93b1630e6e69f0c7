"""A finished run as those see it that a model's own methods use, and that therefore cannot know the model itself."""

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch

from ..data.items import Skipped
from ..discovery.finder import ObjectFinder
from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from ..networks.encoder import AbstractEncoder, Network

ItemT = TypeVar("ItemT")


@runtime_checkable
class SeesItems(Protocol[ItemT]):
    """What a `Model` is to them."""

    @property
    def modality(self) -> AbstractModality[ItemT]:
        """Reads and collates the items."""
        ...

    @property
    def network(self) -> Network:
        """The encoder with its projector."""
        ...

    @property
    def encoder(self) -> AbstractEncoder:
        """The encoder."""
        ...

    @property
    def finder(self) -> ObjectFinder | None:
        """How objects are found."""
        ...

    @property
    def seed(self) -> int:
        """Of the finder."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the network lies."""
        ...

    def check_finder(self) -> None:
        """Refuse a run that does not say how objects are found."""
        ...

    def encoded(
        self, data: Any, skipped: list[Skipped] | None = None, full: bool = False
    ) -> Iterator[FoundBatch[ItemT]]:
        """Features and objects of all items, a few at a time, on the CPU."""
        ...

    def seeing(self, finds: bool, network: Network | None = None) -> "SeesItems[ItemT]":
        """The same with another network, or without objects."""
        ...
