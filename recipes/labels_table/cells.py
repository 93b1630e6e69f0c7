"""One cell of the table: a method learns from all items and the labels it is shown, and is asked about others."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.encoder import AbstractEncoder
from gestalt.core.evaluation import element_vectors, item_vectors, label_fraction, linear_probe
from gestalt.core.follower import Follower, Shared
from gestalt.core.labels import Labels
from gestalt.core.learner import Learner
from gestalt.core.methods import Setting, build
from gestalt.core.modes import evaluating
from gestalt.core.segmenter import EveryElement
from gestalt.core.training import Training, launch, train

from .kinds import InMemory, Labelled

WORDS = 25  # about so many objects per item where every element is one: the queue is a multiple of them


@final
@dataclass(frozen=True)
class Row:
    """A row of the table: which method learns, and how it is asked.

    `learn` is None where nothing is trained: `raw` features, or the encoder as it comes. `read` asks a linear probe on
    frozen vectors, or the task network itself.
    """

    name: str
    learn: str | None
    read: Literal["probe", "task"] = "probe"
    raw: bool = False


ROWS = (
    Row("plain features + probe", None, raw=True),
    Row("random encoder + probe", None),
    Row("supervised from scratch", "supervised", "task"),
    Row("BYOL + probe", "byol"),
    Row("SimCLR + probe", "simclr"),
    Row("SemPPL + probe", "semppl"),
    Row("SemPPL with task network", "semppl-task", "task"),
)


def score(row: Row, data: Labelled, share: float, training: Training, folder: Path) -> float:
    """The share of tried items (or elements) that are named rightly, from `share` of the labels."""
    torch.manual_seed(training.seed)
    encoder = data.raw() if row.raw else data.encoder()
    shown = shown_items(data, share, training.seed)
    if row.learn is None:
        return _probe(encoder, data, shown)
    setting = Setting(
        hidden=256,
        projection=128,
        batch=training.batch * (WORDS if data.of_elements else 1),
        decay=0.99,
        classes=len(data.classes),
    )
    learner = build(row.learn, encoder, setting)
    if data.of_elements:  # every socket of a learner may be filled anew
        learner.segmenter = EveryElement(Follower(learner.online, Shared()))
    items, labels = InMemory(data.items, data.kind), Labels(data.classes, data.labels).keeping(shown)
    if row.learn == "supervised":
        items = InMemory([data.items[index] for index in shown.tolist()], data.kind)
        labels = Labels(data.classes, data.labels[shown])
    mixed = 0.25 if row.learn.startswith("semppl") and share < 1 else 0.0
    options = replace(training, labelled=mixed, lr=data.lr)
    done = train(launch(options), learner, items, data.views, data.collate, options, folder, resume=True, labels=labels)
    if not done.finished:
        raise KeyboardInterrupt
    return _probe(learner.online.encoder, data, shown) if row.read == "probe" else _task(learner, data)


def shown_items(data: Labelled, share: float, seed: int) -> Int[Tensor, " shown"]:
    """The items whose labels may be seen: stratified by class; sentences, which hold all kinds, are drawn evenly."""
    if data.of_elements:
        order = torch.randperm(len(data.labels), generator=torch.Generator().manual_seed(seed))
        return order[: round(share * len(order))].sort().values
    return label_fraction(data.labels, share, seed)


def _probe(encoder: AbstractEncoder, data: Labelled, shown: Int[Tensor, " shown"]) -> float:
    shown_ones = [data.items[index] for index in shown.tolist()]
    both = [*shown_ones, *data.tried]
    labels = torch.cat([data.labels[shown], _as_wide(data.answers, data.labels)])
    if not data.of_elements:
        vectors, learned = item_vectors(encoder, both, data.collate), len(shown)
    else:
        vectors, owners = element_vectors(encoder, both, data.collate)
        labels = _of_rows(labels, owners)
        learned = int((owners < len(shown)).sum())
    rows = torch.arange(len(labels))
    return linear_probe(vectors, labels, rows[:learned], rows[learned:]).accuracy


def _task(learner: Learner, data: Labelled, chunk: int = 64) -> float:
    """How often the task network is right."""
    right, asked = 0, 0
    assert learner.task is not None
    for start in range(0, len(data.tried), chunk):
        batch, answers = data.collate(data.tried[start : start + chunk]), data.answers[start : start + chunk]
        if data.of_elements:
            with evaluating(learner):
                features = learner.online.project_elements(learner.online.encode(batch))
                outputs = learner.task.head(features.values[features.valid])
            answers = _of_rows(answers, features.valid.nonzero()[:, 0])
        else:
            outputs = learner.predict(batch)
        known = answers >= 0
        right += int((outputs.argmax(dim=1) == answers)[known].sum())
        asked += int(known.sum())
    return right / asked


def _as_wide(answers: Tensor, labels: Tensor) -> Tensor:
    """Answers with as many columns as the labels have, where elements are labelled."""
    if labels.ndim == 1:
        return answers
    return torch.nn.functional.pad(answers, (0, labels.shape[1] - answers.shape[1]), value=-1)


def _of_rows(labels: Int[Tensor, "items elements"], owners: Int[Tensor, " rows"]) -> Int[Tensor, " rows"]:
    """The label of every element from its item and its place among the item's elements."""
    first = torch.searchsorted(owners, torch.arange(len(labels)))
    return labels[owners, torch.arange(len(owners)) - first[owners]]
