"""CoNLL's columns: a word and its tag on every line, an empty line between sentences."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Int

from gestalt.core.data.items import BadItemError
from gestalt.core.tables.lines import lines_of

TAG = re.compile(r"O|([BIESLUM])-(\S+)")
"""BIO, IOB, BIOES and BILOU; the type may be anything, a number included."""


@final
@dataclass(frozen=True)
class Columns:
    """The tagged words of a file without the white space between them.

    Attributes:
        text: all words, one behind the other.
        spans: for every character the number of its span, −1 for none.
        lines: for every character the line on which its word stands.
        types: of the spans, by number.
    """

    text: str
    spans: Int[np.ndarray, " characters"]
    lines: Int[np.ndarray, " characters"]
    types: tuple[str, ...]


def cells_of(line: str) -> list[str]:
    """The columns of a line: between tabs where there are some, between spaces otherwise; one at least.

    Example:
        >>> cells_of("New York\\tB-LOC\\n"), cells_of("Leeds  NNP B-LOC")
        (['New York', 'B-LOC'], ['Leeds', 'NNP', 'B-LOC'])
    """
    line = line.rstrip("\r\n")
    return line.split("\t") if "\t" in line else (line.split() or [""])


def read_columns(path: Path) -> Columns:
    """The words of a file, its first column, and their tags, its last.

    A span begins at `B-`, `S-` and `U-`, and wherever the type changes or a word outside comes before. A line that
    begins with `#` and has no tag is a remark.

    Raises:
        ValueError: if the file is no text in Unicode, or a line has no word with a tag.
    """
    words: list[str] = []
    numbers: list[tuple[int, int]] = []
    types: list[str] = []
    open_type: str | None = None
    try:
        lines = list(lines_of(path))
    except (OSError, BadItemError) as error:
        raise ValueError(f"{path} is no text in Unicode ({error}); save it as UTF-8, or remove it") from error
    for line in lines:
        cells = cells_of(line.text)
        if not line.text.strip() or cells[0] == "-DOCSTART-":
            open_type = None
            continue
        tag = TAG.fullmatch(cells[-1].strip())
        word = "".join(cells[0].split())
        if line.text.startswith("#") and (tag is None or len(cells) < 2):
            continue
        if tag is None or len(cells) < 2 or not word:
            raise ValueError(
                f"{path}:{line.number} is no word with a tag behind it: {line.text.rstrip()[:60]!r}; a tag is O, or "
                "B-, I-, E-, S- and the type of the span, in the last column"
            )
        mark, type_ = tag[1], tag[2]
        if mark is None:
            open_type = None
        else:
            if mark in "BSU" or type_ != open_type:
                types.append(type_)
            open_type = None if mark in "ESLU" else type_
        words.append(word)
        numbers.append((len(types) - 1 if mark else -1, line.number))
    lengths = [len(word) for word in words]
    spans, own_lines = np.array(numbers, dtype=np.int64).reshape(-1, 2).repeat(lengths, axis=0).T
    return Columns("".join(words), spans, own_lines, tuple(types))
