"""What a method is: its hyperparameters, and how they become a learner."""

import abc
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, final, runtime_checkable

from ..components.ranges import Count, check_ranges
from ..data.transplants import Transplants
from ..discovery.finder import ObjectFinder
from ..discovery.segmenters.base import AbstractSegmenter
from ..networks.encoder import AbstractEncoder, Network
from .computed.info import ComputedInfo
from .step import AbstractLearner
from .targets.base import AbstractTarget


@final
@dataclass(frozen=True)
class MethodCard:
    """Where a method comes from, and its answers to the questions that tell methods apart.

    `labels` says what it needs: none, classes of some items, or any target of some items; `computed`, whether it learns
    from what is computed from items or elements. `page` is its page in the documentation, where there is one.
    """

    title: str
    source: str
    compares: str
    teacher: str
    objective: str
    labels: Literal["none", "classes", "anything"] = "none"
    computed: bool = False
    page: str = ""


@final
@dataclass(frozen=True)
class DataInfo:
    """What a method may need to know of the data that it will be trained on.

    Attributes:
        items: size of the data set, for a memory bank.
        batch: items per step, for queues.
        large_views: views that the teacher sees; further, small ones are for the online network alone.
        target: what the labels say; None where there are none.
        finder: how the recipe finds objects.
        first_segments: what the recipe compares before anything is learned: masks that come with the data, or a rule.
        computed: what is computed from the items; None where the method does not ask for it.
        sequence: whether elements follow one another.
        alternatives: by which a view is changed in the end, by name; none where the method does not ask for them.
        two_steps: names of the encoders in two steps that the modality has, to be named where another was chosen.
        teacher: the network of the finished run that the method names; None where it names none.
    """

    items: Count = 1
    batch: Count = 256
    large_views: Count = 2
    target: AbstractTarget | None = None
    finder: ObjectFinder | None = None
    first_segments: AbstractSegmenter | None = None
    computed: ComputedInfo | None = None
    alternatives: tuple[str, ...] = ()
    sequence: bool = False
    two_steps: tuple[str, ...] = ()
    teacher: Network | None = None

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class AbstractMethod(abc.ABC):
    """A method: a frozen dataclass of its hyperparameters, with the published defaults, that builds a learner.

    An entry point in the group `gestalt.methods` gives it a name on the command line, where its fields are options.
    """

    card: ClassVar[MethodCard]

    def __post_init__(self) -> None:
        check_ranges(self)

    @abc.abstractmethod
    def build(self, encoder: AbstractEncoder, data: DataInfo) -> AbstractLearner[Any]:
        """The learner, with fresh heads."""


@runtime_checkable
class HasTask(Protocol):
    """A method that may train a task network on the labelled items."""

    @property
    def task(self) -> bool:
        """Whether it does."""
        ...


@runtime_checkable
class LearnsBeside(Protocol):
    """A method that adds an objective of its own to another method's."""

    @property
    def beside(self) -> AbstractMethod | None:
        """The other method, None for none."""
        ...


@runtime_checkable
class HasTitle(Protocol):
    """A method that tables call by more than the name of its class."""

    @property
    def title(self) -> str:
        """What tables call it."""
        ...


def all_of(method: AbstractMethod) -> tuple[AbstractMethod, ...]:
    """A method, and the one that learns beside it."""
    beside = method.beside if isinstance(method, LearnsBeside) else None
    return (method,) if beside is None else (method, *all_of(beside))


@runtime_checkable
class HasTransplants(Protocol):
    """A method that may want objects of other items set into the items that it learns from."""

    @property
    def transplants(self) -> Transplants | None:
        """How often, how many and how large; None for items as they are."""
        ...


@runtime_checkable
class HasChoice(Protocol):
    """A method that learns to tell by which of a modality's alternatives a view was changed."""

    @property
    def choice(self) -> str | None:
        """The name of the choice; None for the first that the modality offers."""
        ...


@runtime_checkable
class ComparesParts(Protocol):
    """A method each of whose views shows one part of a joint item."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the views in their order; none for a view of every part."""
        ...


@runtime_checkable
class LearnsFromRun(Protocol):
    """A method that learns from the network of a finished run."""

    @property
    def run(self) -> Path | None:
        """Its folder."""
        ...


def wants_labels(method: AbstractMethod) -> bool:
    """Whether a method learns from labels."""
    return any(one.card.labels != "none" or (isinstance(one, HasTask) and one.task) for one in all_of(method))


def wants_computed(method: AbstractMethod) -> bool:
    """Whether a method learns from what is computed from items or elements."""
    return any(one.card.computed for one in all_of(method))
