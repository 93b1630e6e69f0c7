"""The law of files: what is opened is read, or what is the matter is said by an error that names it."""

import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import gestalt
from gestalt.core.data.items import FromRecords
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.optional import InSequence, ReadsContext
from gestalt.core.modality.windows import Sight

MOST_ITEMS = 4
"""Items of a file that are read; of more, the first and the last ones."""
MISTAKES = (
    AttributeError, AssertionError, IndexError, KeyError, TypeError, ZeroDivisionError, UnboundLocalError, MemoryError,
    RecursionError, OverflowError,
)  # fmt: skip
"""What a program raises that did not think of something: no error of ours may come of one that our code raises."""
NAMED = (ValueError, FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError, FileExistsError)
OURS = tuple(str(Path(folder).resolve()) for package in gestalt.__path__ for folder in Path(package).iterdir())
NET = re.compile(r"cannot be (read|decoded)")
"""What is said of an error that nobody thought of."""


def read_whole(modality: AbstractModality[Any], path: Path, skip_bad: bool) -> int:
    """Every item of a file in its context and in a batch; how many there are.

    Raises:
        BadItemError, ValueError: for what cannot be read.
        AssertionError: if an item is not finite, or has no place.
    """
    reading = modality.read([path], skip_bad)
    items = reading.items
    assert len(items), "a reading without items"
    few = range(len(items)) if len(items) <= MOST_ITEMS else [*range(MOST_ITEMS - 2), len(items) - 2, len(items) - 1]
    for index in few:
        assert items.name(index), "an item without a name"
        item = items.read(index, np.random.default_rng(index))
        check_finite(modality.collate([item]))
        if isinstance(items, FromRecords):
            assert all(isinstance(text, str) for pair in items.fields(index).items() for text in pair)
        if isinstance(items, ReadsContext) and index == len(items) - 1:
            check_finite(items.read_in_context(index, Sight((0.01,), 100.0)).around)
        if isinstance(items, InSequence):
            assert index in items.whole(index)
    return len(items)


def lay_masks(modality: Any, path: Path, skip_bad: bool) -> None:
    """The masks at a path, laid on every item of the folder `data` in it or beside it.

    Raises:
        BadItemError, ValueError: for what cannot be read.
    """
    del skip_bad
    folder = path if (path / "data").is_dir() else path.parent
    items = modality.read([folder / "data"]).items
    found = modality.read_masks(path, items)
    for index in range(len(items)):
        found.of_item(index, items.read(index, np.random.default_rng(0)))


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """All tensors of an item or a batch."""
    if isinstance(value, torch.Tensor):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from tensors_in(getattr(value, field.name))
    elif isinstance(value, list | tuple) and value and not isinstance(value[0], str):
        for part in value[:8]:
            yield from tensors_in(part)


def check_finite(value: Any) -> None:
    """Nothing, for content of finite numbers, some of them.

    Raises:
        AssertionError: for any other.
    """
    for tensor in tensors_in(value):
        assert bool(tensor.isfinite().all()), f"numbers of {type(value).__name__} are not finite"


def broken_by(
    read: Callable[[Path, bool], object], path: Path, skip_bad: bool, by_folder: bool = False
) -> tuple[str, str]:
    """What came of reading a file, "read" or "named"; or "broken", and what breaks the law."""
    try:
        read(path, skip_bad)
    except Exception as error:
        said = complaint(error, path, by_folder)
        return ("named", f"{error}") if said is None else ("broken", f"{said}\n{_shown(error)}")
    return "read", ""


def complaint(error: BaseException, path: Path, by_folder: bool = False) -> str | None:
    """Why an error breaks the law; None if it does not. Files of a folder of ours may be named by the folder."""
    if not isinstance(error, NAMED) or isinstance(error, UnicodeError):
        return f"{type(error).__name__} is no error that names a file"
    names = (path.name, str(path), *((str(path.parent),) if by_folder else ()))
    if not any(name in str(error) for name in names):
        return "it names no file"
    if "\n" in str(error).replace(str(path), ""):
        return "it takes more than a line"
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    at = root.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    last = at.tb_frame.f_code.co_filename if at is not None else ""
    if NET.search(str(error)) and isinstance(root, MISTAKES) and str(Path(last).resolve()).startswith(OURS):
        return f"{type(root).__name__} is a mistake of this program, which did not look at what it read"
    if "allocate memory" in str(error):
        return "a length in the file is said to be a fault of the machine"
    if "MemoryError" in str(error) or isinstance(root, MemoryError):
        return "memory ran out"
    return None


def _shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-6000:]
