"""A finished run and labels: what will be done is said, then a head is fitted, and the model is there."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

from ..data.items import AbstractItems, Skipped
from ..data.masks import AbstractMasks
from ..fitting.fitters import AbstractFitter, Linear
from ..fitting.fitters.base import check_answers
from ..fitting.held_out import splits_of
from ..fitting.learn import learned
from ..fitting.options import Fitting
from ..fitting.subjects import AbstractSubject, OfElements, OfItems, OfObjects
from ..fitting.task import Task
from ..methods.targets import Points, standardised
from ..networks.encoder import Network
from ..storage.naming import counted
from ..training.label_source import WORDS, labels_at
from ..training.labels import Labels
from .abstract_known import AbstractKnown
from .asking import Asked, labelled_vectors
from .fit_facts import Facts, Fit, after_facts, counts_of
from .gathering import drawn
from .grouping import groups_of, leaking
from .known import known_of
from .pair_fit import fit_pairs
from .sees_items import SeesItems
from .tuned import tuned

ItemT = TypeVar("ItemT")


def subject_of(options: Fitting, elements: bool) -> AbstractSubject:
    """What the labels are of; `elements`: they come for each."""
    named: dict[str, AbstractSubject] = {
        "items": OfItems(options.sums),
        "elements": OfElements(),
        "objects": OfObjects(),
    }
    return named[("elements" if elements else "items") if options.of == "auto" else options.of]


def fit_items(
    model: SeesItems[ItemT],
    items: AbstractItems[ItemT],
    labels: Labels | Path | None,
    masks: AbstractMasks[ItemT] | Path | None,
    fitter: AbstractFitter | None = None,
    options: Fitting | None = None,
    skipped: list[Skipped] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Fit:
    """Fit a head to labelled items of a data set.

    Args:
        model: a finished run.
        items: the data set.
        labels: one row per item, a table, or the word `folders`; a table of pairs.
        masks: that come with the data, in place of labels.
        fitter: of the head; linear.
        options: see `Fitting`.
        skipped: items that were left out so far; None where they are errors.
        say: is told, line by line, what will be done.

    Raises:
        ValueError: if labels and data do not fit, or the head cannot be fitted to them.
    """
    fitter, options = fitter or Linear(), options or Fitting()
    kind = options.label_kind
    if kind == "pair":
        return fit_pairs(model, items, labels, fitter, options, skipped, say)
    known: AbstractKnown[ItemT] = known_of(
        labels, masks, items, model.modality, options.label_column, kind, options.rest, skipped
    )
    if options.tune and not fitter.learns:
        raise ValueError(f"{fitter.described()} cannot be trained with the encoder: take --head linear, or mlp")
    group = group_column(items, labels, options, skipped)
    check_answers(fitter, known.target())
    trees = isinstance(known.target(), Points)
    options = replace(options, unknown=0.0) if trees else options  # every element has a parent
    of = subject_of(options, masks is not None or trees)
    numbers = drawn(known.numbers(), options.most, options.seed)
    asked = labelled_vectors(
        model, of, items, known, numbers, fitter, options.elements, skipped, options.seed
    )  # fmt: skip
    examples = asked.examples.grouped(_groups(asked.examples.index, items, group, options))
    refuse_one_class(asked, known.note)
    splits, held = splits_of(examples, options.folds, options.seed)
    hint: Facts = ()
    if group is None and splits and of.word == "item":
        hint = leaking(items, examples.index.tolist(), examples.known[:, 0], options.group)
    before = _before(asked, of, known, held, fitter, options) + hint
    for name, text in before:
        say(f"{name}: {text}")
    task = Task(standardised(asked.target, examples.facts()), options.balance, options.seed)
    fitter = fitter.chosen(examples, task, splits)
    network: Network | None = None
    after: Facts = ()
    if options.tune:
        network, found, steps = tuned(model, of, items, known, examples, fitter, splits, task, options, skipped)
        after += (("trained", f"{steps} of {options.tune} steps served held-out items best"),)
    else:
        found = learned(examples, of, task, fitter, splits, options.unknown, options.sure)
    return Fit(network, found.fitted, before, after_facts(found) + after, tuple(examples.index.unique().tolist()))


def refuse_one_class(asked: Asked, note: str = "") -> None:
    """Refuse classes of which one alone occurs; `note` is what of the labels was not used.

    Raises:
        ValueError: naming it.
    """
    known = asked.examples.facts()
    if known.ndim == 1 and len(some := known.unique()) == 1:
        rest = f" ({note})" if note else ""
        raise ValueError(
            f"all {counted(len(known), 'labelled row')} are of one class, {asked.target.columns[int(some[0])]!r}; a "
            f"head needs two classes at least: label some of another, or some that are none{rest}"
        )


def group_column(
    items: AbstractItems[Any], labels: Labels | Path | None, options: Fitting, skipped: Sequence[Skipped] | None
) -> Int[Tensor, " items"] | None:
    """The group of every item by `--group-column`, −1 for none; None where it is not asked for.

    It is a column of the labels' table, or else of the data's own records.

    Raises:
        ValueError: if there is no such column.
    """
    if options.group_column is None:
        return None
    of_items = options.label_kind != "tree"
    table = labels if of_items and isinstance(labels, Path) and str(labels) not in WORDS else None
    return labels_at(table, items, options.group_column, "class", skipped or (), skipped is not None).known


def _groups(
    index: Int[Tensor, " rows"], items: AbstractItems[Any], group: Int[Tensor, " items"] | None, options: Fitting
) -> Int[Tensor, " rows"]:
    some, place = index.unique(return_inverse=True)
    if group is None:
        return groups_of(items, some.tolist(), options.group)[place]
    column = group[some]
    own = int(column.max()) + 1 + torch.arange(len(some))  # an item without a group is one by itself
    return torch.where(column >= 0, column, own)[place]


def _before(
    asked: Asked, of: AbstractSubject, known: AbstractKnown[Any], held: str, fitter: AbstractFitter, options: Fitting
) -> Facts:
    examples = asked.examples
    rows, there = examples.facts(), len(examples.index.unique())
    what = f"{counted(len(rows), of.word)}" + ("" if of.word == "item" else f" of {counted(there, 'item')}")
    lines = [("labelled", f"{what}; {counts_of(asked.target, rows)}")]
    if known.said:
        lines.append(("labels", known.said))
    if known.note:
        lines.append(("not used", known.note))
    lines.append(("held out", held))
    balance = "" if options.balance == "none" else f"; rare classes by {options.balance}"
    tuned = "as it is"
    if options.tune:
        tuned = f"trained with the head for at most {options.tune} steps"
    lines.append(("to do", f"{fitter.described()}{balance}; encoder {tuned}"))
    return tuple(lines)
