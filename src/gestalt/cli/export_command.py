"""The command that writes a finished run for another library."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import tyro


@final
@dataclass(frozen=True)
class OnExport:
    """Write the encoder of a finished run for another library, with a model card beside it (README.md).

    Without --to it lists the formats, and which of them fit the run.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    to: str | None = None
    """Name of the format."""
    out: Path = Path("exported")
    """Folder to write to; what an earlier call wrote there is replaced."""
    examples: tuple[Path, ...] = ()
    """Files and folders that show what comes in; by default what the modality itself shows."""
    licence: str | None = None
    """Of the weights, for the model card."""
    modality: str | None = None
    """The run's modality as package.module:OBJECT, where it is not installed."""


def export_command(arguments: Sequence[str]) -> int:
    """`gestalt export RUN --to NAME`; without a name, which formats fit."""
    from gestalt.core.exports.command import export_run

    from .parse import parsed

    asked = parsed(OnExport, arguments, "export")
    return export_run(asked.run, asked.to, asked.out, asked.examples, asked.licence, asked.modality)
