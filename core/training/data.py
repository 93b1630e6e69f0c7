"""From numbered items to batches of views: the same batches for any number of workers, from any step on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, final

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from ..correspondence import AbstractCorrespondence
from ..items import AbstractItems, BadItemError, Skipped
from ..transform import Views
from ..view import Batch, View

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class Ticket:
    """A request for one item's views: everything random in them follows from (seed, epoch, index)."""

    index: int
    epoch: int
    seed: int


@final
@dataclass(frozen=True)
class Looks(Generic[ItemT]):
    """One item and its views, source first, each with its correspondence to the source."""

    views: tuple[tuple[ItemT, AbstractCorrespondence], ...]
    index: int
    name: str
    skipped: tuple[Skipped, ...]


@final
class Order(Sampler[list[Ticket]]):
    """Which items make up each step: every epoch a new permutation, a pure function of (seed, step, rank).

    An epoch has ⌊items / batch⌋ steps; the rest of the permutation waits for another epoch. A data set smaller than
    a batch repeats items within it.

    Example:
        >>> order = Order(items=6, batch=2, steps=4, seed=0)
        >>> sorted(ticket.index for step in list(order)[:3] for ticket in step)
        [0, 1, 2, 3, 4, 5]
        >>> list(Order(6, 2, 4, 0, start=2)) == list(order)[2:]
        True
    """

    def __init__(
        self,
        items: int,
        batch: int,
        steps: int,
        seed: int,
        start: int = 0,
        parts: int = 1,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        if items < 1:
            raise ValueError("there are no items to train on; check the data path")
        self.items, self.batch, self.steps, self.seed, self.start = items, batch, steps, seed, start
        self.parts, self.rank, self.ranks = parts, rank, ranks

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch."""
        return max(self.items // self.batch, 1)

    def __len__(self) -> int:
        return (self.steps - self.start) * self.parts

    def __iter__(self) -> Iterator[list[Ticket]]:
        epoch, permutation = -1, torch.empty(0, dtype=torch.long)
        share = self.batch // (self.parts * self.ranks)
        for step in range(self.start, self.steps):
            if step // self.steps_per_epoch != epoch:
                epoch = step // self.steps_per_epoch
                generator = torch.Generator().manual_seed(mix(self.seed, epoch))
                permutation = torch.randperm(self.items, generator=generator)
            first = (step % self.steps_per_epoch) * self.batch
            for part in range(self.parts):
                begin = first + (part * self.ranks + self.rank) * share
                places = range(begin, begin + share)
                yield [Ticket(int(permutation[p % self.items]), epoch, self.seed) for p in places]


def mix(*numbers: int) -> int:
    """One well-mixed 63-bit seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


@final
class ItemViews(Dataset[Looks[ItemT] | BadItemError]):
    """Reads an item and makes its views.

    An item that turns out to be bad is returned as the error itself, so that the main process can raise it as it is;
    with `skip_bad` the next readable item takes its place and the bad one is listed.
    """

    def __init__(self, items: AbstractItems[ItemT], views: Views[ItemT], skip_bad: bool) -> None:
        self.items = items
        self.views = views
        self.skip_bad = skip_bad

    def __getitem__(self, ticket: Ticket) -> Looks[ItemT] | BadItemError:
        skipped: list[Skipped] = []
        for distance in range(len(self.items)):
            index = (ticket.index + distance) % len(self.items)
            rng = np.random.default_rng([ticket.seed, ticket.epoch, index])
            try:
                item = self.items.read(index, rng)
            except BadItemError as error:
                if not self.skip_bad:
                    return error
                skipped.append(Skipped(error.name, error.reason))
                continue
            source, origin = self.views.source(item, rng)
            views = tuple(view(source, rng) for view in self.views.views)
            return Looks(((source, origin), *views), index, self.items.name(index), tuple(skipped))
        return BadItemError(self.items.name(ticket.index), "no item of the data set can be read")


def join(looks: Sequence[Looks[ItemT]], collate: Callable[[Sequence[ItemT]], Any]) -> Batch[Any]:
    """Items with their views as one batch."""
    views = []
    for number in range(len(looks[0].views)):
        items = [look.views[number][0] for look in looks]
        first, *rest = (look.views[number][1] for look in looks)
        views.append(View(collate(items), first.join(rest)))
    source, *others = views
    return Batch(
        source,
        tuple(others),
        tuple(look.name for look in looks),
        torch.tensor([look.index for look in looks]),
        skipped=tuple(skipped for look in looks for skipped in look.skipped),
    )


@final
@dataclass(frozen=True)
class Collate(Generic[ItemT]):
    """What the loader calls; a class, so that it can travel to worker processes."""

    collate: Callable[[Sequence[ItemT]], Any]

    def __call__(self, looks: Sequence[Looks[ItemT] | BadItemError]) -> Batch[Any] | BadItemError:
        good = []
        for look in looks:
            if isinstance(look, BadItemError):
                return look
            good.append(look)
        return join(good, self.collate)


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)


def batches(
    items: AbstractItems[ItemT],
    views: Views[ItemT],
    collate: Callable[[Sequence[ItemT]], Any],
    order: Order,
    workers: int,
    skip_bad: bool,
) -> Iterator[Batch[Any]]:
    """The batches of every step that `order` has left.

    Raises:
        BadItemError: for an item that cannot be read, unless `skip_bad`.
    """
    loader = DataLoader(
        ItemViews(items, views, skip_bad),
        batch_sampler=order,
        collate_fn=Collate(collate),
        num_workers=workers,
        worker_init_fn=_one_thread,
        prefetch_factor=4 if workers else None,
    )
    for batch in loader:
        if isinstance(batch, BadItemError):
            raise batch
        yield batch
