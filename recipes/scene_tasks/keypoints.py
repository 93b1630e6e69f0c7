"""Where the ends of a thing's outline are: heat maps over elements, and their highest places within its box."""

from collections.abc import Mapping
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.evaluation import Column
from gestalt.core.methods.targets import Values
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.training.labels import Labels

from .elements import answers
from .keypoints_of import NAMES
from .rows import CELL
from .scenes import SIZE, Scenes
from .task import AbstractTask, Learning

WIDTH = 2.5
"""Standard deviation of a point's heat, in pixels."""
ALPHA = 0.1
"""A point is found where it is off by no more than this share of the longer side of its thing's box."""


@final
class Keypoints(AbstractTask):
    """Values of elements, the heat of four kinds of points; answered in the true boxes, as poses are top-down."""

    title: ClassVar[str] = "Keypoints"
    columns: ClassVar[tuple[Column, ...]] = (Column("PCK"),)
    note: ClassVar[str] = (
        "PCK: share of the visible ends of outlines (upper left, upper right, lower left, lower right) that are found "
        "within a tenth of the longer side of the thing's box, which is given."
    )

    def scores(
        self, encoder: AbstractEncoder, tuned: bool, seen: Scenes, asked: Scenes, learning: Learning, seed: int
    ) -> Mapping[str, float]:
        """See `AbstractTask`."""
        heat = answers(encoder, tuned, seen, Labels(Values(NAMES), heat_of(seen)), asked, learning, seed)
        return {"PCK": pck(highest(heat, asked.boxes), asked)}

    def rules(self, seen: Scenes, asked: Scenes) -> Mapping[str, Mapping[str, float]]:
        """Every point lies where such points lie in the boxes of other things, in the mean."""
        size = seen.boxes[..., 2:] - seen.boxes[..., :2]
        places = (seen.points - seen.boxes[..., None, :2]) / size[..., None, :].clamp(min=1)
        mean = torch.stack([places[..., kind, :][seen.visible[..., kind]].mean(dim=0) for kind in range(len(NAMES))])
        side = (asked.boxes[..., 2:] - asked.boxes[..., :2])[..., None, :]
        return {"the mean place in a box, by rule": {"PCK": pck(asked.boxes[..., None, :2] + mean * side, asked)}}


def middles() -> Float[Tensor, "elements 2"]:
    """Column and row of the middle of every cell."""
    along = torch.arange(SIZE // CELL) * CELL + CELL / 2
    rows, columns = torch.meshgrid(along, along, indexing="ij")
    return torch.stack([columns.flatten(), rows.flatten()], dim=1)


def heat_of(scenes: Scenes) -> Float[Tensor, "scenes elements kinds"]:
    """exp(−d² / 2σ²) at the middle of every cell, d to the nearest visible point of a kind; 0 where there is none."""
    far = torch.full((), float("inf"))
    heat = []
    for kind in range(len(NAMES)):
        points = torch.where(scenes.visible[..., kind, None], scenes.points[..., kind, :], far)
        squares = (middles()[:, None] - points[:, None]).square().sum(dim=3)
        heat.append((-squares.amin(dim=2) / (2 * WIDTH**2)).exp())
    return torch.stack(heat, dim=2)


def highest(
    heat: Float[Tensor, "scenes kinds rows columns"], boxes: Float[Tensor, "scenes things 4"]
) -> Float[Tensor, "scenes things kinds 2"]:
    """The middle of the cell of the greatest heat among those whose middle lies in a box."""
    places = middles()
    after, before = boxes[..., None, :2] <= places, places < boxes[..., None, 2:]
    inside: Bool[Tensor, "scenes things elements"] = (after & before).all(dim=3)
    in_boxes = torch.where(inside[:, :, None], heat.flatten(2)[:, None], -torch.inf)
    return places[in_boxes.argmax(dim=3)]


def pck(found: Float[Tensor, "scenes things kinds 2"], asked: Scenes) -> float:
    """The share of visible points with |found − true| ≤ α · the longer side of the box, α = 0.1.

    Source: Yang and Ramanan, "Articulated human detection with flexible mixtures of parts" (2013).
    """
    longest = (asked.boxes[..., 2:] - asked.boxes[..., :2]).amax(dim=2)
    near = (found - asked.points).norm(dim=3) <= ALPHA * longest[..., None]
    return float(near[asked.visible].double().mean())
