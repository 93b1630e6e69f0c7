"""What does it do? Clips of one thing whose motion alone tells: no frame does, and opposites have the same frames."""

import math
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.core.evaluation.fine_tuning import FineTuning
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.targets import Classes
from gestalt.core.methods.transform_prediction import TransformPrediction
from gestalt.core.modality.transform import Views
from gestalt.modalities.video import MODALITY, Clip, chain
from gestalt.modalities.video.effects import ColourJitter

from ...scene_sources import Part as Side
from ...video_objects.synthetic.scenes import Layout, ground, sampled
from ...video_objects.synthetic.sources import Sources, load_sources
from ..cells import accuracy
from ..task import Part, PreTraining, Task

Action = Literal[
    "stands", "moves left", "moves right", "rises", "falls", "bounces", "grows", "shrinks", "turns", "turns back"
]
ACTIONS: tuple[Action, ...] = (
    "stands", "moves left", "moves right", "rises", "falls", "bounces", "grows", "shrinks", "turns", "turns back",
)  # fmt: skip
OPPOSITE: dict[Action, Action] = {
    "moves left": "moves right", "rises": "falls", "shrinks": "grows", "turns back": "turns",
}  # fmt: skip
"""An action that is another one backwards."""
LAYOUT = Layout(size=32, frames=8, rate=8.0, pan=0.0)
"""The ground stands still, so that what moves is the thing."""
SPEED = (2.0, 3.5)
"""Pixels of 64 a frame."""
HEIGHT = (10.0, 18.0)
"""Of a bounce, pixels of 64."""
GROWTH = (1.07, 1.12)
"""Times as large, a frame."""
TURN = (8.0, 14.0)
"""Degrees a frame."""
PLACES = 0.35
"""Half-way through, the middle of a thing lies so near to that of the picture along either axis; 1 is its border."""
SIZES = (0.8, 1.2)
"""Half-way through; 1 is 28 pixels of 64."""
ASKED_SEED = 3_000_000


@final
@dataclass(frozen=True)
class Pose:
    """Where a thing is in every frame: its middle (rows and columns, 1 is the border), its size and its angle."""

    middles: Float[np.ndarray, "frames 2"]
    sizes: Float[np.ndarray, " frames"]
    angles: Float[np.ndarray, " frames"]


def pose(action: Action, rng: np.random.Generator, frames: int) -> Pose:
    """The poses of an action; from the same draws its opposite has them in the opposite order."""
    middle, size = rng.uniform(-PLACES, PLACES, 2), float(rng.uniform(*SIZES))
    angle, strength = float(rng.uniform(-math.pi, math.pi)), float(rng.uniform())
    forwards = OPPOSITE.get(action, action)
    time = np.arange(frames) - (frames - 1) / 2
    middles, sizes, angles = np.tile(middle, (frames, 1)), np.full(frames, size), np.full(frames, angle)

    def drawn(between: tuple[float, float]) -> float:
        return between[0] + strength * (between[1] - between[0])

    if forwards == "moves right":
        middles[:, 1] += time * drawn(SPEED) / 32
    elif forwards == "falls":
        middles[:, 0] += time * drawn(SPEED) / 32
    elif forwards == "bounces":
        middles[:, 0] += drawn(HEIGHT) / 32 * (0.5 - np.abs(np.sin(math.pi * (time / frames * 2 + strength))))
    elif forwards == "grows":
        sizes = size * drawn(GROWTH) ** time
    elif forwards == "turns":
        angles = angle + np.radians(drawn(TURN)) * time
    found = Pose(middles, sizes, angles)
    return found if action == forwards else Pose(middles[::-1].copy(), sizes[::-1].copy(), angles[::-1].copy())


def clip(action: Action, rng: np.random.Generator, sources: Sources, layout: Layout = LAYOUT) -> Clip:
    """A piece of clothing on a photograph that stands still; everything but the action follows from `rng`."""
    shown = ground(sources, layout, rng)
    item = int(rng.integers(len(sources.items)))
    dark, bright = (torch.from_numpy(rng.uniform(0, 1, 3).astype(np.float32)).view(3, 1, 1) for _ in range(2))
    outline = sources.outlines[item]
    layers = torch.cat([(dark + (bright - dark) * sources.items[item]) * outline, outline[None]])
    placed = sampled(layers, _theta(pose(action, rng, layout.frames)), layout, "zeros")
    shown = shown * (1 - placed[:, 3:]) + placed[:, :3]
    pixels = (shown.clamp(0, 1) * 255).round().to(torch.uint8)
    return Clip(pixels, torch.arange(layout.frames + 1) / layout.rate)


def _theta(where: Pose) -> Float[Tensor, "frames 2 3"]:
    """From the frame's coordinates to the thing's own."""
    scale = where.sizes * 28 / 64
    cosine, sine = np.cos(where.angles) / scale, np.sin(where.angles) / scale
    turned = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], axis=1)
    shift = -np.einsum("tij,tj->ti", turned, where.middles[:, ::-1])
    return torch.from_numpy(np.concatenate([turned, shift[..., None]], axis=2).astype(np.float32))


def clips(count: int, seed: int, side: Side) -> tuple[list[Clip], Tensor]:
    """Clips of all actions by turns, and the action of each; no clothing and no photograph is on two sides."""
    sources, named = load_sources(side), torch.arange(count) % len(ACTIONS)
    found = [
        clip(ACTIONS[action], np.random.default_rng([seed, row]), sources) for row, action in enumerate(named.tolist())
    ]
    return found, named


def actions(seed: int, part: Part, scale: float) -> Task:
    """The task."""
    count, fewest = len(ACTIONS) * max(2, round(80 * scale)), len(ACTIONS) * max(1, round(30 * scale))
    (items, known), (asked, asked_known) = clips(count, seed, "train"), clips(fewest, ASKED_SEED, part)
    colour = chain((0.8, ColourJitter()))
    steps = max(2, round(300 * scale))
    return Task(
        name="actions",
        question="what a thing does, in clips of which no frame tells",
        target=Classes(ACTIONS),
        of="items",
        modality=MODALITY,
        items=items,
        known=known,
        asked=asked,
        asked_known=asked_known,
        columns=("accuracy",),
        measure=lambda answers: accuracy(answers, asked_known),
        # A tube lasts as long as a clip, so that one linear map sees how its pixels change.
        encoder=EncoderChoice("transformer", {"cell": 4, "frames": LAYOUT.frames, "width": 96, "depth": 3}),
        pretraining=PreTraining(TransformPrediction("order"), Views(chain(), (colour, colour)), steps=steps, batch=32),
        tuning=FineTuning(steps=steps, batch=32, lr=1e-3, warmup=60),
        transform=colour,
    )
