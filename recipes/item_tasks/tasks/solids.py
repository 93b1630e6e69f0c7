"""Things made of boxes, tubes, balls and rings: points on their surfaces, as a scanner that misses a part sees them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Float

POINTS = 128
"""Points of a cloud, the strays among them."""
STRAYS = 0.1
"""So many of them are not of the thing: anywhere in its box."""
MISSING = (0.15, 0.45)
"""So much of the surface lies beyond a random plane, and is not seen."""
NOISE = 0.05
"""Standard deviation of the noise on every place; the unit is the root mean square distance from the middle."""


@final
@dataclass(frozen=True)
class Piece:
    """A box, a tube that stands upright, a ball or a ring that lies flat.

    Attributes:
        form: which of these.
        size: how far it goes along x, y and z.
        middle: where it lies.
        top: of a tube, how wide it is above, as a share of below; of a ring, how thick, as a share of its half width.
    """

    form: Literal["box", "tube", "ball", "ring"]
    size: tuple[float, float, float]
    middle: tuple[float, float, float] = (0.0, 0.0, 0.0)
    top: float = 1.0


def on_surface(piece: Piece, count: int, rng: np.random.Generator) -> Float[np.ndarray, "count 3"]:
    """Points on the surface of a piece: evenly, but where it is stretched, and on the inner side of a ring."""
    x, y, z = piece.size
    around, height = rng.uniform(0, 2 * math.pi, count), rng.uniform(-1, 1, count)
    ring = np.stack([np.cos(around), np.sin(around)], axis=1)
    match piece.form:
        case "box":
            areas = np.array([y * z, x * z, x * y])
            face = rng.choice(3, size=count, p=areas / areas.sum())
            unit = rng.uniform(-1, 1, (count, 3))
            unit[np.arange(count), face] = np.sign(rng.uniform(-1, 1, count))
        case "tube":
            radius, slant = (x + y) / 4, math.hypot(z, (x + y) / 4 * (1 - piece.top))
            areas = np.array([radius, slant * (1 + piece.top), piece.top**2 * radius])
            face = rng.choice(3, size=count, p=areas / areas.sum())
            # Below, on the side, above; the side has more points where it is wide.
            level = np.sqrt(rng.uniform(piece.top**2, 1, count)) if piece.top < 1 else rng.uniform(0, 1, count)
            wide = level if piece.top < 1 else np.ones(count)
            up = np.where(piece.top < 1, 1 - 2 * (level - piece.top) / max(1 - piece.top, 1e-9), height)
            inside = np.sqrt(rng.uniform(0, 1, count))
            reach = np.select([face == 0, face == 1], [inside, wide], inside * piece.top)
            unit = np.column_stack(
                [ring * reach[:, None], np.select([face == 0, face == 1], [-np.ones(count), up], 1.0)]
            )
        case "ball":
            unit = np.column_stack([ring * np.sqrt(1 - height**2)[:, None], height])
        case "ring":
            about = rng.uniform(0, 2 * math.pi, count)
            reach = (1 - piece.top) + piece.top * np.cos(about)
            unit = np.column_stack([ring * reach[:, None], np.sin(about)])
    points: Float[np.ndarray, "count 3"] = unit * np.array(piece.size) / 2 + np.array(piece.middle)
    return points


def area(piece: Piece) -> float:
    """About how large its surface is."""
    x, y, z = piece.size
    radius = (x + y) / 4
    match piece.form:
        case "box":
            return 2 * (x * y + y * z + x * z)
        case "tube":
            slant = math.hypot(z, radius * (1 - piece.top))
            return math.pi * radius * (radius * (1 + piece.top**2) + slant * (1 + piece.top))
        case "ball":
            return math.pi * math.pow(((x * y) ** 1.6 + (x * z) ** 1.6 + (y * z) ** 1.6) / 3, 1 / 1.6)
        case "ring":
            return 2 * math.pi**2 * radius * (1 - piece.top) * z


Draw = Callable[[float, float], float]
"""A number between two, drawn anew."""


def _board(x: float, y: float, thick: float, at: float) -> Piece:
    return Piece("box", (x, y, thick), (0.0, 0.0, at))


def _legs(x: float, y: float, high: float, thick: float) -> list[Piece]:
    return [
        Piece("box", (thick, thick, high), (side * (x - thick) / 2, front * (y - thick) / 2, high / 2))
        for side in (-1, 1)
        for front in (-1, 1)
    ]


def _table(draw: Draw) -> list[Piece]:
    x, y, high = draw(0.9, 1.8), draw(0.6, 1.0), draw(0.5, 0.8)
    return [_board(x, y, 0.05, high), *_legs(x, y, high, draw(0.05, 0.09))]


def _stool(draw: Draw) -> list[Piece]:
    wide, high = draw(0.35, 0.55), draw(0.4, 0.8)
    return [Piece("tube", (wide, wide, 0.05), (0.0, 0.0, high)), *_legs(wide * 0.75, wide * 0.75, high, 0.05)]


def _seat(x: float, y: float, draw: Draw) -> list[Piece]:
    high, back = draw(0.35, 0.5), draw(0.3, 0.6)
    behind = Piece("box", (x, 0.05, back), (0.0, -y / 2, high + back / 2))
    return [_board(x, y, 0.06, high), behind, *_legs(x, y, high, 0.06)]


def _shelf(draw: Draw) -> list[Piece]:
    x, y, high = draw(0.6, 1.1), draw(0.25, 0.4), draw(0.9, 1.8)
    boards = [_board(x, y, 0.04, high * level) for level in np.linspace(0, 1, 3 + int(draw(0, 3)))]
    return [*boards, *(Piece("box", (0.04, y, high), (side * x / 2, 0.0, high / 2)) for side in (-1, 1))]


def _lamp(draw: Draw) -> list[Piece]:
    high, wide, shade = draw(0.8, 1.6), draw(0.3, 0.6), draw(0.25, 0.4)
    foot = wide * draw(0.7, 1.1)
    return [
        Piece("tube", (foot, foot, 0.05), (0.0, 0.0, 0.025)),
        Piece("tube", (0.07, 0.07, high), (0.0, 0.0, high / 2)),
        Piece("tube", (wide, wide, shade), (0.0, 0.0, high), draw(0.3, 0.7)),
    ]


THINGS: Mapping[str, Callable[[Draw], Sequence[Piece]]] = {
    "box": lambda draw: [Piece("box", (draw(0.5, 1.2), draw(0.5, 1.2), draw(0.4, 1.4)))],
    "cylinder": lambda draw: [Piece("tube", (wide := draw(0.5, 1.1), wide, draw(0.5, 1.5)))],
    "cone": lambda draw: [Piece("tube", (wide := draw(0.6, 1.2), wide, draw(0.6, 1.5)), top=draw(0.0, 0.3))],
    "ball": lambda draw: [Piece("ball", (wide := draw(0.7, 1.2), wide, wide * draw(0.7, 1.4)))],
    "ring": lambda draw: [Piece("ring", (wide := draw(0.8, 1.3), wide, (thick := draw(0.2, 0.4)) * wide), top=thick)],
    "table": _table,
    "stool": _stool,
    "chair": lambda draw: _seat(draw(0.4, 0.6), draw(0.4, 0.55), draw),
    "bench": lambda draw: _seat(draw(0.8, 1.6), draw(0.4, 0.6), draw),
    "shelf": _shelf,
    "lamp": _lamp,
}
"""What things are made of; a thing stands upright."""


def scan(pieces: Sequence[Piece], rng: np.random.Generator) -> Float[np.ndarray, "points 3"]:
    """Points of the surface as a scanner has them: a part is missing, with noise and strays, at any turn.

    What lies beyond a plane of any direction is missing, a share of the surface within `MISSING`.
    """
    own, extent = round(POINTS * (1 - STRAYS)), 4 * POINTS
    areas = np.array([area(piece) for piece in pieces])
    counts = rng.multinomial(extent, areas / areas.sum())
    whole = np.concatenate(
        [on_surface(piece, count, rng) for piece, count in zip(pieces, counts.tolist(), strict=True)]
    )
    whole -= whole.mean(axis=0)
    whole /= np.sqrt((whole**2).sum(axis=1).mean())
    along = whole @ rng.normal(size=3)
    seen = whole[along.argsort()[: round(extent * (1 - rng.uniform(*MISSING)))]]
    seen = seen[rng.permutation(len(seen))[:own]]
    strays = rng.uniform(whole.min(axis=0), whole.max(axis=0), (POINTS - own, 3))
    angle = rng.uniform(0, 2 * math.pi)
    turn = np.array([[math.cos(angle), math.sin(angle), 0], [-math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    points: Float[np.ndarray, "points 3"] = np.concatenate([seen, strays]) @ turn
    return points + rng.normal(0, NOISE, points.shape)


def thing(name: str, rng: np.random.Generator) -> Float[np.ndarray, "points 3"]:
    """The scan of a thing of its own proportions."""
    return scan(THINGS[name](lambda least, most: float(rng.uniform(least, most))), rng)
