"""Bodies of joints that make a gesture: forward kinematics with proportions, tempo and strength of their own."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Float

Gesture = Literal[
    "waves", "raises arms", "lowers arms", "claps", "walks", "kicks", "sits down", "stands up", "bows", "reaches"
]
GESTURES: tuple[Gesture, ...] = (
    "waves", "raises arms", "lowers arms", "claps", "walks", "kicks", "sits down", "stands up", "bows", "reaches",
)  # fmt: skip
OPPOSITE: dict[Gesture, Gesture] = {"lowers arms": "raises arms", "stands up": "sits down"}
"""A gesture that is another one backwards."""
SIDES = ("left", "right")
BONES: Mapping[str, tuple[str, tuple[float, float, float]]] = {
    "chest": ("pelvis", (0.0, 0.0, 0.45)),
    "neck": ("chest", (0.0, 0.0, 0.12)),
    "head": ("neck", (0.0, 0.0, 0.16)),
    **{
        f"{side} {joint}": (parent.format(side=side), (sign * across, 0.0, up))
        for side, sign in zip(SIDES, (-1.0, 1.0), strict=True)
        for joint, parent, across, up in (
            ("shoulder", "chest", 0.18, 0.05),
            ("elbow", "{side} shoulder", 0.0, -0.30),
            ("hand", "{side} elbow", 0.0, -0.27),
            ("hip", "pelvis", 0.10, -0.04),
            ("knee", "{side} hip", 0.0, -0.43),
            ("foot", "{side} knee", 0.0, -0.42),
        )
    },
}
"""Of every joint but the pelvis the joint that it hangs on, and how it lies to that one at rest: metres to the right,
forwards and upwards."""
JOINTS = ("pelvis", *BONES)
FRAMES = 8
PROPORTIONS = (0.85, 1.18)
"""Bones of a kind are so many times as long, alike on both sides."""
HEIGHTS = (0.75, 1.2)
STRENGTH = (0.45, 1.1)
"""How far a gesture goes; 1 is all the way."""
SWAY = 0.16
"""Radians by which every joint is bent at random, and moves to and fro besides."""
JITTER = 0.03
"""Standard deviation of the noise on every place, in metres."""


@final
@dataclass(frozen=True)
class Turns:
    """How joints are turned, in radians by frame: `swing` forwards and upwards about the axis to the right, `spread`
    outwards about the axis that points forwards."""

    swing: Mapping[str, Float[np.ndarray, " frames"]]
    spread: Mapping[str, Float[np.ndarray, " frames"]]


def turns(gesture: Gesture, rng: np.random.Generator, frames: int = FRAMES) -> Turns:
    """The turns of a gesture; from the same draws its opposite has them in the opposite order."""
    forwards = OPPOSITE.get(gesture, gesture)
    side, other = SIDES if rng.random() < 0.5 else SIDES[::-1]
    strength, phase, tempo = float(rng.uniform(*STRENGTH)), float(rng.uniform(0, 2 * math.pi)), rng.uniform(0.7, 1.4)
    begins, lasts = rng.uniform(0.0, 0.25), rng.uniform(0.5, 0.75)
    time = np.linspace(0, 1, frames)
    risen = np.clip((time - begins) / lasts, 0, 1)  # from 0 to 1
    there = np.sin(math.pi * risen)  # from 0 over 1 to 0
    beat = np.sin(phase + 2 * math.pi * 1.5 * tempo * time)
    swing, spread = dict[str, np.ndarray](), dict[str, np.ndarray]()
    still = np.ones(frames)
    match forwards:
        case "waves":
            spread[f"{side} shoulder"] = (1.2 + 0.6 * strength) * still
            spread[f"{side} elbow"] = 0.6 + 0.7 * strength * beat
        case "raises arms":
            for one in SIDES:
                swing[f"{one} shoulder"] = 2.6 * strength * risen
        case "claps":
            for one in SIDES:
                swing[f"{one} shoulder"] = 1.1 * still
                spread[f"{one} shoulder"] = 0.6 * strength * beat
        case "walks":
            for one, sign in ((side, 1.0), (other, -1.0)):
                swing[f"{one} hip"] = 0.6 * strength * sign * beat
                swing[f"{one} shoulder"] = -0.5 * strength * sign * beat
                swing[f"{one} knee"] = -0.4 * strength * (1 - sign * beat)
        case "kicks":
            swing[f"{side} hip"] = 1.3 * strength * there
            swing[f"{side} knee"] = -0.5 * strength * (1 - there)
        case "sits down":
            for one in SIDES:
                swing[f"{one} hip"] = 1.4 * strength * risen
                swing[f"{one} knee"] = -1.5 * strength * risen
        case "bows":
            swing["pelvis"] = -1.1 * strength * there
            for one in SIDES:
                swing[f"{one} hip"] = 1.1 * strength * there
        case "reaches":
            swing[f"{side} shoulder"] = 1.6 * strength * there
            swing[f"{side} elbow"] = 0.7 * (1 - there)
    order = slice(None) if gesture == forwards else slice(None, None, -1)
    return Turns({key: own[order] for key, own in swing.items()}, {key: own[order] for key, own in spread.items()})


def places(done: Turns, lengths: Mapping[str, float], frames: int = FRAMES) -> Float[np.ndarray, "frames joints 3"]:
    """Where the joints are: the place of one is that of the joint that it hangs on, and its bone, turned by all turns
    from the pelvis to there; the pelvis lies at the origin.

    Args:
        done: the turns.
        lengths: by how much every bone is longer than at rest.
        frames: how many.
    """
    zero = np.zeros(frames)
    found, turned = [np.zeros((frames, 3))], {"pelvis": _rotation("pelvis", done, zero)}
    for joint, (parent, rest) in BONES.items():
        bone = np.array(rest) * lengths[joint]
        found.append(found[JOINTS.index(parent)] + turned[parent] @ bone)
        turned[joint] = turned[parent] @ _rotation(joint, done, zero)
    return np.stack(found, axis=1)


def _rotation(joint: str, done: Turns, zero: Float[np.ndarray, " frames"]) -> Float[np.ndarray, "frames 3 3"]:
    """Outwards, then forwards. A bone that hangs down and swings by +π/2 points forwards."""
    swing = done.swing.get(joint, zero)
    spread = done.spread.get(joint, zero) * (-1.0 if joint.startswith("right") else 1.0)
    one, null = np.ones_like(zero), np.zeros_like(zero)
    about_right = [[one, null, null], [null, np.cos(swing), -np.sin(swing)], [null, np.sin(swing), np.cos(swing)]]
    about_front = [[np.cos(spread), null, np.sin(spread)], [null, one, null], [-np.sin(spread), null, np.cos(spread)]]
    return np.moveaxis(np.array(about_right), 2, 0) @ np.moveaxis(np.array(about_front), 2, 0)


def body(gesture: Gesture, rng: np.random.Generator) -> Float[np.ndarray, "frames joints 3"]:
    """A body that makes a gesture: its own proportions and height, swaying, seen from any side, with noise."""
    done = turns(gesture, rng)
    own = {joint.split()[-1]: float(rng.uniform(*PROPORTIONS)) for joint in BONES}
    height = float(rng.uniform(*HEIGHTS))
    where = places(_swaying(done, rng), {joint: height * own[joint.split()[-1]] for joint in BONES})
    angle = rng.uniform(0, 2 * math.pi)
    turn = np.array([[math.cos(angle), math.sin(angle), 0], [-math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    turned: Float[np.ndarray, "frames joints 3"] = where @ turn
    return turned + rng.normal(0, JITTER, turned.shape)


def _swaying(done: Turns, rng: np.random.Generator) -> Turns:
    """Every joint bent a little besides, and moving."""
    time, moved = np.linspace(0, 2 * math.pi, FRAMES), []
    for own in (done.swing, done.spread):
        bent, wide = rng.normal(0, SWAY, len(JOINTS)), rng.normal(0, SWAY, len(JOINTS))
        phase = rng.uniform(0, 2 * math.pi, len(JOINTS))
        moved.append(
            {
                joint: own.get(joint, np.zeros(FRAMES)) + bent[row] + wide[row] * np.sin(time + phase[row])
                for row, joint in enumerate(JOINTS)
            }
        )
    return Turns(*moved)
