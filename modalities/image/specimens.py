"""Small pictures of textured shapes, generated, on which the conformance suite runs."""

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.modality.base import Specimen

from .data import Picture

STRIDE = 4  # pixels: the elements of the raw encoder


@final
class Mark:
    """A picture with a strong pattern in one cell and nowhere else."""

    def __init__(self, item: Picture) -> None:
        self.item = item

    def __call__(self, element: int) -> Picture:
        """The picture, marked at that element."""
        marked = self.item.clone()
        columns = self.item.shape[2] // STRIDE
        top, left = (STRIDE * place for place in divmod(element, columns))
        cell = marked[:, top : top + STRIDE, left : left + STRIDE]
        cell.copy_(torch.where(cell.mean() < 0.5, 0.95, 0.05).expand_as(cell))
        return marked


def _texture(seed: int, colour: tuple[float, float, float], stripes: float, size: tuple[int, int]) -> Tensor:
    """A colour with stripes and a little noise."""
    down, across = torch.meshgrid(*(torch.arange(length, dtype=torch.float32) for length in size), indexing="ij")
    wave = 0.08 * torch.sin(stripes * (down + 0.6 * across))
    noise = torch.from_numpy(np.random.default_rng(seed).standard_normal((3, *size), dtype=np.float32))
    return (torch.tensor(colour)[:, None, None] + wave + 0.015 * noise).clamp(0, 1)


def _disc(size: tuple[int, int], y: float, x: float, radius: float) -> Bool[Tensor, "height width"]:
    down, across = _pixels(size)
    return (down - y) ** 2 + (across - x) ** 2 < radius**2


def _box(size: tuple[int, int], y: float, x: float, half: float) -> Bool[Tensor, "height width"]:
    down, across = _pixels(size)
    return torch.maximum((down - y).abs(), (across - x).abs()) < half


def _pixels(size: tuple[int, int]) -> tuple[Float[Tensor, "height 1"], Float[Tensor, "1 width"]]:
    return torch.arange(size[0])[:, None] + 0.5, torch.arange(size[1])[None] + 0.5


def specimens() -> Sequence[Specimen[Picture]]:
    """Discs and boxes of different textures, in pictures of different sizes."""
    scenes = [
        ((64, 64), [("disc", _disc((64, 64), 22.0, 20.0, 13.0), (0.85, 0.3, 0.2), 1.1),
                    ("box", _box((64, 64), 42.0, 44.0, 12.0), (0.15, 0.4, 0.9), 0.0)]),
        ((48, 72), [("disc", _disc((48, 72), 24.0, 18.0, 15.0), (0.9, 0.8, 0.2), 0.0),
                    ("box", _box((48, 72), 26.0, 50.0, 13.0), (0.1, 0.15, 0.1), 0.9)]),
        ((64, 40), [("disc", _disc((64, 40), 16.0, 20.0, 12.0), (0.2, 0.85, 0.8), 0.7),
                    ("box", _box((64, 40), 46.0, 20.0, 12.0), (0.85, 0.2, 0.7), 0.0)]),
    ]  # fmt: skip
    made = []
    for number, (size, shapes) in enumerate(scenes):
        item = _texture(number, (0.5, 0.5, 0.45), 0.4, size)
        numbers = torch.full(size, -1)
        for shape, (_, mask, colour, stripes) in enumerate(shapes):
            item = torch.where(mask, _texture(10 + shape, colour, stripes, size), item)
            numbers[mask] = shape
        labels = numbers[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE].flatten()
        truth = tuple((name, mask) for name, mask, _, _ in shapes)
        made.append(Specimen(item, labels, Mark(item), truth))
    return made
