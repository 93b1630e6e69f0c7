"""Fine-tuning of a fit: items are read batch after batch, seen without context, and known as they were before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, final

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.items import AbstractItems, Skipped, read_item
from ..data.own_elements import own_places
from ..data.resampling import averaged
from ..data.segmentation import Segmentation
from ..discovery.found import FoundBatch
from ..evaluation.splitting import Split
from ..evaluation.vectors import device_of
from ..fitting.descent import row_chances
from ..fitting.examples import Examples
from ..fitting.fitted import nearest_distance
from ..fitting.fitters import AbstractFitter
from ..fitting.held_out import HeldOut
from ..fitting.learn import Learned, settle, with_memory
from ..fitting.options import Fitting
from ..fitting.subjects import AbstractSubject, OfElements
from ..fitting.task import Task, outputs_of
from ..fitting.tuning import Seen, Tuning, tune
from ..methods.targets import Points
from ..networks.encoder import AbstractEncoder, Network
from .abstract_known import AbstractKnown
from .asking import alone, labelled_vectors
from .encoding import no_objects
from .known import known_here
from .sees_items import SeesItems

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class ItemsToSee(Generic[ItemT]):
    """Batches of labelled items through an encoder that is being trained.

    Attributes:
        model: says how items are collated and objects found.
        of: what the target is of.
        items: the data set.
        known: what is known of them, settled.
        skipped: items that were left out so far; None where they are errors.
    """

    model: SeesItems[ItemT]
    of: AbstractSubject
    items: AbstractItems[ItemT]
    known: AbstractKnown[ItemT]
    skipped: list[Skipped] | None

    def __call__(self, encoder: AbstractEncoder, numbers: Sequence[int]) -> Seen:
        """What is asked about in these items, and what is known of it."""
        some = [read_item(self.items, number, np.random.default_rng(0)) for number in numbers]
        data = self.model.modality.collate(some).to(device_of(encoder))
        features: FeatureMap = encoder(data)
        found = self._found(encoder, features, data)
        plain = FoundBatch(tuple(numbers), tuple(some), _detached(features).to("cpu"), found.to("cpu"))
        said = [self._said(plain, row) for row in range(len(some))]
        known = self._batched(said, plain)
        target = self.known.target()
        return self.of.asked(features, found), self.of.known(target, known, plain.features, plain.segmentation)

    def _found(self, encoder: AbstractEncoder, features: FeatureMap, data: Any) -> Segmentation:
        if not self.of.of_found:
            return no_objects(features)
        assert self.model.finder is not None
        network = Network(encoder, self.model.network.projector)
        with torch.no_grad():
            plain = _detached(features)
            found = self.model.finder(network, plain, data, torch.Generator().manual_seed(self.model.seed))
        return averaged(found, features)

    def _said(self, batch: FoundBatch[ItemT], row: int) -> Shaped[Tensor, "1 ..."] | None:
        one, found = alone(batch, row)
        said = known_here(self.known, batch.index[row], batch.items[row], one, self.skipped)
        values = said is not None and said.is_floating_point()
        if said is None or said.ndim == 1 + values:
            return said
        return OfElements().known(self.known.target(), said, one, found)

    def _batched(
        self, said: Sequence[Shaped[Tensor, "1 ..."] | None], batch: FoundBatch[ItemT]
    ) -> Shaped[Tensor, "batch ..."]:
        """What is known of items as one tensor; that of elements at the places where the batch has them."""
        first = next(one for one in said if one is not None)
        empty = torch.nan if first.is_floating_point() else -1
        if first.ndim == 1 + first.is_floating_point():
            return torch.cat([torch.full_like(first, empty) if one is None else one for one in said])
        features = batch.features
        known = first.new_full((len(said), features.valid.shape[1], *first.shape[2:]), empty)
        target = self.known.target()
        for row, one in enumerate(said):
            if one is not None:
                index, _ = own_places(features.valid[row], features.places, row)
                known[row, index] = target.placed(one[0], index) if isinstance(target, Points) else one[0]
        return known


def tuned(
    model: SeesItems[ItemT],
    of: AbstractSubject,
    items: AbstractItems[ItemT],
    known: AbstractKnown[ItemT],
    examples: Examples,
    fitter: AbstractFitter,
    splits: tuple[Split, ...],
    task: Task,
    options: Fitting,
    skipped: list[Skipped] | None,
) -> tuple[Network, Learned, int]:
    """Encoder and head trained together; the first fold stops the training and calibrates.

    Args:
        model: the run.
        of: what the target is of.
        items: the data set.
        known: what is known of them, settled.
        examples: the labelled vectors of the frozen encoder.
        fitter: with everything chosen.
        splits: what is held out; none, and all steps are taken.
        task: with the target in its units.
        options: see `Fitting`.
        skipped: items that were left out so far; None where they are errors.

    Raises:
        ValueError: if head or encoder have no weights.
    """
    if not fitter.learns:
        raise ValueError(f"{fitter.described()} cannot be trained with the encoder: take --head linear, or mlp")
    split = splits[0] if splits else Split(torch.arange(len(examples)), torch.arange(0))
    head = fitter.fit(examples, task, split.train).to(model.device)
    learn, held = examples.index[split.train].unique(), examples.index[split.test].unique()
    chances = _chances(examples, task, split, learn) if task.balance == "draws" else None
    how = Tuning(options.tune, options.tune_batch, options.tune_lr, options.tune_slower, options.weight_decay)
    seeing = ItemsToSee(model, of, items, known, skipped)
    with torch.random.fork_rng():
        torch.manual_seed(task.seed)  # dropout
        both, steps = tune(model.encoder, head, seeing, task, learn, held, how, chances)
    network = Network(both.encoder, model.network.projector).eval()
    numbers = sorted(examples.index.unique().tolist())
    again = labelled_vectors(
        model.seeing(True, network), of, items, known, numbers, fitter, options.elements, skipped, options.seed
    ).examples  # fmt: skip
    tested = torch.isin(again.index, held)
    fitted = with_memory(
        both.head, again.some((~tested).nonzero()[:, 0]), of, task.target, task.seed, options.unknown * bool(len(held))
    )
    found = None
    if bool(tested.any()):
        some = again.some(tested.nonzero()[:, 0])
        distance = torch.zeros(len(some.facts()))
        if fitted.remembered:
            distance = nearest_distance(fitted.standard(some.vectors()), fitted.vectors)
        found = HeldOut(outputs_of(both.head, some), some.facts(), distance)
        settle(fitted, found, options.unknown, options.sure)
    return network, Learned(fitted, fitter, found), steps


def _chances(examples: Examples, task: Task, split: Split, learn: Tensor) -> Tensor:
    """How often each item is drawn: as its rarest row."""
    some = examples.some(split.train)
    rows = row_chances(some, task)
    place = torch.searchsorted(learn, some.index)
    return torch.zeros(len(learn)).scatter_reduce_(0, place, rows, "amax")


def _detached(features: FeatureMap) -> FeatureMap:
    return features.with_values(features.values.detach())
