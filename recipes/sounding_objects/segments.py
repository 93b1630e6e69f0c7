"""Objects that span sound and picture, by a rule: what sets in to sound, and what suddenly changes then."""

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.data.grid import Grid
from gestalt.core.data.parts import joined_segments
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.modality.joint.item import JointData

from .moments import change, flux, tubes

NEAR = 2
"""Frames of sound to either side in which an onset has to be the sharpest."""


@final
@dataclass(frozen=True)
class Synchrony:
    """An object for each of the sharpest onsets of a clip: the sound after it, and the place that changes most then.

    The place is a square of cells around the greatest sudden change as the sound sets in. An onset at which another
    place changes nearly as much is left out: it does not say which of them sounds. What would belong to several objects
    belongs to the latest onset before it.

    With several `places` an object holds the squares of so many, none near to another, and no onset is left out: which
    of them sounds is for what is learned to tell.

    Attributes:
        objects: onsets of a clip, at most.
        sharp: an onset stands out by so many deviations of the spectral flux.
        seconds: of sound that belong to an onset, at most; the next onset ends it.
        after: seconds behind an onset in which the change is looked for.
        held: seconds of the picture behind an onset that belong to the object.
        cell: pixels a side of the cells whose change is looked at.
        side: cells a side of the square; odd.
        rival: an onset is left out where a place elsewhere changes by more than this share of the greatest change;
            with several places none is.
        places: squares of an object, at most.
    """

    objects: int = 6
    sharp: float = 1.5
    seconds: float = 0.4
    after: float = 0.05
    held: float = 0.25
    cell: int = 4
    side: int = 5
    rival: float = 0.6
    places: int = 1

    def __call__(self, data: JointData) -> Segmentation:
        """The objects of all items of a batch, each of which has a part `audio` and a part `video`, on its device.

        They are looked for on the CPU, where lattices are.

        Raises:
            ValueError: if an item lacks one of them.
        """
        device = data.rows[0].device
        return self._objects(data.to("cpu")).to(device)

    def _objects(self, data: JointData) -> Segmentation:
        parts: dict[str, Any] = dict(zip(data.names, data.data, strict=True))
        if any(len(rows) < data.items for rows in data.rows):
            raise ValueError("synchrony is between sound and picture, and an item lacks one: leave it out (--skip-bad)")
        sharpness, grid = flux(parts["audio"])
        begin, there = self.onsets(sharpness, grid)
        lattice = tubes(parts["video"], self.cell)
        squares, clear = self._places(change(parts["video"], self.cell), lattice, begin)
        return joined_segments(
            {
                "audio": self._heard(grid, begin, there & clear),
                "video": self._seen(squares, lattice, begin, there & clear),
            }
        )

    def onsets(
        self, sharpness: Float[Tensor, "items frames"], grid: Grid
    ) -> tuple[Float[Tensor, "items objects"], Bool[Tensor, "items objects"]]:
        """When the sharpest onsets are, ascending, in seconds, and which there are."""
        sharpest = torch.nn.functional.max_pool1d(sharpness[:, None], 2 * NEAR + 1, 1, NEAR)[:, 0]
        peaks = torch.where((sharpness == sharpest) & (sharpness > self.sharp), sharpness, 0.0)
        best = peaks.topk(min(self.objects, peaks.shape[1]), dim=1)
        place = torch.where(best.values > 0, best.indices, peaks.shape[1]).sort(dim=1).values
        return grid.edges[0].expand(len(peaks), -1).gather(1, place), place < peaks.shape[1]

    def _heard(
        self, grid: Grid, begin: Float[Tensor, "items objects"], there: Bool[Tensor, "items objects"]
    ) -> Segmentation:
        edges = grid.edges[0].expand(len(begin), -1)
        since = (edges[:, 1:] + edges[:, :-1])[:, None] / 2 - begin[..., None]
        mine = there[..., None] & (since >= 0) & (since < self.seconds)
        return Segmentation(latest(mine).float(), grid, torch.zeros(len(begin), dtype=torch.bool))

    def _places(
        self, changes: Float[Tensor, "items frames rows columns"], grid: Grid, begin: Float[Tensor, "items objects"]
    ) -> tuple[Bool[Tensor, "items objects rows columns"], Bool[Tensor, "items objects"]]:
        """The squares of the greatest changes as each sound sets in, and whether no other place rivals it."""
        then = _between(grid, begin, self.after)
        moving = (changes[:, None] * then[..., None, None]).amax(dim=2)
        reach = self.side // 2
        left = torch.nn.functional.avg_pool2d(moving, self.side, 1, reach, count_include_pad=False)
        squares, most = torch.zeros_like(left, dtype=torch.bool), left.flatten(2).amax(dim=2)
        for _ in range(self.places):
            highest = left.flatten(2).max(dim=2)
            row, column = highest.indices // left.shape[3], highest.indices % left.shape[3]
            away = torch.maximum(
                (torch.arange(left.shape[2]) - row[..., None]).abs()[..., None],
                (torch.arange(left.shape[3]) - column[..., None]).abs()[..., None, :],
            )
            squares |= (away <= reach) & (highest.values > 0)[..., None, None]
            left = torch.where(away > reach + 2, left, 0.0)
        rivals = left.flatten(2).amax(dim=2)
        return squares, (most > 0) & ((rivals <= self.rival * most) if self.places == 1 else True)

    def _seen(
        self,
        square: Bool[Tensor, "items objects rows columns"],
        grid: Grid,
        begin: Float[Tensor, "items objects"],
        there: Bool[Tensor, "items objects"],
    ) -> Segmentation:
        mine = (_between(grid, begin, self.held) & there[..., None])[..., None, None] & square[:, :, None]
        return Segmentation(latest(mine.flatten(2)).float(), grid, torch.zeros(len(begin), dtype=torch.bool))


def _between(grid: Grid, begin: Float[Tensor, "items objects"], after: float) -> Bool[Tensor, "items objects frames"]:
    """Which frames are on show at some time from each onset to `after` seconds behind it."""
    edges = grid.edges[0].expand(len(begin), -1)[:, None]
    found: Tensor = (edges[..., 1:] > begin[..., None]) & (edges[..., :-1] < begin[..., None] + after)
    return found


def latest(mine: Bool[Tensor, "items objects elements"]) -> Bool[Tensor, "items objects elements"]:
    """Of several objects that an element would belong to, the last one alone."""
    later = mine.flip(1).cumsum(dim=1).flip(1)
    return mine & (later == 1)
