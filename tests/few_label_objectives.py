"""The objectives of methods with few labels, built small, and their equations as naive loops."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gestalt.core.data.segmentation import Objects
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.objectives import AbstractObjective, Paws, Queue, SimMatch

SUPPORTED: dict[str, Callable[[int, int], AbstractObjective]] = {
    "paws": lambda dim, views: Paws(60, Queue(12, dim, views), Queue(12, dim, views)),
    "paws without queues or smoothing": lambda _dim, _views: Paws(
        60, temperature=0.3, sharpening=0.5, smoothing=0.0, entropy=0.2
    ),
}
"""Those that ask labelled objects, built for vectors of a length and for so many views of the teacher."""

REMEMBERED: dict[str, Callable[[int, int], AbstractObjective]] = {
    "simmatch": lambda items, dim: SimMatch(items, dim - 2, 2, threshold=0.4, batches=3),
}
"""Those with a memory of items, built for the size of the data set and the length of vectors."""

OTHER_PRETEXT: dict[str, tuple[Any, Any]] = {
    "pairs": (1, 8),
    "gap": (1, 2),
    "alone": (True, False),
    "steps": (1, 3),
    "cuts": (1, 3),
    "window": (1, 3),
    "centres": (1, 4),
    "sharpening": (0.2, 0.9),
    "smoothing": (0.0, 0.5),
    "entropy": (0.1, 0.9),
    "threshold": (0.0, 1.0),
    "keep": (0.1, 0.9),
    "pseudo_labels": (0.1, 0.9),
    "instances": (0.1, 0.9),
    "batches": (1, 3),
}
"""Two values of every setting of these methods and of pretext tasks that shows within a few steps."""

PUBLISHED_PRETEXT: dict[str, dict[str, object]] = {
    "paws": {"temperature": 0.1, "sharpening": 0.25, "smoothing": 0.1, "entropy": 1.0, "classes": 2},
    "simmatch": {
        "temperature": 0.1,
        "threshold": 0.7,
        "keep": 0.9,
        "pseudo_labels": 10.0,
        "instances": 5.0,
        "batches": 256,
        "items": 5000,
    },
    "transform-prediction": {"alternatives": 2},
    "exemplar": {"items": 5000},
}
"""What their objectives are set to, by the papers."""


def softmax(scores: list[float]) -> list[float]:
    highest = max(scores)
    powers = [math.exp(score - highest) for score in scores]
    return [power / sum(powers) for power in powers]


def cosine(a: Tensor, b: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(a.double(), b.double(), dim=0))


Entry = tuple[Tensor, int, int]
"""A labelled vector, its item and its class."""


def entries_of(views: list[Objects], known: BatchInfo, queue: Queue | None) -> list[Entry]:
    """What may be asked: the labelled objects of the batch in these views, and those of the queue."""
    found: list[Entry] = []
    for view in views:
        for item in range(len(view.present)):
            for number in range(view.present.shape[1]):
                label = int(known.labels[item, number])
                if bool(view.present[item, number]) and label >= 0:
                    found.append((view.vectors[item, number], int(known.index[item]), label))
    if queue is not None:
        for vectors, labels in zip(queue.vectors, queue.labels, strict=True):
            for place, label in enumerate(labels.tolist()):
                if label >= 0:
                    found.append((vectors[place], int(queue.index[place]), label))
    return found


def naive_soft(objective: Paws, vector: Tensor, item: int, entries: list[Entry]) -> list[float] | None:
    """The soft class of a vector of an item; None where there is nobody to ask."""
    often = [sum(other == label for _, _, other in entries) for _, _, label in entries]
    asked = [place for place, (_, owner, _) in enumerate(entries) if owner != item]
    if not asked:
        return None
    scores = [cosine(vector, entries[place][0]) / objective.temperature - math.log(often[place]) for place in asked]
    p = [objective.smoothing / objective.classes] * objective.classes
    for place, share in zip(asked, softmax(scores), strict=True):
        p[entries[place][2]] += share * (1 - objective.smoothing)
    return p


def naive_sharpened(p: list[float], temperature: float) -> list[float]:
    powers = [math.exp(math.log(one) / temperature) if one else 0.0 for one in p]
    return [power / sum(powers) for power in powers]


def naive_paws(objective: Paws, online: list[Objects], teacher: list[Objects], known: BatchInfo) -> float:
    """Cross-entropy of every view's class with the mean of the others' sharpened ones, less the mean's entropy."""
    own = entries_of(online[: len(teacher)], known, objective.predicted)
    taught = entries_of(teacher, known, objective.queue)
    losses, sharp = [], []
    for item in range(len(online[0].present)):
        for number in range(online[0].present.shape[1]):
            named = int(known.index[item])
            guesses = [
                naive_soft(objective, view.vectors[item, number], named, taught)
                if bool(view.present[item, number])
                else None
                for view in teacher
            ]
            for place, view in enumerate(online):
                others = [
                    naive_sharpened(guess, objective.sharpening)
                    for j, guess in enumerate(guesses)
                    if j != place and guess is not None
                ]
                p = naive_soft(objective, view.vectors[item, number], named, own)
                if not others or p is None or not bool(view.present[item, number]):
                    continue
                target = [sum(column) / len(others) for column in zip(*others, strict=True)]
                losses.append(
                    -sum(t * math.log(max(one, 1e-12)) for t, one in zip(target, p, strict=True) if t >= 1e-4)
                )
                sharp.append(naive_sharpened(p, objective.sharpening))
    if not losses:
        return 0.0
    mean = [sum(column) / len(sharp) for column in zip(*sharp, strict=True)]
    entropy = -sum(one * math.log(max(one, 1e-12)) for one in mean)
    value: float = sum(losses) / len(losses) - objective.entropy * entropy
    return value


def naive_simmatch(objective: SimMatch, online: list[Objects], teacher: list[Objects], known: BatchInfo) -> float:
    """Item by item, for every ordered pair of views."""
    dim, places = objective.dim, [n for n in range(objective.items) if int(objective.bank_labels[n]) >= 0]
    labels = known.labels[:, 0].tolist()
    usual = [float(row) for row in objective.means[:-1].sum(dim=0)]
    current = [
        softmax(view.vectors[item, 0, dim:].tolist())
        for view in teacher
        for item in range(len(labels))
        if labels[item] < 0 and bool(view.present[item, 0])
    ]
    if current:
        usual = [a + sum(column) / len(current) for a, column in zip(usual, zip(*current, strict=True), strict=True)]
    supervised, pseudo, instances = [], [], []
    begun = known.progress.step >= known.progress.steps_per_epoch and places
    for i, strong in enumerate(online):
        for j, weak in enumerate(teacher):
            for item in range(len(labels)):
                if i == j or not bool(strong.present[item, 0] & weak.present[item, 0]):
                    continue
                q = softmax(strong.vectors[item, 0, dim:].tolist())
                if labels[item] >= 0:
                    supervised.append(-math.log(q[labels[item]]))
                    continue
                p = [
                    a / max(b, 1e-12) for a, b in zip(softmax(weak.vectors[item, 0, dim:].tolist()), usual, strict=True)
                ]
                p = [one / sum(p) for one in p]
                meant, term = p, 0.0
                if places:
                    scores = [cosine(weak.vectors[item, 0, :dim], objective.bank[n]) for n in places]
                    like = softmax([score / objective.temperature for score in scores])
                    classes = [int(objective.bank_labels[n]) for n in places]
                    meant = [
                        objective.keep * p[c]
                        + (1 - objective.keep) * sum(s for s, other in zip(like, classes, strict=True) if other == c)
                        for c in range(objective.classes)
                    ]
                    unfolded = [s * p[c] for s, c in zip(like, classes, strict=True)]
                    scores = [cosine(strong.vectors[item, 0, :dim], objective.bank[n]) for n in places]
                    rho = softmax([score / objective.temperature for score in scores])
                    term = -sum(a / sum(unfolded) * math.log(b) for a, b in zip(unfolded, rho, strict=True))
                sure = max(meant) >= objective.threshold
                pseudo.append(-sum(a * math.log(b) for a, b in zip(meant, q, strict=True)) if sure else 0.0)
                instances.append(term if begun else 0.0)

    def mean(terms: list[float]) -> float:
        return sum(terms) / max(len(terms), 1)

    return mean(supervised) + objective.pseudo_labels * mean(pseudo) + objective.instances * mean(instances)
