"""Which items stay on one side of an evaluation, by where they come from."""

from pathlib import Path
from typing import final

import numpy as np
import pytest

from gestalt.core.data.items import AbstractItems
from gestalt.core.runs.grouping import groups_of, under_paths


@final
class Nowhere(AbstractItems[int]):
    """Items that come from nowhere."""

    def __len__(self) -> int:
        return 4

    def read(self, index: int, rng: np.random.Generator) -> int:  # noqa: ARG002
        return index

    def name(self, index: int) -> str:
        return str(index)


@final
class InTwoFiles(AbstractItems[int]):
    """Four items in two files."""

    def __len__(self) -> int:
        return 4

    def read(self, index: int, rng: np.random.Generator) -> int:  # noqa: ARG002
        return index

    def name(self, index: int) -> str:
        return str(index)

    def path(self, index: int) -> Path:
        return Path(("a", "b")[index // 2])


@final
class RecordsOfTwoFiles(AbstractItems[int]):
    """Four records of two files."""

    def __len__(self) -> int:
        return 4

    def read(self, index: int, rng: np.random.Generator) -> int:  # noqa: ARG002
        return index

    def name(self, index: int) -> str:
        return str(index)

    def path(self, index: int) -> Path:
        return Path(("a", "b")[index // 2])

    def fields(self, index: int) -> dict[str, str]:
        return {"id": str(index)}


def test_what_belongs_together_follows_from_where_items_come_from() -> None:
    every, apart, pairs = range(4), [0, 1, 2, 3], [0, 0, 1, 1]
    for items, wanted in ((Nowhere(), apart), (InTwoFiles(), pairs), (RecordsOfTwoFiles(), apart)):
        assert groups_of(items, every).tolist() == wanted
        assert groups_of(items, every, "item").tolist() == apart
    assert groups_of(RecordsOfTwoFiles(), every, "file").tolist() == pairs
    assert under_paths(InTwoFiles(), every, [Path("b")]).tolist() == [False, False, True, True]
    with pytest.raises(ValueError, match="come from no files"):
        under_paths(Nowhere(), every, [Path("b")])
