"""A run or a model judged by labelled data: by what it answers, or by protocols; what it has seen before is said."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ..data.masks import AbstractMasks
from ..evaluation.protocols import AbstractProtocol, Evaluation, protocols_of
from ..evaluation.protocols.chosen import DEFAULT
from ..fitting.fitted import Fitted
from ..training.labels import Labels
from .answer_scores import evaluate_answers
from .evaluating import Evaluator
from .seen import seen_again
from .sees_items import SeesItems

ItemT = TypeVar("ItemT")


def evaluation_of(
    model: SeesItems[ItemT],
    fitted: Fitted | None,
    run: Path | None,
    by: Evaluator[ItemT],
    labels: Labels | Path | None,
    masks: AbstractMasks[ItemT] | Path | None,
    protocols: dict[str, AbstractProtocol] | None,
) -> Evaluation:
    """Scores of what a fit answers, or of protocols.

    Args:
        model: what is judged.
        fitted: what answers; None where there is no fit.
        run: its folder, which says what it has seen; None for one that is in no folder.
        by: the items, and how they are scored.
        labels, masks: what is known of the items.
        protocols: in place of the answers, and of the usual protocols where nothing answers.

    Raises:
        ValueError: see `Evaluator.evaluate` and `evaluate_answers`.
    """
    if protocols is None and fitted is not None:
        found = evaluate_answers(model, fitted, by.items, labels, masks, by.options, by.skipped)
    else:
        found = by.evaluate(labels, masks, protocols_of(DEFAULT) if protocols is None else protocols)
    return replace(found, facts=(*found.facts, *seen_again(run, by.items, found.scored)))
