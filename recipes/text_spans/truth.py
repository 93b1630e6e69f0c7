"""How good found spans are, on sentences whose groups are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.evaluation import (
    Intervals,
    adjusted_rand_index,
    boundary_f1,
    event_f1,
    foreground_adjusted_rand_index,
    linear_probe,
    nearest_neighbour_accuracy,
)

from .corpus.sentences import Sentence
from .rules import words_mask

MOST = 2500  # spans that vectors are compared over: neighbours grow with the square


@final
@dataclass(frozen=True)
class Truth:
    """What is true of some sentences.

    `labels` numbers the group of every word within its sentence (−1: in none), `kinds` (noun, verb) and `heads` (the
    tag of the head) name the groups; `words` tells words from punctuation and padding.
    """

    labels: Int[Tensor, "items words"]
    kinds: Int[Tensor, "items groups"]
    heads: Int[Tensor, "items groups"]
    words: Bool[Tensor, "items words"]


def truth_of(sentences: Sequence[Sentence]) -> Truth:
    """The groups of sentences as numbers."""
    mask = words_mask([sentence.item for sentence in sentences])
    most = max(len(sentence.groups) for sentence in sentences)
    names = sorted({group.head for sentence in sentences for group in sentence.groups})
    labels = torch.full(mask.shape, -1)
    kinds, heads = torch.full((len(sentences), most), -1), torch.full((len(sentences), most), -1)
    for row, sentence in enumerate(sentences):
        for number, group in enumerate(sentence.groups):
            labels[row, group.first : group.last] = number
            kinds[row, number] = int(group.kind == "verb group")
            heads[row, number] = names.index(group.head)
    # A tagger may call a mark of punctuation a noun; it is in no group all the same.
    return Truth(torch.where(mask, labels, -1), kinds, heads, mask)


def span_metrics(found: Int[Tensor, "items words"], truth: Truth) -> dict[str, float]:
    """How well groups are told from one another and from the words between them; `found` has −1 on those.

    Punctuation is in no span and in no metric: a found span ends there, whichever way it was found. A span counts in
    F1 if both its ends are right. Words in no group are one more object in ARI and are left out of foreground ARI.
    """
    found = torch.where(truth.words, found, -1)
    edges = torch.arange(found.shape[1] + 1.0)
    spans = [Intervals.from_labels(row, edges) for row in found]
    true = [Intervals.from_labels(row, edges) for row in truth.labels]
    partition = torch.where(truth.words, truth.labels + 1, -1)
    return {
        "span F1": event_f1(spans, true, overlap=1.0).f1,
        "boundary F1": boundary_f1(spans, true, collar=0.0).f1,
        "ARI": float(adjusted_rand_index(found + 1, partition).mean()),
        "fg-ARI": float(foreground_adjusted_rand_index(found + 1, partition, background=0).mean()),
    }


def type_metrics(features: FeatureMap, found: Int[Tensor, "items words"], truth: Truth, seed: int) -> dict[str, float]:
    """How well vectors of groups name their kind and their head.

    Vectors are means over a group's words, standardised over all groups without labels. Neighbours are sought in other
    sentences; the probe learns on one half of the sentences and is tested on the other. "1-NN found" asks for the head
    over discovered spans, each named after the group with which it shares most, if that is at least half of it.
    """
    groups = truth.kinds.shape[1]
    kinds = _pooled(features, truth.labels, truth.kinds, groups)
    vectors, heads, items = _pooled(features, truth.labels, truth.heads, groups)
    order = torch.randperm(len(features.values), generator=torch.Generator().manual_seed(seed))
    train = torch.isin(items, order[: len(order) // 2])
    found = torch.where(truth.words, found, -1)
    named = _named(found, truth)
    found_vectors, found_heads, found_items = _pooled(features, found, named, named.shape[1])
    return {
        "kind 1-NN": nearest_neighbour_accuracy(*kinds),
        "head 1-NN": nearest_neighbour_accuracy(vectors, heads, items),
        "head probe": linear_probe(vectors, heads, train.nonzero()[:, 0], (~train).nonzero()[:, 0]).accuracy,
        "1-NN found": nearest_neighbour_accuracy(found_vectors, found_heads, found_items) if len(found_heads) else 0.0,
    }


def _pooled(
    features: FeatureMap, labels: Int[Tensor, "items words"], names: Int[Tensor, "items objects"], objects: int
) -> tuple[Float[Tensor, "rows dim"], Int[Tensor, " rows"], Int[Tensor, " rows"]]:
    """Vectors of the first named objects, their names, and their sentences."""
    pooled = Segmentation.from_labels(labels, objects).pool(features)
    use = pooled.present & (names >= 0)
    items = torch.arange(len(labels))[:, None].expand_as(use)[use][:MOST]
    rows = pooled.vectors[use][:MOST]
    return (rows - rows.mean(dim=0)) / rows.std(dim=0).clamp(min=1e-6), names[use][:MOST], items


def _named(found: Int[Tensor, "items words"], truth: Truth) -> Int[Tensor, "items objects"]:
    """The head of every found object, −1 where no group fills half of it."""
    one_hot = torch.nn.functional.one_hot
    objects, groups = max(int(found.max()) + 1, 1), truth.heads.shape[1]
    mine = one_hot(found + 1, objects + 1)[..., 1:].float()
    theirs = one_hot(truth.labels + 1, groups + 1)[..., 1:].float()
    shared = torch.einsum("bno,bng->bog", mine, theirs)
    best, group = shared.max(dim=2)
    size = mine.sum(dim=1)
    return torch.where((size > 0) & (best >= size / 2), truth.heads.gather(1, group), -1)
