"""The table: every way of finding and telling items, on the same scenes."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from gestalt.core.data.places import one_grid
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.evaluation import Column
from gestalt.core.experiment.predictions import Predictions, predictions_of
from gestalt.core.networks.encoder import Network
from gestalt.modalities.image import MODALITY, Picture
from gestalt.modalities.image.encoders import ColourTexture

from .rules import colours_finder, felzenszwalb, slic
from .synthetic.scenes import Scene
from .truth import cells_of_pixels, instance_metrics, truth_of, type_metrics

COLUMNS = (
    Column("fg-ARI", "instances"),
    Column("ARI", "instances"),
    Column("mBO", "instances"),
    Column("recovery", "instances"),
    Column("1-NN", "types"),
    Column("probe", "types"),
    Column("1-NN found", "types"),
    Column("probe mIoU", "types"),
)
CLUSTERS = 12
"""Clusters of k-means among the baselines, chosen on validation scenes."""
NOTE = (
    "Instances, on pixels: adjusted Rand index over items alone and with the photograph, mean best overlap, and the "
    "share of items that some object overlaps by more than half. Types: which of ten classes is an item, by the "
    "nearest neighbour and by a linear probe over true items, and by the nearest neighbour over discovered ones; and "
    "the mean intersection over union of a linear probe that names every cell."
)


def measure(predictions: Predictions, truth: Sequence[Scene], seed: int) -> dict[str, float]:
    """All metrics of what a network found."""
    batch, true = predictions.joined(), truth_of(truth)
    found, places, _ = batch.finest()
    grid = one_grid(places)
    assert grid is not None
    return instance_metrics(found[:, cells_of_pixels(grid, true.size)], true) | type_metrics(
        batch.features, batch.found, true, seed
    )


def baselines(
    random: Network, finder: ObjectFinder, cell: int, items: Sequence[Picture], truth: Sequence[Scene], seed: int
) -> dict[str, dict[str, float]]:
    """What needs no training: plain features, a random encoder, and rules made by hand.

    `random` is the run's own network before training, `finder` the run's way of finding objects, `cell` the pixels a
    side of the cells that have plain features.
    """
    raw = Network(ColourTexture(stride=cell))
    objects = finder.grouper.objects if isinstance(finder.grouper, KMeans) else CLUSTERS
    # Colours beside plain features of weight 0 are colours alone.
    colours = ConcatFeatures(ColourTexture(stride=cell, textures=False), 0.0)

    def evaluated(network: Network, one: ObjectFinder) -> dict[str, float]:
        return measure(predictions_of(network, MODALITY, items, one), truth, seed)

    def clusters(position: float, extra: ConcatFeatures | None = None) -> ObjectFinder:
        grouper = KMeans(objects, spherical=False, position=position)
        return ObjectFinder(grouper, "hidden", extra_features=extra)

    rows = {}
    for name, network in (("colours and textures", raw), ("a random encoder", random)):
        rows[f"k-means on {name}"] = evaluated(network, clusters(0.0))
        rows[f"k-means on {name} and place"] = evaluated(network, clusters(1.0))
    rows["k-means on colours and place"] = evaluated(raw, clusters(1.0, colours))
    rows["superpixels merged by colours"] = evaluated(raw, colours_finder())
    rows["the run's finder on a random encoder"] = evaluated(random, finder)
    rows["Felzenszwalb"] = _by_rule(felzenszwalb(), items, truth)
    rows["SLIC"] = _by_rule(slic(), items, truth)
    return rows


def _by_rule(rule: Callable[[Any], Segmentation], items: Sequence[Picture], truth: Sequence[Scene]) -> dict[str, float]:
    """Segments of pixels, with no vectors that could name types."""
    found = torch.cat([rule(MODALITY.collate([item])).labels() for item in items])
    return instance_metrics(found, truth_of(truth))
