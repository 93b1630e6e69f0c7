"""How good the found objects and the vectors are, on scenes whose truth is known."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.evaluation import (
    adjusted_rand_index,
    foreground_adjusted_rand_index,
    linear_probe,
    mean_best_overlap,
    named_vectors,
    names_of_found,
    nearest_neighbour_accuracy,
    object_recovery,
)

from ..scene_sources import class_names
from .synthetic.scenes import Scene

MOST_CELLS = 6000
"""Cells that the segmentation probe learns from."""


@final
@dataclass(frozen=True)
class Truth:
    """What is true of scenes of one size, pixel by pixel.

    `owner` numbers the item on every pixel within its scene (−1 for the photograph), `classes` the class of every item
    (−1 where a scene has fewer).
    """

    owner: Int[Tensor, "scenes pixels"]
    classes: Int[Tensor, "scenes items"]
    size: tuple[int, int]


def truth_of(scenes: Sequence[Scene]) -> Truth:
    """The truth of scenes."""
    most = max(len(scene.classes) for scene in scenes)
    classes = torch.full((len(scenes), most), -1)
    for row, scene in enumerate(scenes):
        classes[row, : len(scene.classes)] = scene.classes
    owner = torch.stack([scene.owner.flatten() for scene in scenes])
    height, width = scenes[0].owner.shape
    return Truth(owner, classes, (int(height), int(width)))


def cells_of_pixels(grid: Grid, size: tuple[int, int]) -> Int[Tensor, " pixels"]:
    """The cell under every pixel's middle, the nearest one at the rim."""
    axes = [(torch.arange(length) + 0.5) for length in size]
    places = torch.cartesian_prod(*axes)
    low, high = (torch.tensor([float(edges[0, end]) for edges in grid.edges]) for end in (0, -1))
    inside = torch.maximum(torch.minimum(places, high - 1e-3), low)
    return grid.locate(inside[None])[0]


def instance_metrics(found: Int[Tensor, "scenes pixels"], truth: Truth) -> dict[str, float]:
    """How well items are separated from one another and from the photograph; `found` has −1 on background.

    The photograph is one more object in ARI, none in the others.
    """
    true = truth.owner + 1
    return {
        "fg-ARI": float(foreground_adjusted_rand_index(found, true, background=0).mean()),
        "ARI": float(adjusted_rand_index(found, true).mean()),
        "mBO": float(mean_best_overlap(found, true, background=0).mean()),
        "recovery": float(object_recovery(found, true, background=0).mean()),
    }


def type_metrics(
    features: FeatureMap, found: Int[Tensor, "scenes elements"], truth: Truth, seed: int
) -> dict[str, float]:
    """How well vectors name the class: of items by nearest neighbours and a linear probe, of every pixel by a probe.

    An item's vector is the mean over the cells that it owns (the most of their pixels). Neighbours are sought in other
    scenes; probes learn on one half of the scenes and are tested on the other. "1-NN found" asks for the class of
    discovered objects, each named after the item that fills at least half of it.
    """
    assert features.grid is not None
    pixels = cells_of_pixels(features.grid, truth.size)
    owner = owned(truth.owner, pixels, features.values.shape[1])
    order = torch.randperm(len(owner), generator=torch.Generator().manual_seed(seed))
    learning = order[: len(order) // 2]
    vectors, labels, items = named_vectors(features, owner, truth.classes)
    train = torch.isin(items, learning)
    named = names_of_found(found, owner, truth.classes)
    found_vectors, found_labels, found_items = named_vectors(features, found, named)
    return {
        "1-NN": nearest_neighbour_accuracy(vectors, labels, items),
        "probe": linear_probe(vectors, labels, train.nonzero()[:, 0], (~train).nonzero()[:, 0]).accuracy,
        "1-NN found": nearest_neighbour_accuracy(found_vectors, found_labels, found_items),
        "probe mIoU": _segmentation_probe(features, owner, pixels, truth, learning),
    }


def owned(
    owner: Int[Tensor, "scenes pixels"], pixels: Int[Tensor, " pixels"], elements: int
) -> Int[Tensor, "scenes elements"]:
    """The item that has most pixels of every cell, −1 for the photograph or no pixel at all."""
    kinds = int(owner.max()) + 2
    votes = torch.zeros(len(owner), elements * kinds)
    votes.scatter_add_(1, pixels * kinds + owner + 1, torch.ones_like(owner, dtype=votes.dtype))
    return votes.view(len(owner), elements, kinds).argmax(dim=2) - 1


def _segmentation_probe(
    features: FeatureMap,
    owner: Int[Tensor, "scenes elements"],
    pixels: Int[Tensor, " pixels"],
    truth: Truth,
    learning: Int[Tensor, " scenes_to_learn_from"],
) -> float:
    """Logistic regression names every cell, each class weighing the same; the mean intersection over union on pixels.

    The photograph is a class too. Class by class the pixels of all scenes are counted together.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    kinds = len(class_names())
    of_cells = _classes(owner, truth.classes, kinds)
    testing = torch.ones(len(owner), dtype=torch.bool)
    testing[learning] = False
    rows, labels = features.values[learning].flatten(0, 1), of_cells[learning].flatten()
    chosen = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[:MOST_CELLS]
    mean, deviation = rows.mean(dim=0), rows.std(dim=0).clamp(min=1e-6)
    model = LogisticRegression(class_weight="balanced", max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred iterations are the definition
        model.fit(((rows[chosen] - mean) / deviation).numpy(), labels[chosen].numpy())
    asked = (features.values[testing].flatten(0, 1) - mean) / deviation
    cells = torch.from_numpy(model.predict(asked.numpy())).view(int(testing.sum()), -1)
    said, true = cells[:, pixels], _classes(truth.owner[testing], truth.classes[testing], kinds)
    shared = torch.bincount(true[said == true], minlength=kinds + 1).double()
    union = torch.bincount(true.flatten(), minlength=kinds + 1) + torch.bincount(said.flatten(), minlength=kinds + 1)
    exists = torch.bincount(true.flatten(), minlength=kinds + 1) > 0
    return float((shared / (union - shared))[exists].mean())


def _classes(owner: Int[Tensor, "scenes places"], classes: Int[Tensor, "scenes items"], kinds: int) -> Tensor:
    """The class of every place; the photograph is number `kinds`."""
    return torch.where(owner >= 0, classes.gather(1, owner.clamp(min=0)), kinds)
