"""The options of `gestalt regroup`; what they are made of needs torch, so they are imported when the command runs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, final

import tyro

from gestalt.core.runs.regrouping import Regrouping


@final
@dataclass(frozen=True)
class OnClusters:
    """Give a finished run other objects: those of clusters over a whole data set, without labels.

    The elements of all items are clustered. Clusters that overlap a noisy foreground least become background
    (--foreground), and clusters that lie beside one another in many items become one object (--communities). What is
    written is a run: gestalt discover, types, embed and search take it.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files and folders to read; "*.wav" in quotes, @list.txt for the paths in a file, - for standard input."""
    how: Regrouping = field(default_factory=Regrouping)
    out: Path = Path("regrouped")
    """Folder to write to; what an earlier call wrote there is replaced."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them."""
    modality: str | None = None
    """The run's modality as package.module:OBJECT, where it is not installed."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, cuda:1, mps."""
