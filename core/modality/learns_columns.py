"""What a modality may offer whose items have the columns of tables, beyond `optional`: methods that it simply has."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from ..data.items import AbstractItems
from .base import AbstractModality


@runtime_checkable
class LearnsColumns(Protocol):
    """Items whose form follows from the data: the columns of tables. A run keeps it, and reads new data by it."""

    def of_items(self, items: AbstractItems[Any]) -> AbstractModality[Any]:
        """The same modality, which reads all items as it read these."""
        ...

    def without(self, columns: Sequence[str]) -> AbstractModality[Any]:
        """The same modality, for which these columns are no inputs: what is to be predicted."""
        ...
