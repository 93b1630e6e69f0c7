"""The first frame's masks carried through a clip by the likeness of features: DINO's evaluation on DAVIS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.evaluation import contour_accuracy, region_similarity

from .synthetic.scenes import Scene


@final
@dataclass(frozen=True)
class Propagation:
    """How labels travel.

    Attributes:
        before: so many frames before the one in question are used, and the first one always.
        side: features are averaged to so many rows and columns at most, since the work grows with their fourth power.
        radius: each takes labels from others at most so many rows and columns away.
        nearest: so many of the most alike tubes vote.
        temperature: of the softmax over likeness.
    """

    before: int = 7
    side: int = 16
    radius: int = 4
    nearest: int = 5
    temperature: float = 0.1


def propagation_metrics(features: FeatureMap, scenes: Sequence[Scene], how: Propagation) -> dict[str, float]:
    """J&F of the items that the first frame shows, in all frames but the first and the last.

    Source: Caron et al., DINO (2021), section 4.2.2, and the semi-supervised protocol of DAVIS 2017. A radius of 12
    tubes at 480 pixels, a fifth of the picture, is 4 of our 16 tubes here.
    """
    assert features.grid is not None
    times, rows, columns = features.grid.shape
    values = rearrange(features.values, "b (t y x) d -> (b t) d y x", t=times, y=rows, x=columns)
    side = (min(rows, how.side), min(columns, how.side))
    values = torch.nn.functional.adaptive_avg_pool2d(values.float(), side)
    values = rearrange(values, "(b t) d y x -> b t y x d", t=times)
    size = scenes[0].numbers.shape
    first = torch.stack([scene.numbers[0] for scene in scenes])
    masks = carried(values, _one_hot(first, max(len(scene.kinds) for scene in scenes)), how)
    enlarged = torch.nn.functional.interpolate(masks.flatten(0, 1), size[1:], mode="bilinear").unflatten(0, (-1, times))
    found = enlarged.argmax(dim=2) - 1  # the first channel is the ground
    scores: list[Tensor] = []
    for row, scene in enumerate(scenes):
        for number in scene.numbers[0][scene.numbers[0] >= 0].unique().tolist():
            mine, true = found[row, 1:-1] == number, scene.numbers[1:-1] == number
            scores.append((region_similarity(mine, true).mean() + contour_accuracy(mine, true).mean()) / 2)
    return {"propagated J&F": float(torch.stack(scores).mean())}


def carried(
    values: Float[Tensor, "batch time rows columns dim"],
    first: Float[Tensor, "batch masks height width"],
    how: Propagation,
) -> Float[Tensor, "batch time masks rows columns"]:
    """Soft masks of all frames: each tube takes the masks of the tubes most like it in frames before it."""
    batch, times, rows, columns, _ = values.shape
    unit = torch.nn.functional.normalize(values.float(), dim=-1).flatten(2, 3)
    here = torch.nn.functional.adaptive_avg_pool2d(first, (rows, columns))
    masks = [rearrange(here, "b m y x -> b (y x) m")]
    place = torch.cartesian_prod(torch.arange(rows), torch.arange(columns))
    near = (place[:, None] - place).abs().amax(dim=-1) <= how.radius
    for time in range(1, times):
        context = sorted({0, *range(max(0, time - how.before), time)})
        past = rearrange(unit[:, context], "b t n d -> b (t n) d")
        likeness = unit[:, time] @ past.transpose(1, 2)
        likeness = likeness.masked_fill(~near.repeat(1, len(context)), -torch.inf)
        best, which = likeness.topk(min(how.nearest, rows * columns), dim=2)
        weight = (best / how.temperature).softmax(dim=2)
        labels = torch.cat([masks[number] for number in context], dim=1)
        chosen = labels.gather(1, which.flatten(1)[..., None].expand(-1, -1, labels.shape[2]))
        votes = chosen.view(batch, rows * columns, -1, labels.shape[2])
        masks.append((weight[..., None] * votes).sum(dim=2))
    return rearrange(torch.stack(masks, dim=1), "b t (y x) m -> b t m y x", y=rows)


def _one_hot(numbers: Int[Tensor, "batch height width"], items: int) -> Float[Tensor, "batch masks height width"]:
    """The ground and every item as masks."""
    return torch.nn.functional.one_hot(numbers + 1, items + 1).permute(0, 3, 1, 2).float()
