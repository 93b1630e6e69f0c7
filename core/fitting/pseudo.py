"""The options of learning from items without labels, beside labelled ones."""

from dataclasses import dataclass
from typing import Annotated, final

from ..components.ranges import Between, Count, Positive, Weight, Width, check_ranges


@final
@dataclass(frozen=True)
class PseudoLabelling:
    """How encoder and task network learn from few labelled and many other items (SemPPL)."""

    steps: Count = 300
    """Optimiser steps."""
    batch: Annotated[int, Between(2, 1_000_000)] = 32
    """Items of a step; no more than there are."""
    labelled: Annotated[float, Between(0.0, 1.0, open_below=True, open_above=True)] = 0.25
    """Share of labelled items in every step."""
    lr: Positive = 1e-3
    """Peak learning rate."""
    neighbours: Count = 1
    """k: so many nearest labelled vectors vote on what an item is."""
    queue: Count = 10
    """As many labelled vectors are asked as so many batches have items."""
    alpha: Weight = 0.2
    """Weight of the positives that a vote gives, beside an item's own views."""
    decay: Annotated[float, Between(0.0, 1.0)] = 0.99
    """How slowly the teacher follows."""
    hidden: Width = 256
    """Width of projector and predictor."""
    projection: Width = 128
    """Length of the vectors that vote."""
    checkpoint_every: Count = 50
    """Steps between two checkpoints, from which a killed command goes on."""

    def __post_init__(self) -> None:
        check_ranges(self)
