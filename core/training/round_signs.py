"""Signs without labels that rounds lead somewhere: how many objects there are, how rounds and how views agree."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import final

from jaxtyping import Int
from torch import Tensor

from ..data.masks import ItemMasks
from ..evaluation.partition import adjusted_rand_index
from ..storage.atomic import write_text
from ..storage.damage import read_or_name

ROUNDS = "rounds.csv"
ITEMS = 256
"""So many items, the first of the training set, are looked at."""


@final
@dataclass(frozen=True)
class RoundSigns:
    """What the segments of a round look like.

    Attributes:
        round: its number.
        step: with which it begins.
        objects: an item has, on average.
        size: the mean share of its item that an object takes up.
        background: the share of elements that belong to no object.
        agreement: the adjusted Rand index between the segments of this round and the one before, the mean over items;
            NaN in the first.
        merged: the share of the borders of the round before (neighbouring elements in two objects) that lie within one
            object now; NaN in the first, and where nobody knows which elements are neighbours.
        views: the adjusted Rand index between what is found in a view and in its source, see `agreement_of_views`.
    """

    round: int
    step: int
    objects: float
    size: float
    background: float
    agreement: float
    merged: float
    views: float = math.nan

    @classmethod
    def of(
        cls,
        number: int,
        step: int,
        found: Sequence[ItemMasks | None],
        before: Sequence[ItemMasks | None],
        views: float = math.nan,
    ) -> "RoundSigns":
        """The signs of a round; `before` are the segments of the same items in the round before, empty in the first.

        Example:
            >>> import torch
            >>> one, two = ItemMasks(torch.tensor([0, 0, 1, -1]), None), ItemMasks(torch.tensor([0, 0, 1, 2]), None)
            >>> signs = RoundSigns.of(1, 300, [two], [one])
            >>> signs.objects, round(signs.size, 2), signs.background, signs.agreement
            (3.0, 0.33, 0.0, 1.0)
        """
        there = [one for one in found if one is not None]
        counts = [float(len(one.objects())) for one in there]
        empty = [float((one.labels < 0).float().mean()) for one in there if len(one.labels)]
        sizes = [(1 - none) / count for none, count in zip(empty, counts, strict=False) if count]
        pairs = [(a, b) for a, b in zip(found, before, strict=False) if a and b and a.labels.shape == b.labels.shape]
        agreement = [float(adjusted_rand_index(a.labels[None].long(), b.labels[None].long() + 1)) for a, b in pairs]
        borders = [_borders(a, b) for a, b in pairs]
        gone, all_ = sum(one for one, _ in borders), sum(every for _, every in borders)
        merged = gone / all_ if all_ else math.nan
        return cls(number, step, _mean(counts), _mean(sizes), _mean(empty), _mean(agreement), merged, views)

    def said(self) -> str:
        """In a line."""
        text = f"round {self.round}: {self.objects:.1f} objects an item, {self.background:.0%} background"
        if not math.isnan(self.agreement):
            text += f"; they agree with the round before by {self.agreement:.2f} (adjusted Rand index)"
        if not math.isnan(self.views):
            text += f"; two views of an item agree by {self.views:.2f}"
        return text


def _borders(found: ItemMasks, before: ItemMasks) -> tuple[int, int]:
    """Borders of before that are within one object now, and all of them."""
    if found.parts is not None and before.parts is not None:
        if found.parts.cells != before.parts.cells:
            return 0, 0
        pairs = [_borders(found.part(name), before.part(name)) for name in found.parts.names]
        return sum(gone for gone, _ in pairs), sum(every for _, every in pairs)
    if found.grid is None:
        return 0, 0
    now, then = found.labels.view(found.grid.shape), before.labels.view(found.grid.shape)
    gone = every = 0
    for axis in range(now.ndim):
        border = _neighbours(then, axis, same=False)
        every += int(border.sum())
        gone += int((border & _neighbours(now, axis, same=True)).sum())
    return gone, every


def _neighbours(labels: Int[Tensor, "..."], axis: int, same: bool) -> Tensor:
    """Which neighbours along an axis are of one object, or of two."""
    one, other = labels.narrow(axis, 0, labels.shape[axis] - 1), labels.narrow(axis, 1, labels.shape[axis] - 1)
    return (one == other) if same else (one != other)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def write_signs(folder: Path, signs: RoundSigns) -> None:
    """Put the signs of a round into `rounds.csv`, in place of what was there of it and of later rounds."""
    rows = [row for row in read_signs(folder) if row.round < signs.round]
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(RoundSigns)], lineterminator="\n")
    writer.writeheader()
    for row in (*rows, signs):
        writer.writerow({name: f"{value:.6g}" for name, value in asdict(row).items()})
    write_text(folder / ROUNDS, text.getvalue())


def read_signs(folder: Path) -> list[RoundSigns]:
    """The signs of all rounds so far; none where there is no file.

    Raises:
        ValueError: naming the file, if it is damaged.
    """
    path = folder / ROUNDS
    if not path.is_file():
        return []
    return read_or_name(path, _signs, "remove it, and the report begins with the next round")


def _signs(path: Path) -> list[RoundSigns]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    return [RoundSigns(**{**row, "round": int(row["round"]), "step": int(row["step"])}) for row in rows]  # type: ignore[arg-type]
