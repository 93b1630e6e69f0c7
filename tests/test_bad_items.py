"""Whatever is raised over an item or a file names it, at the probe or in a worker, and may be left out."""

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.data.correspondence import AbstractCorrespondence
from gestalt.core.data.items import AbstractItems, BadItemError, Skipped, first_readable, read_item
from gestalt.core.experiment.announced import listed
from gestalt.core.experiment.own_data import readable
from gestalt.core.modality.probing import none_usable, probe
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.runs.inputs import Source
from gestalt.core.training.data import Order, batches
from tests.toy import Do, keep_series, toy

ROOT = Path(__file__).parents[1]


class TwoWords(Exception):
    """An error of a library that does not come back from a worker as it went."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def two_words() -> None:
    raise TwoWords("one", "two")


RAISED: dict[str, Callable[[], Any]] = {
    "error": lambda: struct.unpack("<I", b""),
    "KeyError": lambda: dict[str, int]()["codec"],
    "IndexError": lambda: [][3],
    "AttributeError": lambda: None.shape,  # type: ignore[attr-defined]
    "TypeError": lambda: len(3),  # type: ignore[arg-type]
    "OverflowError": lambda: np.int64(2**70),
    "UnicodeDecodeError": lambda: b"\xff".decode(),
    "MemoryError": lambda: np.empty(2**60, np.uint8),
    "TwoWords": two_words,
}


@final
class Torn(AbstractItems[Tensor]):
    """Items of a series, the fourth of which a library cannot read."""

    def __init__(self, error: str) -> None:
        self.error = error

    def __len__(self) -> int:
        return 6

    def read(self, index: int, rng: np.random.Generator) -> Tensor:  # noqa: ARG002
        if index == 3:
            RAISED[self.error]()
        return torch.arange(32.0)[:, None] + index

    def name(self, index: int) -> str:
        return f"item {index}"


@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_library_raises_over_an_item_is_named_and_the_item_replaced(workers: int) -> None:
    for error in RAISED if workers == 0 else ("KeyError", "TwoWords"):
        order = Order(items=6, batch=6, steps=1, seed=0)
        (batch,) = batches(Torn(error), toy("series").views, toy("series").collate, order, workers, skip_bad=True)
        assert [skipped.name for skipped in batch.skipped] == ["item 3"]
        assert error in batch.skipped[0].reason
        assert sorted(batch.index.tolist()) == [0, 1, 2, 4, 4, 5]
        with pytest.raises(BadItemError, match=rf"item 3: cannot be read \({error}.*, in \w.*, line \d+\).*--skip-bad"):
            next(batches(Torn(error), toy("series").views, toy("series").collate, order, workers, skip_bad=False))


def test_lists_of_what_was_left_out_have_a_line_for_each() -> None:
    files = [Skipped("two\nlines.wav", "is\u2028silent"), Skipped("b.wav", "is torn")]
    assert listed(files, "left out") == [r"left out two\nlines.wav: is\u2028silent", "left out b.wav: is torn"]
    assert str(none_usable(files, "2 files")).endswith(r"the first, two\nlines.wav: is\u2028silent")
    by_hand = re.compile(r"name\}[^\n\"]*\.(?:reason|why)\}")  # in place of `Skipped.said`
    places = [
        path for top in ("core", "modalities", "recipes", "src/gestalt/cli") for path in (ROOT / top).rglob("*.py")
    ]
    written = {path.relative_to(ROOT).as_posix() for path in places if by_hand.search(path.read_text(encoding="utf-8"))}
    assert written == {"core/data/items.py"}, "a name with a line break would take two lines here"


@pytest.mark.parametrize("error", RAISED)
def test_everyone_who_reads_items_leaves_out_the_same(error: str) -> None:
    skipped: list[Skipped] = []
    assert 3 not in readable(Torn(error), skipped, count=6)
    found = [number for numbers, _ in Source(Torn(error), (), "item", skipped).chunks(2) for number in numbers]
    assert found == [0, 1, 2, 4, 5]
    assert {entry.name for entry in skipped} == {"item 3"}
    assert len(first_readable(Torn(error))) == 32
    with pytest.raises(BadItemError, match=f"item 3: cannot be read .{error}"):
        read_item(Torn(error), 3, np.random.default_rng(0))


@pytest.mark.parametrize("error", RAISED)
def test_what_a_library_raises_over_a_file_at_the_probe_is_named_or_left_out(tmp_path: Path, error: str) -> None:
    def examine(path: Path) -> str:
        return path.stem if path.stem != "torn" else RAISED[error]()

    paths, skipped = [tmp_path / name for name in ("a.x", "torn.x", "b.x")], list[Skipped]()
    for path in paths:
        path.touch()
    assert probe(paths, examine, skipped) == [(paths[0], "a"), (paths[2], "b")]
    assert [entry.name for entry in skipped] == [str(paths[1])]
    with pytest.raises(BadItemError, match=rf"torn\.x: cannot be read \({error}"):
        probe(paths, examine, None)


def test_a_mistake_of_the_program_is_no_bad_item(tmp_path: Path) -> None:
    def mistaken(_: Path) -> str:
        return nowhere  # type: ignore[name-defined,no-any-return] # noqa: F821

    with pytest.raises(NameError, match="nowhere"):
        probe([tmp_path], mistaken, [])


@final
class TooShort(AbstractTransform[Tensor]):
    """A view that cannot be made of one of the items."""

    def __call__(self, item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:
        if item[0, 0] == 3:
            raise ValueError("an item of 2 elements has no view of 3")
        return keep_series(item, rng)


def test_an_item_of_which_no_view_can_be_made_is_named_and_left_out() -> None:
    views, order = Views(Do(keep_series), (TooShort(), TooShort())), Order(items=6, batch=6, steps=1, seed=0)

    class Whole(AbstractItems[Tensor]):
        def __len__(self) -> int:
            return 6

        def read(self, index: int, rng: np.random.Generator) -> Tensor:  # noqa: ARG002
            return torch.full((32, 1), float(index))

        def name(self, index: int) -> str:
            return f"item {index}"

    with pytest.raises(BadItemError, match=r"item 3: .*ValueError: an item of 2 elements has no view of 3"):
        next(batches(Whole(), views, toy("series").collate, order, 0, skip_bad=False))
    (batch,) = batches(Whole(), views, toy("series").collate, order, 0, skip_bad=True)
    assert [skipped.name for skipped in batch.skipped] == ["item 3"]


def test_where_nothing_can_be_read_the_first_reason_is_said() -> None:
    class Nothing(AbstractItems[Tensor]):
        def __len__(self) -> int:
            return 2

        def read(self, index: int, rng: np.random.Generator) -> Tensor:  # noqa: ARG002
            raise KeyError("codec")

        def name(self, index: int) -> str:
            return f"item {index}"

    order = Order(items=2, batch=2, steps=1, seed=0)
    with pytest.raises(BadItemError, match=r"item \d: cannot be read \(KeyError: 'codec'.*nor can any other of 2"):
        next(batches(Nothing(), toy("series").views, toy("series").collate, order, 0, skip_bad=True))
