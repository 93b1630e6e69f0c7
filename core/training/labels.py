"""Labels of some items: from a table, from the names of folders, or from whoever knows them."""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from ..data.items import AbstractItems
from ..methods.targets import AbstractTarget, Classes, Values, any_known

PLACE = re.compile(r"\s*[\[:#,(]")
"""Where an item's name stops to name the file and goes on with the place in it."""


@final
@dataclass(frozen=True)
class Labels:
    """What is known of the items of a data set, or of their elements.

    Attributes:
        target: what it is: classes, values.
        known: in the target's own form, for every item: integers with −1, or numbers with NaN, for what is not known.

    Example:
        >>> labels = Labels.of(["cat", None, "dog", "cat"])
        >>> labels.target, labels.known.tolist(), labels.known_items().tolist()
        (Classes(names=('cat', 'dog')), [0, -1, 1, 0], [0, 2, 3])
    """

    target: AbstractTarget
    known: Shaped[Tensor, "items ..."]

    def __post_init__(self) -> None:
        if isinstance(self.target, Classes) and self.known.numel() and int(self.known.max()) >= len(self.target.names):
            raise ValueError(f"{len(self.target.names)} classes have names, got class number {int(self.known.max())}")

    @classmethod
    def of(cls, texts: Sequence[str | None]) -> "Labels":
        """Classes from their names, numbered in alphabetical order; None is unknown.

        Raises:
            ValueError: if no item is labelled.
        """
        names = tuple(sorted({text for text in texts if text is not None}))
        number = {name: place for place, name in enumerate(names)}
        known = torch.tensor([-1 if text is None else number[text] for text in texts], dtype=torch.long)
        return cls(Classes(names), known)

    @classmethod
    def of_elements(cls, rows: Sequence[Sequence[str | None] | None]) -> "Labels":
        """Classes of the elements of every item, from their names; None is unknown, for an element or a whole item.

        Example:
            >>> Labels.of_elements([["noun", None], None, ["noun", "verb", "noun"]]).known.tolist()
            [[0, -1, -1], [-1, -1, -1], [0, 1, 0]]
        """
        longest = max((len(row) for row in rows if row is not None), default=0)
        flat = [text for row in rows for text in [*(row or ()), *[None] * (longest - len(row or ()))]]
        labels = cls.of(flat)
        return cls(labels.target, labels.known.view(len(rows), longest))

    @classmethod
    def of_values(cls, values: Sequence[float | None], name: str = "value") -> "Labels":
        """One value per item; None is unknown."""
        floats = torch.tensor([math.nan if value is None else value for value in values])
        return cls(Values((name,)), floats[:, None])

    def known_items(self) -> Int[Tensor, " labelled"]:
        """The numbers of the items of which anything is known."""
        return any_known(self.known).nonzero()[:, 0]

    def keeping(self, rows: Int[Tensor, " kept"]) -> "Labels":
        """The same labels, hidden for all items but these: what a learner may see of them."""
        known = torch.full_like(self.known, math.nan if self.known.is_floating_point() else -1)
        known[rows] = self.known[rows]
        return Labels(self.target, known)


def read_labels(
    path: Path,
    items: AbstractItems[Any],
    column: str | None = None,
    kind: Literal["class", "value"] = "class",
) -> Labels:
    """Labels from a table: a CSV file with a header, whose first column names files (or items).

    A name may be a whole path or end of one, down to the bare file name. An item that is a part of a file (a window, a
    line) takes the file's label, unless the table names the part itself. Items that the table does not name, and rows
    whose label is empty, are unlabelled.

    Args:
        path: the table, in UTF-8.
        items: the data set.
        column: the column with the labels; the second by default, or the one called `label`.
        kind: classes, or values to predict.

    Raises:
        ValueError: if the table cannot be read, lacks the column, contradicts itself, names a file that the data set
            does not have, or is ambiguous; or if no item is labelled.
    """
    table = _read_table(path, column)
    names = [items.name(index) for index in range(len(items))]
    found = [_find(name, table) for name in names]
    used: dict[str, str] = {}
    for key, file in (match for match in found if match is not None):
        if used.setdefault(key, file) != file:
            raise ValueError(
                f"{path} names {key!r}, which fits both {used[key]} and {file}; write more of the path into the table"
            )
    unknown = [key for key in table if key not in used]
    if unknown:
        raise ValueError(
            f"{path} names {len(unknown)} of {len(table)} entries that the data do not have, the first is "
            f"{unknown[0]!r}; the data have names such as {names[0]!r}"
        )
    texts = [None if match is None else table[match[0]] or None for match in found]
    if all(text is None for text in texts):
        raise ValueError(f"{path} labels none of the {len(names)} items; fill its column of labels")
    if kind == "class":
        return Labels.of(texts)
    return Labels.of_values([None if text is None else _number(text, path) for text in texts])


def folder_labels(items: AbstractItems[Any]) -> Labels:
    """The class of an item is the name of the folder in which its file lies.

    Raises:
        ValueError: if all items lie in one folder.
    """
    texts = [Path(_file(items.name(index))).parent.name for index in range(len(items))]
    if len(set(texts)) < 2:
        raise ValueError(
            f"all items lie in one folder, {texts[0]!r}, so folders tell no classes; "
            "sort the files into folders by class, or give a table with --labels"
        )
    return Labels.of(texts)


def _read_table(path: Path, column: str | None) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"the labels in {path} cannot be read ({error}); give a CSV file in UTF-8") from error
    if len(rows) < 2 or len(rows[0]) < 2:
        raise ValueError(f"{path} needs a header and rows of at least two columns: the name of a file, and its label")
    header = [cell.strip() for cell in rows[0]]
    wanted = column or ("label" if "label" in header[1:] else header[1])
    if wanted not in header:
        raise ValueError(f"{path} has no column {wanted!r}; it has {', '.join(header)}")
    place = header.index(wanted)
    table: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise ValueError(f"{path}, row {number}: {len(row)} cells where the header has {len(header)}")
        name, label = row[0].strip(), row[place].strip()
        if table.setdefault(name, label) != label:
            raise ValueError(f"{path}, row {number}: {name!r} is labelled {table[name]!r} and {label!r}; keep one")
    return table


def _find(name: str, table: Mapping[str, str]) -> tuple[str, str] | None:
    """The entry of the table that names an item, and the file (or item) it was taken for."""
    stops = [len(name), *sorted((match.start() for match in PLACE.finditer(name)), reverse=True)]
    for stop in stops:
        file = name[:stop]
        parts = file.replace("\\", "/").split("/")
        for start in range(len(parts)):
            key = "/".join(parts[start:])
            if key in table:
                return key, file
    return None


def _file(name: str) -> str:
    """An item's name without the place in the file: up to the end of the first suffix after the last folder."""
    folder, slash, last = name.rpartition("/")
    match = PLACE.search(last)
    return folder + slash + (last[: match.start()] if match else last)


def _number(text: str, path: Path) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{path}: the value {text!r} is no finite number; correct it, or read classes")
    return value
