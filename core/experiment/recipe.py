"""What a recipe supplies."""

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, final

import numpy as np

from ..data.items import AbstractItems, BadItemError, Skipped
from ..evaluation import Column
from ..modality.base import AbstractModality
from ..modality.transform import Views
from ..networks.encoder import Network
from .finder import Finder
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
    """What a run trains on, and what the learned network is tried on.

    Attributes:
        items: to train on.
        views: how they are looked at.
        tried: the items that the learned network is tried on.
        names: where each of those comes from.
        truth: what is true of them, in the recipe's own form; None for the user's own data.
        known: for every tried item its true objects as `render` takes them; empty where they are not known.
        skipped: files that were left out.
        settings: settings of the encoder that follow from the material (a tokenizer, say).
        label: the class of a training item, by its number, where the recipe knows it, or of each element of its
            source view; None for one without.
    """

    items: AbstractItems[ItemT]
    views: Views[ItemT]
    tried: Sequence[ItemT]
    names: Sequence[str]
    truth: TruthT | None
    known: Sequence[Sequence[tuple[str, Any]]] = ()
    skipped: tuple[Skipped, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    label: Callable[[int], Label] | None = None


@final
@dataclass(frozen=True)
class Captions:
    """What the report calls things; nouns in the plural.

    Attributes:
        recipe: the name of the recipe on the command line.
        title: of the report.
        made: the shipped items ("soundscapes mixed from the shipped sounds").
        own: the user's items ("windows of your recordings").
        objects: what is found ("events").
        exhibits: what is to be seen in the pictures.
        snippet: what the loaded encoder does ("waveforms → one vector a frame").
    """

    recipe: str
    title: str
    made: str
    own: str
    objects: str
    exhibits: str
    snippet: str


class AbstractRecipe(abc.ABC, Generic[ItemT, TruthT]):
    """One recipe with its options: material, how objects are found, and what is measured.

    Attributes:
        modality: the kind of data.
        options: the whole configuration.
        words: what the report calls things.
        columns: the metrics of the table.
        note: how they are to be read.
        ceilings: the rows among the baselines that are no methods but bounds on all of them.
        named: what the user called the modality, where the recipe is for any; None: it is the recipe's own.
        details: JSON that `discover` and `embed` need of a finished run.
        free: the recipe's own options that may differ when a run goes on.
    """

    modality: AbstractModality[ItemT]
    options: Options
    words: Captions
    columns: Sequence[Column]
    note: str
    ceilings: frozenset[str] = frozenset()
    named: str | None = None
    details: Mapping[str, Any]
    free: frozenset[str] = frozenset()

    @abc.abstractmethod
    def material(self) -> ExperimentData[ItemT, TruthT]:
        """Read or make everything that the options ask for."""

    @abc.abstractmethod
    def finder(self) -> Finder:
        """How objects are found."""

    @abc.abstractmethod
    def measure(self, looked: Predictions, truth: TruthT) -> dict[str, float]:
        """Metrics, by the names of the columns, of what a network saw in the tried items."""

    @abc.abstractmethod
    def baselines(
        self, random: Network, material: ExperimentData[ItemT, TruthT], truth: TruthT
    ) -> dict[str, dict[str, float]]:
        """Metrics of what needs no training: raw features, the run's own network before training, and the heuristic."""


def readable(items: AbstractItems[ItemT], skipped: list[Skipped] | None, count: int = SHOWN) -> dict[int, ItemT]:
    """A few items from all over, by number; those that cannot be read are added to `skipped` and the next is taken.

    Raises:
        BadItemError: for an item that cannot be read where `skipped` is None, or if none can.
    """
    found: dict[int, ItemT] = {}
    for start in np.linspace(0, len(items) - 1, count).round().astype(int).tolist():
        for distance in range(len(items)):
            place = (start + distance) % len(items)
            try:
                found[place] = items.read(place, np.random.default_rng(0))
                break
            except BadItemError as error:
                if skipped is None:
                    raise
                skipped.append(Skipped(error.name, error.reason))
        else:
            raise BadItemError(items.name(start), "no item can be read")
    return found
