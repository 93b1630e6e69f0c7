"""Transforms of pictures among which a network can tell the one that was applied."""

from collections.abc import Mapping
from typing import Annotated, final

import numpy as np
import torch

from gestalt.core.components.ranges import Between, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform

from .data import Picture
from .views import Flip, chain


@final
class QuarterTurns(AbstractTransform[Picture]):
    """Turn the picture by so many quarters, counter-clockwise: pixels are moved and none is interpolated.

    Source: RotNet (Gidaris et al., 2018), which turns by transposing and flipping so that nothing gives the turn away.
    """

    def __init__(self, turns: Annotated[int, Between(0, 3)]) -> None:
        self.turns = turns
        check_ranges(self)

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:  # noqa: ARG002
        """p_source = R p_view + offset, R a rotation by quarters."""
        height, width = (float(side) for side in item.shape[1:])
        matrix, offset = {
            0: ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]),
            1: ([[0.0, 1.0], [-1.0, 0.0]], [0.0, width]),
            2: ([[-1.0, 0.0], [0.0, -1.0]], [height, width]),
            3: ([[0.0, -1.0], [1.0, 0.0]], [height, 0.0]),
        }[self.turns]
        plain = Affine.identity(2)
        rule = Affine(
            torch.tensor(matrix)[None],
            torch.tensor(offset)[None],
            plain.hidden_matrix,
            plain.hidden_offset,
            plain.known,
        )
        return torch.rot90(item, self.turns, (1, 2)).clone(), rule


CHOICES: Mapping[str, Mapping[str, AbstractTransform[Picture]]] = {
    "rotation": {f"{90 * turns}°": QuarterTurns(turns) for turns in range(4)},
    "upright": {"upright": chain(), "upside down": Flip(upright=False)},
}
"""Four rotations, or upright and upside down."""
