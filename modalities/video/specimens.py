"""Small clips with known objects, generated, on which the conformance suite runs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.modality.base import Specimen

from .data import Clip

CELL = 8
"""Pixels a side of an element of the raw encoder."""


@final
class Mark:
    """A clip with a white and black patch in the middle of one element."""

    def __init__(self, item: Clip) -> None:
        self.item = item

    def __call__(self, element: int) -> Clip:
        """The clip, marked at that element."""
        _, height, width = self.item.size
        columns = -(-width // CELL)
        frame, place = divmod(element, columns * -(-height // CELL))
        top, left = (place // columns) * CELL + 1, (place % columns) * CELL + 1
        frames = self.item.frames.clone()
        # Light and dark, so that no change of brightness can make it vanish; red, so that greyness cannot either.
        frames[frame, :, top : top + 6, left : left + 6] = torch.tensor([255, 20, 20], dtype=torch.uint8).view(3, 1, 1)
        frames[frame, :, top : top + 6, left + 3 : left + 6] = 0
        return replace(self.item, frames=frames)


def specimens() -> Sequence[Specimen[Clip]]:
    """Squares that drift over rough ground: eight even frames, eight uneven ones, and six of a smaller picture."""
    even = torch.arange(9) / 8
    uneven = torch.tensor([0.0, 0.1, 0.3, 0.35, 0.6, 0.7, 0.8, 1.0, 1.05])
    first = [("red square", (4, 4), (0.0, 2.0), (200, 60, 50)), ("blue square", (20, 16), (0.0, -1.0), (50, 80, 210))]
    second = [("green square", (8, 0), (1.0, 2.0), (70, 190, 80)), ("red square", (16, 24), (0.0, -2.0), (200, 60, 50))]
    third = [("blue square", (0, 0), (0.5, 0.5), (50, 80, 210)), ("green square", (10, 10), (0.0, 0.0), (70, 190, 80))]
    return (_scene(0, even, 32, 40, first), _scene(1, uneven, 32, 40, second), _scene(2, even[:7], 24, 24, third))


Square = tuple[str, tuple[int, int], tuple[float, float], tuple[int, int, int]]
"""Name, upper left corner (y, x), pixels per frame (y, x), and colour."""


def _scene(seed: int, edges: Tensor, height: int, width: int, squares: Sequence[Square]) -> Specimen[Clip]:
    rng = np.random.default_rng(seed)
    time = len(edges) - 1
    ground = torch.from_numpy(rng.integers(90, 150, (1, 3, height, width))).to(torch.uint8)
    frames = ground.repeat(time, 1, 1, 1)
    numbers = torch.full((time, height, width), -1)
    for number, (_, corner, speed, colour) in enumerate(squares):
        rough = torch.from_numpy(rng.integers(-12, 13, (3, 12, 12)))
        filled = (torch.tensor(colour).view(3, 1, 1) + rough).clamp(0, 255).to(torch.uint8)
        for frame in range(time):
            top = min(max(0, round(corner[0] + speed[0] * frame)), height - 12)
            left = min(max(0, round(corner[1] + speed[1] * frame)), width - 12)
            frames[frame, :, top : top + 12, left : left + 12] = filled
            numbers[frame, top : top + 12, left : left + 12] = number
    truth = tuple((square[0], numbers == number) for number, square in enumerate(squares))
    item = Clip(frames, edges.float(), start=float(seed))
    return Specimen(item, _cells(numbers, len(squares)), Mark(item), truth)


def _cells(numbers: Int[Tensor, "time height width"], objects: int) -> Int[Tensor, " elements"]:
    """The object that covers at least half of each element, −1 for none."""
    time, height, width = numbers.shape
    blocks = numbers.view(time, height // CELL, CELL, width // CELL, CELL)
    shares = torch.stack([(blocks == number).float().mean(dim=(2, 4)) for number in range(objects)])
    share, number = shares.max(dim=0)
    return torch.where(share >= 0.4, number, -1).flatten()
