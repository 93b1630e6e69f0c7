"""The command that makes the report of a run anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import tyro


@final
@dataclass(frozen=True)
class OnReport:
    """Evaluate a finished run again and write its report.html anew: by this version, without training."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    data: tuple[Path, ...] = ()
    """Where the data that the run was trained on are now, if they were moved."""
    modality: str | None = None
    """The run's modality as package.module:OBJECT, where it is not installed."""


def report_command(arguments: Sequence[str]) -> int:
    """`gestalt report RUN`."""
    from gestalt.core.experiment.again import report_again

    from .parse import parsed

    asked = parsed(OnReport, arguments, "report")
    return report_again(asked.run, asked.data, asked.modality)
