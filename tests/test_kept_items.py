"""Items that a run decoded once are read from its folder from then on, and nothing else changes."""

import os
import pickle
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from gestalt.core.data.items import AbstractItems
from gestalt.core.methods.learner import Learner
from gestalt.core.training.kept_items import WORTH, KeptItems, remove_kept
from gestalt.core.training.loop import TrainingResult
from gestalt.core.training.steady_items import SteadyItems
from tests import test_rounds, test_training
from tests.test_stopping import assert_same_numbers, interrupting
from tests.test_training import OPTIONS, Few

ALL = 10**9


@final
@dataclass(frozen=True)
class OnDisk(AbstractItems[Any]):
    """Numbers in files; every reading leaves a line in a file of its own."""

    folder: Path
    count: int = 6

    def __len__(self) -> int:
        return self.count

    def path(self, index: int) -> Path:
        """The file of an item."""
        return self.folder / f"{index}.txt"

    def name(self, index: int) -> str:
        """The file of an item."""
        return str(self.path(index))

    def read(self, index: int, rng: np.random.Generator) -> Tensor:  # noqa: ARG002
        """The numbers in a file."""
        with (self.folder / "readings").open("a") as file:
            file.write(f"{index}\n")
        return torch.tensor([float(self.path(index).read_text())] * 4)

    @property
    def readings(self) -> list[int]:
        """Which items were read, in their order."""
        path = self.folder / "readings"
        return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture
def items(tmp_path: Path) -> OnDisk:
    """Six files."""
    (tmp_path / "data").mkdir()
    for index in range(6):
        (tmp_path / "data" / f"{index}.txt").write_text(f"{index / 8}")
    return OnDisk(tmp_path / "data")


def numbers(items: AbstractItems[Any]) -> list[float]:
    """The first number of every item."""
    return [float(items.read(index, np.random.default_rng(0))[0]) for index in range(len(items))]


def test_every_item_is_decoded_once_and_comes_back(items: OnDisk, tmp_path: Path) -> None:
    kept = KeptItems(items, tmp_path / "run" / "items.sqlite", ALL, worth=0.0)
    expected = [index / 8 for index in range(6)]
    for _ in range(3):
        assert numbers(kept) == expected
    assert items.readings == [*range(6)]
    assert (len(kept), kept.name(3)) == (6, items.name(3))
    kept.close()
    remove_kept(tmp_path / "run" / "items.sqlite")
    assert not list((tmp_path / "run").iterdir())
    assert numbers(kept) == expected, "a file that was removed is made again"


@pytest.mark.parametrize("opened", [True, False])
def test_processes_share_what_any_of_them_decoded(items: OnDisk, tmp_path: Path, opened: bool) -> None:
    kept = KeptItems(items, tmp_path / "items.sqlite", ALL, worth=0.0)
    if opened:
        kept.read(0, np.random.default_rng(0))  # this process has the file open when it starts the others

    def epoch() -> list[float]:
        seen = Seen(kept)
        loader = DataLoader[Any](seen, num_workers=2, batch_size=None)
        return sorted(float(one[0]) for one in loader)

    assert epoch() == [index / 8 for index in range(6)]
    assert sorted(items.readings) == [*range(6)]
    assert epoch() == [index / 8 for index in range(6)]
    # A process that knows of no item reads its first one anew: it says of which classes items are made.
    assert sorted(items.readings[6:]) == ([] if opened else [0, 1])
    before = len(items.readings)
    assert numbers(kept) == [index / 8 for index in range(6)]
    assert items.readings[before:] == ([] if opened else [0])


def test_it_travels_to_processes_that_are_not_forked(items: OnDisk, tmp_path: Path) -> None:
    kept = KeptItems(items, tmp_path / "items.sqlite", ALL, worth=0.0)
    numbers(kept)
    assert numbers(pickle.loads(pickle.dumps(kept))) == [index / 8 for index in range(6)]
    assert items.readings == [*range(6)]


@final
class Seen(Dataset[Any]):
    """Items as a data set of torch."""

    def __init__(self, items: AbstractItems[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items.read(index, np.random.default_rng(0))


def test_a_file_that_changed_is_read_anew(items: OnDisk, tmp_path: Path) -> None:
    kept = KeptItems(items, tmp_path / "items.sqlite", ALL, worth=0.0)
    numbers(kept)
    items.path(4).write_text("99.0")
    assert numbers(kept)[4] == 99
    os.utime(items.path(2), ns=(1, 1))
    numbers(kept)
    assert items.readings == [*range(6), 4, 2]


def test_a_file_that_is_gone_is_named_as_ever(items: OnDisk, tmp_path: Path) -> None:
    kept = KeptItems(items, tmp_path / "items.sqlite", ALL, worth=0.0)
    numbers(kept)
    items.path(3).unlink()
    with pytest.raises(FileNotFoundError, match=r"3\.txt"):
        numbers(kept)


def test_what_is_read_in_no_time_is_read_again(items: OnDisk, tmp_path: Path) -> None:
    kept = KeptItems(items, tmp_path / "items.sqlite", ALL, worth=60.0)
    numbers(kept)
    numbers(kept)
    assert items.readings == [*range(6), *range(6)]


def test_items_that_are_read_in_another_way_every_time_are_not_kept(tmp_path: Path) -> None:
    reads = list[int]()
    kept = KeptItems(Few(reads.append), tmp_path / "items.sqlite", ALL, worth=0.0)
    one, two = (kept.read(0, np.random.default_rng(seed)) for seed in (1, 2))
    assert not torch.equal(one, two)
    assert torch.equal(two, kept.read(0, np.random.default_rng(2)))
    assert reads == [0, 0, 0]
    steady = KeptItems(SteadyItems(Few(reads.append), 3), tmp_path / "steady.sqlite", ALL, worth=0.0)
    one, two = (steady.read(0, np.random.default_rng(seed)) for seed in (1, 2))
    assert torch.equal(one, two)
    assert reads == [0, 0, 0, 0], "read in one way all through the run, it is kept"


def test_no_more_is_kept_than_the_bound_and_the_rest_is_read_as_ever(items: OnDisk, tmp_path: Path) -> None:
    file = tmp_path / "items.sqlite"
    bound = 40_000
    big = KeptItems(Padded(items), file, bound, worth=0.0)
    for _ in range(2):
        assert numbers(big) == [index / 8 for index in range(6)]
    again = items.readings[6:]
    assert 0 < len(again) < 6
    assert again == [*range(6 - len(again), 6)], "the first fit"
    big.close()  # what was written is now in the file itself
    assert file.stat().st_size <= bound


@final
class Padded(AbstractItems[Any]):
    """The same numbers, ten thousand bytes each."""

    def __init__(self, items: OnDisk) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def name(self, index: int) -> str:
        """That of the item."""
        return self.items.name(index)

    def read(self, index: int, rng: np.random.Generator) -> Tensor:
        """The numbers and many more."""
        return torch.cat([self.items.read(index, rng), torch.full((2500,), 0.3)])


def broken(file: Path) -> None:
    """No database."""
    file.write_bytes(b"this is no database" * 1000)


def of_another_form(file: Path) -> None:
    """A database with another table of that name."""
    with sqlite3.connect(file) as base:
        base.execute("CREATE TABLE items (number INTEGER)")


def with_torn_items(file: Path) -> None:
    """A database whose items are cut short."""
    with sqlite3.connect(file) as base:
        base.execute("UPDATE items SET item = substr(item, 1, 20)")


@pytest.mark.parametrize("damage", [broken, of_another_form, with_torn_items])
def test_a_damaged_file_is_said_once_and_costs_time_alone(
    items: OnDisk, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    file = tmp_path / "items.sqlite"
    if damage is with_torn_items:
        first = KeptItems(items, file, ALL, worth=0.0)
        numbers(first)
        first.close()
    damage(file)
    kept = KeptItems(items, file, ALL, worth=0.0)
    with pytest.warns(UserWarning, match=r"items\.sqlite: decoded items are not kept any more \(.+\); the run goes on"):
        assert numbers(kept) == [index / 8 for index in range(6)]
    before = len(items.readings)
    assert numbers(kept) == [index / 8 for index in range(6)]
    assert len(items.readings) == before + 6


def test_items_that_bytes_cannot_hold_are_said_and_read_as_ever(tmp_path: Path) -> None:
    kept = KeptItems(Complex(), tmp_path / "items.sqlite", ALL, worth=0.0)
    with pytest.warns(
        UserWarning, match=r"not kept any more \(an item holds a complex, which cannot be kept as bytes\)"
    ):
        assert kept.read(0, np.random.default_rng(0)) == 1j
    assert kept.read(0, np.random.default_rng(0)) == 1j


@final
class Complex(AbstractItems[Any]):
    """An item of a kind that nothing ships."""

    def __len__(self) -> int:
        return 1

    def name(self, index: int) -> str:
        """Its number."""
        return f"{index}"

    def read(self, index: int, rng: np.random.Generator) -> complex:  # noqa: ARG002
        """A number."""
        return 1j


def slowly(counted: list[int]) -> Callable[[int], None]:
    """Reading takes a while, and is counted."""

    def read(index: int) -> None:
        time.sleep(2 * WORTH)
        counted.append(index)

    return read


def slow_and_stopped(read: int) -> Few:
    """As `interrupting`, where reading takes a while."""
    stop, slow = interrupting(read).on_read, slowly([])

    def act(index: int) -> None:
        slow(index)
        stop(index)

    return Few(act)


def trained(kind: str, folder: Path, items: Few, **changes: Any) -> TrainingResult:
    """A short run: in rounds, or of a method that reads items anew at every step."""
    resume = changes.pop("resume", False)
    options = replace(OPTIONS, **changes)
    if kind == "rounds":
        return test_rounds.run(folder, items, options, resume)
    own: Learner = test_training.learner("byol")
    return test_training.run(folder, items, options, resume, learner=own)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", ["rounds", "byol"])
def test_a_run_that_keeps_items_gives_the_same_numbers_bit_for_bit_and_leaves_none(
    tmp_path: Path, kind: str, workers: int
) -> None:
    trained(kind, tmp_path / "plain", Few())
    counted = list[int]()
    trained(kind, tmp_path / "kept", Few(slowly(counted)), kept_items=0.1, workers=workers)
    assert_same_numbers(tmp_path / "plain", tmp_path / "kept")
    assert not list((tmp_path / "kept").glob("items*")), "they are removed when the run is over"
    if workers == 0 and kind == "rounds":
        assert sorted(counted) == [*range(10)], "each is decoded once, segments and signs of all rounds included"


def test_a_run_that_was_stopped_goes_on_with_what_it_kept(tmp_path: Path) -> None:
    trained("rounds", tmp_path / "whole", Few())
    stopped = trained("rounds", tmp_path / "parts", slow_and_stopped(5), kept_items=0.1)
    assert not stopped.finished
    assert (tmp_path / "parts" / "items-0.sqlite").is_file()
    counted = list[int]()
    trained("rounds", tmp_path / "parts", Few(slowly(counted)), kept_items=0.1, resume=True)
    assert_same_numbers(tmp_path / "whole", tmp_path / "parts")
    assert len(counted) <= 2, "the first of the process, at most, and one that was not kept yet"


def test_a_new_run_in_the_same_folder_begins_without_them(tmp_path: Path) -> None:
    trained("rounds", tmp_path, slow_and_stopped(5), kept_items=0.1)
    counted = list[int]()
    trained("rounds", tmp_path, Few(slowly(counted)), kept_items=0.1)
    assert sorted(counted) == [*range(10)]


def test_a_run_that_goes_on_without_them_leaves_none(tmp_path: Path) -> None:
    trained("rounds", tmp_path, slow_and_stopped(5), kept_items=0.1)
    assert list(tmp_path.glob("items*"))
    assert trained("rounds", tmp_path, Few(), resume=True).finished
    assert not list(tmp_path.glob("items*"))
