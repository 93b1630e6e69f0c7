"""How good the found objects are, frame by frame and as tracks, on scenes whose truth is known."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.evaluation import (
    adjusted_rand_index,
    foreground_adjusted_rand_index,
    has_objects,
    mean_best_overlap,
    named_vectors,
    nearest_neighbour_accuracy,
    tracks,
)

from .synthetic.scenes import Scene


def frame_metrics(found: Int[Tensor, "frames pixels"], true: Int[Tensor, "frames pixels"]) -> dict[str, float]:
    """ARI with the ground as one more object, fg-ARI and mBO over true items alone; means over frames with items.

    Both number the object of every pixel, −1 for none.
    """
    use = has_objects(true + 1, background=0)
    found, true = found[use], true[use] + 1
    return {
        "ARI": float(adjusted_rand_index(found + 1, true).mean()),
        "fg-ARI": float(foreground_adjusted_rand_index(found + 1, true, background=0).mean()),
        "mBO": float(mean_best_overlap(found, true, background=0).mean()),
    }


def track_metrics(found: Sequence[Int[Tensor, "time height width"]], scenes: Sequence[Scene]) -> dict[str, float]:
    """J, F and J&F of the unsupervised protocol of DAVIS: means over frames, then over all items of all scenes."""
    results = [tracks(one, scene.numbers) for one, scene in zip(found, scenes, strict=True) if _any(scene)]
    region = torch.cat([result.regions.mean(dim=1) for result in results])
    contour = torch.cat([result.contours.mean(dim=1) for result in results])
    return {"J": float(region.mean()), "F": float(contour.mean()), "J&F": float((region + contour).mean() / 2)}


def type_metrics(features: FeatureMap, scenes: Sequence[Scene]) -> dict[str, float]:
    """How well the vector of a true item names its kind, by its nearest neighbour in another scene.

    Vectors are means over the item's tubes, every dimension scaled to unit variance over all items, without labels.
    """
    assert features.grid is not None
    labels = torch.stack([on_grid(scene.numbers, features.grid, scene.clip.edges) for scene in scenes])
    most = max(len(scene.kinds) for scene in scenes)
    kinds = torch.tensor([[*scene.kinds, *[-1] * (most - len(scene.kinds))] for scene in scenes])
    return {"1-NN": nearest_neighbour_accuracy(*named_vectors(features, labels, kinds))}


def on_grid(numbers: Int[Tensor, "time height width"], grid: Grid, edges: Tensor) -> Int[Tensor, " elements"]:
    """The item under the centre of every element, −1 for the ground and outside."""
    centres = grid.centres()[0]
    time, height, width = numbers.shape
    frame = torch.searchsorted(edges.contiguous(), centres[:, 0].contiguous(), right=True) - 1
    place = torch.stack([frame, centres[:, 1].floor().long(), centres[:, 2].floor().long()])
    size = torch.tensor([time, height, width])[:, None]
    inside = ((place >= 0) & (place < size)).all(dim=0)
    place = torch.minimum(place.clamp(min=0), size - 1)
    return torch.where(inside, numbers[place[0], place[1], place[2]], -1)


def _any(scene: Scene) -> bool:
    return bool((scene.numbers >= 0).any())
