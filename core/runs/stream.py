"""The items under some paths through a finished run, a few at a time: what its commands have in common."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, final

from tqdm import tqdm

from ..data.items import AbstractItems, Remarked, Skipped
from ..discovery.found import FoundBatch
from ..modality.optional import ReadsFullResolution
from ..storage.atomic import write_text
from ..storage.listing import listed
from ..storage.naming import first_lines
from .answering import item_predictions, said_of
from .blocks.shared import Shared, Sharing, work_on
from .model import Model
from .output_folder import BLOCKS
from .reading import reading_for
from .results import ItemPrediction

ItemT = TypeVar("ItemT")

NOTHING = (
    "nothing was found: to what the run learned, everything is alike, or like the background; train it for longer, on "
    "data like these"
)


@final
@dataclass(frozen=True)
class Stream(Generic[ItemT]):
    """All items under some paths with their features and objects; each is read and encoded once, when its turn comes.

    Attributes:
        model: encodes them.
        items: where they come from.
        skipped: those that were left out so far; None where they are errors.
        full: items are those of `read_full`; the network takes them smaller, one at a time.
        damaged: files of which a part is missing; what is there is among the items.
        elsewhere: the workers that encode them; None where this process does.
    """

    model: Model[ItemT]
    items: AbstractItems[ItemT]
    skipped: list[Skipped] | None
    full: bool = False
    damaged: tuple[Skipped, ...] = ()
    elsewhere: Shared[ItemT] | None = None

    @classmethod
    def of(cls, model: Model[ItemT], paths: Sequence[Path], skip_bad: bool, full: bool = False) -> "Stream[ItemT]":
        """The items that the run's modality reads.

        Args:
            model: a finished run.
            paths: files and folders.
            skip_bad: leave out what cannot be used.
            full: at the files' own resolution, where the modality can.

        Raises:
            BadItemError: for the first file that cannot be used, unless `skip_bad`.
        """
        modality = model.modality
        left_out = [listed(path).left_out() for path in paths if path.is_dir()]
        if any(left_out):
            print(f"not looked into: {'; '.join(filter(None, left_out))}", file=sys.stderr)
        in_full = full and isinstance(modality, ReadsFullResolution)
        reading = reading_for(modality, paths, skip_bad, in_full)
        damaged = [f"damaged {entry.said}" for entry in reading.damaged]
        for line in first_lines(damaged, f"damaged {len(damaged)} files in all, which damaged.txt lists"):
            print(line, file=sys.stderr)
        for line in reading.items.remarks if isinstance(reading.items, Remarked) else ():
            print(line, file=sys.stderr)
        skipped = list(reading.skipped) if skip_bad else None
        return cls(model, reading.items, skipped, in_full, reading.damaged)

    def shared(
        self, sharing: Sharing | None, run: Path, paths: Sequence[Path], named: Any, out: Path
    ) -> "Stream[ItemT]":
        """The same, encoded by the workers of an engine, if one is asked for.

        Args:
            sharing: the engine, and what it gets.
            run: the folder of the model.
            paths: those that the items were read from.
            named: the modality, as the user named it.
            out: the folder of the results, in which those of blocks are kept until all are there.
        """
        if sharing is None:
            return self
        where = str(self.model.device), self.model.precision
        work = work_on(run, paths, self.skipped is not None, named, where, self.full, out / BLOCKS)
        together = self.model.together(self.items, self.full)
        return replace(self, elsewhere=Shared(work, sharing.engine, sharing.block, together))

    def seeing(self, finds: bool) -> "Stream[ItemT]":
        """The same without objects, where nobody needs them."""
        elsewhere = None if self.elsewhere is None else self.elsewhere.seeing(finds)
        return replace(self, model=self.model.seeing(finds), elsewhere=elsewhere)

    def __iter__(self) -> Iterator[FoundBatch[ItemT]]:
        """The items in their order. Where there is no object in any of them, this is said at the end.

        Raises:
            BadItemError: for an item that cannot be read, where they are errors.
            ValueError: at the end, if no item could be read.
        """
        read, empty = 0, self.model.finder is not None
        batches = self._encoded()
        with tqdm(total=len(self.items), unit="item") as progress:
            for batch in batches:
                read += len(batch.index)
                empty = empty and batch.named is None and not bool(batch.segmentation.weights.any())
                yield batch
                progress.update(batch.index[-1] + 1 - progress.n)
        self._refuse_nothing(read)
        if empty:
            print(NOTHING, file=sys.stderr)

    def predictions(self) -> Iterator[ItemPrediction]:
        """What the run's task head says of the items, in their order; errors as above.

        Raises:
            ValueError: also if the run has no task head.
        """
        fitted = self.model.fitted
        if fitted is None:
            self.model.refuse_without_task()  # before there is a bar of progress that the message would stand behind
        elif self.elsewhere is not None:
            for batch in self.seeing(fitted.of.of_found):
                yield from item_predictions(
                    fitted, batch.index, said_of(fitted, batch, self.model.device), self.items.name
                )
            return
        read = 0
        predictions = self._predictions()
        with tqdm(total=len(self.items), unit="item") as progress:
            for one in predictions:
                read += 1
                yield one
                progress.update()
        self._refuse_nothing(read)

    def _encoded(self) -> Iterator[FoundBatch[ItemT]]:
        if self.elsewhere is not None:
            return self.elsewhere.found(self.items, self.skipped)
        return self.model.encoded(self.items, self.skipped, self.full)

    def _predictions(self) -> Iterator[ItemPrediction]:
        if self.elsewhere is not None:
            return self.elsewhere.predictions(self.items, self.skipped)
        return self.model.predictions(self.items, self.skipped)

    def _refuse_nothing(self, read: int) -> None:
        if not read:
            last = (self.skipped or [Skipped("the data", "there are no items")])[-1]
            raise ValueError(f"none of {len(self.items)} items can be read; {last.said}")

    def write_skipped(self, folder: Path) -> str:
        """Write `skipped.txt` if anything was left out, and `damaged.txt` if a part is missing; how that is said."""
        said = ""
        for entries, name, words in (
            (self.skipped, "skipped.txt", "left out, skipped.txt says what and why"),
            (self.damaged, "damaged.txt", "damaged, damaged.txt says how"),
        ):
            if entries:
                write_text(folder / name, "".join(f"{entry.said}\n" for entry in entries))
                said += f"; {len(entries)} {words}"
        return said
