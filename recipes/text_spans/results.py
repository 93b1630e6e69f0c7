"""The table: every way of finding and telling spans, on the same sentences."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.evaluation import Column, Intervals, boundary_f1, event_f1
from gestalt.core.experiment import Predictions, look
from gestalt.core.networks.encoder import Network
from gestalt.modalities.text import MODALITY, Passage

from .corpus import Sentence
from .finding import FinderOptions
from .options import Options
from .rules import between_punctuation, by_chance, closed_classes, from_frequent, hashes_of, right_branching
from .truth import span_metrics, truth_of, type_metrics

COLUMNS = (
    Column("span F1", "spans"),
    Column("boundary F1", "spans"),
    Column("ARI", "spans"),
    Column("fg-ARI", "spans"),
    Column("kind 1-NN", "types"),
    Column("head 1-NN", "types"),
    Column("head probe", "types"),
    Column("1-NN found", "types"),
)
NOTE = (
    "Spans: F1 of noun and verb groups with both ends right, of their boundaries, and the adjusted Rand index of words "
    "with and without those in no group. Types: noun or verb group, and the tag of its head, by the nearest neighbour "
    "and by a linear probe over true groups, and by the nearest neighbour over discovered ones. Rules have no vectors."
)


def measure(looked: Predictions, truth: Sequence[Sentence], seed: int) -> dict[str, float]:
    """All metrics of what a network saw."""
    seen, true = looked.joined(), truth_of(truth)
    return span_metrics(seen.found, true) | type_metrics(seen.features, seen.found, true, seed)


def baselines(
    random: Network,
    options: Options,
    items: Sequence[Passage],
    truth: Sequence[Sentence],
    frequent: Sequence[str],
) -> dict[str, dict[str, float]]:
    """What needs no training: raw features, a random encoder, chance, and the rules of the field.

    `random` is the run's own network before training; `frequent` are the most frequent words of what it trains on.
    """
    seed = options.training.seed
    raw = Network(MODALITY.encoders["raw"]())
    own = replace(options.finder, plain=False)
    clusters = replace(own, grouper="k-means", objects=4)
    changes = replace(own, grouper="change-points", objects=64)
    seams = replace(own, grouper="seams", objects=64)

    def tried(network: Network, finding: FinderOptions) -> dict[str, float]:
        return measure(look(network, MODALITY, items, finding.build()), truth, seed)

    rows = {
        "k-means on letters": tried(raw, clusters),
        "change points on letters": tried(raw, changes),
        "seams in letters": tried(raw, seams),
        "k-means on a random encoder": tried(random, clusters),
        "change points on a random encoder": tried(random, changes),
        "seams in a random encoder": tried(random, seams),
    }
    true = truth_of(truth)
    rules: dict[str, Int[Tensor, "items words"]] = {
        "every word by itself": by_chance(items, seed, mean=1.0),
        "random spans of two words": by_chance(items, seed, mean=2.0),
        "between punctuation": between_punctuation(items),
        "frequent words": from_frequent(MODALITY.collate(items), hashes_of(frequent)),
        "closed-class words": closed_classes(items),
    }
    edges = torch.arange(true.labels.shape[1] + 1.0)
    groups = [Intervals.from_labels(row, edges) for row in true.labels]
    branches = right_branching(items)
    rows["right-branching trees"] = {
        "span F1": event_f1(branches, groups, overlap=1.0).f1,
        "boundary F1": boundary_f1(branches, groups, collar=0.0).f1,
    }
    return rows | {name: span_metrics(found, true) for name, found in rules.items()}
