"""The table: every way of finding and telling events, on the same soundscapes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from gestalt.core.encoder import Network
from gestalt.core.evaluation import Column, Table
from gestalt.core.feature_map import FeatureMap
from gestalt.core.grouper import along_first_axis
from gestalt.modalities.audio import MODALITY, Recording

from .finder import Finder, encode
from .heuristic import Rules, segment
from .material import Material
from .mixing import Mix
from .options import Options
from .truth import Truth, instance_metrics, truth_of, type_metrics

CHUNK = 25  # recordings at a time

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


@final
@dataclass(frozen=True)
class Looked:
    """What a network sees in recordings, along time: hidden features, and the event of every frame (−1: background)."""

    features: FeatureMap
    found: Int[Tensor, "items frames"]


def look(network: Network, recordings: Sequence[Recording], finder: Finder) -> Looked:
    """Encode and group recordings, a few at a time."""
    features, found = list[FeatureMap](), list[Tensor]()
    for start in range(0, len(recordings), CHUNK):
        data = MODALITY.collate(recordings[start : start + CHUNK])
        features.append(along_first_axis(encode(network, data)))
        labels = finder.find(network, data, MODALITY.encoders["raw"]()).labels()
        frames = features[-1].values.shape[1]
        found.append(labels.view(len(labels), frames, -1)[:, :, 0])
    longest = max(features, key=lambda chunk: chunk.values.shape[1])
    values = pad_sequence([row for chunk in features for row in chunk.values], batch_first=True)
    valid = pad_sequence([row for chunk in features for row in chunk.valid], batch_first=True)
    labels = pad_sequence([row for chunk in found for row in chunk], batch_first=True, padding_value=-1)
    return Looked(FeatureMap(values, valid, longest.grid), labels)


def measure(looked: Looked, material: Material, seed: int) -> dict[str, float]:
    """All metrics of what a network saw."""
    truth = _truth(looked.features, material)
    grid = looked.features.grid
    assert grid is not None
    instances = instance_metrics(looked.found, grid, truth)
    return instances | type_metrics(looked.features, looked.found, truth, seed)


def baselines(random: Network, options: Options, material: Material) -> dict[str, dict[str, float]]:
    """What needs no training: log-mel features, a random encoder, and the practitioner's heuristic.

    `random` is the run's own network before training.
    """
    seed = options.training.seed
    raw = Network(MODALITY.encoders["raw"]())
    # Log-mel beside log-mel is log-mel: the learned part of the finder is set to nothing.
    plain = replace(options.finder, learned=0.0)
    clusters = replace(plain, grouper="k-means", objects=6)
    finders = {
        "k-means on log-mel": replace(clusters, position=0.0),
        "k-means on log-mel and time": replace(clusters, position=1.0),
        "change points on log-mel": plain,
    }
    rows = {name: measure(look(raw, material.tried, finder), material, seed) for name, finder in finders.items()}
    for name, position in (("k-means on a random encoder", 0.0), ("k-means on a random encoder and time", 1.0)):
        finder = replace(clusters, position=position, plain=False)
        rows[name] = measure(look(random, material.tried, finder), material, seed)
    rows["change points on log-mel and a random encoder"] = measure(
        look(random, material.tried, options.finder), material, seed
    )
    rows["energy and spectral flux"] = _heuristic(material, seed)
    return rows


def table(rows: dict[str, dict[str, float]], options: Options) -> Table:
    """The rows of one seed as a table."""
    part = "validation" if options.validate else "unseen"
    title = f"{options.test_soundscapes} soundscapes of {part} sounds, seed {options.training.seed}"
    values: dict[str, Sequence[float | None]] = {
        name: [row.get(column.name) for column in COLUMNS] for name, row in rows.items()
    }
    return Table.of(title, COLUMNS, values, NOTE)


def _truth(features: FeatureMap, material: Material) -> Truth:
    assert features.grid is not None
    return truth_of(material.truth, features.grid, Mix())


def _heuristic(material: Material, seed: int) -> dict[str, float]:
    """Energy above the floor, cut where the spectrum suddenly gains energy."""
    raw = MODALITY.encoders["raw"]()
    features = encode(Network(raw), MODALITY.collate(material.tried))
    assert features.grid is not None
    edges = features.grid.edges[0][0]
    rules = Rules(hop=float(edges[1] - edges[0]))
    log_mel = features.values * math.log(100.0)  # the encoder's unit is 20 dB of power
    found = torch.stack([torch.from_numpy(segment(item.numpy(), rules)) for item in log_mel]) - 1
    return measure(Looked(features, found), material, seed)
