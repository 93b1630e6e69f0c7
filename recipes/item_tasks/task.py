"""A downstream task: items with truth, others to be asked about, and how a network learns on them."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems
from gestalt.core.evaluation.fine_tuning import FineTuning
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.targets import Classes
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.inferred import inferred_settings, plain_encoder
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.runs.inputs import InMemory

Part = Literal["test", "validation"]
"""Which items are asked about: those of the table, or others by which options were chosen."""


@final
@dataclass(frozen=True)
class Answers:
    """What a head says of the items that are asked about, and the vectors that it was given of them.

    Attributes:
        outputs: of every item, or of every element of every item, one after the other.
        vectors: of the same, standardised by those that were learned from.
    """

    outputs: Float[Tensor, "rows classes"]
    vectors: Float[Tensor, "rows dim"]


Measure = Callable[[Answers], Mapping[str, float]]
"""The scores of answers; the truth is its own."""


@final
@dataclass(frozen=True)
class PreTraining:
    """How the network learns without labels.

    Attributes:
        method: what learns.
        views: what it sees of an item.
        steps: of training.
        batch: items of a step.
        lr: peak learning rate.
    """

    method: AbstractMethod
    views: Views[Any]
    steps: int = 300
    batch: int = 32
    lr: float = 1e-3


@final
@dataclass(frozen=True)
class Task:
    """Items of which a share is labelled, others that are asked about, and how a network learns.

    Attributes:
        name: of the task.
        question: what is asked, for the note under the table.
        target: the classes.
        of: what has a class: items, or their elements.
        modality: of the items.
        items: to learn from; pre-training sees all, without labels.
        known: the class of every item, or of every element of every item; −1 where none is known.
        asked: items of which nothing is learned.
        asked_known: what is known of these, in the form of `known`; a measure may ask about others, too.
        columns: the names of the scores.
        measure: makes them of answers about all of `asked`, in order.
        encoder: the network.
        pretraining: how it learns without labels.
        tuning: how it learns with labels, from scratch or on from there.
        transform: changes labelled items anew each time they are learned from; None for as they are.
        penalty: of the linear probe's weights.
        plain: the features without parameters; None for those of the modality.
    """

    name: str
    question: str
    target: Classes
    of: Literal["items", "elements"]
    modality: AbstractModality[Any]
    items: Sequence[Any]
    known: Int[Tensor, "items ..."]
    asked: Sequence[Any]
    asked_known: Int[Tensor, "asked ..."]
    columns: tuple[str, ...]
    measure: Measure
    encoder: EncoderChoice
    pretraining: PreTraining
    tuning: FineTuning = field(default_factory=FineTuning)
    transform: Any = None
    penalty: float = 1.0
    plain: AbstractEncoder | None = None

    def learning(self) -> str:
        """A name for how networks learn here: cells of tables that learned otherwise lie elsewhere.

        Views are not in it: transforms do not all say their settings.
        """
        how = self.pretraining
        settings = (self.encoder, how.method, how.steps, how.batch, how.lr, self.tuning, self.penalty)
        return hashlib.sha256(repr(settings).encode()).hexdigest()[:8]

    def numbered(self) -> AbstractItems[Any]:
        """The items to learn from, numbered."""
        return InMemory(self.items, self.name)

    def untrained(self, seed: int) -> AbstractEncoder:
        """The network as it begins."""
        name = self.encoder.name
        inferred = inferred_settings(self.modality, name, self.numbered())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.modality.encoders[name](**{**inferred, **self.encoder.settings})

    def features(self) -> AbstractEncoder:
        """The features without parameters."""
        return plain_encoder(self.modality, self.numbered()) if self.plain is None else self.plain
