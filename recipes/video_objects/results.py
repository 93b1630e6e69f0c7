"""The table: every way of finding and telling things that move, on the same scenes."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.places import one_grid
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.evaluation import Column
from gestalt.core.experiment.predictions import Predictions, encode, predictions_of
from gestalt.core.networks.encoder import Network
from gestalt.modalities.video import MODALITY, Clip, on_pixels
from gestalt.modalities.video.encoders import Colours

from .propagation import Propagation, propagation_metrics
from .rules import Rules, colours_finder, graph_supervoxels, moving_regions, slic_supervoxels
from .synthetic.scenes import Scene
from .truth import frame_metrics, on_grid, track_metrics, type_metrics

COLUMNS = (
    Column("ARI", "frames"),
    Column("fg-ARI", "frames"),
    Column("mBO", "frames"),
    Column("J", "tracks"),
    Column("F", "tracks"),
    Column("J&F", "tracks"),
    Column("propagated J&F", "features"),
    Column("1-NN", "features"),
)
NOTE = (
    "Frames: adjusted Rand index with and without the ground, and mean best overlap, frame by frame. Tracks: region "
    "similarity J, contour accuracy F and their mean by DAVIS's unsupervised protocol (at most 20 tracks per scene, "
    "matched one to one over all frames). Features: J&F of the first frame's masks carried on by the likeness of "
    "features (DAVIS's semi-supervised protocol), and the kind of clothing by the nearest neighbour of an item's "
    "vector in another scene. "
    "The first row is the truth itself at the resolution of the tubes, no method."
)
CLUSTERS = 16
"""Clusters of k-means among the baselines."""
CEILING = "truth on the same tubes"


def measure(predictions: Predictions, truth: Sequence[Scene]) -> dict[str, float]:
    """All metrics of what a network found."""
    found = [
        on_pixels(*_located(predictions, place), scene.clip.size, scene.clip.edges) for place, scene in enumerate(truth)
    ]
    features = predictions.joined().features
    return (
        pixel_metrics(found, truth)
        | propagation_metrics(features, truth, Propagation())
        | type_metrics(features, truth)
    )


def pixel_metrics(found: Sequence[Int[Tensor, "_ _ _"]], truth: Sequence[Scene]) -> dict[str, float]:
    """The metrics of objects, given the number of every pixel."""
    pixels = torch.cat([one.flatten(1) for one in found])
    true = torch.cat([scene.numbers.flatten(1) for scene in truth])
    return frame_metrics(pixels, true) | track_metrics(found, truth)


def baselines(
    random: Network, finder: ObjectFinder, cell: int, items: Sequence[Clip], truth: Sequence[Scene]
) -> dict[str, dict[str, float]]:
    """What needs no training: the ceiling, colour and texture, a random encoder, and rules made by hand.

    `random` is the run's own network before training, `finder` the run's way of finding objects, `cell` the pixels a
    side of the tubes that have plain features.
    """
    plain = Colours(cell)
    raw = Network(plain)
    objects = finder.grouper.objects if isinstance(finder.grouper, KMeans) else CLUSTERS
    # Colours beside colours are colours: the learned part of the finder is set to nothing.
    colours, beside = ConcatFeatures(plain, 0.0), ConcatFeatures(plain, 0.5)

    def evaluated(network: Network, one: ObjectFinder) -> dict[str, float]:
        return measure(predictions_of(network, MODALITY, items, one), truth)

    def clusters(time: float, place: float, extra: ConcatFeatures | None) -> ObjectFinder:
        grouper = KMeans(objects, spherical=False, position=(time, place, place))
        return ObjectFinder(grouper, "hidden", extra_features=extra)

    def ruled(rule: Callable[[Tensor, Rules], Tensor]) -> dict[str, float]:
        return pixel_metrics([rule(item.frames, Rules()) for item in items], truth)

    return {
        CEILING: _ceiling(encode(raw, MODALITY.collate(items)), truth),
        "k-means on colours": evaluated(raw, clusters(0.0, 0.0, colours)),
        "k-means on colours and place": evaluated(raw, clusters(0.0, 1.0, colours)),
        "k-means on colours, place and time": evaluated(raw, clusters(1.0, 1.0, colours)),
        "k-means on a random encoder and place": evaluated(random, clusters(0.0, 1.0, None)),
        "k-means on colours, place and a random encoder": evaluated(random, clusters(0.0, 1.0, beside)),
        "the run's finder on a random encoder": evaluated(random, finder),
        "background subtraction, camera undone": ruled(moving_regions),
        "supervoxels (SLIC)": ruled(slic_supervoxels),
        "supervoxels (graph of colours)": ruled(graph_supervoxels),
        "supervoxels (graph of colours) merged by colours": evaluated(raw, colours_finder()),
    }


def _located(predictions: Predictions, place: int) -> tuple[Int[Tensor, " elements"], Grid]:
    found, places = predictions.item(place)
    grid = one_grid(places)
    assert grid is not None
    return found, grid


def _ceiling(features: FeatureMap, truth: Sequence[Scene]) -> dict[str, float]:
    """The truth as seen at the centres of the tubes, spread over them again."""
    grid = features.grid
    assert grid is not None
    found = [
        on_pixels(on_grid(scene.numbers, grid, scene.clip.edges), grid, scene.clip.size, scene.clip.edges)
        for scene in truth
    ]
    return pixel_metrics(found, truth)
