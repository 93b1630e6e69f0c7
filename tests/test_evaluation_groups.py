"""Which items stay on one side of an evaluation, by where they come from, and which classes are on one side alone."""

import sys
from collections import Counter
from pathlib import Path
from typing import final

import numpy as np
import pytest
import torch

from gestalt.core.data.items import AbstractItems
from gestalt.core.evaluation.protocols import LabelledVectors
from gestalt.core.evaluation.splitting import Split
from gestalt.core.methods.targets import Classes
from gestalt.core.runs import evaluating
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


def test_of_classes_that_are_never_learned_from_the_most_frequent_are_named_first() -> None:
    count, names = 20_000, "abcdefgh"
    known = torch.from_numpy(np.random.default_rng(0).integers(0, 8, count))
    known[: count // 2] *= (known[: count // 2] == 5) | (known[: count // 2] == 7)
    splits = tuple(Split((known < least).nonzero()[:, 0], (known >= least).nonzero()[:, 0]) for least in (1, 3))
    index = torch.arange(count)
    rows = LabelledVectors(torch.zeros(count, 1), Classes(tuple(names)), known, index, splits, index)
    events = list[bool]()
    sys.setprofile(lambda frame, _, __: events.append(frame.f_code.co_filename == evaluating.__file__))
    try:
        found = evaluating._never_learned(rows, "element")
    finally:
        sys.setprofile(None)
    assert sum(events) < 200, "no element is counted by itself"
    counts = Counter(names[number] for least in (1, 3) for number in known.tolist() if number >= least)
    first = ", ".join(f"{name} ({count})" for name, count in counts.most_common(5))
    assert found == [("tested elements of classes that none to learn from has, all wrong", f"{first} and 2 more")]
    assert first.startswith(("f (", "h ("))
