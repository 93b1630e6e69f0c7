"""The table: every way of finding and telling events, on the same soundscapes."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from gestalt.core.discovery.groupers import along_first_axis
from gestalt.core.evaluation import Column
from gestalt.core.experiment import Predictions, encode, look
from gestalt.core.experiment.predictions import PredictedBatch
from gestalt.core.networks.encoder import Network
from gestalt.modalities.audio import MODALITY, Recording

from .finding import FinderOptions
from .heuristic import Rules, segment
from .mixing import Mix, Soundscape
from .options import Options
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
    "by the nearest neighbour over discovered ones."
)


def measure(looked: Predictions, truth: Sequence[Soundscape], seed: int) -> dict[str, float]:
    """All metrics of what a network saw; what it saw at several frequencies is taken along time."""
    seen = looked.joined()
    features = along_first_axis(seen.features)
    assert features.grid is not None
    found = seen.found.view(len(seen.found), features.values.shape[1], -1)[..., 0]
    true = truth_of(truth, features.grid, Mix())
    return instance_metrics(found, features.grid, true) | type_metrics(features, found, true, seed)


def baselines(
    random: Network, options: Options, items: Sequence[Recording], truth: Sequence[Soundscape]
) -> dict[str, dict[str, float]]:
    """What needs no training: log-mel features, a random encoder, and the practitioner's heuristic.

    `random` is the run's own network before training.
    """
    seed = options.training.seed
    raw = Network(MODALITY.encoders["raw"]())
    # Log-mel beside log-mel is log-mel: the learned part of the finder is set to nothing.
    plain = replace(options.finder, learned=0.0)
    clusters = replace(plain, grouper="k-means", objects=6)

    def tried(network: Network, finding: FinderOptions) -> dict[str, float]:
        return measure(look(network, MODALITY, items, finding.build()), truth, seed)

    findings = {
        "k-means on log-mel": replace(clusters, position=0.0),
        "k-means on log-mel and time": replace(clusters, position=1.0),
        "change points on log-mel": plain,
    }
    rows = {name: tried(raw, finding) for name, finding in findings.items()}
    for name, position in (("k-means on a random encoder", 0.0), ("k-means on a random encoder and time", 1.0)):
        rows[name] = tried(random, replace(clusters, position=position, plain=False))
    rows["change points on log-mel and a random encoder"] = tried(random, options.finder)
    rows["energy and spectral flux"] = _heuristic(items, truth, seed)
    return rows


def _heuristic(items: Sequence[Recording], truth: Sequence[Soundscape], seed: int) -> dict[str, float]:
    """Energy above the floor, cut where the spectrum suddenly gains energy."""
    raw = MODALITY.encoders["raw"]()
    features = encode(Network(raw), MODALITY.collate(items))
    assert features.grid is not None
    edges = features.grid.edges[0][0]
    rules = Rules(hop=float(edges[1] - edges[0]))
    log_mel = features.values * math.log(100.0)  # the encoder's unit is 20 dB of power
    found = torch.stack([torch.from_numpy(segment(item.numpy(), rules)) for item in log_mel]) - 1
    return measure(Predictions((PredictedBatch(features, found),)), truth, seed)
