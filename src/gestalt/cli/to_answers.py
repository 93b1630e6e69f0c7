"""The options of `gestalt predict`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, final

import tyro

from gestalt.core.components.precision import FULL, Precision
from gestalt.core.components.ranges import Between, Count, Share


@final
@dataclass(frozen=True)
class ToAnswers:
    """What a model, or the task head of a finished run, says of new data."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a model, or of a finished run."""
    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files and folders to read; "*.wav" in quotes, @list.txt for the paths in a file, - for standard input."""
    pairs: Path | None = None
    """Of a model of pairs: a table whose first two columns name files or records."""
    threshold: Share = 0.5
    """Of a model of pairs: they are the same from this score on; gestalt evaluate says one for an error rate."""
    out: Path = Path("predicted")
    """Folder to write to; what an earlier call wrote there is replaced."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them."""
    modality: str | None = None
    """The run's modality as package.module:OBJECT, where it is not installed."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, cuda:1, mps."""
    precision: Precision = FULL
    """Arithmetic of the encoder: bf16-mixed is less exact, and faster where the device has bfloat16; 16-mixed is for
    GPUs. All else, and what comes out, is in float32."""
    engine: Literal["here", "ray"] = "here"
    """Who encodes the items: this process, or workers of a cluster of Ray, which share the archive out in blocks."""
    workers: Annotated[int, Between(0, 1e5)] = 0
    """Workers of --engine ray; 0 for one on every free CPU, or GPU with --device cuda."""
    block: Count = 1024
    """Items that a worker of --engine ray encodes at a time; so many are computed again where one is lost."""
