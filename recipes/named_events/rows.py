"""The rows of the table: which labels, which vectors, which head."""

from dataclasses import dataclass
from typing import Literal, final

from gestalt.core.fitting.fitters import AbstractFitter, Convolution, Linear
from gestalt.core.fitting.options import Fitting

Source = Literal["run", "random", "log-mel", "rule"]
"""What sees: the run; its encoder before training; log-mel, with change points or stretches by the rule as objects."""
Told = Literal["types", "shown", "truth", "own types"]
"""What is labelled: all members of the named types; those that were heard on the page; the truth of the whole archive;
members of types of this row's own objects, to which it has names of its own."""

ELEMENTS = 6000
"""Elements that a head of elements learns from, at most."""
LINEAR = Linear()
OBJECTS = Fitting(of="objects", rest="unlabelled")
OBJECTS_AND_REST = Fitting(of="objects", unknown=0.0)
FRAMES = Fitting(of="elements", unknown=0.0, elements=ELEMENTS, folds=3)
SCRATCH = Fitting(of="elements", unknown=0.0, folds=3, tune=200, tune_lr=2e-3, tune_slower=1.0)


@final
@dataclass(frozen=True)
class Row:
    """A detector.

    Attributes:
        name: in the table.
        told: what it learns from.
        source: what sees.
        options: what the head is of, and whether the encoder is trained with it.
        head: that answers.
    """

    name: str
    told: Told
    source: Source
    options: Fitting
    head: AbstractFitter = LINEAR

    @property
    def folder(self) -> str:
        """A name for its folder."""
        return self.name.replace(", ", "-").replace(": ", "-").replace(" ", "-")


STORY = "named types: the run"
ROWS = (
    Row(STORY, "types", "run", OBJECTS_AND_REST),
    Row("named types: the run, nothing known of the rest", "types", "run", OBJECTS),
    Row("named types: log-mel, change points", "types", "log-mel", OBJECTS_AND_REST),
    Row("named types: log-mel, frames", "types", "log-mel", FRAMES),
    Row("types of log-mel, with names of their own", "own types", "log-mel", OBJECTS),
    Row("shown members: the run", "shown", "run", OBJECTS),
    Row("shown members: from scratch", "shown", "random", SCRATCH),
    Row("shown members: random network, frames", "shown", "random", FRAMES),
    Row("shown members: log-mel, frames", "shown", "log-mel", FRAMES),
    Row("shown members: log-mel, convolution", "shown", "log-mel", FRAMES, Convolution()),
    Row("shown members: log-mel, change points", "shown", "log-mel", OBJECTS),
    Row("shown members: log-mel, energy and flux", "shown", "rule", OBJECTS_AND_REST),
    Row("true labels of the archive: the run", "truth", "run", OBJECTS_AND_REST),
)
