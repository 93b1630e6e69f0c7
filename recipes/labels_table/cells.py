"""One cell of the table: a method learns from all items and the labels it is shown, and is tested on others."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.segmentation import Segmentation
from gestalt.core.evaluation import item_vectors, label_fraction, linear_probe
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import AbstractMethod, DataInfo
from gestalt.core.methods.supervised import Supervised
from gestalt.core.methods.targets import Classes
from gestalt.core.modality.base import AbstractModality
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.modes import evaluating
from gestalt.core.runs.inputs import InMemory
from gestalt.core.runs.model import Model
from gestalt.core.training.labels import Labels
from gestalt.core.training.loop import launch, train_learner
from gestalt.core.training.options import Training
from gestalt.core.training.training_data import TrainingData

from .labelled_data import LabelledData, Segments
from .rows import Row

OBJECTS = 25
"""About so many objects per item where every element is one: the queue is a multiple of them."""


def score(row: Row, data: LabelledData, share: float, training: Training, folder: Path) -> float:
    """The share of test items (or elements) that are named rightly, from `share` of the labels."""
    torch.manual_seed(training.seed)
    encoder = data.fresh_encoder(row.raw)
    shown = shown_items(data, share, training.seed)
    if row.method is None:
        return _by_probe(encoder, data, shown)
    options = replace(training, labelled=row.labelled if share < 1 else 0.0, lr=data.lr)
    learner = _trained(row.method, encoder, data, shown, options, folder)
    return _by_probe(learner.online.encoder, data, shown) if row.tested_by == "probe" else _by_task(learner, data)


def _trained(
    method: AbstractMethod,
    encoder: AbstractEncoder,
    data: LabelledData,
    shown: Int[Tensor, " shown"],
    options: Training,
    folder: Path,
) -> Learner:
    """The learner after training; supervised training sees the labelled items alone.

    Raises:
        KeyboardInterrupt: if training was interrupted; it is saved.
    """
    target = Classes(data.classes)
    batch = options.batch * (OBJECTS if data.of_elements else 1)
    learner = method.build(encoder, DataInfo(items=len(data.items), batch=batch, target=target))
    assert isinstance(learner, Learner)
    alone = isinstance(method, Supervised)
    items = InMemory([data.items[index] for index in shown.tolist()] if alone else data.items, data.name)
    labels = Labels(target, data.labels[shown]) if alone else Labels(target, data.labels).keeping(shown)
    if data.of_elements:  # the segmenter of any learner may be replaced
        segments = data.objects()[0]
        learner.segmenter = Segments(segments[shown] if alone else segments)
    done = train_learner(
        launch(options),
        learner,
        TrainingData(items, data.views, data.modality.collate, labels=labels),
        options,
        folder,
        resume=True,
    )
    if not done.finished:
        raise KeyboardInterrupt
    return learner.cpu()


def shown_items(data: LabelledData, share: float, seed: int) -> Int[Tensor, " shown"]:
    """The items whose labels are shown: stratified by class; sentences, which hold all classes, are drawn evenly."""
    if data.of_elements:
        order = torch.randperm(len(data.labels), generator=torch.Generator().manual_seed(seed))
        return order[: round(share * len(order))].sort().values
    return label_fraction(data.labels, share, seed)


def _by_probe(encoder: AbstractEncoder, data: LabelledData, shown: Int[Tensor, " shown"]) -> float:
    """The accuracy of a linear probe that learned from the shown labels."""
    seen, modality = [data.items[index] for index in shown.tolist()], data.modality
    if data.of_elements:
        segments, test_segments = data.objects()
        train, classes = object_vectors(encoder, modality, seen, segments[shown], data.labels[shown])
        test, answers = object_vectors(encoder, modality, data.test_items, test_segments, data.test_labels)
    else:
        train, classes = item_vectors(encoder, seen, modality.collate), data.labels[shown]
        test, answers = item_vectors(encoder, data.test_items, modality.collate), data.test_labels
    rows = torch.arange(len(train) + len(test))
    vectors, labels = torch.cat([train, test]), torch.cat([classes, answers])
    return linear_probe(vectors, labels, rows[: len(train)], rows[len(train) :]).accuracy


def _by_task(learner: Learner, data: LabelledData) -> float:
    """The accuracy of the task network."""
    task, network = learner.task, learner.online
    assert task is not None
    if data.of_elements:
        segments = data.objects()[1]
        vectors, answers = object_vectors(network.encoder, data.modality, data.test_items, segments, data.test_labels)
        with evaluating(learner):
            named = task.head(network.projector(vectors)).argmax(dim=1)
    else:
        model = Model(data.modality, network.eval(), {"task": task.head}, target=task.target, batch=64)
        names = [prediction.answer for prediction in model.predict(data.test_items)]
        named, answers = torch.tensor([data.classes.index(str(name)) for name in names]), data.test_labels
    return float((named == answers)[answers >= 0].float().mean())


def object_vectors(
    encoder: AbstractEncoder,
    modality: AbstractModality[Any],
    items: Sequence[Any],
    segments: Int[Tensor, "items elements"],
    labels: Int[Tensor, "items elements"],
    chunk: int = 64,
) -> tuple[Float[Tensor, "rows dim"], Int[Tensor, " rows"]]:
    """The frozen vectors of all objects and their classes, which are those of their elements."""
    vectors, classes, objects = list[Tensor](), list[Tensor](), int(segments.max()) + 1
    for start in range(0, len(items), chunk):
        with evaluating(encoder):
            features = encoder(modality.collate(items[start : start + chunk]))
        part = slice(start, start + chunk), slice(features.values.shape[1])
        found = Segmentation.from_labels(segments[part], objects)
        pooled = found.pool(features)
        vectors.append(pooled.vectors[pooled.present])
        classes.append(torch.where(found.weights > 0, labels[part][:, None], -1).amax(dim=2)[pooled.present])
    return torch.cat(vectors), torch.cat(classes)
