"""A model that has seen some items already: what asks about them often does not wait for them to be encoded again."""

from collections.abc import Iterator
from typing import Any, final

import torch

from gestalt.core.data.items import AbstractItems, Skipped
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.modality.base import AbstractModality
from gestalt.core.networks.encoder import AbstractEncoder, Network
from gestalt.core.runs.model import Model
from gestalt.modalities.audio import Recording


@final
class Remembered:
    """Features and objects of all items of a data set, in memory.

    Args:
        model: encodes them, once.
        items: the data set.
    """

    def __init__(self, model: Model[Recording], items: AbstractItems[Recording]) -> None:
        self.model, self.items = model, items
        self.batches = list(model.encoded(items))

    @property
    def modality(self) -> AbstractModality[Recording]:
        """See `SeesItems`."""
        return self.model.modality

    @property
    def network(self) -> Network:
        """See `SeesItems`."""
        return self.model.network

    @property
    def encoder(self) -> AbstractEncoder:
        """See `SeesItems`."""
        return self.model.encoder

    @property
    def finder(self) -> ObjectFinder | None:
        """See `SeesItems`."""
        return self.model.finder

    @property
    def seed(self) -> int:
        """See `SeesItems`."""
        return self.model.seed

    @property
    def device(self) -> torch.device:
        """See `SeesItems`."""
        return self.model.device

    def check_finder(self) -> None:
        """See `SeesItems`."""
        self.model.check_finder()

    def encoded(
        self,
        data: Any,
        skipped: list[Skipped] | None = None,  # noqa: ARG002
        full: bool = False,  # noqa: ARG002
    ) -> Iterator[FoundBatch[Recording]]:
        """What is remembered, of the whole data set; some windows of it are encoded anew."""
        yield from self.batches if data is self.items else self.model.encoded(data)

    def seeing(self, finds: bool, network: Network | None = None) -> "Model[Recording] | Remembered":
        """Itself, unless another network is asked for; objects that nobody needs do no harm."""
        return self if network is None else self.model.seeing(finds, network)
