"""Labels of a clip's first frame carried through the clip by what its elements are like, as in DAVIS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from ...components.ranges import Count, Positive, check_ranges
from ...data.feature_map import Grid
from ..measures import MeanMeasure
from ..tracks import contour_accuracy, region_similarity
from .base import AbstractProtocol, Answer, EvaluationData, MaskedFeatures, NotApplicableError

CLIP_AXES = 3
"""Time, and two axes of a frame."""
CHUNK = 512


@final
@dataclass(frozen=True)
class Propagation(AbstractProtocol):
    """The objects of a clip's first frame, found again in every later one by the nearest elements; J, F and J&F.

    Every element takes the mean of the labels of its `nearest` most alike elements of the first frame and of the
    `frames` before its own, no further away than `reach` rows and columns, with weight exp(cos / τ).
    Scores are means over all objects of the first frame; that frame itself is not scored.

    Args:
        frames: earlier frames that are asked.
        reach: how far an object may move, in elements.
        nearest: elements that are asked.
        temperature: τ.

    Source: DINO (Caron et al., 2021), `eval_video_segmentation.py`: 7 frames, 12 cells, 5 elements, τ = 0.1. There
    labels are brought to the size of the masks by bilinear interpolation, and the map of every object is scaled to
    reach from 0 to 1; here a pixel has the label of its element, and maps are compared as they are. The semi-supervised
    protocol of DAVIS 2017 leaves the last frame out, too.
    """

    frames: Count = 7
    reach: Count = 12
    nearest: Count = 5
    temperature: Positive = 0.1
    title: ClassVar[str] = "label propagation"
    of: ClassVar[Literal["items", "elements", "masked"]] = "masked"

    def __post_init__(self) -> None:
        check_ranges(self)

    def answers(self, data: EvaluationData[Any]) -> Sequence[Answer]:
        """One."""
        scores, groups = list[Tensor](), list[int]()
        for one in () if data.masked is None else data.masked():
            found = self._of(one)
            scores.append(found)
            groups += [one.group] * len(found)
        if not groups:
            raise NotApplicableError(
                "needs masks of clips (--masks): items whose elements lie in time and on two axes more, with an object "
                "in the first frame"
            )
        outputs = torch.cat(scores)[None]
        known = torch.zeros(len(groups), dtype=torch.long)
        return [Answer("", outputs, known, torch.tensor(groups), MeanMeasure(("j_and_f", "j", "f")))]

    def _of(self, one: MaskedFeatures) -> Float[Tensor, "objects three"]:
        """J&F, J and F of every object; no row where the item is no clip with objects in its first frame."""
        grid, masks = one.features.grid, one.masks
        nothing = torch.empty(0, 3, dtype=torch.float64)
        if grid is None or masks.grid is None or not len(grid.shape) == len(masks.grid.shape) == CLIP_AXES:
            return nothing
        time, height, width = grid.shape
        first = masks.under(grid, grid.elements).view(time, height, width)[0]
        objects = first[first >= 0].unique()
        if not len(objects) or time < 2:
            return nothing
        numbers = torch.zeros_like(first)
        for place, number in enumerate(objects.tolist(), 1):
            numbers[first == number] = place
        values = one.features.values[0].view(time, height, width, -1)
        carried = propagate(
            values, one_hot(numbers, len(objects) + 1).float(), self.frames, self.reach, self.nearest, self.temperature
        ).argmax(dim=-1)
        return _scores(carried, grid, masks.labels.long(), masks.grid, objects)


def propagate(
    values: Float[Tensor, "time height width dim"],
    first: Float[Tensor, "height width classes"],
    frames: int = 7,
    reach: int = 12,
    nearest: int = 5,
    temperature: float = 0.1,
) -> Float[Tensor, "time height width classes"]:
    """The labels of the first frame carried to all frames; see `Propagation`.

    Example: a thing that moves keeps its label.

        >>> values = torch.eye(2)[torch.tensor([[[0, 1, 1]], [[1, 0, 1]]])]
        >>> propagate(values, torch.eye(2)[torch.tensor([[0, 1, 1]])], nearest=1).argmax(dim=-1)[1].tolist()
        [[1, 0, 1]]
    """
    time, height, width, _ = values.shape
    unit = normalize(values.float(), dim=-1).flatten(1, 2)
    near = _near(height, width, reach)
    labels = [first.flatten(0, 1).float()]
    for now in range(1, time):
        asked = [0, *range(max(1, now - frames), now)]
        bank, known = unit[asked].flatten(0, 1), torch.cat([labels[place] for place in asked])
        parts = []
        for rows in torch.arange(height * width).split(CHUNK):
            alike = (unit[now, rows] @ bank.T).masked_fill(~near[rows].repeat(1, len(asked)), -torch.inf)
            best, place = alike.topk(min(nearest, alike.shape[1]), dim=1)
            weight = ((best - best[:, :1]) / temperature).exp()
            parts.append(torch.einsum("rk,rkc->rc", weight / weight.sum(dim=1, keepdim=True), known[place]))
        labels.append(torch.cat(parts))
    return torch.stack(labels).view(time, height, width, -1)


def _near(height: int, width: int, reach: int) -> Bool[Tensor, "cells cells"]:
    """Which cells lie no further apart than `reach` rows and columns."""
    row, column = (part.flatten() for part in torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"))
    return ((row[:, None] - row).abs() <= reach) & ((column[:, None] - column).abs() <= reach)


def _scores(
    carried: Int[Tensor, "time height width"],
    grid: Grid,
    labels: Int[Tensor, " pixels"],
    pixels: Grid,
    objects: Int[Tensor, " objects"],
) -> Float[Tensor, "objects three"]:
    """J&F, J and F at the resolution of the masks, over the frames behind the first cell of time."""
    place = grid.locate(pixels.centres())[0]
    found = torch.where(place >= 0, carried.flatten()[place.clamp(min=0)], 0).view(pixels.shape)
    true = labels.view(pixels.shape)
    later = ((pixels.edges[0][0, 1:] + pixels.edges[0][0, :-1]) / 2) >= grid.edges[0][0, 1]
    found, true = found[later], true[later]
    rows = []
    for number, name in enumerate(objects.tolist(), 1):
        region = region_similarity(found == number, true == name).mean()
        contour = contour_accuracy(found == number, true == name).mean()
        rows.append(torch.stack([(region + contour) / 2, region, contour]))
    # A clip whose masks all lie in its first cell has nothing to score.
    return torch.stack(rows).double() if bool(later.any()) else torch.empty(0, 3, dtype=torch.float64)
