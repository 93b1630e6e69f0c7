"""Labelled vectors: what heads are fitted to, and asked about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor
from torch.nn.functional import pad

from ..data.feature_map import FeatureMap, Grid
from ..data.places import Parts
from ..methods.targets import any_known


@final
@dataclass(frozen=True)
class Examples:
    """One vector a row, or all vectors of an item a row, for heads that see elements together.

    Attributes:
        asked: the vectors, on the CPU.
        known: what is known of each, in the target's form.
        index: the number of every row's item in the data set.
        groups: rows of one group are learned from or held out together.
    """

    asked: FeatureMap
    known: Shaped[Tensor, "rows asked ..."]
    index: Int[Tensor, " rows"]
    groups: Int[Tensor, " rows"]

    def __len__(self) -> int:
        return len(self.index)

    def there(self) -> Bool[Tensor, "rows asked"]:
        """Of which vectors anything is known."""
        return self.asked.valid & any_known(self.known, axes=2)

    def some(self, rows: Int[Tensor, " some"]) -> "Examples":
        """Some of the rows."""
        return Examples(self.asked.rows(rows), self.known[rows], self.index[rows], self.groups[rows])

    def vectors(self) -> Float[Tensor, "known dim"]:
        """Those of which anything is known, one behind the other."""
        return self.asked.values[self.there()].float()

    def facts(self) -> Shaped[Tensor, "known ..."]:
        """What is known of these."""
        return self.known[self.there()]

    def grouped(self, groups: Int[Tensor, " rows"]) -> "Examples":
        """The same rows in other groups."""
        return Examples(self.asked, self.known, self.index, groups)


def as_rows(
    parts: Sequence[FeatureMap], known: Sequence[Shaped[Tensor, "1 _ ..."]], index: Int[Tensor, " items"]
) -> Examples:
    """One row for every vector of which anything is known; every item is a group.

    Args:
        parts: items, batches of one.
        known: what is known of each one's vectors.
        index: the items' numbers.
    """
    there = [one.valid & any_known(said, axes=2) for one, said in zip(parts, known, strict=True)]
    vectors = torch.cat([one.values[where].float() for one, where in zip(parts, there, strict=True)])
    facts = torch.cat([said[where] for said, where in zip(known, there, strict=True)])
    owner = index.repeat_interleave(torch.tensor([int(where.sum()) for where in there], dtype=torch.long))
    valid = torch.ones(len(vectors), 1, dtype=torch.bool)
    return Examples(FeatureMap(vectors[:, None], valid), facts[:, None], owner, owner)


def as_items(
    parts: Sequence[FeatureMap], known: Sequence[Shaped[Tensor, "1 _ ..."]], index: Int[Tensor, " items"]
) -> Examples:
    """One row for every item, with all its vectors on their lattice, padded at the ends of its axes.

    Raises:
        ValueError: if the lattices have different numbers of axes, or are those of several parts.

    Example:
        >>> parts = [FeatureMap.padded([torch.ones(count, 2)], step=1.0) for count in (1, 3)]
        >>> known = [torch.zeros(1, count, dtype=torch.long) for count in (1, 3)]
        >>> examples = as_items(parts, known, torch.tensor([4, 7]))
        >>> examples.known.tolist(), examples.asked.grid.shape
        ([[0, -1, -1], [0, 0, 0]], (3,))
    """
    if any(isinstance(one.places, Parts) for one in parts):
        raise ValueError("a convolution goes along one lattice, and these are elements of several parts: --head linear")
    shapes = [tuple(one.valid.shape[1:]) if one.grid is None else one.grid.shape for one in parts]
    if len(axes := {len(shape) for shape in shapes}) > 1:
        raise ValueError(f"elements lie on lattices of {sorted(axes)} axes, and a convolution needs one number of them")
    most = tuple(max(lengths) for lengths in zip(*shapes, strict=True))
    values, valid, facts = list[Tensor](), list[Tensor](), list[Tensor]()
    for one, said, shape in zip(parts, known, shapes, strict=True):
        empty = torch.nan if said.is_floating_point() else -1
        values.append(_padded(one.values.float(), shape, most, 0.0))
        valid.append(_padded(one.valid, shape, most, False))
        facts.append(_padded(said, shape, most, empty))
    lattice = Grid.uniform(most, (1.0,) * len(most))
    return Examples(FeatureMap(torch.cat(values), torch.cat(valid), lattice), torch.cat(facts), index, index)


def as_sets(
    parts: Sequence[FeatureMap], known: Sequence[Shaped[Tensor, "1 _ ..."]], index: Int[Tensor, " items"]
) -> Examples:
    """One row for every item, with all its vectors in a set, padded behind the last."""
    most = max(one.valid.shape[1] for one in parts)
    missing = [most - one.valid.shape[1] for one in parts]
    values = torch.cat([pad(one.values.float(), (0, 0, 0, more)) for one, more in zip(parts, missing, strict=True)])
    valid = torch.cat([pad(one.valid, (0, more)) for one, more in zip(parts, missing, strict=True)])
    empty = torch.nan if known[0].is_floating_point() else -1
    behind = [0, 0] * (known[0].ndim - 2)
    facts = [pad(said, (*behind, 0, more), value=empty) for said, more in zip(known, missing, strict=True)]
    return Examples(FeatureMap(values, valid), torch.cat(facts), index, index)


def _padded(rows: Tensor, shape: Sequence[int], most: Sequence[int], value: bool | int | float) -> Tensor:
    """Elements of one item on a larger lattice."""
    trailing = rows.ndim - 2
    on_lattice = rows.unflatten(1, tuple(shape))
    missing = [0, 0] * trailing
    for length, longest in reversed(list(zip(shape, most, strict=True))):
        missing += [0, longest - length]
    return pad(on_lattice, missing, value=value).flatten(1, len(most))
