"""What the comparison is made of, for one modality."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import AbstractEncoder

from ..scene_sources import Part


@final
@dataclass(frozen=True)
class Source:
    """A row of the table: so many items, from a number of them and a seed.

    Attributes:
        name: in the table.
        folder: of its runs.
        items: makes them.
    """

    name: str
    folder: str
    items: Callable[[int, int], Sequence[Any]]


@final
@dataclass(frozen=True)
class Labelled:
    """Items, and the class of each."""

    items: Sequence[Any]
    labels: Int[Tensor, " items"]

    def first(self, count: int) -> "Labelled":
        """The first of them."""
        return Labelled(self.items[:count], self.labels[:count])


@final
@dataclass(frozen=True)
class Study:
    """One modality's part of the comparison.

    Attributes:
        modality: of all items.
        question: what the classes say, for the note under the table.
        encoder: makes the network that every row trains.
        network: its name, for the note.
        stages: the same network read after each of its stages, from the first to the last, by their names.
        views: two views of every item.
        single: the name of the one item, if none is given.
        sources: the rows, by the name of the one item; a ValueError where there is no such item.
        labelled: the items of a part whose class is known; no source learns from those for validation and test.
    """

    modality: AbstractModality[Any]
    question: str
    encoder: Callable[[], AbstractEncoder]
    network: str
    stages: Callable[[AbstractEncoder], Mapping[str, AbstractEncoder]]
    views: Views[Any]
    single: str
    sources: Callable[[str], tuple[Source, ...]]
    labelled: Callable[[Part], Labelled]


@final
class AtStage(AbstractEncoder):
    """A network that is read after one of its stages; it shares the network's weights."""

    def __init__(self, network: AbstractEncoder, dim: int, read: Callable[[Any], FeatureMap]) -> None:
        super().__init__()
        self.network = network
        self.dim = dim
        self.read = read

    def forward(self, data: Any) -> FeatureMap:
        """One vector per element of that stage."""
        return self.read(data)
