"""The rows of the table."""

from dataclasses import dataclass
from typing import Literal, final

from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.paws import PAWS
from gestalt.core.methods.semppl import SemPPL
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.simclr import SimCLR
from gestalt.core.methods.simmatch import SimMatch
from gestalt.core.methods.supervised import Supervised
from gestalt.core.networks.follower import MovingAverage

TEACHER = MovingAverage(0.99)
STEADY = MovingAverage(0.99, schedule="constant")
"""Sooner than the published 0.999, as the others' teacher: the runs are short."""
MIXED = 0.25
"""Share of labelled items in every step of methods that learn from both."""

RowName = Literal["plain", "random", "supervised", "byol", "simclr", "semppl", "semppl-task", "paws", "simmatch"]
"""How a row is called on the command line, and in the names of folders."""


@final
@dataclass(frozen=True)
class Row:
    """Which method learns, and how it is tested.

    Attributes:
        name: in the table.
        folder: its short name, which its runs' folders begin with.
        method: what learns; None where nothing is trained.
        tested_by: a linear probe on frozen vectors, or the task network itself.
        raw: plain features instead of the encoder, for rows without a method.
        labelled: share of labelled items in every step, where some items are labelled and some are not.
        items_only: it remembers whole items, and learns nothing where elements are labelled: the cell stays empty.
    """

    name: str
    folder: RowName
    method: AbstractMethod | None = None
    tested_by: Literal["probe", "task"] = "probe"
    raw: bool = False
    labelled: float = 0.0
    items_only: bool = False


ROWS = (
    Row("plain features + probe", "plain", raw=True),
    Row("random encoder + probe", "random"),
    Row("supervised from scratch", "supervised", Supervised(heads=Heads(256, 128)), "task"),
    Row("BYOL + probe", "byol", BYOL(heads=Heads(256, 128), teacher=TEACHER)),
    Row("SimCLR + probe", "simclr", SimCLR(heads=Heads(256, 128))),
    Row("SemPPL + probe", "semppl", SemPPL(heads=Heads(256, 128), teacher=TEACHER), labelled=MIXED),
    Row(
        "SemPPL with task network",
        "semppl-task",
        SemPPL(heads=Heads(256, 128), teacher=TEACHER, task=True),
        "task",
        labelled=MIXED,
    ),
    Row("PAWS + probe", "paws", PAWS(heads=Heads(256, 128)), labelled=MIXED),
    Row(
        "SimMatch + probe",
        "simmatch",
        SimMatch(heads=Heads(256, 128), teacher=STEADY),
        labelled=MIXED,
        items_only=True,
    ),
)
