"""Batches of feature maps, of which the elements of any items are taken: many at once, and copied once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from .feature_map import FeatureMap
from .grid import Grid
from .pieces import padded_grids
from .places import Parts, Places


@final
@dataclass(frozen=True)
class Own:
    """Some elements of one item: the number of its batch, its row there, which elements of the row, where they lie."""

    batch: int
    row: int
    numbers: Int[Tensor, " own"]
    places: Places | None


@final
@dataclass(frozen=True)
class Rows:
    """What is known of every element of some batches."""

    of_batches: tuple[Shaped[Tensor, "_ _ *rest"], ...]

    @cached_property
    def flat(self) -> Tensor:
        """All elements of all batches one behind the other, padding included."""
        flat = [rows.flatten(0, 1) for rows in self.of_batches]
        return torch.cat(flat) if len(flat) > 1 else flat[0]

    def taken(self, chosen: "Chosen") -> Shaped[Tensor, "items most *rest"]:
        """Those of the chosen elements, zero on padding."""
        if chosen.everything:
            return self.of_batches[0].contiguous()
        taken = self.flat.index_select(0, chosen.flat)
        if chosen.missing is not None:
            taken.index_fill_(0, chosen.missing, 0)
        return taken.view(*chosen.index.shape, *taken.shape[1:])


@final
@dataclass(frozen=True)
class Chosen:
    """Elements of some items as a batch.

    Attributes:
        index: which of all elements of all batches, one behind the other; −1 on padding.
        numbers: which elements of their rows.
        places: where they lie.
        everything: whether they are all elements of the only batch, in their order.
    """

    index: Int[Tensor, "items most"]
    numbers: Int[Tensor, "items most"]
    places: Places | None
    everything: bool

    @cached_property
    def flat(self) -> Int[Tensor, " all"]:
        """The same in a row, any element in the place of padding."""
        return self.index.clamp(min=0).flatten()

    @cached_property
    def missing(self) -> Int[Tensor, " missing"] | None:
        """What is padding in that row; None where nothing is."""
        missing = (self.index.flatten() < 0).nonzero()[:, 0]
        return missing if len(missing) else None


@final
@dataclass(frozen=True)
class Batches:
    """Feature maps of some batches, on the CPU.

    Example:
        >>> whole = FeatureMap.padded([torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[4.0]])])
        >>> batches = Batches.of([whole])
        >>> batches.taken([Own(0, 1, torch.tensor([0]), None), Own(0, 0, torch.tensor([2, 0]), None)]).values.tolist()
        [[[4.0], [0.0]], [[3.0], [1.0]]]
    """

    values: Rows
    valid: Rows
    near: Rows | None

    @classmethod
    def of(cls, maps: Sequence[FeatureMap]) -> "Batches":
        """Of one or several."""
        near = [one.neighbours.cpu() for one in maps if one.neighbours is not None]
        return cls(
            Rows(tuple(one.values.cpu() for one in maps)),
            Rows(tuple(one.valid.cpu() for one in maps)),
            _widened(near) if len(near) == len(maps) else None,
        )

    def chosen(self, items: Sequence[Own]) -> Chosen:
        """The elements of some items, padded to one batch; of items with parts, every part by itself.

        Raises:
            ValueError: if they lie on lattices that differ along other axes than the first.
        """
        shapes = [rows.shape for rows in self.valid.of_batches]
        firsts = [0]
        for batch, elements in shapes:
            firsts.append(firsts[-1] + batch * elements)
        begins = torch.tensor([firsts[one.batch] + one.row * shapes[one.batch][1] for one in items])
        numbers, places = _part_by_part(items) if isinstance(items[0].places, Parts) else _as_one(items)
        index = numbers + begins[:, None]
        if any(one.numbers is not items[0].numbers for one in items):  # else they are as many, and nothing is padding
            index.masked_fill_(numbers < 0, -1)
        everything = len(shapes) == 1 and index.shape == shapes[0]
        everything = everything and torch.equal(index.flatten(), torch.arange(index.numel()))
        return Chosen(index, numbers, places, everything)

    def taken(self, items: Sequence[Own]) -> FeatureMap:
        """The elements of some items as one batch: what `padded_features` makes of each by itself (`part_of`)."""
        return self.at(self.chosen(items))

    def at(self, chosen: Chosen) -> FeatureMap:
        """The chosen elements."""
        valid = self.valid.taken(chosen)
        near = None
        if self.near is not None and not isinstance(chosen.places, Grid):
            near = self._near(self.near, chosen, valid)
        return FeatureMap(self.values.taken(chosen), valid, chosen.places, near)

    def _near(
        self, near: Rows, chosen: Chosen, valid: Bool[Tensor, "items most"]
    ) -> Bool[Tensor, "items most most"] | None:
        """Which of them are neighbours; elements of different parts are (`joined`)."""
        rows = near.taken(chosen)
        most = chosen.numbers.shape[1]
        there = chosen.numbers >= 0
        if torch.equal(torch.arange(most) * there, chosen.numbers.clamp(min=0)):
            own = rows[:, :, :most]  # the first elements of every row: nothing changes its place
        else:
            own = rows.gather(2, chosen.numbers.clamp(min=0)[:, None].expand(-1, most, -1))
        own = own & there[:, None]
        if not isinstance(chosen.places, Parts):
            return own
        owner = chosen.places.owner()
        return torch.where(owner[:, None] == owner, own, valid[:, None] & valid[:, :, None])


def _padded(numbers: Sequence[Int[Tensor, " _"]]) -> Int[Tensor, "items most"]:
    if all(one is numbers[0] for one in numbers):  # items of one size share them
        return numbers[0].expand(len(numbers), -1)
    padded: Tensor = torch.nn.utils.rnn.pad_sequence(list(numbers), batch_first=True, padding_value=-1)
    return padded


def _as_one(items: Sequence[Own]) -> tuple[Int[Tensor, "items most"], Places | None]:
    places = padded_grids([one.places if isinstance(one.places, Grid) else None for one in items])
    return _padded([one.numbers for one in items]), places


def _part_by_part(items: Sequence[Own]) -> tuple[Int[Tensor, "items most"], Places | None]:
    every = [one.places for one in items if isinstance(one.places, Parts)]
    names = every[0].names
    numbers = list[Tensor]()
    grids = list[Grid | None]()
    for place, name in enumerate(names):
        numbers.append(_padded([one.numbers[own.here(name)] for one, own in zip(items, every, strict=True)]))
        grids.append(padded_grids([own.grids[place] for own in every]))
    cells = tuple(one.shape[1] for one in numbers)
    return torch.cat(numbers, dim=1), Parts(names, cells, tuple(grids), every[0].in_time)


def _widened(near: Sequence[Bool[Tensor, "_ _ _"]]) -> Rows:
    """As wide as the widest of the batches, so that all lie one behind the other."""
    widest = max(one.shape[2] for one in near)
    return Rows(tuple(torch.nn.functional.pad(one, (0, widest - one.shape[2])) for one in near))
