"""Moving scenes with exact masks: clothing that drifts, grows and overlaps, on photographs that a camera pans.

Colour alone never tells an item from its ground: both are drawn at random. What belongs together moves together.
"""

import math
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.modalities.video import Clip

from ...composed import ComposedItems
from .sources import Sources

LEAST = 24  # pixels of an item that must be seen in its best frame: less is no object


@final
@dataclass(frozen=True)
class Layout:
    """How scenes are composed."""

    size: int = 64
    """Height and width in pixels."""
    frames: int = 8
    """Frames of a scene."""
    rate: float = 8.0
    """Frames per second."""
    fewest: int = 2
    """Least number of items."""
    most: int = 4
    """Greatest number of items."""
    smallest: float = 0.6
    """Least size of an item; 1 is 28 pixels of 64."""
    largest: float = 1.1
    """Greatest size of an item."""
    speed: float = 3.0
    """Greatest speed of an item in pixels (of 64) per frame."""
    pan: float = 2.0
    """Greatest speed of the camera in pixels (of 64) per frame."""
    growth: float = 0.03
    """Greatest growth or shrinking per frame."""
    turn: float = 4.0
    """Greatest turn in degrees per frame."""


@final
@dataclass(frozen=True)
class Scene:
    """A clip with the item of every pixel (−1: the ground), and the kind of every item."""

    clip: Clip
    numbers: Int[Tensor, "time height width"]
    kinds: tuple[int, ...]


def scenes(count: int, seed: int, sources: Sources, layout: Layout) -> ComposedItems[Clip, Scene]:
    """Scenes of a seed, composed when they are read."""
    return ComposedItems(count, seed, partial(compose, sources, layout), attrgetter("clip"))


def compose(sources: Sources, layout: Layout, rng: np.random.Generator) -> Scene:
    """One scene; everything in it follows from `rng`."""
    frames = ground(sources, layout, rng)
    numbers = torch.full((layout.frames, layout.size, layout.size), -1)
    kinds: list[int] = []
    for _ in range(int(rng.integers(layout.fewest, layout.most + 1))):
        item = int(rng.integers(len(sources.items)))
        layers = torch.cat([_coloured(sources.items[item], rng), sources.outlines[item][None]])
        placed = _placed(layers, layout, rng)
        inside = placed[:, 3:]
        frames = frames * (1 - inside) + placed[:, :3]
        numbers = torch.where(placed[:, 3] > 0.5, len(kinds), numbers)
        kinds.append(int(sources.kinds[item]))
    grain = torch.from_numpy(rng.standard_normal(tuple(frames.shape), dtype=np.float32)) * 0.01
    shown = ((frames + grain).clamp(0, 1) * 255).round().to(torch.uint8)
    edges = torch.arange(layout.frames + 1) / layout.rate
    return Scene(Clip(shown, edges), _seen(numbers, len(kinds)), tuple(kinds))


def _seen(numbers: Int[Tensor, "time height width"], items: int) -> Int[Tensor, "time height width"]:
    """Numbers without those of items of which next to nothing is ever seen."""
    pixels = torch.nn.functional.one_hot(numbers.flatten(1) + 1, items + 1)[..., 1:].sum(dim=1)
    hidden = (pixels.amax(dim=0) < LEAST).nonzero()[:, 0]
    return torch.where(torch.isin(numbers, hidden), -1, numbers)


def ground(sources: Sources, layout: Layout, rng: np.random.Generator) -> Float[Tensor, "time 3 size size"]:
    """A window that moves over a photograph, tinted, mirrored by chance."""
    photograph = sources.photographs[int(rng.integers(len(sources.photographs)))]
    _, height, width = photograph.shape
    zoom = rng.uniform(0.45, 0.9)  # the window's side as a share of the photograph's shorter one
    side = zoom * min(height, width)
    pan = rng.uniform(-layout.pan, layout.pan, 2) * side / 64
    run = np.abs(pan) * (layout.frames - 1)
    free = np.maximum(np.array([height, width]) - side - run, 0.0)
    begin = rng.uniform(0, 1, 2) * free + np.where(pan < 0, run, 0.0) + side / 2
    centres = begin + pan * np.arange(layout.frames)[:, None]
    theta = np.zeros((layout.frames, 2, 3), np.float32)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    theta[:, 0, 0], theta[:, 0, 2] = mirror * side / width, 2 * centres[:, 1] / width - 1
    theta[:, 1, 1], theta[:, 1, 2] = side / height, 2 * centres[:, 0] / height - 1
    window = sampled(photograph, torch.from_numpy(theta), layout, "border")
    tint = torch.from_numpy(rng.uniform(0.6, 1.0, 3).astype(np.float32)).view(3, 1, 1)
    shown: Tensor = window * tint
    return shown


def _coloured(item: Float[Tensor, "28 28"], rng: np.random.Generator) -> Float[Tensor, "3 28 28"]:
    """An item between two random colours: its dark parts in one, its bright ones in the other."""
    dark, bright = (torch.from_numpy(rng.uniform(0, 1, 3).astype(np.float32)).view(3, 1, 1) for _ in range(2))
    return dark + (bright - dark) * item


def _placed(
    layers: Float[Tensor, "4 28 28"], layout: Layout, rng: np.random.Generator
) -> Float[Tensor, "time 4 size size"]:
    """Colours times the outline, and the outline, where the item is in every frame."""
    flat = torch.cat([layers[:3] * layers[3:], layers[3:]])
    if rng.random() < 0.5:
        flat = flat.flip(-1)
    time = np.arange(layout.frames) - (layout.frames - 1) / 2
    angle, speed = rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 1.0) * layout.speed / 32
    growth = math.log1p(layout.growth) * rng.uniform(-1, 1)
    scale = rng.uniform(layout.smallest, layout.largest) * np.exp(growth * time) * 28 / 64
    turn = np.radians(rng.uniform(-15, 15) + rng.uniform(-layout.turn, layout.turn) * time)
    # Where the item is half-way through lies well within the picture; before and after it may leave.
    centres = rng.uniform(-0.65, 0.65, 2)[None] + time[:, None] * speed * np.array([math.sin(angle), math.cos(angle)])
    cosine, sine = np.cos(turn) / scale, np.sin(turn) / scale
    theta = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], axis=1)
    shift = -np.einsum("tij,tj->ti", theta, centres[:, ::-1])
    full = np.concatenate([theta, shift[..., None]], axis=2).astype(np.float32)
    return sampled(flat, torch.from_numpy(full), layout, "zeros")


def sampled(
    picture: Float[Tensor, "channels _ _"], theta: Float[Tensor, "time 2 3"], layout: Layout, beyond: str
) -> Float[Tensor, "time channels size size"]:
    """The picture under an affine map from the frame's coordinates to its own, both in [−1, 1], in every frame."""
    shape = [layout.frames, len(picture), layout.size, layout.size]
    grid = torch.nn.functional.affine_grid(theta, shape, align_corners=False)
    return torch.nn.functional.grid_sample(
        picture.expand(layout.frames, -1, -1, -1), grid, padding_mode=beyond, align_corners=False
    )
