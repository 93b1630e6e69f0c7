"""Every objective as a naive loop, written from its equation: the oracles of the tests."""

import itertools
import math
from collections import Counter, defaultdict

import torch
from torch import Tensor

from gestalt.core.data.segmentation import Objects
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.objectives import (
    AbstractObjective,
    Combined,
    Contrastive,
    Distillation,
    Moco,
    Paws,
    Queue,
    Regression,
    Relic,
    Semantic,
    SupervisedContrastive,
)
from tests.cluster_oracles import naive_distillation
from tests.few_label_objectives import naive_paws


def cosine(a: Tensor, b: Tensor) -> float:
    """⟨a, b⟩ / (‖a‖ ‖b‖), 0 where one of them is zero."""
    lengths = math.sqrt(sum(float(x) ** 2 for x in a)) * math.sqrt(sum(float(x) ** 2 for x in b))
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0


def each(objects: Objects) -> list[tuple[int, int]]:
    """(item, object), one by one."""
    items, count = objects.present.shape
    return list(itertools.product(range(items), range(count)))


def naive_regression(online: Objects, teacher: Objects, distance: str = "normalised") -> float:
    """The distance between prediction and target, averaged over the objects that are present in both views."""
    terms = []
    for b, k in each(online):
        if not (online.present[b, k] and teacher.present[b, k]):
            continue
        q, z = online.vectors[b, k], teacher.vectors[b, k]
        if distance == "plain":
            terms.append(sum((float(x) - float(y)) ** 2 for x, y in zip(q, z, strict=True)) / len(q))
        elif distance == "cross-entropy":
            p, r = softmax([float(y) for y in z]), softmax([float(x) for x in q])
            terms.append(-sum(x * math.log(y) for x, y in zip(p, r, strict=True)))
        else:
            terms.append({"cosine": 1, "normalised": 2}[distance] * (1 - cosine(q, z)))
    return sum(terms) / len(terms) if terms else 0.0


def softmax(values: list[float]) -> list[float]:
    """e^v / Σ e^v."""
    total = sum(math.exp(value) for value in values)
    return [math.exp(value) / total for value in values]


def dot(a: Tensor, b: Tensor) -> float:
    """⟨a, b⟩."""
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))


def naive_contrastive(
    online: Objects,
    teacher: Objects,
    temperature: float,
    same_view: Objects | None,
    same_item: bool,
    other_items: bool = True,
    similarity: str = "cosine",
) -> float:
    """−log(e^s / (e^s + Σ e^{s_n})) over the present objects, negatives one by one."""
    items, objects = online.present.shape
    alike = {"cosine": cosine, "dot": dot}[similarity]
    terms = []
    for b, k in itertools.product(range(items), range(objects)):
        if not (online.present[b, k] and teacher.present[b, k]):
            continue
        query = online.vectors[b, k]
        positive = math.exp(alike(query, teacher.vectors[b, k]) / temperature)
        negatives = 0.0
        for keys in (teacher, same_view):
            for c, m in itertools.product(range(items), range(objects)):
                itself = (c, m) == (b, k)
                if keys is None or itself or not keys.present[c, m]:
                    continue
                if same_item if c == b else other_items:
                    negatives += math.exp(alike(query, keys.vectors[c, m]) / temperature)
        terms.append(-math.log(positive / (positive + negatives)))
    return sum(terms) / len(terms) if terms else 0.0


def naive_moco(online: Objects, teacher: Objects, bank: Tensor, temperature: float) -> float:
    """−log of the share of e^s that the object's own key has among the queue's."""
    terms = []
    for b, k in each(online):
        if online.present[b, k] and teacher.present[b, k]:
            own = math.exp(cosine(online.vectors[b, k], teacher.vectors[b, k]) / temperature)
            others = sum(math.exp(cosine(online.vectors[b, k], key) / temperature) for key in bank)
            terms.append(-math.log(own / (own + others)))
    return sum(terms) / len(terms) if terms else 0.0


Shares = dict[tuple[int, int], dict[object, float]]
"""For every object compared, the share of e^s of each candidate; the positive is called "positive"."""


def shares(
    online: Objects,
    teacher: Objects,
    temperature: float,
    same_item: bool,
    positives: dict[tuple[int, int], Tensor] | None = None,
) -> Shares:
    """e^{s/τ} of the positive and of every present negative, one by one."""
    found: Shares = {}
    for b, k in each(online):
        if not (online.present[b, k] and teacher.present[b, k]):
            continue
        if positives is not None and (b, k) not in positives:
            continue
        positive = teacher.vectors[b, k] if positives is None else positives[b, k]
        row: dict[object, float] = {"positive": math.exp(cosine(online.vectors[b, k], positive) / temperature)}
        for c, m in each(online):
            if (c, m) != (b, k) and teacher.present[c, m] and (c != b or same_item):
                row[c, m] = math.exp(cosine(online.vectors[b, k], teacher.vectors[c, m]) / temperature)
        found[b, k] = row
    return found


def naive_contrast(found: Shares) -> float:
    """−log of the positive's share."""
    terms = [-math.log(row["positive"] / sum(row.values())) for row in found.values()]
    return sum(terms) / len(terms) if terms else 0.0


def naive_divergence(found: Shares, reference: Shares) -> float:
    """Σ p log(p / p') over the candidates that both have."""
    terms = []
    for place in found.keys() & reference.keys():
        names = found[place].keys() & reference[place].keys()
        p, r = (
            {name: side[place][name] / sum(side[place][n] for n in names) for name in names}
            for side in (found, reference)
        )
        terms.append(sum(p[name] * math.log(p[name] / r[name]) for name in names))
    return sum(terms) / len(terms) if terms else 0.0


def twice_mean(values: list[float]) -> float:
    """Twice the mean over pairs of views."""
    return 2 * sum(values) / len(values)


def view_pairs(online: list[Objects], teacher: list[Objects], same: bool = False) -> list[tuple[int, int]]:
    """Ordered pairs of views."""
    return [(i, j) for i in range(len(online)) for j in range(len(teacher)) if i != j or same]


def naive_relic(
    objective: Relic, online: list[Objects], teacher: list[Objects], frozen: list[Objects] | None = None
) -> float:
    """a · contrast + b · divergence of p_ij from p_ji, or from p_jj where the teacher did not see view i.

    What p is held against comes from the `frozen` predictions: through them no gradient flows.
    """
    pairs = view_pairs(online, teacher, objective.same_view)
    everything, reference = (
        {
            (i, j): shares(seen[i], teacher[j], objective.temperature, objective.same_item)
            for i, j in view_pairs(online, teacher, same=True)
        }
        for seen in (online, frozen or online)
    )
    contrast = twice_mean([naive_contrast(everything[pair]) for pair in pairs])
    penalty = twice_mean(
        [naive_divergence(everything[i, j], reference[(j, i) if i < len(teacher) else (j, j)]) for i, j in pairs]
    )
    return objective.contrast * contrast + objective.invariance * penalty


Entry = tuple[Tensor, int, int]
"""A vector, its label, its item."""


def naive_queue(queue: Queue, teacher: list[Objects], known: BatchInfo) -> list[list[Entry]]:
    """For every view, the labelled objects of the batch in front of what was there, as many as there is room for."""
    filled = []
    for view, objects in enumerate(teacher):
        new: list[Entry] = []
        for b, k in each(objects):
            if known.labels[b, k] >= 0 and any(bool(other.present[b, k]) for other in teacher):
                label = int(known.labels[b, k]) if objects.present[b, k] else -1
                new.append((objects.vectors[b, k], label, int(known.index[b])))
        old = zip(queue.vectors[view], queue.labels[view].tolist(), queue.index.tolist(), strict=True)
        filled.append([*new, *old][: len(queue.index)])
    return filled


def naive_pseudo_labels(
    online: list[Objects], filled: list[list[Entry]], known: BatchInfo, neighbours: int, metric: str
) -> dict[tuple[int, int], int]:
    """Every view asks every view of the queue for its nearest labelled entries of other items; they vote together."""
    guessed = {}
    for b, k in each(online[0]):
        votes, nearness = Counter[int](), defaultdict[int, float](float)
        for query in (view.vectors[b, k] for view in online if view.present[b, k]):
            for entries in filled:
                near = []
                for place, (key, label, item) in enumerate(entries):
                    if label >= 0 and item != int(known.index[b]):
                        distance = math.dist(query.tolist(), key.tolist())
                        close = (1 + cosine(query, key)) / 2 if metric == "cosine" else 1 / (1 + distance)
                        near.append((-round(close, 6), place, label))
                for close, _, label in sorted(near)[:neighbours]:
                    votes[label] += 1
                    nearness[label] -= close
        best = sorted(votes, key=lambda label: (-votes[label], -round(nearness[label], 5), label))
        guessed[b, k] = best[0] if best else -1
    return guessed


def naive_semantic(
    objective: Semantic,
    online: list[Objects],
    teacher: list[Objects],
    known: BatchInfo,
    frozen: list[Objects] | None = None,
) -> float:
    """a (L_AUGM + α L_SEMPOS) + b (I_AUGM + I_SEMPOS), with all negatives; draws follow the generator's numbers.

    What the divergences are held against comes from the `frozen` predictions.
    """
    pairs = view_pairs(online, teacher, objective.same_view)
    needed = list(dict.fromkeys([*pairs, *((j, j) for _, j in pairs)])) if objective.invariance else pairs
    filled = naive_queue(objective.queue, teacher, known)
    guessed = naive_pseudo_labels(online[: len(teacher)], filled, known, objective.neighbours, objective.metric)
    held = frozen or online

    def shares_of(
        seen: list[Objects], chosen: dict[tuple[int, int], dict[tuple[int, int], Tensor]] | None = None
    ) -> dict[tuple[int, int], Shares]:
        t, among = objective.temperature, objective.same_item
        return {
            (i, j): shares(seen[i], teacher[j], t, among, None if chosen is None else chosen[i, j]) for i, j in needed
        }

    def penalty(compared: dict[tuple[int, int], Shares], reference: dict[tuple[int, int], Shares]) -> float:
        if not objective.invariance:
            return 0.0
        return twice_mean(
            [naive_divergence(compared[i, j], reference[(j, i) if (j, i) in compared else (j, j)]) for i, j in pairs]
        )

    own = shares_of(online)
    augmentation, semantic = twice_mean([naive_contrast(own[pair]) for pair in pairs]), 0.0
    invariance = penalty(own, shares_of(held))
    for _ in range(objective.positives):
        chosen = {}
        for i, j in needed:
            luck = torch.rand(online[0].present.numel(), generator=known.generator).tolist()
            positives = {}
            for number, (b, k) in enumerate(each(online[0])):
                wanted = int(known.labels[b, k]) if known.labels[b, k] >= 0 else guessed[b, k]
                choice = [vector for vector, label, _ in filled[j] if label == wanted and wanted >= 0]
                if choice:
                    positives[b, k] = choice[int(luck[number] * len(choice))]
            chosen[i, j] = positives
        drawn = shares_of(online, chosen)
        semantic += twice_mean([naive_contrast(drawn[pair]) for pair in pairs]) / objective.positives
        invariance += penalty(drawn, shares_of(held, chosen)) / objective.positives
    return objective.contrast * (augmentation + objective.alpha * semantic) + objective.invariance * invariance


def naive_supervised_contrastive(
    online: list[Objects], teacher: list[Objects], known: BatchInfo, temperature: float
) -> float:
    """−1/|P| Σ log over the objects of the same class in all views; twice the mean."""
    terms = []
    for i, view in enumerate(online):
        for b, k in each(view):
            if not view.present[b, k]:
                continue
            everything, right = 0.0, []
            for j, other in enumerate(teacher):
                for c, m in each(other):
                    if other.present[c, m] and (i, b, k) != (j, c, m):
                        score = cosine(view.vectors[b, k], other.vectors[c, m]) / temperature
                        everything += math.exp(score)
                        alike = known.labels[c, m] == known.labels[b, k] and known.labels[b, k] >= 0
                        if (b, k) == (c, m) or alike:
                            right.append(score)
            if right:
                terms.append(-sum(score - math.log(everything) for score in right) / len(right))
    return 2 * sum(terms) / len(terms) if terms else 0.0


def naive(objective: AbstractObjective, online: list[Objects], teacher: list[Objects], known: BatchInfo) -> float:
    """The loss of a batch by its equation; for pairs of views, twice the mean over ordered pairs of different views."""
    if isinstance(objective, Combined):
        parts = [part for part in objective.objectives if isinstance(part, AbstractObjective)]
        return sum(w * naive(part, online, teacher, known) for w, part in zip(objective.weights, parts, strict=True))
    if isinstance(objective, Relic):
        return naive_relic(objective, online, teacher)
    if isinstance(objective, Paws):
        return naive_paws(objective, online, teacher, known)
    if isinstance(objective, Semantic):
        return naive_semantic(objective, online, teacher, known)
    if isinstance(objective, SupervisedContrastive):
        return naive_supervised_contrastive(online, teacher, known, objective.temperature)
    if isinstance(objective, Distillation):
        return naive_distillation(objective, online, teacher, known)
    symmetric = not isinstance(objective, Regression | Moco) or objective.symmetric
    losses = []
    for i, j in view_pairs(online, teacher):
        if not symmetric and j < i:
            continue
        if isinstance(objective, Regression):
            losses.append(naive_regression(online[i], teacher[j], objective.distance))
        elif isinstance(objective, Moco):
            losses.append(naive_moco(online[i], teacher[j], objective.queue.vectors[0], objective.temperature))
        elif isinstance(objective, Contrastive):
            own = teacher[i] if objective.same_view and i < len(teacher) else None
            negatives = objective.same_item, objective.other_items
            losses.append(
                naive_contrastive(
                    online[i], teacher[j], objective.temperature, own, *negatives, similarity=objective.similarity
                )
            )
        else:
            raise TypeError(f"write the equation of {type(objective).__name__} as a naive loop here")
    return twice_mean(losses) if symmetric else twice_mean(losses) / 2
