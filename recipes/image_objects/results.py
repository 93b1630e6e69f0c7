"""The table: every way of finding and telling items, on the same scenes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from gestalt.core.data.segmentation import Segmentation
from gestalt.core.evaluation import Column
from gestalt.core.experiment import Predictions, look
from gestalt.core.networks.encoder import Network
from gestalt.modalities.image import MODALITY, OnCells, Picture, Slic

from .finding import FinderOptions, felzenszwalb
from .options import Options
from .scenes import Scene
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
NOTE = (
    "Instances, on pixels: adjusted Rand index over items alone and with the photograph, mean best overlap, and the "
    "share of items that some object overlaps by more than half. Types: which of ten classes is an item, by the "
    "nearest neighbour and by a linear probe over true items, and by the nearest neighbour over discovered ones; and "
    "the mean intersection over union of a linear probe that names every cell."
)


def measure(looked: Predictions, truth: Sequence[Scene], seed: int) -> dict[str, float]:
    """All metrics of what a network saw."""
    seen, true = looked.joined(), truth_of(truth)
    assert seen.features.grid is not None
    pixels = cells_of_pixels(seen.features.grid, true.size)
    return instance_metrics(seen.found[:, pixels], true) | type_metrics(seen.features, seen.found, true, seed)


def baselines(
    random: Network, options: Options, items: Sequence[Picture], truth: Sequence[Scene]
) -> dict[str, dict[str, float]]:
    """What needs no training: plain features, a random encoder, and the field's heuristics.

    `random` is the run's own network before training.
    """
    seed = options.training.seed
    raw = Network(MODALITY.encoders["raw"](stride=options.finder.cell))
    alone = replace(options.finder, extra_features="nothing", space="hidden")

    def tried(network: Network, finding: FinderOptions) -> dict[str, float]:
        return measure(look(network, MODALITY, items, finding.build()), truth, seed)

    rows = {}
    for name, network in (("colours and textures", raw), ("a random encoder", random)):
        rows[f"k-means on {name}"] = tried(network, replace(alone, position=0.0))
        rows[f"k-means on {name} and place"] = tried(network, replace(alone, position=1.0))
    rows["k-means on colours and place"] = tried(raw, replace(options.finder, extra_features="colours", learned=0.0))
    rows["Odin's finder on a random encoder"] = tried(random, options.finder)
    rows["Felzenszwalb"] = _heuristic(OnCells(felzenszwalb(), stride=1, objects=256), items, truth)
    rows["SLIC"] = _heuristic(OnCells(Slic(16, 20.0), stride=1, objects=256), items, truth)
    return rows


def _heuristic(
    heuristic: Callable[[Any], Segmentation], items: Sequence[Picture], truth: Sequence[Scene]
) -> dict[str, float]:
    """Segments of pixels, with no vectors that could tell types."""
    found = torch.cat([heuristic(MODALITY.collate([item])).labels() for item in items])
    return instance_metrics(found, truth_of(truth))
