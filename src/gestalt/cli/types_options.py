"""The options of `gestalt types`; what they are made of needs torch, so they are imported when the command runs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, final

import tyro

from gestalt.core.components.precision import FULL, Precision
from gestalt.core.components.ranges import Between, Count
from gestalt.core.runs.types.clusterings import AbstractClustering, KMeansTypes
from gestalt.core.runs.types.scaling import Kind


@final
@dataclass(frozen=True)
class OnTypes:
    """Find which kinds of objects recur in data, without labels.

    Writes types.csv (every object with its type), types.html (members of every type, with fields to name it), masks
    called after their types, and the types themselves, which --like gives to other data. With --names, names that were
    given on the page become labels.csv and masks for training.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files and folders to read."""
    by: AbstractClustering = field(default_factory=KMeansTypes)
    """How object vectors are clustered."""
    number: Count | None = None
    """How many types, for k-means and balanced; none: the number of the best silhouette."""
    scaling: Kind = "standardised"
    """How vectors are made comparable: every dimension of unit variance; then only directions; or principal components
    of unit variance (whitened)."""
    level: str | None = None
    """The level of the encoder whose vectors are compared, where it has several; none: the whole vector."""
    sample: Count = 50_000
    """Most objects that types are found in; all objects are given their type."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Of everything random."""
    like: Path | None = None
    """A folder that gestalt types wrote: its types are given to these data, and none are found."""
    names: Path | None = None
    """Names of types and wrong members, as types.html saves them."""
    out: Path = Path("types")
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
