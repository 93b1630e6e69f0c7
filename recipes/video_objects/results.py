"""The table: every way of finding and telling things that move, on the same scenes."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.evaluation import Column
from gestalt.core.experiment import Predictions, encode, look
from gestalt.core.networks.encoder import Network
from gestalt.modalities.video import MODALITY, Clip, on_pixels

from . import heuristic, propagation
from .finding import FinderOptions
from .options import Options
from .scenes import Scene
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
CEILING = "truth on the same tubes"


def measure(looked: Predictions, truth: Sequence[Scene]) -> dict[str, float]:
    """All metrics of what a network saw."""
    found = [
        on_pixels(*_located(looked, place), scene.clip.size, scene.clip.edges) for place, scene in enumerate(truth)
    ]
    features = looked.joined().features
    rules = propagation.Rules()
    return (
        pixel_metrics(found, truth)
        | propagation.propagation_metrics(features, truth, rules)
        | type_metrics(features, truth)
    )


def pixel_metrics(found: Sequence[Int[Tensor, "_ _ _"]], truth: Sequence[Scene]) -> dict[str, float]:
    """The metrics of objects, given the number of every pixel."""
    pixels = torch.cat([one.flatten(1) for one in found])
    true = torch.cat([scene.numbers.flatten(1) for scene in truth])
    return frame_metrics(pixels, true) | track_metrics(found, truth)


def baselines(
    random: Network, options: Options, items: Sequence[Clip], truth: Sequence[Scene]
) -> dict[str, dict[str, float]]:
    """What needs no training: the ceiling, colour and texture, a random encoder, and the field's heuristics.

    `random` is the run's own network before training.
    """
    raw = Network(MODALITY.encoders["raw"](cell=options.finder.cell))
    # Colours beside colours are colours: the learned part of the finder is set to nothing.
    plain = replace(options.finder, learned=0.0, plain=True)

    def tried(network: Network, finding: FinderOptions) -> dict[str, float]:
        return measure(look(network, MODALITY, items, finding.build()), truth)

    def ruled(rule: Callable[[Tensor, heuristic.Rules], Tensor]) -> dict[str, float]:
        return pixel_metrics([rule(item.frames, heuristic.Rules()) for item in items], truth)

    return {
        CEILING: _ceiling(encode(raw, MODALITY.collate(items)), truth),
        "k-means on colours": tried(raw, replace(plain, place=0.0, time=0.0)),
        "k-means on colours and place": tried(raw, plain),
        "k-means on colours, place and time": tried(raw, replace(plain, time=plain.place)),
        "k-means on a random encoder and place": tried(random, replace(options.finder, plain=False)),
        "k-means on colours, place and a random encoder": tried(random, options.finder),
        "background subtraction, camera undone": ruled(heuristic.moving_regions),
        "supervoxels (SLIC)": ruled(heuristic.supervoxels),
    }


def _located(looked: Predictions, place: int) -> tuple[Int[Tensor, " elements"], Grid]:
    found, grid = looked.item(place)
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
