"""One cell of a table: an encoder learns from a share of the labels, and is asked about other items."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.evaluation import element_vectors, item_vectors, label_fraction
from gestalt.core.evaluation.fine_tuning import Tuned, fine_tuned
from gestalt.core.evaluation.probe import probe_outputs
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.modes import evaluating
from gestalt.core.training.options import Training

from ..objects.train import train
from .task import Answers, Task

MOST = 4000
"""Elements that a probe learns from, at most: drawn evenly over the labelled items."""


def pretrained(task: Task, seed: int, folder: Path) -> AbstractEncoder:
    """The network after learning from all items without labels; a stopped training goes on."""
    how = task.pretraining
    threads = torch.get_num_threads()
    training = Training(
        steps=how.steps,
        batch=min(how.batch, len(task.items)),
        lr=how.lr,
        warmup=how.steps // 10,
        workers=0,
        threads=threads,
        accelerator="cpu",
        seed=seed,
        log_every=max(1, how.steps // 5),
        logger="csv",
    )
    return train(
        list(task.items),
        modality=task.modality,
        out=folder,
        method=how.method,
        encoder=task.encoder,
        views=how.views,
        training=training,
        resume=True,
    ).encoder


def shown(task: Task, share: float, seed: int) -> Int[Tensor, " shown"]:
    """The items whose labels are shown: evenly over the classes; where elements have classes, drawn by chance."""
    if task.of == "items":
        return label_fraction(task.known, share, seed)
    order = torch.randperm(len(task.items), generator=torch.Generator().manual_seed(seed))
    return order[: max(1, round(share * len(order)))].sort().values


def scores(task: Task, encoder: AbstractEncoder, learns: bool, share: float, seed: int) -> dict[str, float]:
    """The scores of one cell.

    Args:
        task: what is learned and asked.
        encoder: the start.
        learns: it is trained with the head, which begins at zero whatever the start, so that rows differ in the encoder
            alone; otherwise the head is a linear probe.
        share: of the labels.
        seed: of which, and of the training.
    """
    rows = shown(task, share, seed)
    found = _tuned(task, encoder, rows, seed) if learns else _probed(task, encoder, rows, seed)
    return dict(task.measure(found))


def _probed(task: Task, encoder: AbstractEncoder, rows: Int[Tensor, " shown"], seed: int) -> Answers:
    """The answers of a linear head on frozen vectors."""
    collate, seen = task.modality.collate, [task.items[row] for row in rows.tolist()]
    if task.of == "items":
        learn, asked = item_vectors(encoder, seen, collate), item_vectors(encoder, task.asked, collate)
        known = task.known[rows]
    else:
        learn, asked = element_vectors(encoder, seen, collate)[0], element_vectors(encoder, task.asked, collate)[0]
        known = of_elements(encoder, task, rows)
        learn, known = learn[known >= 0], known[known >= 0]
        some = torch.randperm(len(learn), generator=torch.Generator().manual_seed(seed))[:MOST]
        learn, known = learn[some], known[some]
    both = torch.cat([learn, asked])
    # Every row that is asked about is answered: what is known of it is the measure's, and stands here for nothing.
    said = torch.cat([known, torch.zeros(len(asked), dtype=known.dtype)])
    numbers = torch.arange(len(both))
    _, outputs = probe_outputs(both, task.target, said, numbers[: len(learn)], numbers[len(learn) :], task.penalty)
    scale = learn.std(dim=0, correction=0)
    return Answers(outputs.float(), (asked - learn.mean(dim=0)) / torch.where(scale > 0, scale, 1.0))


def of_elements(encoder: AbstractEncoder, task: Task, rows: Int[Tensor, " shown"]) -> Int[Tensor, " elements"]:
    """What is known of the elements of some items, as `element_vectors` orders them: padding is none of them."""
    parts = []
    with evaluating(encoder):
        for row in rows.split(64):
            valid = encoder(task.modality.collate([task.items[number] for number in row.tolist()])).valid
            parts.append(task.known[row][:, : valid.shape[1]][valid])
    return torch.cat(parts)


def _tuned(task: Task, encoder: AbstractEncoder, rows: Int[Tensor, " shown"], seed: int) -> Answers:
    """The answers of encoder and head trained together."""
    options = replace(task.tuning, seed=seed, head="fresh")
    items = [*(task.items[row] for row in rows.tolist()), *task.asked]
    blank = torch.zeros_like(task.asked_known)
    known = torch.cat([task.known[rows], blank])
    numbers = torch.arange(len(items))
    learn, ask = numbers[: len(rows)], numbers[len(rows) :]
    tuned = fine_tuned(
        encoder, items, task.target, known, learn, ask, task.modality.collate, options, task.transform, task.of
    )
    return _answers(tuned, task)


def _answers(tuned: Tuned[object], task: Task, chunk: int = 64) -> Answers:
    """What a trained network says of all items that are asked about."""
    outputs, vectors = list[Tensor](), list[Tensor]()
    blank = torch.zeros_like(task.asked_known)
    with evaluating(tuned):
        for some in torch.arange(len(task.asked)).split(chunk):
            given, _ = tuned.vectors([task.asked[row] for row in some.tolist()], blank[some])
            norm, linear = tuned.head[0], tuned.head[1]
            vectors.append(norm(given))
            outputs.append(linear(vectors[-1]))
    return Answers(torch.cat(outputs).float(), torch.cat(vectors))


def accuracy(answers: Answers, known: Int[Tensor, " rows"]) -> Mapping[str, float]:
    """The share of the rows of which something is known that is named rightly."""
    there = known >= 0
    return {"accuracy": float((answers.outputs.argmax(dim=1) == known)[there].double().mean())}
