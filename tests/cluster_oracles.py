"""Objectives with prototypes or clusters as naive loops, written from their equations."""

import math

from torch import Tensor

from gestalt.core.data.segmentation import Objects
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.objectives import Balanced, Centred, Distillation


def naive_sinkhorn(scores: list[list[float]], epsilon: float, iterations: int) -> list[list[float]]:
    """Q = e^{S/ε}; then in turn the columns of Q to sum 1/K, its rows to sum 1/B; at last B Q."""
    shares = [[math.exp(score / epsilon) for score in row] for row in scores]
    for _ in range(iterations):
        columns = [sum(column) for column in zip(*shares, strict=True)]
        shares = [[q / total / len(columns) for q, total in zip(row, columns, strict=True)] for row in shares]
        shares = [[q / sum(row) / len(shares) for q in row] for row in shares]
    return [[q * len(shares) for q in row] for row in shares]


def naive_softmax(values: list[float]) -> list[float]:
    """e^v / Σ e^v."""
    total = sum(math.exp(value) for value in values)
    return [math.exp(value) / total for value in values]


def naive_scores(vectors: list[Tensor], weights: Tensor) -> list[list[float]]:
    """Cosines, one by one."""
    return [[float(v @ w) / math.sqrt(float(v @ v) * float(w @ w)) for w in weights.detach()] for v in vectors]


def naive_assigned(
    objective: Distillation, vectors: list[Tensor], remembered: list[Tensor], temperature: float
) -> list[list[float]]:
    """P of some vectors of the teacher."""
    taught = (objective.teacher or objective.prototypes).weight
    scores = naive_scores([*vectors, *remembered], taught)
    if isinstance(objective.assignment, Balanced):
        return naive_sinkhorn(scores, temperature, objective.assignment.iterations)[: len(vectors)]
    assert isinstance(objective.assignment, Centred)
    centre = objective.assignment.centre.tolist()
    return [naive_softmax([(s - c) / temperature for s, c in zip(row, centre, strict=True)]) for row in scores]


def naive_distillation(
    objective: Distillation, online: list[Objects], teacher: list[Objects], known: BatchInfo
) -> float:
    """H(P(x), softmax(s(x') / τ)) of every object in two different views, averaged over the pairs of views."""
    done = known.progress.step / (objective.warmup_epochs * known.progress.steps_per_epoch or 1)
    first, last = objective.first_temperature, objective.teacher_temperature
    temperature = first + (last - first) * min(done, 1.0) if objective.warmup_epochs else last
    pairs = []
    for j, taught in enumerate(teacher):
        places = [(b, k) for b, k in taught.present.nonzero().tolist()]
        remembered = []
        if objective.queue is not None and int(objective.queue.index[-1]) >= 0:
            remembered = [v for v in objective.queue.vectors[j] if bool(v.any())]
        assigned = naive_assigned(objective, [taught.vectors[b, k] for b, k in places], remembered, temperature)
        shares = dict(zip(map(tuple, places), assigned, strict=True))
        for i, seen in enumerate(online):
            if i == j:
                continue
            terms = []
            for place in map(tuple, (seen.present & taught.present).nonzero().tolist()):
                (scores,) = naive_scores([seen.vectors[place]], objective.prototypes.weight)
                guess = naive_softmax([score / objective.temperature for score in scores])
                terms.append(-sum(p * math.log(q) for p, q in zip(shares[place], guess, strict=True)))
            pairs.append(sum(terms) / len(terms) if terms else 0.0)
    return sum(pairs) / len(pairs)
