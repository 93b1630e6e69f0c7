"""What a modality may offer so that its items can be parts of joint items, and what a joint one offers."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from ...data.correspondence import AbstractCorrespondence
from ..base import AbstractModality
from ..transform import AbstractTransform, Views

ItemT = TypeVar("ItemT")


@runtime_checkable
class ShowsParts(Protocol[ItemT]):
    """A modality whose items have parts, which views may show alone."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Their names."""
        ...

    def showing(self, views: Views[ItemT], kept: Sequence[Sequence[str]]) -> Views[ItemT]:
        """These views, each of which keeps the parts of its place alone; as many as there are views or places."""
        ...

    def alone(self, item: ItemT, names: Sequence[str]) -> ItemT | None:
        """An item without its other parts; None where it has none of these."""
        ...


@runtime_checkable
class ComposesModalities(Protocol):
    """A modality composed of others, whose settings are theirs."""

    @property
    def modalities(self) -> Mapping[str, AbstractModality[Any]]:
        """Those of the parts by name."""
        ...

    @property
    def allow_missing(self) -> bool:
        """Whether items may lack parts."""
        ...

    def composed_of(
        self, modalities: Mapping[str, AbstractModality[Any]], allow_missing: bool
    ) -> AbstractModality[Any]:
        """The same with other parts."""
        ...


@runtime_checkable
class ReadsColumn(Protocol):
    """Items that the cells of a table hold: captions, the SMILES of molecules."""

    def of_column(self, column: str) -> AbstractModality[Any]:
        """The same modality, which reads its items from that column of tables, or from that field of records."""
        ...


@runtime_checkable
class CutsInTime(Protocol[ItemT]):
    """Items that lie in time: parts of a joint item that show the same seconds."""

    def duration(self, item: ItemT) -> float:
        """How long an item lasts, in seconds."""
        ...

    def cut(self, item: ItemT, begin: float, end: float) -> tuple[ItemT, AbstractCorrespondence]:
        """What lies between two moments, in seconds from the begin of the item, and its correspondence.

        It has at least one element; where none begins and ends in between, the nearest one is taken.
        """
        ...

    def in_place(self) -> Sequence[AbstractTransform[ItemT]]:
        """The default views without what cuts, shifts or stretches time: for items that are cut already."""
        ...


@runtime_checkable
class ReadsWindows(Protocol):
    """Items that lie in time and are read in windows: those of the parts of a joint item are of one length."""

    @property
    def window(self) -> float:
        """The length of a window, in seconds."""
        ...

    def in_windows(self, seconds: float) -> AbstractModality[Any]:
        """The same modality with windows of another length."""
        ...
