"""The options of `gestalt fit`; its own file, since they name classes that take libraries."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, final

import tyro

from gestalt.core.fitting.fitters import AbstractFitter, Linear
from gestalt.core.fitting.options import Fitting
from gestalt.core.fitting.pseudo import PseudoLabelling


@final
@dataclass(frozen=True)
class ToLabels:
    """Fit a head to labelled data on a finished run, and write the model that predict and evaluate take.

    Says how many of what are labelled, what is held out and what is not used before a head is fitted.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run, or of a model."""
    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files and folders to read."""
    labels: Path | None = None
    """A table (name of a file or record, label), or the word folders, archives or annotations. Nothing: what
    --label-column says."""
    masks: Path | None = None
    """Masks that come with the data, in place of labels: the classes of elements are the names of their objects."""
    head: AbstractFitter = field(default_factory=Linear)
    """How the head is made."""
    unlabelled: tuple[Path, ...] = ()
    """Files and folders of which nothing is known: the encoder is trained on both first, each of these taken for what
    the nearest labelled ones are (SemPPL). The same command goes on where it was killed."""
    pseudo: PseudoLabelling = field(default_factory=PseudoLabelling)
    """How that is done."""
    how: Fitting = field(default_factory=Fitting)
    """What the labels are of, what is held out, and whether the encoder is trained too."""
    out: Path = Path("model")
    """Folder to write to; what an earlier call wrote there is replaced."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them."""
    modality: str | None = None
    """The run's modality as package.module:OBJECT, where it is not installed."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, cuda:1, mps."""
