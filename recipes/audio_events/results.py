"""The table: every way of finding and telling events, on the same soundscapes."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Along, Contiguous, KMeans, along_first_axis
from gestalt.core.evaluation import Column
from gestalt.core.experiment.predictions import PredictedBatch, Predictions, encode, predictions_of
from gestalt.core.networks.encoder import Network
from gestalt.modalities.audio import MODALITY, Recording
from gestalt.modalities.audio.encoders import LogMel

from .rules import Rules, change_points_finder, segment
from .synthetic.mixing import Mix, Soundscape
from .truth import instance_metrics, truth_of, type_metrics

COLUMNS = (
    Column("ARI", "instances"),
    Column("fg-ARI", "instances"),
    Column("boundary F1", "instances"),
    Column("event F1", "instances"),
    Column("1-NN", "types"),
    Column("probe", "types"),
    Column("1-NN found", "types"),
)
NOTE = (
    "Instances: adjusted Rand index with and without background, boundaries within 200 ms, events at an intersection "
    "over union of ½. Types: which sound is it, by the nearest neighbour and by a linear probe over true events, and "
    "by the nearest neighbour over discovered ones (failed: none was discovered)."
)


def measure(predictions: Predictions, truth: Sequence[Soundscape], seed: int, whiten: bool = False) -> dict[str, float]:
    """All metrics of what a network found; what it found at several frequencies is taken along time."""
    batch = predictions.joined()
    features = along_first_axis(batch.features)
    assert features.grid is not None
    found = batch.found.view(len(batch.found), features.values.shape[1], -1)[..., 0]
    true = truth_of(truth, features.grid, Mix())
    return instance_metrics(found, features.grid, true) | type_metrics(features, found, true, seed, whiten)


def baselines(
    random: Network, finder: ObjectFinder, items: Sequence[Recording], truth: Sequence[Soundscape], seed: int
) -> dict[str, dict[str, float]]:
    """What needs no training: log-mel features, a random encoder, and the practitioner's rule.

    `random` is the run's own network before training, `finder` the run's way of finding events.
    """
    raw = LogMel()
    plain, log_mel = Network(raw), change_points_finder(0.0)

    def evaluated(network: Network, one: ObjectFinder) -> dict[str, float]:
        return measure(predictions_of(network, MODALITY, items, one), truth, seed)

    def clusters(of: ObjectFinder, position: float) -> ObjectFinder:
        return replace(of, grouper=Along(Contiguous(KMeans(6, spherical=False, position=position), objects=64)))

    hidden = replace(log_mel, extra_features=None)
    return {
        "k-means on log-mel": evaluated(plain, clusters(log_mel, 0.0)),
        "k-means on log-mel and time": evaluated(plain, clusters(log_mel, 1.0)),
        "change points on log-mel": evaluated(plain, log_mel),
        "change points on log-mel, background near the quiet quarter": evaluated(
            plain, change_points_finder(0.0, divided=False)
        ),
        "change points on whitened log-mel": measure(
            predictions_of(plain, MODALITY, items, log_mel), truth, seed, whiten=True
        ),
        "k-means on a random encoder": evaluated(random, clusters(hidden, 0.0)),
        "k-means on a random encoder and time": evaluated(random, clusters(hidden, 1.0)),
        "change points on log-mel and a random encoder": evaluated(random, change_points_finder(0.5)),
        "the run's finder on a random encoder": evaluated(random, finder),
        "energy and spectral flux": _by_rule(items, truth, seed),
    }


def _by_rule(items: Sequence[Recording], truth: Sequence[Soundscape], seed: int) -> dict[str, float]:
    """Energy above the floor, cut where the spectrum suddenly gains energy."""
    features = encode(Network(LogMel()), MODALITY.collate(items))
    assert features.grid is not None
    edges = features.grid.edges[0][0]
    rules = Rules(hop=float(edges[1] - edges[0]))
    log_mel = features.values * math.log(100.0)  # the encoder's unit is 20 dB of power
    found = torch.stack([torch.from_numpy(segment(item.numpy(), rules)) for item in log_mel]) - 1
    return measure(Predictions((PredictedBatch(features, found),)), truth, seed)
