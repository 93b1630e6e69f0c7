"""One cell of the table: a method learns from all items and the labels it is shown, and is asked about others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.segmentation import Segmentation
from gestalt.core.evaluation import item_vectors, label_fraction, linear_probe
from gestalt.core.methods.catalogue import Setting, build
from gestalt.core.methods.learner import Learner
from gestalt.core.modality.labels import Labels
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.modes import evaluating
from gestalt.core.training import Training, launch, train

from .kinds import InMemory, Labelled, Segments

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
    items, labels = InMemory(data.items, data.kind), Labels(data.classes, data.labels).keeping(shown)
    if row.learn == "supervised":
        items = InMemory([data.items[index] for index in shown.tolist()], data.kind)
        labels = Labels(data.classes, data.labels[shown])
    if data.of_elements:  # every socket of a learner may be filled anew
        segments = data.objects()[0]
        learner.segmenter = Segments(segments[shown] if row.learn == "supervised" else segments)
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
    seen = [data.items[index] for index in shown.tolist()]
    if data.of_elements:
        segments, tried = data.objects()
        learned, classes = of_objects(encoder, seen, segments[shown], data.labels[shown], data)
        asked, answers = of_objects(encoder, data.tried, tried, data.answers, data)
    else:
        learned, classes = item_vectors(encoder, seen, data.collate), data.labels[shown]
        asked, answers = item_vectors(encoder, data.tried, data.collate), data.answers
    rows = torch.arange(len(learned) + len(asked))
    vectors, labels = torch.cat([learned, asked]), torch.cat([classes, answers])
    return linear_probe(vectors, labels, rows[: len(learned)], rows[len(learned) :]).accuracy


def _task(learner: Learner, data: Labelled, chunk: int = 64) -> float:
    """How often the task network is right."""
    assert learner.task is not None
    if data.of_elements:
        vectors, answers = of_objects(learner.online.encoder, data.tried, data.objects()[1], data.answers, data)
        with evaluating(learner):
            outputs = learner.task.head(learner.online.projector(vectors))
    else:
        parts = [data.tried[start : start + chunk] for start in range(0, len(data.tried), chunk)]
        outputs, answers = torch.cat([learner.predict(data.collate(part)) for part in parts]), data.answers
    known = answers >= 0
    return float((outputs.argmax(dim=1) == answers)[known].float().mean())


def of_objects(
    encoder: AbstractEncoder,
    items: Sequence[Any],
    segments: Int[Tensor, "items elements"],
    labels: Int[Tensor, "items elements"],
    data: Labelled,
    chunk: int = 64,
) -> tuple[Float[Tensor, "rows dim"], Int[Tensor, " rows"]]:
    """The frozen vectors of all objects and their classes, which are those of their elements."""
    vectors, classes, objects = list[Tensor](), list[Tensor](), int(segments.max()) + 1
    for start in range(0, len(items), chunk):
        with evaluating(encoder):
            features = encoder(data.collate(items[start : start + chunk]))
        part = slice(start, start + chunk), slice(features.values.shape[1])
        found = Segmentation.from_labels(segments[part], objects)
        pooled = found.pool(features)
        vectors.append(pooled.vectors[pooled.present])
        classes.append(torch.where(found.weights > 0, labels[part][:, None], -1).amax(dim=2)[pooled.present])
    return torch.cat(vectors), torch.cat(classes)
