"""From numbered items to batches of views: the same batches for any number of workers, from any step on."""

import copy
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ..data.correspondence import AbstractCorrespondence
from ..data.items import AbstractItems, BadItemError, Skipped, as_bad_item
from ..data.mask_batches import JoinedMasks, carried, coarsened, unmoved
from ..data.masks import AbstractMasks, ItemMasks
from ..data.view import Batch, View
from ..modality.transform import Views
from .labels import Labels
from .transplanting import ObjectTransplants, Transplanting

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class ItemRequest:
    """A request for one item's views: everything random in them follows from (seed, epoch, index, repeat).

    `repeat` counts how often the item came in the same step before, so that an item that is repeated within a batch
    is seen in other views each time.
    """

    index: int
    epoch: int
    seed: int
    repeat: int = 0


@final
@dataclass(frozen=True)
class ItemViews(Generic[ItemT]):
    """One item and its views, source first, each with its correspondence; the source's masks and numbers.

    `applied` is the number of the alternative by which each view was changed in the end, where there are any; `drawn`
    what is still to be done to each view but the source, where something is.
    """

    views: tuple[tuple[ItemT, AbstractCorrespondence], ...]
    index: int
    name: str
    skipped: tuple[Skipped, ...]
    masks: ItemMasks | None = None
    computed: Tensor | None = None
    applied: tuple[int, ...] = ()
    drawn: tuple[Tensor, ...] = ()


@final
class Order(Sampler[list[ItemRequest]]):
    """Which items make up each step: every epoch a new permutation, a pure function of (seed, step, rank).

    An epoch has ⌊items / batch⌋ steps; the rest of the permutation waits for another epoch. A data set smaller than
    a batch repeats items within it.

    With `labelled` items and their `share`, every batch, and evenly every rank's part of it, has so many labelled
    ones; labelled and other items go through permutations of their own. An epoch is then one of the other items.

    Example:
        >>> order = Order(items=6, batch=2, steps=4, seed=0)
        >>> sorted(request.index for step in list(order)[:3] for request in step)
        [0, 1, 2, 3, 4, 5]
        >>> list(Order(6, 2, 4, 0, start=2)) == list(order)[2:]
        True
        >>> mixed = Order(items=6, batch=4, steps=2, seed=0, labelled=[1, 5], share=0.25)
        >>> [sum(request.index in (1, 5) for request in step) for step in mixed]
        [1, 1]

    Raises:
        ValueError: if there are no items, or the share cannot be kept.
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
        labelled: Sequence[int] = (),
        share: float = 0.0,
    ) -> None:
        if items < 1:
            raise ValueError("there are no items to train on; check the data path")
        self.items, self.batch, self.steps, self.seed, self.start = items, batch, steps, seed, start
        self.parts, self.rank, self.ranks = parts, rank, ranks
        self.streams = [_Stream(torch.arange(items), batch, (seed,))]
        if share:
            self.streams = _mixed(items, batch, seed, labelled, share)

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch."""
        return self.streams[0].steps_per_epoch

    def between(self, start: int, stop: int) -> "Order":
        """The same order from one step until another.

        Example:
            >>> order = Order(items=6, batch=2, steps=4, seed=0)
            >>> list(order.between(1, 3)) == list(order)[1:3]
            True
        """
        part = copy.copy(self)
        part.start, part.steps = start, stop
        return part

    def members(self) -> list[int]:
        """The items of all these steps on all ranks, each once, sorted; all where the steps are an epoch or more.

        Example:
            >>> Order(items=6, batch=2, steps=4, seed=0).between(0, 3).members()
            [0, 1, 2, 3, 4, 5]
        """
        steps = range(self.start, self.steps)
        if len(steps) >= self.steps_per_epoch:
            return list(range(self.items))
        return sorted({one.index for step in steps for stream in self.streams for one in stream.draw(step, self.seed)})

    def __len__(self) -> int:
        return (self.steps - self.start) * self.parts

    def __iter__(self) -> Iterator[list[ItemRequest]]:
        share = self.batch // (self.parts * self.ranks)
        for step in range(self.start, self.steps):
            drawn = [stream.draw(step, self.seed) for stream in self.streams]
            requests = _numbered(drawn[0] if len(drawn) == 1 else _interleaved(drawn[0], drawn[1]))
            for part in range(self.parts):
                begin = (part * self.ranks + self.rank) * share
                yield requests[begin : begin + share]


@final
class _Stream:
    """Items that take turns: `count` of them at every step."""

    def __init__(self, members: Tensor, count: int, seeds: tuple[int, ...]) -> None:
        self.members, self.count, self.seeds = members, count, seeds
        self.steps_per_epoch = max(len(members) // count, 1)
        self._epoch, self._order = -1, members

    def draw(self, step: int, seed: int) -> list[ItemRequest]:
        """The requests of a step."""
        epoch = step // self.steps_per_epoch
        if epoch != self._epoch:
            first, *others = self.seeds
            generator = torch.Generator().manual_seed(mix(first, epoch, *others))
            self._epoch = epoch
            self._order = self.members[torch.randperm(len(self.members), generator=generator)]
        begin = (step % self.steps_per_epoch) * self.count
        places = range(begin, begin + self.count)
        return [ItemRequest(int(self._order[place % len(self._order)]), epoch, seed) for place in places]


def _mixed(items: int, batch: int, seed: int, labelled: Sequence[int], share: float) -> list[_Stream]:
    known = torch.tensor(sorted(labelled), dtype=torch.long)
    others = torch.ones(items, dtype=torch.bool)
    others[known] = False
    count = round(share * batch)
    if not 0 < share < 1 or not 0 < count < batch or not len(known) or not bool(others.any()):
        raise ValueError(
            f"{len(known)} of {items} items are labelled, so {count} of the {batch} items of a step cannot be: both "
            "kinds are needed, at least one at every step; choose another share, 0 takes items as they come"
        )
    return [_Stream(others.nonzero()[:, 0], batch - count, (seed,)), _Stream(known, count, (seed, 1))]


def _interleaved(others: list[ItemRequest], labelled: list[ItemRequest]) -> list[ItemRequest]:
    """Both kinds evenly spread, so that every rank and part has its share."""
    batch = len(others) + len(labelled)
    rest, known = iter(others), iter(labelled)
    here = [(place + 1) * len(labelled) // batch > place * len(labelled) // batch for place in range(batch)]
    return [next(known) if is_told else next(rest) for is_told in here]


def _numbered(requests: list[ItemRequest]) -> list[ItemRequest]:
    """The same requests, those of an item that was asked for before numbered by their repetition."""
    seen: dict[int, int] = {}
    numbered = []
    for request in requests:
        repeat = seen.get(request.index, 0)
        seen[request.index] = repeat + 1
        numbered.append(replace(request, repeat=repeat) if repeat else request)
    return numbered


def mix(*numbers: int) -> int:
    """One well-mixed 63-bit seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


@final
class ViewsDataset(Dataset[ItemViews[ItemT] | BadItemError]):
    """Reads an item and makes its views.

    An item that turns out to be bad, whatever is raised over it, is returned as the error that names it, so that the
    main process can raise it; with `skip_bad` the next readable item takes its place and the bad one is listed.

    Masks are those of the item, and what is compared lies on the source, so they are carried there by the source's
    transform. That changes no view: what is random is drawn as it is without masks.

    With `transplants`, objects of other items are set into an item that has masks before its views are made: all views
    show the same composed item, and its masks say which elements the new objects have.
    """

    def __init__(
        self,
        items: AbstractItems[ItemT],
        views: Views[ItemT],
        skip_bad: bool,
        masks: AbstractMasks[ItemT] | None = None,
        transplants: ObjectTransplants[ItemT] | None = None,
        computing: Callable[[ItemT, str], Tensor] | None = None,
    ) -> None:
        self.items = items
        self.views = views
        self.skip_bad = skip_bad
        self.masks = masks
        self.computing = computing
        self.transplanting: Transplanting[ItemT] | None = None
        if transplants is not None:
            if masks is None:
                raise ValueError("objects are set into other items by their masks, and there are none; give masks too")
            self.transplanting = Transplanting(items, masks, transplants, skip_bad)

    def __getitem__(self, request: ItemRequest) -> ItemViews[ItemT] | BadItemError:
        skipped: list[Skipped] = []
        for distance in range(len(self.items)):
            index = (request.index + distance) % len(self.items)
            # Whatever is asked for twice in a step, or takes the place of a bad item, has random numbers of its own.
            again = [request.repeat, distance] if distance else [request.repeat] if request.repeat else []
            rng = np.random.default_rng([request.seed, request.epoch, index, *again])
            try:
                return self._seen(request, index, distance, rng, skipped)
            except Exception as error:
                bad = as_bad_item(self.items.name(index), error)
                if not self.skip_bad:
                    return bad
                skipped.append(Skipped(bad.name, bad.reason))
        first = skipped[0]
        return BadItemError(first.name, f"{first.reason}; nor can any other of {len(self.items)} items be read")

    def _seen(
        self, request: ItemRequest, index: int, distance: int, rng: np.random.Generator, skipped: list[Skipped]
    ) -> ItemViews[ItemT]:
        item = self.items.read(index, rng)
        masks = None if self.masks is None else self.masks.of_item(index, item)
        if self.transplanting is not None and masks is not None:
            numbers = (request.seed, request.epoch, index, request.repeat, distance)
            item, masks, passed = self.transplanting(index, item, masks, numbers)
            skipped += passed
        source, origin = self.views.source(item, rng)
        computed = None if self.computing is None else self.computing(source, self.items.name(index))
        seen = self.views.seen(source, rng)
        if masks is not None:
            masks = carried(coarsened(masks), origin)
        every = ((source, unmoved(origin)), *seen.views)
        name = self.items.name(index)
        return ItemViews(every, index, name, tuple(skipped), masks, computed, seen.applied, seen.drawn)


def join(seen: Sequence[ItemViews[ItemT]], collate: Callable[[Sequence[ItemT]], Any]) -> Batch[Any]:
    """Items with their views as one batch."""
    views = []
    for number in range(len(seen[0].views)):
        items = [item.views[number][0] for item in seen]
        first, *rest = (item.views[number][1] for item in seen)
        views.append(View(collate(items), first.join(rest)))
    source, *others = views
    computed = [item.computed for item in seen if item.computed is not None]
    return Batch(
        source,
        tuple(others),
        tuple(item.name for item in seen),
        torch.tensor([item.index for item in seen]),
        skipped=tuple(skipped for item in seen for skipped in item.skipped),
        computed=torch.stack(computed) if computed else None,
        applied=torch.tensor([item.applied for item in seen]) if seen[0].applied else None,
        drawn=tuple(torch.stack([item.drawn[number] for item in seen]) for number in range(len(seen[0].drawn))),
    )


@final
@dataclass(frozen=True)
class Collate(Generic[ItemT]):
    """What the loader calls; a class, so that it can travel to worker processes.

    Masks come beside the batch: as segments they are large, and are made in the process that asks for the batch.
    """

    collate: Callable[[Sequence[ItemT]], Any]
    masks: bool = False

    def __call__(
        self, seen: Sequence[ItemViews[ItemT] | BadItemError]
    ) -> tuple[Batch[Any], JoinedMasks | None] | BadItemError:
        good = []
        for item in seen:
            if isinstance(item, BadItemError):
                return item
            good.append(item)
        masks = JoinedMasks.of([item.masks for item in good]) if self.masks else None
        return join(good, self.collate), masks


def begin_worker(_: int) -> None:
    """One thread. Signals that reach all processes (Ctrl-C, a scheduler's SIGTERM) are the main one's to answer.

    It needs its workers to finish the step. A second SIGTERM ends a worker, so that the main process can end one that
    hangs.
    """
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: signal.signal(number, signal.SIG_DFL))


def batches(
    items: AbstractItems[ItemT],
    views: Views[ItemT],
    collate: Callable[[Sequence[ItemT]], Any],
    order: Order,
    workers: int,
    skip_bad: bool,
    labels: Labels | None = None,
    masks: AbstractMasks[ItemT] | None = None,
    transplants: ObjectTransplants[ItemT] | None = None,
    computing: Callable[[ItemT, str], Tensor] | None = None,
) -> Iterator[Batch[Any]]:
    """The batches of every step that `order` has left, with what is known of their items.

    With `masks` every batch has the masks of its items; an item without one is one object. With `transplants` items
    that have masks get objects of one another; with `computing` every batch has what that computes from each source
    item, whose name it is told.

    Raises:
        BadItemError: for an item that cannot be read, unless `skip_bad`.
        ValueError: for transplants without masks.
    """
    loader = DataLoader(
        ViewsDataset(items, views, skip_bad, masks, transplants, computing),
        batch_sampler=order,
        collate_fn=Collate(collate, masks is not None),
        num_workers=workers,
        worker_init_fn=begin_worker,
        prefetch_factor=4 if workers else None,
    )
    for loaded in loader:
        if isinstance(loaded, BadItemError):
            raise loaded
        batch, joined = loaded
        if joined is not None:
            batch = replace(batch, masks=joined.segmentation())
        if labels is not None:
            batch = replace(batch, labels=labels.known[batch.index])
        yield batch
