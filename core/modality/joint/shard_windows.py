"""Windows of joint items in archives, and the rows of joint items wherever they come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from ...data.items import AbstractItems
from ..in_context import in_context
from ..optional import ReadsContext
from ..windows import InContext, Sight
from .item import JointItem
from .items import JointItems
from .shards import JointShards
from .windows import JointWindows


@final
@dataclass(frozen=True)
class ShardWindows(AbstractItems[JointItem]):
    """Windows of the items of archives, each with what lies around it. An item is unpacked anew for every window."""

    items: JointShards

    def __len__(self) -> int:
        return len(self.items)

    @property
    def remarks(self) -> Sequence[str]:
        """What was decided while reading, for people."""
        return self.items.remarks

    def name(self, index: int) -> str:
        """The archive, the name of the item in it, and which window."""
        return self.items.name(index)

    def path(self, index: int) -> Path:
        """The archive."""
        return self.items.path(index)

    def with_jitter(self, jitter: bool) -> "ShardWindows":
        """The same windows, read for training or exactly."""
        return ShardWindows(self.items.with_jitter(jitter))

    def read(self, index: int, rng: np.random.Generator) -> JointItem:
        """All parts of a window.

        Raises:
            BadItemError: as `JointShards.read`.
        """
        return self.items.read(index, rng)

    def read_in_context(self, index: int, sight: Sight) -> InContext[JointItem]:
        """All parts of a window without chance, those in time with what a network sees around them.

        Raises:
            BadItemError: as `read`.
        """
        with self.items.unpacked(index) as (items, window):
            if isinstance(items, ReadsContext):
                return in_context(items, window, sight)
            item = items.read(window, np.random.default_rng(0))  # it lacks all parts in time
            return InContext(item, item, dict.fromkeys(item.parts))

    def whole(self, index: int) -> range:
        """The windows of the same item."""
        return self.items.windows(index)


def rows_of(items: AbstractItems[Any]) -> JointItems | None:
    """The rows of joint items that lie in files, whether they are windows or not; None for other items."""
    items = items.items if isinstance(items, JointWindows) else items
    return items if isinstance(items, JointItems) else None


def joint_items(items: AbstractItems[Any]) -> JointItems | JointShards | None:
    """Joint items of files or archives, whether they are windows or not; None for other items."""
    items = items.items if isinstance(items, ShardWindows) else items
    return items if isinstance(items, JointShards) else rows_of(items)
