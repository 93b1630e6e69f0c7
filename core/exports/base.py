"""What is exported, and what a format of another library has to say and do."""

import abc
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, final

from ..modality.base import AbstractModality
from ..networks.encoder import AbstractEncoder


@final
@dataclass(frozen=True)
class Trained:
    """An encoder that is exported.

    Attributes:
        modality: whose batches it takes.
        encoder: in evaluation mode, on the CPU.
        run: the folder of the run that trained it; None for a model in memory.
        examples: items of the modality that show what comes in, two at least: batches of them are run through what was
            exported, and compared with the encoder.
    """

    modality: AbstractModality[Any]
    encoder: AbstractEncoder
    run: Path | None
    examples: tuple[Any, ...]


@final
@dataclass(frozen=True)
class Written:
    """What an export wrote: how it is loaded, and facts for the model card by their names."""

    loading: str
    facts: Mapping[str, str] = field(default_factory=dict)


class AbstractExport(abc.ABC):
    """A format of another library; an entry point in the group `gestalt.exports` gives it a name.

    Attributes:
        takes: one line: which encoders it can hold.
    """

    takes: ClassVar[str]

    @abc.abstractmethod
    def refusal(self, trained: Trained) -> str | None:
        """Why the format cannot hold this encoder: what was expected, and what there is; None where it can."""

    @abc.abstractmethod
    def write(self, trained: Trained, folder: Path) -> Written:
        """Write the files.

        Args:
            trained: one that `refusal` does not refuse.
            folder: empty; the caller moves it into its place when all is written.

        Raises:
            ValueError: if it turns out that the format cannot hold the encoder after all.
            ImportError: if the library is missing, with what to install.
        """
