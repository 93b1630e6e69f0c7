"""Rounds: the segments of all items are found, kept, and used until the next round."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, final

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ..data.cut import cut
from ..data.items import AbstractItems, BadItemError, Skipped, as_bad_item, read_item
from ..data.masks import AbstractMasks, ItemMasks
from ..discovery.segmenters.in_rounds import InRounds
from ..modality.in_context import in_context
from ..modality.sight import sight_of
from ..modality.windows import InContext, Sight
from .data import begin_worker, mix
from .kept_segments import KeptSegments
from .options import Training
from .round_context import segments_in_context
from .round_signs import ITEMS, RoundSigns
from .training_data import TrainingData
from .view_signs import agreement_of_views

ItemT = TypeVar("ItemT")

CHUNK = 32
"""Items that are segmented at once."""


@final
class _Reads(Dataset["tuple[int, Any]"], Generic[ItemT]):
    """Items as a round reads them, by their numbers; with what lies around them where networks have a sight."""

    def __init__(self, items: AbstractItems[ItemT], sight: Sight | None) -> None:
        self.items, self.sight = items, sight

    def __getitem__(self, index: int) -> "tuple[int, ItemT | InContext[ItemT] | BadItemError]":
        try:
            if self.sight is None:
                return index, read_item(self.items, index, np.random.default_rng(0))
            return index, in_context(self.items, index, self.sight)
        except Exception as error:  # as `read_item`: libraries raise whatever they like
            return index, as_bad_item(self.items.name(index), error)


@final
@dataclass(frozen=True)
class RoundKeeper(Generic[ItemT]):
    """Finds the segments of every round and keeps them under `folder`.

    Attributes:
        fabric: the processes that share the work.
        segmenter: finds segments.
        data: the training set, whose items are read in one way (`SteadyItems`); masks that come with it are the
            segments of round 0.
        options: of the training.
        folder: one folder per round in it.
        around: the same items, where they can be read with what lies around them and are to be.
    """

    fabric: Fabric
    segmenter: InRounds
    data: TrainingData[ItemT]
    options: Training
    folder: Path
    around: AbstractItems[ItemT] | None = None

    def forget(self) -> None:
        """Remove what an earlier run left."""
        if self.fabric.is_global_zero:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.fabric.barrier()

    def segments(
        self, number: int, begins: bool = True, wanted: Sequence[int] | None = None
    ) -> tuple[AbstractMasks[ItemT], list[Skipped]]:
        """The segments of a round, and the items that could not be read; what is kept already is not found again.

        Args:
            number: of the round.
            begins: whether the round begins now: later, the network is another than the one that found its segments.
            wanted: the items that the round learns from: a short run on many items need not look at all of them.

        Raises:
            FileNotFoundError: if segments are missing in the middle of a round.
            BadItemError: for an item that cannot be read, unless `skip_bad`.
            OSError: if the disk is full or refuses.
        """
        if number == 0 and self.data.masks is not None:
            return self.data.masks, []
        kept = KeptSegments(self.folder / f"round-{number}", len(self.data.items), wanted)
        skipped = list[Skipped]()
        mine = kept.filled()[self.fabric.global_rank :: self.fabric.world_size]
        missing = [shard for shard in mine if not kept.path(shard).is_file()]
        if missing and not begins:
            raise FileNotFoundError(
                f"{kept.path(missing[0])} is missing, and the network that found these segments has gone on: begin the "
                "run again in another folder"
            )
        sight = self._sight(number) if missing else None
        with tqdm(total=len(missing), desc=f"segments of round {number}", unit="file", leave=False) as bar:
            for shard in missing:
                kept.write(shard, dict(self._found(number, kept.numbers(shard), sight, skipped)))
                bar.update()
        self.fabric.barrier()
        return kept, skipped

    def _found(
        self, number: int, numbers: Sequence[int], sight: Sight | None, skipped: list[Skipped]
    ) -> Iterator[tuple[int, ItemMasks]]:
        loader = DataLoader(
            _Reads(self.data.items if sight is None or self.around is None else self.around, sight),
            batch_size=CHUNK,
            sampler=list(numbers),
            collate_fn=list,
            num_workers=self.options.workers,
            worker_init_fn=begin_worker,
        )
        for read in loader:
            good = [(index, item) for index, item in read if not isinstance(item, BadItemError)]
            for _, error in read:
                if isinstance(error, BadItemError):
                    if not self.data.skip_bad:
                        raise error
                    skipped.append(Skipped(error.name, error.reason))
            if good:
                generator = torch.Generator().manual_seed(mix(self.options.seed, number, good[0][0]))
                masks = self._segmented(number, [item for _, item in good], sight, generator)
                yield from ((index, own) for (index, _), own in zip(good, masks, strict=True) if own is not None)

    def _segmented(
        self, number: int, read: Sequence[Any], sight: Sight | None, generator: torch.Generator
    ) -> list[ItemMasks | None]:
        collate, device = self.data.collate, self.fabric.device
        if sight is None:
            return cut(*self.segmenter.find(number, collate(read).to(device), generator))
        return segments_in_context(self.segmenter, number, read, collate, device, generator)

    def _sight(self, number: int) -> Sight | None:
        """With what networks look at windows; None where these are seen alone."""
        if self.around is None or not self.segmenter.discovers(number):
            return None
        return sight_of(self.segmenter.source.network, self.segmenter.finder, self.data.collate, self.around)

    def signs(self, number: int, step: int, learned: Sequence[int]) -> RoundSigns:
        """What the segments of a round look like, beside those of the round before, and whether views agree.

        Args:
            number: of the round.
            step: where it begins.
            learned: the items that it learns from.
        """
        rng, steady = np.random.default_rng(0), self.data.items

        def first(of: int) -> list[ItemMasks | None]:
            if of < 0:
                return []
            kept = self._masks(of)
            found = list[ItemMasks | None]()
            for index in range(min(ITEMS, len(self.data.items))):
                try:
                    item = steady.read(index, rng) if of == 0 and self.data.masks is not None else None
                    found.append(kept.of_item(index, item) if kept.has(index) else None)
                except FileNotFoundError:  # the round did not learn from any item of the file
                    found.append(None)
                except BadItemError:
                    if not self.data.skip_bad:
                        raise
                    found.append(None)
            return found

        views = agreement_of_views(self.segmenter, number, self.data, self.options.seed, learned, self.fabric.device)
        return RoundSigns.of(number, step, first(number), first(number - 1), views)

    def _masks(self, number: int) -> AbstractMasks[Any]:
        if number == 0 and self.data.masks is not None:
            return self.data.masks
        return KeptSegments(self.folder / f"round-{number}", len(self.data.items))
