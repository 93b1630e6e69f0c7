"""A model judged by labelled data: what it answers against what is known, by the metrics of its target."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar, final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ..data.items import AbstractItems, Skipped
from ..data.masks import AbstractMasks
from ..discovery.found import FoundBatch
from ..evaluation.arborescence import AttachmentMeasure
from ..evaluation.given_answers import scored
from ..evaluation.measures import ClassMeasure, MeanMeasure, OverlapMeasure
from ..evaluation.named_counts import CountsMeasure
from ..evaluation.protocols.base import Answer, measure_of
from ..evaluation.protocols.results import Evaluation, Result
from ..fitting.fitted import UNKNOWN, Fitted
from ..fitting.subjects import OfPairs
from ..methods.targets import AbstractTarget, Classes, Errs, Points, any_known
from ..training.labels import Labels
from .answering import said_of
from .asking import encoded
from .evaluation_options import Evaluating
from .found_things import FoundThings
from .gathering import drawn
from .grouping import groups_of
from .known import KnownMasks, known_here, known_of
from .mask_classes import NONE
from .pairs import evaluate_pairs
from .sees_items import SeesItems
from .trees import decided

ItemT = TypeVar("ItemT")


@final
@dataclass
class Rows:
    """What was said of labelled rows so far."""

    outputs: list[Float[Tensor, "rows outputs"]] = field(default_factory=list)
    known: list[Shaped[Tensor, "rows ..."]] = field(default_factory=list)
    distance: list[Float[Tensor, " rows"]] = field(default_factory=list)
    index: list[int] = field(default_factory=list)


def evaluate_answers(
    model: SeesItems[ItemT],
    fitted: Fitted,
    items: AbstractItems[ItemT],
    labels: Labels | Path | None,
    masks: AbstractMasks[ItemT] | Path | None,
    options: Evaluating,
    skipped: list[Skipped] | None,
) -> Evaluation:
    """Score what a fit says of everything that is labelled.

    Classes are matched by name. Rows of a class that the model does not have are scored where `unknown` is an answer,
    and it is the right one of them.

    Args:
        model: encodes the items.
        fitted: what answers.
        items: the data set.
        labels, masks: what is known of them, one or the other.
        options: groups and draws; there are no splits, since nothing is learned.
        skipped: items that were left out so far; None where they are errors.

    Raises:
        ValueError: if nothing is labelled that the model could answer.
    """
    if isinstance(fitted.of, OfPairs):
        return evaluate_pairs(model, fitted, items, labels, options, skipped)
    column, written = options.label_column, fitted.target.written
    rest: Literal["none", "unlabelled"] = "none" if NONE in fitted.target.columns else "unlabelled"
    known = known_of(labels, masks, items, model.modality, column, written, rest, skipped)
    rows, things = Rows(), None
    if isinstance(known, KnownMasks):
        things = FoundThings(fitted, model.modality, items, known.masks)
    numbers = drawn(known.numbers(), options.most, options.seed)
    each = max(1, options.elements // max(len(numbers), 1))
    for number, item, features, found in encoded(model, fitted.of, items, numbers, skipped):
        here = known_here(known, number, item, features, skipped)
        if here is None:
            continue
        batch = FoundBatch((number,), (item,), features, found)
        said = said_of(fitted, batch, model.device)
        if things is not None:
            things.see(batch, said)
        truth = fitted.of.known(known.target(), here, features, found)
        there = (said.asked & any_known(truth, axes=2))[0].nonzero()[:, 0]
        outputs = said.outputs[0]
        if isinstance(fitted.target, Points):  # a tree is one answer: all of its elements
            outputs = decided(fitted, outputs, said.asked[0])[0]
        else:
            chance = torch.Generator().manual_seed(options.seed * 1_000_003 + number)
            there = there[torch.randperm(len(there), generator=chance)[:each]]
        rows.outputs.append(outputs[there])
        rows.known.append(truth[0, there])
        rows.distance.append(said.distance[0, there])
        rows.index += [number] * len(there)
    if not rows.index:
        raise ValueError(f"no {fitted.of.word} of any labelled item is labelled: see whether labels fit the data")
    target, truth = known.settled(torch.cat(rows.known))
    groups = groups_of(items, rows.index, options.group)
    results = _of_rows(fitted, target, truth, rows, groups, options)
    if things is not None:
        for variant, counts, wholes in things.counted():
            measure = CountsMeasure(things.names)
            answer = Answer(variant, counts[None], torch.zeros(len(counts)), wholes, measure)
            results.append(scored(things.word, answer, fitted.target, options.resamples, options.seed))
    taken = (("labels", known.said),) if known.said else ()
    facts = (*taken, (f"labelled {fitted.of.word}s", str(len(truth))), ("groups", str(len(groups.unique()))))
    return Evaluation(tuple(results), (), facts, tuple(sorted(set(rows.index))))


def _of_rows(
    fitted: Fitted,
    target: AbstractTarget,
    truth: Shaped[Tensor, "rows ..."],
    rows: Rows,
    groups: Int[Tensor, " rows"],
    options: Evaluating,
) -> list[Result]:
    outputs, distance = torch.cat(rows.outputs), torch.cat(rows.distance)
    mine = fitted.target
    known, left = by_name(mine, target, truth)
    asked = any_known(known)
    if not bool(asked.any()):
        raise ValueError(
            f"what is labelled is {', '.join(target.columns)}, and the model answers {', '.join(mine.columns)}; no "
            "name is the same"
        )
    note = f"{left} rows are of classes that the model does not have" if left else ""
    measure = AttachmentMeasure() if isinstance(mine, Points) else measure_of(mine)
    first = Answer("", outputs[None, asked].double(), known[asked], groups[asked], measure, note)
    found = [scored("answers", first, mine, options.resamples, options.seed)]
    if isinstance(mine, Errs) and fitted.has_margins:
        errors, margins = mine.errors(outputs[asked], known[asked]), fitted.margins_at(distance[asked])
        one = Answer(
            "",
            torch.stack([_mean_known(errors <= margins, errors), _mean_known(margins, errors)], dim=1)[None],
            known[asked],
            groups[asked],
            MeanMeasure(("coverage", "margin")),
        )
        found.append(scored("margins", one, mine, options.resamples, options.seed))
    if not isinstance(mine, Classes):
        return found
    decided = outputs.argmax(dim=1)
    if fitted.of.word == "element":
        one = Answer("", decided[None, asked, None].double(), known[asked], groups[asked], OverlapMeasure())
        found.append(scored("overlap", one, mine, options.resamples, options.seed))
    if bool(torch.isfinite(fitted.threshold)):
        names = (*mine.names, UNKNOWN)
        decided = torch.where(distance > fitted.threshold.cpu(), len(names) - 1, decided)
        sides = torch.where(asked, known, len(names) - 1)
        one_hot = torch.nn.functional.one_hot(decided, len(names)).double()
        second = Answer("", one_hot[None], sides, groups, ClassMeasure(probabilities=False))
        found.append(scored("answers with unknown", second, Classes(names), options.resamples, options.seed))
    return found


def _mean_known(numbers: Shaped[Tensor, "rows values"], errors: Float[Tensor, "rows values"]) -> Float[Tensor, " rows"]:
    """The mean over the values of every row that are known."""
    there = ~errors.isnan()
    total: Tensor = torch.where(there, numbers.double(), 0.0).sum(dim=1)
    return total / there.sum(dim=1).clamp(min=1)


def by_name(
    mine: AbstractTarget, theirs: AbstractTarget, known: Shaped[Tensor, "rows ..."]
) -> tuple[Shaped[Tensor, "rows ..."], int]:
    """What is known in the numbering of a model's target, nothing where it lacks the name; how many rows it lacks.

    Raises:
        ValueError: if one is of classes, and the other is not.

    Example:
        >>> by_name(Classes(("cat", "dog")), Classes(("cow", "dog")), torch.tensor([0, 1]))
        (tensor([-1,  1]), 1)
    """
    if type(mine) is not type(theirs):
        raise ValueError(
            f"the model answers {type(mine).__name__.lower()}, and what is labelled is "
            f"{type(theirs).__name__.lower()}; see --label-column"
        )
    if isinstance(mine, Points):
        return mine.renumbered(known, theirs.columns)
    names = list(mine.columns)
    if known.ndim == 1:
        place = torch.tensor([names.index(name) if name in names else -1 for name in theirs.columns] + [-1])
        found = place[known]
        return found, int(((found < 0) & (known >= 0)).sum())
    if len(names) == len(theirs.columns) == 1:
        return known, 0
    columns = [list(theirs.columns).index(name) if name in theirs.columns else -1 for name in names]
    padded = torch.cat([known, torch.full_like(known[:, :1], torch.nan)], dim=1)
    return padded[:, columns], 0
