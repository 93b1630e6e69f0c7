"""A finished run as one object: vectors, objects and predictions of new data, on any device."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar, final

import torch
from torch import nn

from ..components.precision import FULL, Precision
from ..data.items import AbstractItems, Skipped
from ..data.masks import AbstractMasks
from ..data.trees import ItemTree
from ..discovery.finder import ObjectFinder
from ..discovery.found import FoundBatch
from ..evaluation.protocols import AbstractProtocol, Evaluation, protocols_of
from ..exports.export import export
from ..fitting.fitted import Fitted
from ..fitting.fitters import AbstractFitter
from ..fitting.options import Fitting
from ..fitting.pseudo import PseudoLabelling
from ..methods.targets.base import AbstractTarget
from ..modality.base import AbstractModality
from ..networks.devices import check_device
from ..networks.encoder import AbstractEncoder, Network
from ..networks.half import check_precision
from ..search.facade import duplicates_of, found_in, indexed
from ..search.index import Index
from ..search.near_duplicates import NearDuplicates
from ..search.options import Duplicating, Searching
from ..search.searching import Found
from ..training.labels import Labels
from .answering import item_predictions, named, said_of, task_of, task_predictions
from .blocks.block import Block
from .encoding import Encoding
from .evaluating import Evaluator
from .evaluation_of import evaluation_of
from .evaluation_options import Evaluating
from .fit_facts import Fit
from .fitting import fit_items
from .inputs import Source, reading_of
from .pair_answers import PairAnswer, answers_of_pairs
from .parts_alone import parts_alone
from .pseudo_labels import TaskModel, learned_for_now
from .results import ItemObjects, ItemPrediction, ItemVectors
from .results_of import objects_in, vectors_in
from .spaces import Space, in_space
from .trees import trees_of
from .types.finding import FoundTypes, Typing, found_types
from .types.object_types import ObjectTypes

ItemT = TypeVar("ItemT")

ANSWERS = "answers"
"""The head that `fit` makes, a `Fitted`."""


@final
@dataclass(frozen=True)
class Model(Generic[ItemT]):
    """What a run learned: `gestalt.load(run)` and `gestalt.train(…)` give one.

    Every method takes a path or several, items in memory (a sequence in the native form of the modality), numbered
    items, or a loader (an iterable of items or of lists of items). It encodes each item once, on the model's device.

    Attributes:
        modality: reads, collates and shows the items.
        network: the encoder with its projector.
        heads: everything else that was trained, by name: predictor, task, prototypes.
        finder: how objects are found; None where nobody said how.
        target: what the task head predicts; None where there is none.
        seed: of the finder: the same item gives the same objects.
        batch: items that are encoded at once.
        run: the folder that it was loaded from; None for a model that was not.
        precision: in which the encoder computes; all else, and any training, is in float32.
    """

    modality: AbstractModality[ItemT]
    network: Network
    heads: Mapping[str, nn.Module]
    finder: ObjectFinder | None = None
    target: AbstractTarget | None = None
    seed: int = 0
    batch: int = 16
    run: Path | None = None
    precision: Precision = FULL

    def __post_init__(self) -> None:
        check_precision(self.precision, self.device, "--precision")

    @property
    def encoder(self) -> AbstractEncoder:
        """The encoder, a torch module: a collated batch → `FeatureMap`."""
        return self.network.encoder

    @property
    def fitted(self) -> Fitted | None:
        """What `fit` has made, None where this is a run and no model of labels."""
        head = self.heads.get(ANSWERS)
        return head if isinstance(head, Fitted) else None

    @property
    def device(self) -> torch.device:
        """Where the network lies."""
        return next(iter(self.network.parameters()), torch.zeros(())).device

    def to(self, device: torch.device | str) -> "Model[ItemT]":
        """Move all networks to another device.

        Raises:
            ValueError: if there is no such GPU here, or it has no such precision.
        """
        check_device(str(device), "--device")
        check_precision(self.precision, device, "--precision")
        plain = [] if self.finder is None else self.finder.plain_networks()
        for part in (self.network, *self.heads.values(), *plain):
            part.to(device)
        return self

    def found(self, data: Any, skipped: list[Skipped] | None = None) -> Iterator[FoundBatch[ItemT]]:
        """Hidden features and objects of all items, a few at a time and on the CPU: for data larger than memory.

        Raises:
            ValueError: if the run does not say how objects are found.
        """
        self.check_finder()
        return self._encoding().found(Source.of(data, self.modality, skipped))

    def encoded(
        self, data: Any, skipped: list[Skipped] | None = None, full: bool = False, block: Block | None = None
    ) -> Iterator[FoundBatch[ItemT]]:
        """As `found`; where the run does not say how objects are found, items have none.

        With `full`, items are those of the modality's `read_full`, too large for the network: it takes them smaller,
        and one at a time is in memory. Of a `block` of numbered items the batches that touch it come.
        """
        source = Source.of(data, self.modality, skipped, block)
        return self._encoding().full(source) if full else self._encoding().found(source)

    def check_finder(self) -> None:
        """Refuse a run that does not say how objects are found.

        Raises:
            ValueError: if it does not.
        """
        if self.finder is None:
            raise ValueError(
                "this run does not say how objects are found: dataclasses.replace(model, finder=ObjectFinder(…))"
            )

    def discover(self, data: Any, fine: bool = False, skip_bad: bool = False) -> list[ItemObjects[ItemT]]:
        """The objects of every item.

        Args:
            data: see the class.
            fine: at the resolution of the input (of the modality's plain features, or finer where it says so) instead
                of the network's elements. Sets keep their elements.
            skip_bad: leave out items that cannot be read.
        """
        self.check_finder()
        source = Source.of(data, self.modality, [] if skip_bad else None)
        batches = self._encoding().found(source)
        return [one for batch in batches for one in objects_in(batch, source.name, self.modality, fine)]

    def embed(
        self, data: Any, skip_bad: bool = False, space: Space = "hidden", parts: Sequence[str] = ()
    ) -> list[ItemVectors]:
        """The vectors of every item (the mean over its elements), of its elements, its objects and its parts.

        Where the run does not say how objects are found, there are none.

        Args:
            data: see the class.
            skip_bad: leave out items that cannot be read.
            space: `hidden`, or `compared`: where items and parts were compared in training, see `in_space`.
            parts: of items with parts, these alone, encoded as if the others were not there; none: all of them.
        """
        source = Source.of(data, self.modality, [] if skip_bad else None)
        if parts:
            source = parts_alone(source, self.modality, parts)
        brought = in_space(space, self.network, self.heads)
        batches = self._encoding().found(source)
        return [one for batch in batches for one in vectors_in(batch, source.name, brought)]

    def types(
        self, data: Any, how: Typing | None = None, like: ObjectTypes | None = None, skip_bad: bool = False
    ) -> FoundTypes:
        """Which kinds of objects recur: `.types` are kept by `save` and given to other data by `like`, `.members` say
        which object is of which type.

        Args:
            data: see the class; a loader, whose items come once, is refused.
            how: types are found; k-means with an estimated number, if nothing is said.
            like: types that were found before (`ObjectTypes.load`), in place of that.
            skip_bad: leave out items that cannot be read.

        Raises:
            ValueError: if there is no object, the run does not say how they are found, or `like` is of another run.
        """
        self.check_finder()
        source = Source.of(data, self.modality, [] if skip_bad else None)
        source.numbered("to find types")
        return found_types(lambda: self._encoding().found(source), self.modality, self.network, how, like)

    def predict(self, data: Any, skip_bad: bool = False) -> list[ItemPrediction]:
        """What a fit, or the task head, says of every item.

        Raises:
            ValueError: if the run has neither.
        """
        return list(self.predictions(data, [] if skip_bad else None))

    def refuse_without_task(self) -> AbstractTarget:
        """What the task head predicts; see `task_of`."""
        return task_of(self.target, self.heads)

    def predictions(
        self, data: Any, skipped: list[Skipped] | None = None, block: Block | None = None
    ) -> Iterator[ItemPrediction]:
        """As `predict`, one after the other: for data larger than memory; of numbered items a `block` alone."""
        if self.fitted is not None:
            own, seeing = Source.of(data, self.modality, skipped, block), self.seeing(self.fitted.of.of_found)
            for batch in seeing._encoding().found(own):
                said = said_of(self.fitted, batch, self.device)
                yield from item_predictions(self.fitted, batch.index, said, own.name)
            return
        target = self.refuse_without_task()
        source = Source.of(data, self.modality, skipped, block)
        encoded = self._encoding().features(source)
        yield from task_predictions(target, self.heads["task"], self.network, encoded, source.name)

    def answered(
        self, data: Any, skipped: list[Skipped] | None = None, full: bool = False
    ) -> Iterator[FoundBatch[ItemT]]:
        """As `found`, with what a fit calls the elements or objects: `FoundBatch.named`.

        Raises:
            ValueError: if this is no model of classes of elements or objects.
        """
        if self.fitted is None:
            raise ValueError("this run has nothing that was fitted to labels: gestalt fit makes a model of it")
        for batch in self.seeing(self.fitted.of.of_found).encoded(data, skipped, full):
            yield named(self.fitted, batch, said_of(self.fitted, batch, self.device))

    def pairs(self, data: Any, pairs: Path | str, skip_bad: bool = False, threshold: float = 0.5) -> list[PairAnswer]:
        """What a fit to pairs says of every pair of a table, whose first columns name items (`answers_of_pairs`)."""
        items = reading_of(data, self.modality, skip_bad).items
        return answers_of_pairs(self, self.fitted, items, Path(pairs), [] if skip_bad else None, threshold)[0]

    def trees(self, data: Any, skip_bad: bool = False) -> list[ItemTree]:
        """The tree of every item, as a fit to trees says it (`trees_of`)."""
        source = Source.of(data, self.modality, [] if skip_bad else None)
        return list(trees_of(self.fitted, self.seeing(False)._encoding().found(source), source, self.device))

    def seeing(self, finds: bool, network: Network | None = None) -> "Model[ItemT]":
        """The same with another network, or without objects, where nobody needs them."""
        return replace(self, finder=self.finder if finds else None, network=network or self.network)

    def fit(
        self,
        data: Any,
        labels: Labels | Path | str | None = None,
        masks: AbstractMasks[ItemT] | Path | str | None = None,
        head: AbstractFitter | None = None,
        options: Fitting | None = None,
        skip_bad: bool = False,
        unlabelled: Any = None,
        pseudo: PseudoLabelling | None = None,
    ) -> "Model[ItemT]":
        """The same with a head that was fitted to labels: a model of its own, whose `predict` answers.

        Args:
            data: see the class; a loader, whose items come once, cannot be fitted to.
            labels: one row per item, or a table of them, or the word `folders`.
            masks: that come with the data, in place of labels.
            head: how it is made; linear.
            options: what the labels are of, what is held out, whether the encoder is trained too.
            skip_bad: leave out items that cannot be read.
            unlabelled: further items, of which nothing is known: the encoder is trained on both first (SemPPL).
            pseudo: how that is done.

        Raises:
            ValueError: see `fit_items`, and `trained_on_both`.
        """
        source = Source.of(data, self.modality, [] if skip_bad else None)
        items = source.numbered("to fit to")
        if unlabelled is not None:
            further = reading_of(unlabelled, self.modality, skip_bad).items
            both = learned_for_now(self, items, _path(labels), masks, further, options, pseudo, source.skipped)
            return self.learning(both).fit(data, labels, None, head, options, skip_bad)
        found = fit_items(self, items, _path(labels), _path(masks), head, options, source.skipped)
        return self.answering(found)

    def learning(self, found: TaskModel) -> "Model[ItemT]":
        """The same with what was learned from labelled and other items: encoder, projector and task network."""
        return replace(self, network=found.network, heads={"task": found.task}, target=found.target).to(self.device)

    def answering(self, found: Fit) -> "Model[ItemT]":
        """The same with what a fit has learned."""
        network = self.network if found.network is None else found.network
        return replace(self, network=network, heads={**self.heads, ANSWERS: found.fitted.to(self.device)})

    def evaluate(
        self,
        data: Any,
        labels: Labels | Path | str | None = None,
        masks: AbstractMasks[ItemT] | Path | str | None = None,
        protocols: str | Sequence[str | AbstractProtocol] | None = None,
        options: Evaluating | None = None,
        skip_bad: bool = False,
    ) -> Evaluation:
        """How good the encoder is by labelled data: scores of evaluation protocols with confidence intervals.

        Args:
            data: see the class; a loader, whose items come once, cannot be evaluated.
            labels: one row per item, or a table of them, or the word `folders`.
            masks: that come with the data.
            protocols: their names, or protocols themselves with settings of their own; None for what a fit answers, and
                where there is none for k-NN, a probe and clusters.
            options: splits, groups, and how labels are read.
            skip_bad: leave out items that cannot be read.

        Raises:
            ValueError: see `Evaluator.evaluate`.
        """
        source = Source.of(data, self.modality, [] if skip_bad else None)
        items = source.numbered("to evaluate")
        asked = None if protocols is None else protocols_of(protocols)
        return self.evaluated(items, source.skipped, _path(labels), _path(masks), asked, options or Evaluating())

    def evaluated(
        self,
        items: AbstractItems[ItemT],
        skipped: list[Skipped] | None,
        labels: Labels | Path | None,
        masks: AbstractMasks[ItemT] | Path | None,
        protocols: dict[str, AbstractProtocol] | None,
        options: Evaluating,
    ) -> Evaluation:
        """As `evaluate`, of numbered items; those that cannot be read are added to `skipped`."""
        by = self.evaluator(items, skipped, options)
        return evaluation_of(self, self.fitted, self.run, by, labels, masks, protocols)

    def index(self, data: Any, out: Path | str, skip_bad: bool = False) -> Index:
        """An index of all items and objects, which lie in files, in the folder `out`: what is new is added (`grow`)."""
        return indexed(self._exact(), data, out, skip_bad)

    def search(
        self, index: Index | Path | str, queries: str | Path | Sequence[str | Path] = (), how: Searching | None = None
    ) -> list[Found]:
        """What lies nearest to files, objects (`FILE#3`), parts or texts in an index; see `found_in`."""
        return found_in(self._exact(), index, queries, how)

    def duplicates(self, index: Index | Path | str, how: Duplicating | None = None) -> NearDuplicates:
        """Near-duplicates in an index: pairs and groups of rows, and the threshold, chosen at an error rate."""
        return duplicates_of(self._exact(), index, how)

    def export(self, to: str, out: Path | str, examples: Any = None, licence: str | None = None) -> Path:
        """Write the encoder for another library, with a model card: `gestalt export`.

        Args:
            to: the name of the format (`torch`, `onnx`, …; `gestalt export RUN` lists them).
            out: the folder; what an earlier call wrote there is replaced.
            examples: data that show what comes in, see the class; None: the modality's specimens.
            licence: of the weights, for the model card.

        Raises:
            ValueError, ImportError: see `export`.
        """
        return export(self.modality, self.encoder, self.run, to, out, examples, licence)

    def evaluator(
        self, items: AbstractItems[ItemT], skipped: list[Skipped] | None, options: Evaluating
    ) -> Evaluator[ItemT]:
        """What carries out protocols on numbered items; those that cannot be read are added to `skipped`."""
        return Evaluator(
            self.encoder, self.modality, items, partial(self._encoding().some, items, skipped), skipped, options
        )

    def together(self, items: AbstractItems[ItemT], full: bool) -> int:
        """How many numbered items are read before any is encoded, see `Encoding.together`."""
        return self._encoding().together(items, full)

    def _exact(self) -> "Model[ItemT]":
        """The same in full precision: all of an index is, whenever it was added, and so are queries."""
        return replace(self, precision=FULL)

    def _encoding(self) -> Encoding[ItemT]:
        return Encoding(self.modality, self.network, self.finder, self.seed, self.batch, self.device, self.precision)


def _path(given: Any) -> Any:
    return Path(given) if isinstance(given, str) else given
