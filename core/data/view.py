"""Views of items, and the batch in which they travel."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, final, runtime_checkable

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from .correspondence import AbstractCorrespondence
from .items import Skipped
from .segmentation import Segmentation

Movable = TypeVar("Movable")


@runtime_checkable
class Data(Protocol):
    """What a modality's encoders take: a tensor, or a dataclass of tensors, with one leading batch axis."""

    def to(self: Movable, device: torch.device | str, /) -> Movable:
        """The same data on another device."""
        ...


DataT = TypeVar("DataT", bound=Data)


@final
@dataclass(frozen=True)
class View(Generic[DataT]):
    """A batch of transformed items with their correspondence to the elements of the source view.

    Example:
        >>> from gestalt.core.data.correspondence import Affine
        >>> view = View(torch.zeros(1, 16_000), Affine.identity(axes=1))
        >>> view.to("cpu").data.shape
        torch.Size([1, 16000])
    """

    data: DataT
    correspondence: AbstractCorrespondence

    def to(self, device: torch.device | str) -> "View[DataT]":
        """The same view on another device."""
        return View(self.data.to(device), self.correspondence.to(device))


@final
@dataclass(frozen=True)
class Batch(Generic[DataT]):
    """What one training step looks at.

    `source` is the untransformed view that spans all the others; `views` are compared with one another. `names` say
    where each item came from, for messages; `index` is its number in the data set. `masks` are segments that
    come with the data; `labels` are what is known of items, or of the elements of the source view, in the form of the
    target (integers with −1, or numbers with NaN, for what is not known); `skipped` are items that could not be read
    and were replaced; `computed` are numbers computed from each source item, NaN for what cannot be; `applied` says for
    every view which of the alternatives it was changed by in the end (`Views.alternatives`); `drawn` what is still to
    be done to every view (`Views.finishing`), on the CPU.
    """

    source: View[DataT]
    views: tuple[View[DataT], ...]
    names: tuple[str, ...]
    index: Int[Tensor, " batch"]
    masks: Segmentation | None = None
    labels: Shaped[Tensor, "batch ..."] | None = None
    skipped: tuple[Skipped, ...] = ()
    computed: Float[Tensor, "batch values"] | None = None
    applied: Int[Tensor, "batch views"] | None = None
    drawn: tuple[Float[Tensor, "batch _"], ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def to(self, device: torch.device | str) -> "Batch[DataT]":
        """The same batch on another device."""
        return Batch(
            self.source.to(device),
            tuple(view.to(device) for view in self.views),
            self.names,
            self.index.to(device),
            None if self.masks is None else self.masks.to(device),
            None if self.labels is None else self.labels.to(device),
            self.skipped,
            None if self.computed is None else self.computed.to(device),
            None if self.applied is None else self.applied.to(device),
            self.drawn,
        )
