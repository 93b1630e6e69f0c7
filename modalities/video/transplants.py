"""Moving objects of one clip set into another: mirrored, resized, recoloured, and drifting on a course of their own."""

import math
from dataclasses import replace
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.masks import ItemMasks
from gestalt.core.data.transplants import DONOR, HOST
from gestalt.core.modality.transplant import Transplant

from .data import Clip

MIRRORED = 0.5
"""Chance of a mirrored part."""
RECOLOURED = 0.7
"""Chance of other colours."""
SCALE = (0.7, 1.4)
"""Least and greatest size of a part in the host over that in the donor."""
DRIFT = 0.25
"""The way, as a share of the host's shorter side, that a part goes at most beside its own motion."""
COVERED = 0.5
"""The greatest share of the host that a part may hide."""
CUT_OFF = 0.6
"""A part with more pixels on the border than this, times the roots of its areas, is cut off by it; see pictures."""


@final
class Course(NamedTuple):
    """Where the pixels of the host lie in the donor: y_donor = down · y + rise · t + top, x_donor likewise."""

    down: float
    rise: float
    top: float
    across: float
    run: float
    left: float
    later: float
    """Seconds: t_donor = t + later."""

    def rule(self) -> Affine:
        """The same as a correspondence of seconds and pixels."""
        matrix = [[1.0, 0.0, 0.0], [self.rise, self.down, 0.0], [self.run, 0.0, self.across]]
        none = torch.zeros(1, 0, 3, 3), torch.zeros(1, 0, 3)
        offset = torch.tensor([[self.later, self.top, self.left]])
        return Affine(torch.tensor([matrix]), offset, *none, torch.tensor([True]))


def transplant(
    host: Clip, donor: Clip, part: ItemMasks, rng: np.random.Generator, later: float | None = None
) -> Transplant[Clip] | None:
    """A moving part of one clip in another, at the pace at which it moves there.

    It is mirrored or not, 0.7 to 1.4 times as large, and its colours are changed more often than not. Beside its own
    motion it drifts, over the length of the host, by up to a quarter of the shorter side. Where the donor is shorter
    than the host, the part vanishes when it ends.

    Args:
        host: the clip that the part is set into.
        donor: the clip that it is a part of.
        part: which pixels of which frames, on a grid of any fineness.
        rng: the only source of randomness.
        later: what is at t in the host was at t + `later` in the donor, seconds. None: drawn from those with which the
            donor lasts as long as the host, where it is longer.

    Returns:
        None for a part that is cut off by the border of its picture, or too large for the host.
    """
    mask = _mask(part, donor)
    areas = mask.sum(dim=(1, 2))
    if not bool(areas.any()) or _on_border(mask) > CUT_OFF * float(areas.sqrt().sum()):
        return None
    rows, columns = mask.any(dim=(0, 2)).nonzero()[:, 0], mask.any(dim=(0, 1)).nonzero()[:, 0]
    top, left = int(rows[0]), int(columns[0])
    tall, wide = int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left
    _, height, width = host.size
    fits = min(height / tall, width / wide, math.sqrt(COVERED * height * width / int(areas.max())))
    if fits < SCALE[0]:
        return None
    scale = min(math.exp(rng.uniform(math.log(SCALE[0]), math.log(SCALE[1]))), fits)
    mirrored, recoloured = bool(rng.random() < MIRRORED), bool(rng.random() < RECOLOURED)
    drift = rng.uniform(-DRIFT, DRIFT, 2) * min(height, width) / host.seconds
    y, x = float(rng.uniform(0, height - tall * scale)), float(rng.uniform(0, width - wide * scale))
    drawn = float(rng.uniform(0, max(donor.seconds - host.seconds, 0.0)))
    down, across = 1 / scale, (-1 if mirrored else 1) / scale
    rise, run = -down * float(drift[0]), -across * float(drift[1])
    middle = host.seconds / 2  # when the part is where it was put
    course = Course(
        down,
        rise,
        top - down * y - rise * middle,
        across,
        run,
        (left + wide if mirrored else left) - across * x - run * middle,
        drawn if later is None else later,
    )
    seen, colours = _seen(host, donor, mask, course)
    if not bool(seen.any()):
        return None
    if recoloured:
        colours = _recoloured(colours, rng)
    frames = torch.where(seen[:, None], colours, host.frames)
    owner = torch.where(seen, DONOR, HOST).flatten()
    pixels = (torch.arange(length + 1, dtype=torch.float32)[None] for length in (height, width))
    grid = Grid((host.edges[None], *pixels))
    return Transplant(replace(host, frames=frames), Affine.identity(3), course.rule(), ItemMasks(owner, grid))


def _mask(part: ItemMasks, donor: Clip) -> Bool[Tensor, "time height width"]:
    """The pixels of a part in every frame."""
    if part.grid is None:
        raise ValueError("a part of a clip lies on a grid of seconds and pixels, got that of a set")
    labels = part.labels.view(part.grid.shape) >= 0
    middles = [(donor.edges[1:] + donor.edges[:-1]) / 2, *(torch.arange(length) + 0.5 for length in donor.size[1:])]
    for axis, (edges, places) in enumerate(zip(part.grid.edges, middles, strict=True)):
        found = torch.searchsorted(edges[0], places.contiguous(), right=True) - 1
        within = (found >= 0) & (found < edges.shape[1] - 1)
        labels = labels.index_select(axis, found.clamp(0, edges.shape[1] - 2))
        labels = labels & within.view([-1 if place == axis else 1 for place in range(3)])
    return labels


def _on_border(mask: Bool[Tensor, "time height width"]) -> int:
    return int(mask[:, 0].sum() + mask[:, -1].sum() + mask[:, :, 0].sum() + mask[:, :, -1].sum())


def _seen(
    host: Clip, donor: Clip, mask: Bool[Tensor, "frames rows columns"], course: Course
) -> tuple[Bool[Tensor, "time height width"], Tensor]:
    """Which pixels of the host's frames show the part, and the donor's colours there: those of the nearest pixel."""
    _, height, width = host.size
    times = (host.edges[1:] + host.edges[:-1]) / 2
    frame, in_time = _located(torch.searchsorted(donor.edges, times + course.later, right=True) - 1, len(donor.frames))
    ys = course.down * (torch.arange(height) + 0.5) + course.rise * times[:, None] + course.top
    xs = course.across * (torch.arange(width) + 0.5) + course.run * times[:, None] + course.left
    (y, in_y), (x, in_x) = _located(ys.floor().long(), donor.size[1]), _located(xs.floor().long(), donor.size[2])
    places = frame[:, None, None], y[:, :, None], x[:, None, :]
    seen = mask[places] & in_time[:, None, None] & in_y[:, :, None] & in_x[:, None, :]
    return seen, donor.frames.permute(0, 2, 3, 1)[places].permute(0, 3, 1, 2)


def _located(places: Int[Tensor, "..."], count: int) -> tuple[Int[Tensor, "..."], Bool[Tensor, "..."]]:
    """Places among `count`, and which are."""
    return places.clamp(0, count - 1), (places >= 0) & (places < count)


def _recoloured(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """Red, green and blue in another order, each times 0.6 to 1.4 and up to 38 levels more or less."""
    factors, shifts = rng.uniform(0.6, 1.4, (3, 1, 1)), rng.uniform(-38, 38, (3, 1, 1))
    changed = frames[:, rng.permutation(3).tolist()] * torch.from_numpy(factors).float()
    return (changed + torch.from_numpy(shifts).float()).round().clamp(0, 255).to(torch.uint8)
