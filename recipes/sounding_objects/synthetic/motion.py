"""How things move: straight on, until they bounce or stop; they are squeezed as they hit."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

TRIES = 200  # of a leg that stays inside; then the thing stands still for it
SPARE = 0.05  # seconds beyond what moments need: with less, next to no draw has them apart


@final
@dataclass(frozen=True)
class Moving:
    """How things move.

    Attributes:
        moments: least and greatest number of bounces and stops of a thing.
        early: no moment before, seconds.
        late: no moment later than this before the end, seconds.
        apart: least time between two moments of a thing, seconds.
        speed: range, in pixels (of 64) per second.
        reach: a thing stays so near to the middle of its place, in pixels (of 64), along both axes.
        stops: the share of moments at which a thing stops, and stands for a while; at the others it bounces.
        squeezed: by how much a thing is flattened when it hits.
        soft: how long that is to be seen, seconds.
    """

    moments: tuple[int, int] = (1, 2)
    early: float = 0.25
    late: float = 0.35
    apart: float = 0.45
    speed: tuple[float, float] = (12.0, 24.0)
    reach: float = 9.0
    stops: float = 0.4
    squeezed: float = 0.5
    soft: float = 0.12

    def least(self) -> float:
        """The shortest scene, in seconds, in which the most moments fit."""
        return self.early + self.late + (self.moments[1] - 1) * self.apart + SPARE


@final
@dataclass(frozen=True)
class Path:
    """Where a thing is, relative to the middle of its place, at every frame.

    Attributes:
        offsets: rows and columns, in pixels (of 64).
        heights: its height as a share of its own; less than 1 as it hits.
    """

    offsets: Float[np.ndarray, "frames 2"]
    heights: Float[np.ndarray, " frames"]


def moments(rng: np.random.Generator, config: Moving, seconds: float) -> tuple[float, ...]:
    """When a thing bounces or stops: ascending, in whole hundredths of a second."""
    count = int(rng.integers(config.moments[0], config.moments[1], endpoint=True))
    while True:
        drawn = np.sort(rng.uniform(config.early, seconds - config.late, count))
        if (np.diff(drawn) >= config.apart).all():
            return tuple(round(float(moment), 2) for moment in drawn)


def path(
    rng: np.random.Generator, config: Moving, when: tuple[float, ...], frames: Float[np.ndarray, " frames"]
) -> Path:
    """A path whose direction or speed changes at these moments, and at no other but for the end of a stop.

    Args:
        rng: everything is drawn from it.
        config: how things move.
        when: ascending moments, seconds.
        frames: the middle of every frame, seconds.
    """
    place, begin = rng.uniform(-config.reach, config.reach, 2), 0.0
    offsets = np.zeros((len(frames), 2))
    direction = float(rng.uniform(0, 2 * math.pi))
    for end in (*when, float(frames[-1]) + 1.0):
        still = 0.0
        if begin and rng.random() < config.stops:
            still = float(rng.uniform(0.25, 0.5))  # and goes on softly, of itself
        velocity = _leg(rng, config, place, direction, min(end, float(frames[-1])) - begin - still, bool(begin))
        here = (frames >= begin) & (frames < end)
        offsets[here] = place + velocity * np.maximum(frames[here] - begin - still, 0.0)[:, None]
        place = place + velocity * max(end - begin - still, 0.0)
        direction = float(np.arctan2(velocity[0], velocity[1])) if velocity.any() else direction
        begin = end
    since = frames[:, None] - np.array(when)
    hit = np.where(since >= -0.03, np.exp(-np.maximum(since, 0.0) / config.soft), 0.0).max(axis=1)
    return Path(offsets, 1 - config.squeezed * hit)


def _leg(
    rng: np.random.Generator,
    config: Moving,
    place: Float[np.ndarray, " 2"],
    before: float,
    seconds: float,
    turns: bool,
) -> Float[np.ndarray, " 2"]:
    """A velocity that stays inside, and after a moment leads away from where the thing went."""
    for tried in range(TRIES):
        away = before + math.pi + rng.uniform(-math.pi / 3, math.pi / 3) if turns else rng.uniform(0, 2 * math.pi)
        slower = 1.0 if tried < TRIES // 2 else 0.5
        velocity = slower * rng.uniform(*config.speed) * np.array([math.sin(away), math.cos(away)])
        if (np.abs(place + velocity * max(seconds, 0.0)) <= config.reach + 1e-9).all():
            return np.asarray(velocity)
    return np.zeros(2)
