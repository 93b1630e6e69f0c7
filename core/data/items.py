"""Numbered items, wherever they come from, and what is said of those that cannot be read."""

import abc
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, final, runtime_checkable

import numpy as np

from .reasons import reason_of

ItemT = TypeVar("ItemT")


class AbstractItems(abc.ABC, Generic[ItemT]):
    """The items of a data set, read one at a time, from any number of worker processes."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """How many items there are."""

    @abc.abstractmethod
    def read(self, index: int, rng: np.random.Generator) -> ItemT:
        """Item `index`; the same `rng` gives the same item, so that any number of workers sees the same data.

        Raises:
            BadItemError: if the item turns out to be unreadable.
        """

    @abc.abstractmethod
    def name(self, index: int) -> str:
        """Where the item comes from, for messages: a path, with the place in it."""


@runtime_checkable
class FromFiles(Protocol):
    """Items that lie in files: a file is an item, or holds several."""

    def path(self, index: int) -> Path:
        """The file (or the folder that counts as one) of item `index`."""
        ...


@runtime_checkable
class FromRecords(Protocol):
    """Items that are records of files, whose other columns or fields name and describe them."""

    def fields(self, index: int) -> Mapping[str, str]:
        """Everything that the record of item `index` says, by name; nothing where the file holds no records."""
        ...


@runtime_checkable
class MadeOfColumns(Protocol):
    """Items that are made of some columns of their records: none of these can be what is to be predicted."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Their names."""
        ...


@runtime_checkable
class Remarked(Protocol):
    """Items of which reading decided something that its user should know before anything is trained."""

    @property
    def remarks(self) -> Sequence[str]:
        """Lines for people, such as which columns are no inputs, and why."""
        ...


def file_of(items: AbstractItems[Any], index: int) -> str:
    """The file of an item; its name, where it lies in none."""
    return str(items.path(index)) if isinstance(items, FromFiles) else items.name(index)


def record_of(items: AbstractItems[Any], index: int) -> str:
    """Where an item lies in its file, as its name says it: a line, seconds; nothing where it is the whole file."""
    rest = items.name(index).removeprefix(file_of(items, index)).strip(" :,")
    return rest[1:-1] if rest.startswith("[") and rest.endswith("]") else rest


IDS = ("sent_id", "id", "doc_id", "uid", "guid", "key")
"""Names of fields that say what a record is called, in small letters, the likelier first."""


def id_in(fields: Mapping[str, str]) -> str:
    """What a record is called, by its fields; nothing where none of them says it.

    Example:
        >>> id_in({"text": "A sea.", "Tweet ID": "7"}), id_in({"doc id": "d1", "sent_id": "d1-4"}), id_in({"paid": "1"})
        ('7', 'd1-4', '')
    """
    names = {name.lower().strip(): value.strip() for name, value in fields.items() if value.strip()}
    likely = [name for name in IDS if name in names]
    likely += [name for name in names if re.search(r"(^|[\W_])id$", name)]
    likely += [name.lower() for name, value in fields.items() if name.endswith(("Id", "ID")) and value.strip()]
    return names[likely[0]] if likely else ""


def id_of(items: AbstractItems[Any], index: int) -> str:
    """What the record of an item is called, by its fields; nothing where none of them says it, or it is no record."""
    return id_in(items.fields(index)) if isinstance(items, FromRecords) else ""


LEAVE_OUT = r"leave it out with --skip-bad(?: \(skip_bad=True\))?$"
OR_FOLLOWED = re.compile(rf", ([^,;]+),? or {LEAVE_OUT}")
"""Advice to leave something out, behind other advice of which there are two at least."""
FOLLOWED = re.compile(rf"[,;:]?(?: or)? {LEAVE_OUT}")
BREAKS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""What ends a line."""


def in_one_line(text: str) -> str:
    """A text whose line breaks are written as Python writes them: names may hold them, and a list has a name a line.

    Example:
        >>> in_one_line("a.tar/red\\nboat")
        'a.tar/red\\\\nboat'
    """
    return BREAKS.sub(lambda found: ascii(found[0])[1:-1], text)


@final
class BadItemError(ValueError):
    """An item that cannot be used: which, why, and what to do about it.

    Args:
        name: of the item or the file.
        reason: what is wrong, and what to do about it.
        absent: nothing is wrong with the file, it only holds nothing of what was looked for, as a clip without sound.

    Example: names may hold line breaks; what is said of them is one line.

        >>> str(BadItemError("a.tar/red\\nboat", "is empty; remove it"))
        'a.tar/red\\\\nboat: is empty; remove it'
    """

    def __init__(self, name: str, reason: str, absent: bool = False) -> None:
        super().__init__(f"{in_one_line(name)}: {reason}")
        self.name = name
        self.reason = reason
        self.absent = absent

    def __reduce__(self) -> tuple[type["BadItemError"], tuple[str, str, bool]]:
        """Worker processes send it home."""
        return BadItemError, (self.name, self.reason, self.absent)


@final
@dataclass(frozen=True)
class Skipped:
    """An item or a file that was left out, and why; `absent`, where it only lacks what was looked for.

    Example:
        >>> Skipped("red\\nboat.wav", "is silent; remove it, or leave it out with --skip-bad").said
        'red\\\\nboat.wav: is silent; remove it'
    """

    name: str
    reason: str
    absent: bool = False

    @property
    def why(self) -> str:
        """The reason without the advice to leave it out, which was followed.

        Example:
            >>> Skipped("a.wav", "is empty; fix it, remove it, or leave it out with --skip-bad").why
            'is empty; fix it or remove it'
        """
        return FOLLOWED.sub("", OR_FOLLOWED.sub(r" or \1", self.reason))

    @property
    def said(self) -> str:
        """Both in one line, for lists and messages."""
        return in_one_line(f"{self.name}: {self.why}")


def as_bad_item(name: str, error: Exception) -> BadItemError:
    """Whatever a library raised over an item, as the error that names it, and where it was raised.

    Raises:
        Exception: `error` itself, where it is a mistake of the program and none of the item.
    """
    if isinstance(error, BadItemError):
        return error
    if isinstance(error, ImportError | NameError):
        raise error
    places = traceback.extract_tb(error.__traceback__)
    where = f", in {Path(places[-1].filename).name}, line {places[-1].lineno}" if places else ""
    return BadItemError(
        name,
        f"cannot be read ({type(error).__name__}: {reason_of(error)}{where}); fix it, remove it, or leave it out with "
        "--skip-bad",
    )


def read_item(items: AbstractItems[ItemT], index: int, rng: np.random.Generator) -> ItemT:
    """Item `index`; whatever is raised over it names it.

    Raises:
        BadItemError: if it cannot be read.
    """
    try:
        return items.read(index, rng)
    except BadItemError:
        raise
    except Exception as error:
        raise as_bad_item(items.name(index), error) from error


def first_readable(items: AbstractItems[ItemT]) -> ItemT:
    """The first item that can be read, for what all items have in common.

    Raises:
        ValueError: if there are no items, or none can be read, with what is wrong with the first.
    """
    first: BadItemError | None = None
    for index in range(len(items)):
        try:
            return read_item(items, index, np.random.default_rng(0))
        except BadItemError as error:
            first = first or error
    if first is None:
        raise ValueError("there are no items; name files or folders that hold some")
    raise ValueError(f"none of {len(items)} items can be read; the first, {first}") from first
