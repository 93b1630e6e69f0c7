"""Pairs of items: their vectors, a head that says whether they are the same, and what it says of others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, final

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from ..data.items import AbstractItems, Skipped
from ..data.segmentation import Segmentation
from ..evaluation.measures import AbstractMeasure, ValueMeasure
from ..evaluation.pair_scores import PairMeasure, scored_pairs
from ..evaluation.protocols.results import Evaluation
from ..evaluation.verification import Verification, verification
from ..fitting.fitted import Fitted, Said
from ..fitting.subjects import OfItems, OfPairs
from ..methods.targets import Classes, any_known
from ..networks.modes import evaluating
from .asking import encoded
from .evaluation_options import By, Evaluating
from .grouping import groups_of
from .inputs import Source
from .pair_table import PairTable, named_by, read_pairs, refuse_unnamed
from .parts_alone import parts_alone
from .sees_items import SeesItems

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class Pairs:
    """Pairs whose two items are there.

    Attributes:
        rows: of the table.
        first, second: their vectors.
        files: what either side is part of, by number.
        items: the numbers of all items of either side, the windows of both files.
        note: what of the table was not used, in a line.
    """

    rows: Int[Tensor, " pairs"]
    first: Float[Tensor, "pairs dim"]
    second: Float[Tensor, "pairs dim"]
    files: Int[Tensor, "pairs 2"]
    items: tuple[tuple[int, ...], ...]
    note: str

    def of(self, some: Bool[Tensor, " pairs"]) -> tuple[int, ...]:
        """The numbers of all items of some of the pairs, each once."""
        taken = (self.items[pair] for pair in some.nonzero()[:, 0].tolist())
        return tuple(sorted({number for numbers in taken for number in numbers}))


def vectors_of(
    model: SeesItems[ItemT], items: AbstractItems[ItemT], names: list[str | None], skipped: list[Skipped] | None
) -> dict[str, Float[Tensor, " dim"]]:
    """The vector of everything that has a name: the mean over the items of that name, the windows of a file."""
    sums, counts = dict[str, Tensor](), dict[str, int]()
    numbers = [index for index, name in enumerate(names) if name is not None]
    of, nothing = OfItems(), Segmentation.whole_items(1)
    for number, _, features, _ in encoded(model, of, items, numbers, skipped):
        name, vector = str(names[number]), of.asked(features, nothing).values[0, 0].double()
        sums[name] = sums[name] + vector if name in sums else vector
        counts[name] = counts.get(name, 0) + 1
    return {name: (total / counts[name]).float() for name, total in sums.items()}


def pairs_in(
    model: SeesItems[ItemT],
    of: OfPairs,
    items: AbstractItems[ItemT],
    table: PairTable,
    skipped: list[Skipped] | None,
    group: By = "whole",
) -> Pairs:
    """The pairs of a table; every item is encoded once (once for each part that is compared), a few at a time.

    Raises:
        ValueError: if none of them can be used.
    """
    names = named_by(table, items)
    sides = list[dict[str, Tensor]]()
    for part in of.parts:
        alone = parts_alone(Source(items, (), model.modality.name, skipped), model.modality, [part]).items
        assert alone is not None
        sides.append(vectors_of(model, alone, names, skipped))
    one, other = sides if sides else [vectors_of(model, items, names, skipped)] * 2
    there = [row for row, (a, b) in enumerate(table.names) if a in one and b in other]
    missing = sorted(set(range(len(table.names))) - set(there))
    refuse_unnamed(table, missing, items)
    own = dict[str, list[int]]()
    for index, name in enumerate(names):
        if name is not None:
            own.setdefault(name, []).append(index)
    groups = dict(zip(own, groups_of(items, [first for first, *_ in own.values()], group).tolist(), strict=True))
    both = [table.names[row] for row in there]
    note = table.note
    if missing:
        lost = f"not in this run: {len(missing)} of {len(table.names)} pairs, such as line {table.lines[missing[0]]}"
        note = f"{lost}; {note}" if note else lost
    return Pairs(
        torch.tensor(there),
        torch.stack([one[a] for a, _ in both]),
        torch.stack([other[b] for _, b in both]),
        torch.tensor([[groups[a], groups[b]] for a, b in both]),
        tuple((*own[a], *own[b]) for a, b in both),
        note,
    )


def say_of_pairs(fitted: Fitted, pairs: Pairs, device: torch.device) -> Said:
    """What a fit says of pairs, on the CPU.

    Raises:
        ValueError: if it is no fit to pairs.
    """
    with evaluating(fitted):
        said = fitted.say(of_pairs(fitted).joined(pairs.first.to(device), pairs.second.to(device)))
    return Said(said.outputs.cpu(), said.asked.cpu(), said.distance.cpu())


def of_pairs(fitted: Fitted | None) -> OfPairs:
    """What a fit is of.

    Raises:
        ValueError: if it is not of pairs.
    """
    if fitted is None or not isinstance(fitted.of, OfPairs):
        raise ValueError("this model says nothing of pairs: fit one with --labels FILE --label-kind pair")
    return fitted.of


def evaluate_pairs(
    model: SeesItems[ItemT],
    fitted: Fitted,
    items: AbstractItems[ItemT],
    labels: Any,
    options: Evaluating,
    skipped: list[Skipped] | None,
) -> Evaluation:
    """Score what a fit says of labelled pairs, with intervals by bootstrap over files.

    Raises:
        ValueError: if there is no table of pairs, or it says something else than the model.
    """
    if not isinstance(labels, Path):
        raise ValueError("pairs are scored by a table of them: --labels FILE, two names and what is known in every row")
    table = read_pairs(labels, options.label_column, skipped is not None)
    target, known = table.known()
    if type(target) is not type(fitted.target):
        raise ValueError(
            f"the model answers {type(fitted.target).__name__.lower()} of pairs, and {labels} has "
            f"{type(target).__name__.lower()}; see --label-column"
        )
    pairs = pairs_in(model, of_pairs(fitted), items, table, skipped, options.group)
    truth: Shaped[Tensor, "pairs ..."] = known[pairs.rows]
    there = any_known(truth)
    if not bool(there.any()):
        raise ValueError(f"{labels} says nothing of the pairs that are in this run")
    said = say_of_pairs(fitted, pairs, model.device).outputs[:, 0][there]
    classes, outputs = isinstance(target, Classes), said.double()
    measure: AbstractMeasure = PairMeasure(options.error_rate) if classes else ValueMeasure(fitted.target)
    first, second = pairs.files[there].unbind(dim=1)
    found = scored_pairs(outputs, truth[there], first, second, measure, options.resamples, options.seed)
    facts: tuple[tuple[str, str], ...] = (("labelled pairs", str(int(there.sum()))), ("files", str(found.groups)))
    if classes and len(truth[there].unique()) > 1:
        scores = fitted.target.decode(said)[:, -1]
        facts = (*facts, ("threshold", _threshold(verification(scores, truth[there] == 1, options.error_rate))))
    return Evaluation((found,), (), (*facts, ("not used", pairs.note)) if pairs.note else facts, pairs.of(there))


def _threshold(found: Verification) -> str:
    """The threshold of an error rate with both errors on the pairs that it was chosen on, in words."""
    if found.threshold == torch.inf:
        return "none keeps the error rate: the greatest score is that of a pair of different things"
    return (
        f"{found.threshold:.9g} accepts {found.false_accept:.1%} of the pairs of different things and rejects "
        f"{found.false_reject:.1%} of the same; gestalt predict --pairs FILE --threshold takes it"
    )
