"""The table: every way of finding and telling spans, on the same sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import AbstractGrouper, ChangePoints, Contiguous, InOrder, KMeans, Seams
from gestalt.core.evaluation import Column, Intervals, boundary_f1, event_f1
from gestalt.core.experiment.predictions import Predictions, predictions_of
from gestalt.core.networks.encoder import Network
from gestalt.modalities.text import MODALITY, Passage
from gestalt.modalities.text.punctuation import WithoutPunctuation

from .chunked import FromChunks
from .corpus.sentences import Sentence
from .frequent import FromFrequent
from .rules import between_punctuation, by_chance, closed_classes, right_branching
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


GROUPERS: tuple[tuple[str, AbstractGrouper], ...] = (
    ("k-means on", Contiguous(KMeans(4, spherical=False), objects=64)),
    ("change points on", ChangePoints(penalty=0.02, objects=64, standardise=False)),
    ("seams in", Seams(objects=64)),
)


def measure(predictions: Predictions, truth: Sequence[Sentence], seed: int) -> dict[str, float]:
    """All metrics of what a network found."""
    batch, true = predictions.joined(), truth_of(truth)
    return span_metrics(batch.found, true) | type_metrics(batch.features, batch.found, true, seed)


def baselines(
    random: Network,
    finder: ObjectFinder,
    learned: Mapping[str, FromFrequent | FromChunks],
    items: Sequence[Passage],
    truth: Sequence[Sentence],
    seed: int,
) -> dict[str, dict[str, float]]:
    """What needs no training: features of letters, a random encoder, chance, and the rules of the field.

    `random` is the run's own network before training, `finder` the run's way of finding spans, once as it is and once
    for every other grouper; `learned` are rules that follow from the training text.
    """
    plain = ObjectFinder(Seams(), "projected", WithoutPunctuation())
    networks = {"letters": Network(MODALITY.encoders["raw"]()), "a random encoder": random}
    rows = {
        f"{way} {features}": measure(
            predictions_of(network, MODALITY, items, replace(plain, grouper=InOrder(grouper))),
            truth,
            seed,
        )
        for features, network in networks.items()
        for way, grouper in GROUPERS
    }
    rows["random encoder, as the run finds spans"] = measure(
        predictions_of(random, MODALITY, items, finder), truth, seed
    )
    true = truth_of(truth)
    rules: dict[str, Int[Tensor, "items words"]] = {
        "every word by itself": by_chance(items, seed, mean=1.0),
        "random spans of two words": by_chance(items, seed, mean=2.0),
        "between punctuation": between_punctuation(items),
        **{name: rule.spans(MODALITY.collate(items)) for name, rule in learned.items()},
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
