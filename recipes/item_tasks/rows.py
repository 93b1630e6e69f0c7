"""The rows of the tables."""

from dataclasses import dataclass
from typing import Literal, final


@final
@dataclass(frozen=True)
class Row:
    """With which encoder a row begins, and whether it is trained with the head.

    Attributes:
        name: in the table.
        folder: of its cells.
        start: features without parameters, random weights, or those of pre-training.
        learns: encoder and head are trained together; otherwise the head alone is fitted.
    """

    name: str
    folder: str
    start: Literal["plain", "random", "pre-trained"]
    learns: bool


ROWS = (
    Row("plain features, probe", "plain", "plain", False),
    Row("random network, probe", "random", "random", False),
    Row("from scratch", "scratch", "random", True),
    Row("pre-trained, probe", "frozen", "pre-trained", False),
    Row("pre-trained, tuned", "tuned", "pre-trained", True),
)
