"""Encoders that are a model of transformers inside, with what prepares the model's input."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class SavesItself(Protocol):
    """A model, a tokenizer or a processor of transformers."""

    def save_pretrained(self, folder: Path, /) -> Any:
        """Write its files."""
        ...


@runtime_checkable
class HoldsLibraryModel(Protocol):
    """An encoder whose network is a model of transformers."""

    def library_parts(self) -> Sequence[SavesItself]:
        """The model, then what prepares its input from texts, pictures or sound, as the encoder prepares it."""
        ...
