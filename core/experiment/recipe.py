"""What a recipe supplies."""

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar, final

from ..data.items import AbstractItems, Skipped
from ..discovery.finder import ObjectFinder
from ..discovery.segmenters.base import AbstractSegmenter
from ..evaluation.table import Column
from ..modality.base import AbstractModality
from ..modality.transform import Views
from ..networks.encoder import Network
from ..training.labels import Labels
from .masks import MaskedItems
from .options import Options
from .predictions import Predictions

ItemT = TypeVar("ItemT")
TruthT = TypeVar("TruthT")

Label = str | tuple[str | None, ...] | None
"""The class of an item, or those of its elements."""

SHOWN = 3
"""Items that a report shows."""


@final
@dataclass(frozen=True)
class ExperimentData(Generic[ItemT, TruthT]):
    """What a run trains on, and what the learned network is evaluated on.

    Attributes:
        items: to train on.
        views: which views of them are compared.
        evaluated: the items that the learned network is evaluated on.
        names: where each of those comes from.
        places: the numbers of those among the items, where they are the user's own: windows of something longer are
            judged with the windows around them.
        truth: what is true of them, in the recipe's own form; None for the user's own data.
        true_objects: for every evaluated item its true objects as `render` takes them; empty where they are not known.
        skipped: files that were left out.
        damaged: files that are cut off, of which what is there is among the items.
        encoder_settings: settings of the encoder that the recipe chooses; the user's own go before them.
        label: the class of a training item, by its number, where the recipe knows it, or of each element of its
            source view; None for one without.
        evaluated_label: the same of an evaluated item, by its place among them.
        labels: those of all training items, where they are known already; neither `label` nor a table is asked then.
            The share of --label-share is drawn of them.
        first_segments: what is compared before anything is learned: a rule of the recipe; None for none.
        masked: the masks that come with the training items; None where none do.
    """

    items: AbstractItems[ItemT]
    views: Views[ItemT]
    evaluated: Sequence[ItemT]
    names: Sequence[str]
    truth: TruthT | None = None
    true_objects: Sequence[Sequence[tuple[str, Any]]] = ()
    skipped: tuple[Skipped, ...] = ()
    damaged: tuple[Skipped, ...] = ()
    places: tuple[int, ...] = ()
    encoder_settings: Mapping[str, Any] = field(default_factory=dict)
    label: Callable[[int], Label] | None = None
    evaluated_label: Callable[[int], Label] | None = None
    labels: Labels | None = None
    first_segments: AbstractSegmenter | None = None
    masked: MaskedItems[ItemT] | None = None


@final
@dataclass(frozen=True)
class Captions:
    """What the report calls things; nouns in the plural.

    Attributes:
        title: of the report.
        shipped: the shipped items ("soundscapes mixed from the shipped sounds").
        own: the user's items ("windows of your recordings").
        objects: what is found ("events").
        exhibits: what is to be seen in the pictures.
        truth: what of it is the truth; said only where there is one.
        snippet: what the loaded encoder computes ("waveforms → one vector a frame").
    """

    title: str
    shipped: str
    own: str
    objects: str
    exhibits: str
    truth: str
    snippet: str


class AbstractRecipe(abc.ABC, Generic[ItemT, TruthT]):
    """One use: data, how objects are found, what is measured. Training, report and everything after are written once.

    A subclass takes its options as the only argument; an entry point in the group `gestalt.recipes` names it.

    Attributes:
        name: on the command line.
        summary: what it is for, in a line.
        options_type: the dataclass of its options, all with defaults.
        modality: of the items, with the settings that the options ask for.
        modality_name: the name by which the user chose it, where that is not its own.
        options: the whole configuration.
        finder: how objects are found, for every method that does not say so itself.
        captions: what the report calls things.
        columns: the metrics of the table.
        note: how they are to be read.
        ceilings: the rows among the baselines that are no methods but bounds on all of them.
        free: the recipe's own options that may differ when a run goes on.
        tuning: the recipe's own option that says for how many steps `measure` trains a network further, 0 for none;
            None where it never does.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    options_type: ClassVar[type]
    modality: AbstractModality[ItemT]
    modality_name: str | None = None
    options: Options
    finder: ObjectFinder
    captions: Captions
    columns: Sequence[Column]
    note: str
    ceilings: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    tuning: str | None = None

    @abc.abstractmethod
    def data(self) -> ExperimentData[ItemT, TruthT]:
        """Read or make everything that the options ask for."""

    @abc.abstractmethod
    def measure(self, predictions: Predictions, truth: TruthT) -> dict[str, float]:
        """Metrics, by the names of the columns, of what a network found in the evaluated items."""

    @abc.abstractmethod
    def baselines(
        self, random: Network, data: ExperimentData[ItemT, TruthT], truth: TruthT
    ) -> dict[str, dict[str, float]]:
        """Metrics of what needs no training: plain features, the run's own network before training, rules."""
