"""Where the batches of a training come from: round by round, each with the segments that it learns from."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar, final

from lightning_fabric import Fabric

from ..data.items import AbstractItems, Skipped
from ..data.view import Batch
from ..discovery.segmenters.in_rounds import in_rounds
from ..methods.step import AbstractLearner
from ..modality.batch_changes import BatchChanges
from ..modality.optional import ReadsContext
from .cutting import put_together
from .data import Order, batches
from .given_masks import with_equal_objects
from .kept_items import KeptItems, remove_kept
from .options import Training
from .round_plan import RoundPlan
from .round_signs import RoundSigns, write_signs
from .rounds import RoundKeeper
from .steady_items import SteadyItems
from .training_data import TrainingData

ItemT = TypeVar("ItemT")

GIGABYTE = 1_000_000_000


@final
class BatchSource(Generic[ItemT]):
    """The batches from step `start` on; a learner without rounds has one round.

    Args:
        fabric: the processes that share the work.
        learner: whose segmenter says whether there are rounds.
        data: what is learned from.
        options: of the training.
        folder: of the run.
        start: the first step that is asked for.
    """

    def __init__(
        self,
        fabric: Fabric,
        learner: AbstractLearner[Any],
        data: TrainingData[ItemT],
        options: Training,
        folder: Path,
        start: int,
    ) -> None:
        self.fabric, self.data, self.options, self.folder = fabric, data, options, folder
        known = () if data.labels is None else data.labels.known_items().tolist()
        share = options.labelled if data.labels is not None else 0.0
        count = len(data.items)
        ranks, rank = fabric.world_size, fabric.global_rank
        self.order = Order(
            count, options.batch, options.steps, options.seed, start, options.accumulate, rank, ranks, known, share
        )
        self.plan = RoundPlan.of(learner, options, self.order.steps_per_epoch)
        segmenter = in_rounds(learner)
        self.kept: KeptItems[ItemT] | None = None
        around: AbstractItems[ItemT] | None = None
        if segmenter is not None:
            steady = SteadyItems(data.items, options.seed)
            if segmenter.rounds.context and isinstance(steady.items, ReadsContext):
                around = steady.items
            data = replace(data, items=steady)
        if options.kept_items:
            self.kept = KeptItems(data.items, self._file, int(options.kept_items * GIGABYTE), self.data.items)
            data = replace(data, items=self.kept)
        self.keeper = (
            None if segmenter is None else RoundKeeper(fabric, segmenter, data, options, folder / "segments", around)
        )
        self.finishing = tuple[BatchChanges, ...]()
        if options.batch_transforms:
            views = data.views.on_batches()
            data, self.finishing = replace(data, views=views), views.finishing
        self.data = data
        self.skipped = list[Skipped]()
        self._until = start
        self._batches: Iterator[Batch[Any]] = iter(())

    def forget(self) -> None:
        """Remove the segments that an earlier run left."""
        if self.keeper is not None:
            self.keeper.forget()
        self.forget_items()

    def forget_items(self) -> None:
        """Remove the decoded items, of an earlier run or of this one when it is over."""
        self._batches = iter(())  # its processes have the file open
        if self.kept is not None:
            self.kept.close()
        self.fabric.barrier()
        if self.fabric.local_rank == 0:
            remove_kept(self._file)
        self.fabric.barrier()

    @property
    def _file(self) -> Path:
        """Where the decoded items of this machine are kept, if they are."""
        return self.folder / f"items-{self.fabric.node_rank}.sqlite"

    def is_over(self, step: int) -> bool:
        """Whether the round that was opened last ends before a step."""
        return step == self._until

    def begins(self, step: int) -> bool:
        """Whether a round whose segments are to be found begins with a step."""
        return self.keeper is not None and step == self.plan.begin(step)

    def open(self, step: int) -> RoundSigns | None:
        """Open the round of a step, finding its segments where it begins; its signs, on the first process."""
        self._until = self.plan.end(step)
        data, signs = self.data, None
        if self.keeper is not None:
            number, begins = self.plan.round_of(step), self.begins(step)
            wanted = self.order.between(self.plan.begin(step), self._until).members()
            segmenter = self.keeper.segmenter
            # Processes have different numbers of items to find segments in.
            with put_together(segmenter, segmenter.source.network):
                own, passed = self.keeper.segments(number, begins, wanted)
                if begins and self.fabric.is_global_zero:
                    signs = self.keeper.signs(number, step, wanted)
            self.skipped += passed
            data = replace(data, masks=own)
            if signs is not None:
                write_signs(self.folder, signs)
        self._batches = batches(
            data.items,
            data.views,
            data.collate,
            self.order.between(step, self._until),
            self.options.workers,
            data.skip_bad,
            data.labels,
            data.masks,
            data.transplants,
            data.computing,
        )
        return signs

    def take(self) -> Batch[Any]:
        """The next batch, on the device."""
        batch = finished(with_equal_objects(next(self._batches).to(self.fabric.device)), self.finishing)
        self.skipped += batch.skipped
        return batch


def finished(batch: Batch[Any], finishing: Sequence[BatchChanges]) -> Batch[Any]:
    """The batch with what is still to be done to its views, where it lies."""
    if not finishing:
        return batch
    views = [
        replace(view, data=changes(view.data, drawn))
        for view, changes, drawn in zip(batch.views, finishing, batch.drawn, strict=True)
    ]
    return replace(batch, views=tuple(views), drawn=())
