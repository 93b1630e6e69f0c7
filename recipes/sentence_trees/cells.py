"""One cell of the table: an encoder, few or all trees, and how many heads of other sentences are right."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.evaluation.arborescence import AttachmentMeasure
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.fitting.descent import Descent
from gestalt.core.fitting.fitters import BiaffineFitter
from gestalt.core.fitting.options import Fitting
from gestalt.core.methods.targets import Trees
from gestalt.core.networks.encoder import AbstractEncoder, Network
from gestalt.core.runs.model import Model
from gestalt.core.training.labels import Labels
from gestalt.core.training.options import Training
from gestalt.modalities.text import MODALITY, Passage

from ..labels_table.data_sets.text import tagged
from ..objects.train import train
from .by_rule import tree_of_tags

LONGEST = 20
"""Words of a sentence, at most."""
WIDTH = 96


@final
@dataclass(frozen=True)
class Sentences:
    """Sentences with their trees.

    Attributes:
        items: to learn from.
        test_items: others.
        names: of the relations.
        known, test_known: the trees.
    """

    items: tuple[Passage, ...]
    test_items: tuple[Passage, ...]
    names: tuple[str, ...]
    known: Int[Tensor, "items words 2"]
    test_known: Int[Tensor, "test_items words 2"]


@lru_cache(maxsize=1)
def sentences(items: int, test_items: int) -> Sentences:
    """The first and the last shipped sentences of at most 20 words."""
    passages, tags = tagged(items, test_items, LONGEST)
    trees = [tree_of_tags(one) for one in tags]
    names = tuple(sorted({relation for tree in trees for relation in tree.relations}))
    known = torch.full((len(trees), LONGEST, 2), -1)
    for row, tree in enumerate(trees):
        known[row, : len(tree.parents), 0] = tree.parents
        known[row, : len(tree.parents), 1] = torch.tensor([names.index(one) for one in tree.relations])
    return Sentences(tuple(passages[:items]), tuple(passages[items:]), names, known[:items], known[items:])


def pretrained(data: Sentences, method: str, training: Training, folder: Path) -> AbstractEncoder:
    """An encoder that learned from the sentences without their trees; a stopped training goes on."""
    encoder = EncoderChoice("conv", {"width": WIDTH})
    return train(
        data.items, modality="text", out=folder, method=method, encoder=encoder, training=training, resume=True
    ).encoder


def untrained(seed: int) -> AbstractEncoder:
    """The same encoder as it begins."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODALITY.encoders["conv"](width=WIDTH)


def shown(items: int, share: float, seed: int) -> Int[Tensor, " shown"]:
    """The sentences whose trees are shown, drawn by chance, 4 at least."""
    order = torch.randperm(items, generator=torch.Generator().manual_seed(seed))
    return order[: max(4, round(share * items))].sort().values


def scores(
    encoder: AbstractEncoder, data: Sentences, share: float, seed: int, tune: int, steps: int, tune_lr: float = 5e-3
) -> dict[str, float]:
    """LAS and UAS on the test sentences; steps are chosen on held-out sentences of those that are shown.

    Args:
        encoder: the start.
        data: the sentences.
        share: of the trees.
        seed: of which, and of the head.
        tune: steps of training encoder and head together; 0 leaves the encoder as it is.
        steps: of training the head, at most.
        tune_lr: peak learning rate of training both.
    """
    rows = shown(len(data.items), share, seed)
    target = Trees(data.names, longest=LONGEST)
    head = BiaffineFitter(training=Descent(steps=steps, batch=16, every=max(1, steps // 10), lr=4e-3))
    options = Fitting(of="elements", folds=2, unknown=0.0, tune=tune, tune_lr=tune_lr, seed=seed)
    model: Model[Passage] = Model(MODALITY, Network(encoder).eval(), {}, batch=64)
    items = [data.items[row] for row in rows.tolist()]
    fitted = model.fit(items, Labels(target, data.known[rows]), head=head, options=options)
    return dict(_scored(fitted, data.test_items, data.test_known, data.names))


def _scored(
    model: Model[Passage], items: Sequence[Passage], known: Int[Tensor, "items words 2"], names: tuple[str, ...]
) -> dict[str, float]:
    found, truth = list[Tensor](), list[Tensor]()
    for tree, one in zip(model.trees(items), known, strict=True):
        relations = torch.tensor([names.index(name) for name in tree.relations])
        found.append(torch.stack([tree.parents, relations], dim=1))
        truth.append(one[: len(relations)])
    return dict(AttachmentMeasure()(torch.cat(found).double(), torch.cat(truth)))


def next_word(known: Int[Tensor, "items words 2"]) -> float:
    """The share of words whose head is the next word: the best rule that sees no word (UAS)."""
    parents = known[..., 0]
    there = parents >= 0
    return float((parents == torch.arange(parents.shape[1]) + 1)[there].double().mean())
