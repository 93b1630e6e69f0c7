"""What a modality and its encoders may say of each other: settings that follow from the data, how far one sees."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from ...data.items import AbstractItems
from ..base import AbstractModality

ItemT = TypeVar("ItemT")


@runtime_checkable
class InfersEncoderSettings(Protocol):
    """Settings of encoders that follow from the data: channels, a schema, a sample rate, a tokenizer."""

    def encoder_settings(self, encoder: str, items: AbstractItems[Any]) -> Mapping[str, Any]:
        """Settings for the encoder of that name; the user's own settings go before them."""
        ...


@runtime_checkable
class InfersFromSettings(Protocol):
    """Encoders that are made of others, by their settings: what follows from the data depends on these."""

    def encoder_settings_beside(
        self, encoder: str, items: AbstractItems[Any], given: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Settings that follow from the items, beside those that are given."""
        ...


@runtime_checkable
class FollowsSampleRate(Protocol[ItemT]):
    """Items that are sampled in time, and brought to one rate: `--sample-rate`."""

    def at_rate(self, sample_rate: float | int | None, encoder: str, paths: Sequence[Path]) -> AbstractModality[ItemT]:
        """The same modality, whose items have `sample_rate`.

        Args:
            sample_rate: samples per second; None for that of most files among `paths`.
            encoder: the one that will see the items, by name: some take one rate only.
            paths: files and folders.

        Raises:
            FileNotFoundError: for a path that does not exist.
            ValueError: if there is no such file at all.
        """
        ...


@runtime_checkable
class LimitsLength(Protocol):
    """An encoder that takes no more than a certain length, in the unit of its first axis (of a set, elements)."""

    @property
    def longest(self) -> float:
        """The longest item that it takes."""
        ...


@runtime_checkable
class SeesAround(Protocol):
    """An encoder that knows how far it sees: nothing further away changes an element's vector."""

    @property
    def reach(self) -> float:
        """How far beyond an element, in the unit of the first axis (of a set, elements); 0 if it cannot be said."""
        ...
