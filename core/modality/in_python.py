"""Items as Python's libraries hold them: data sets, columns of tables, arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, final, runtime_checkable

import numpy as np

from ..components.names import choose
from ..data.items import AbstractItems, BadItemError
from .base import AbstractModality
from .plugins import load_modality

ItemT = TypeVar("ItemT")


@runtime_checkable
class TakesObjects(Protocol[ItemT]):
    """A modality that makes items of what Python's libraries hold: pictures of PIL, waveforms, strings, graphs."""

    @property
    def column_names(self) -> Sequence[str]:
        """What columns of such things are called in data sets, the likelier first."""
        ...

    def of_objects(self, things: "Things") -> AbstractItems[ItemT]:
        """Numbered items of them; each is made when it is read.

        Raises:
            TypeError: if they are nothing of the modality, with what was expected.
        """
        ...


@runtime_checkable
class TakesRows(Protocol):
    """A modality whose items are whole rows of a table: mappings of the names of its columns to cells."""

    @property
    def takes_rows(self) -> bool:
        """Whether they are."""
        ...


@runtime_checkable
class LabelsEntries(Protocol):
    """A modality that says which part of an entry is the label, where others behind the item are none: a rate."""

    def label_in(self, entry: tuple[Any, ...]) -> Any:
        """The label in an entry of a data set that is a tuple; None where it has none."""
        ...


@final
@dataclass(frozen=True)
class Things:
    """Numbered things, wherever they are held.

    Attributes:
        of: the thing of a number.
        count: how many there are.
        word: what one of them is called, for messages.
        fields: everything else that is said of a number: other columns of its row, its label.
    """

    of: Callable[[int], Any]
    count: int
    word: str
    fields: Callable[[int], Mapping[str, str]] = field(default=lambda _: {})


@final
@dataclass(frozen=True)
class FromPython(AbstractItems[ItemT], Generic[ItemT]):
    """Things of Python as items.

    Args:
        things: numbered.
        convert: makes an item of one; raises ValueError or TypeError where it is none.
    """

    things: Things
    convert: Callable[[Any], ItemT]

    def __len__(self) -> int:
        return self.things.count

    def name(self, index: int) -> str:
        """Its number, from 1."""
        return f"{self.things.word} {index + 1}"

    def read(self, index: int, rng: np.random.Generator) -> ItemT:  # noqa: ARG002
        """The item.

        Raises:
            BadItemError: if the thing is none.
        """
        try:
            return self.convert(self.things.of(index))
        except BadItemError as error:
            raise BadItemError(self.name(index), error.reason) from error
        except (ValueError, TypeError) as error:
            raise BadItemError(self.name(index), f"{error}; correct it, or leave it out with skip_bad=True") from error

    def fields(self, index: int) -> Mapping[str, str]:
        """What else is said of it."""
        return self.things.fields(index)


def items_of(things: Any, modality: AbstractModality[ItemT] | str, column: str | None = None) -> AbstractItems[ItemT]:
    """Numbered items of whatever holds some: they are converted one at a time, when they are read.

    A list, a NumPy array (its first axis numbers the items), a `Dataset` of torch, torchvision, torchaudio or PyTorch
    Geometric (of entries that are tuples the first is the item, the last number or name behind it the field `label`,
    unless the modality says which: `LabelsEntries`), a data set of Hugging Face, a table or column of pandas or
    pyarrow.

    Args:
        things: what holds them.
        modality: of the items, or its name.
        column: of a table, where several might hold the items.

    Raises:
        ValueError: if there are none, or a table has no such column.
        TypeError: if they are not numbered: a stream has to become a list first.

    Example:
        >>> found = items_of({"text": ["So far.", "Silence."], "id": [7, 8]}, "text")
        >>> found.read(1, np.random.default_rng(0)).words, found.fields(1)
        (('Silence', '.'), {'id': '8'})
    """
    if isinstance(things, AbstractItems):
        return things
    if isinstance(modality, str):
        return items_of(things, load_modality(modality), column)
    numbered = things_of(things, modality, column)
    if not numbered.count:
        raise ValueError(f"there are no items of {modality.name}: an empty sequence was given")
    if isinstance(modality, TakesObjects):
        found: AbstractItems[ItemT] = modality.of_objects(numbered)
        return found
    return FromPython(numbered, lambda thing: thing)


def things_of(things: Any, modality: object, column: str | None = None) -> Things:
    """The things that something holds, and what else it says of each."""
    word = str(getattr(modality, "name", "item"))
    names = _columns(things)
    if names is not None and column is None and isinstance(modality, TakesRows) and modality.takes_rows:
        columns = {name: _column(things, label) for name, label in zip(names, _labels(things, names), strict=True)}
        count = len(next(iter(columns.values()), ()))
        return Things(lambda index: {name: _plain(own[index]) for name, own in columns.items()}, count, word)
    if names is not None:
        chosen = _chosen(names, modality, column)
        own = _column(things, chosen)
        beside = [name for name in names if name != chosen]

        def fields(index: int) -> dict[str, str]:
            said = ((name, _plain(_column(things, name)[index])) for name in beside)
            return {name: str(value) for name, value in said if isinstance(value, str | int | float)}

        return Things(lambda index: _plain(own[index]), len(own), word, fields)
    if column is not None:
        raise ValueError(f"column={column!r} is for tables, and {type(things).__name__} has no columns")
    rows = things.array if hasattr(things, "iloc") else things
    if isinstance(rows, str | bytes) or not hasattr(rows, "__getitem__") or not hasattr(rows, "__len__"):
        raise TypeError(
            f"data are a path, several paths, items of {word} in a sequence, array, table or a data set of numbered "
            f"entries, got {type(things).__name__}; put a stream into a list first"
        )
    entries = _Entries(rows, modality)
    return Things(entries.thing, len(rows), word, entries.fields)


def _labels(things: Any, names: Sequence[str]) -> Sequence[Any]:
    """What a table itself calls its columns: those of pandas may be called by numbers."""
    return list(things.columns) if hasattr(things, "iloc") else names


def _columns(things: Any) -> list[str] | None:
    """Names of columns, where things are a table."""
    if isinstance(things, Mapping):
        return [str(name) for name in things]
    names = getattr(things, "column_names", None)  # Hugging Face, pyarrow
    if names is None and hasattr(things, "iloc") and getattr(things, "ndim", 1) == 2:  # pandas
        names = list(things.columns)
    return list(map(str, names)) if isinstance(names, list | tuple) else None


def _chosen(names: Sequence[str], modality: object, column: str | None) -> str:
    if column is not None:
        return choose("column", column, list(names))
    likely = modality.column_names if isinstance(modality, TakesObjects) else ()
    found = next((name for name in likely if name in names), names[0] if len(names) == 1 else None)
    if found is None:
        raise ValueError(f"the columns are {', '.join(names)}; say which of them holds the items: column=…")
    return found


def _column(things: Any, name: Any) -> Any:
    """A column that is numbered by its rows."""
    own = things[name]
    return own.array if hasattr(own, "iloc") else own  # a series of pandas is numbered by its index


def _plain(value: Any) -> Any:
    """Scalars of pyarrow and NumPy as those of Python."""
    if hasattr(value, "as_py"):
        return value.as_py()
    return value.item() if isinstance(value, np.generic) else value


@final
class _Entries:
    """Numbered entries. What the last one said of itself is kept: reading it again may decode a file."""

    def __init__(self, rows: Any, modality: object) -> None:
        self._rows, self._modality = rows, modality
        self._last: tuple[int, dict[str, str]] | None = None

    def thing(self, index: int) -> Any:
        entry = self._rows[index]
        self._last = index, _label(entry, self._modality)
        return _plain(entry)

    def fields(self, index: int) -> dict[str, str]:
        last = self._last
        if last is None or last[0] != index:
            last = self._last = index, _label(self._rows[index], self._modality)
        return last[1]


def _label(entry: Any, modality: object) -> dict[str, str]:
    """The label of an entry that is a tuple: what the modality says, or else the last number or name in it."""
    if not isinstance(entry, tuple) or len(entry) < 2:
        return {}
    behind = (modality.label_in(entry),) if isinstance(modality, LabelsEntries) else entry[1:]
    said = [_plain(part) for part in behind]
    found = [part for part in said if isinstance(part, str | int) and not isinstance(part, bool)]
    return {"label": str(found[-1])} if found else {}
