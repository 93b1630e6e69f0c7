"""Rows of files as items by one schema, and rows of Python."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Int

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.modality.base import Reading
from gestalt.core.modality.files import find_files
from gestalt.core.modality.in_python import FromPython, Things
from gestalt.core.modality.probing import none_usable, probe
from gestalt.core.modality.windows import WindowIndex
from gestalt.core.shards.records import ADVICE, SUFFIXES, AbstractRecords, Fields, cell_text, records_of
from gestalt.core.storage.naming import counted

from .data import Row, Schema
from .layouts import doubts, further_columns, lacking, usual_columns

SAMPLE = 4096
"""Rows, evenly over all, that tell the schema."""
LOOKED = 256
"""Rows that are looked at before anything else where the schema is known."""


@final
class TableFiles(AbstractItems[Row]):
    """The rows of files by one schema.

    Args:
        sources: the files.
        rows: of each, the numbers of the rows that are taken.
        schema: of all.
    """

    def __init__(
        self, sources: Sequence[AbstractRecords], rows: Sequence[Int[np.ndarray, " _"]], schema: Schema
    ) -> None:
        self.sources = tuple(sources)
        self.rows = tuple(rows)
        self.schema = schema
        self.index = WindowIndex(map(len, self.rows), "row")

    def __len__(self) -> int:
        """Rows of all files together."""
        return len(self.index)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that items are made of."""
        return self.schema.names

    @property
    def remarks(self) -> tuple[str, ...]:
        """Which columns are no inputs, and why."""
        return self.schema.remarks

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(source.path for source in self.sources)

    def place(self, index: int) -> tuple[int, int]:
        """The number of the file of a row, and the line on which it begins there."""
        file, place = self.index.place(index)
        return file, self.sources[file].line(int(self.rows[file][place]))

    def path(self, index: int) -> Path:
        """The file of a row."""
        return self.sources[self.index.place(index)[0]].path

    def name(self, index: int) -> str:
        """The file and the line of a row."""
        file, line = self.place(index)
        return f"{self.sources[file].path}:{line}"

    def fields(self, index: int) -> Fields:
        """All cells of a row by name, also those of columns that are no inputs."""
        file, place = self.index.place(index)
        try:
            return self.sources[file].fields(int(self.rows[file][place]))
        except ValueError as error:
            raise BadItemError(self.name(index), f"{error}: changed while it was read; run again") from error

    def read(self, index: int, rng: np.random.Generator) -> Row:  # noqa: ARG002
        """One row.

        Raises:
            BadItemError: if it has a word in a column of numbers or of dates, or cannot be read any more.
        """
        source = self.sources[self.index.place(index)[0]]
        try:
            return self.schema.row(self.fields(index), source.writings.of, self.name(index))
        except BadItemError:
            raise
        except ValueError as error:
            raise BadItemError(self.name(index), f"{error}; {ADVICE}") from error


@final
@dataclass(frozen=True)
class PythonRows(AbstractItems[Row]):
    """Rows of Python by one schema."""

    rows: FromPython[Row]
    schema: Schema

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that items are made of."""
        return self.schema.names

    @property
    def remarks(self) -> tuple[str, ...]:
        """Which columns are no inputs, and why."""
        return self.schema.remarks

    def name(self, index: int) -> str:
        """Its number, from 1."""
        return self.rows.name(index)

    def read(self, index: int, rng: np.random.Generator) -> Row:
        """One row.

        Raises:
            BadItemError: if it is none.
        """
        return self.rows.read(index, rng)

    def fields(self, index: int) -> Fields:
        """All cells of a row by name."""
        return record_of(self.rows.things.of(index))


def record_of(thing: Any) -> Fields:
    """The cells by name of a mapping.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(thing, Mapping):
        raise TypeError(f"is no row: expected a mapping of names to cells, got {type(thing).__name__}")
    return {str(name): cell_text(value) for name, value in thing.items()}


def evenly(count: int, most: int) -> list[int]:
    """At most so many numbers below `count`, evenly.

    Example:
        >>> evenly(10, 3), evenly(2, 3)
        ([0, 4, 9], [0, 1])
    """
    return list(range(count)) if count <= most else [number * (count - 1) // (most - 1) for number in range(most)]


Learn = Callable[[Sequence[Fields], Sequence[Mapping[str, str]] | None, Mapping[str, str]], Schema]
"""Makes a schema of a sample of rows, of how the numbers of each are written, and of columns that are no inputs."""


def rows_of(things: Things, schema: Schema | None, learn: Learn) -> PythonRows:
    """Rows of Python as items, by a schema or the one that they tell themselves.

    Raises:
        BadItemError: for a row that is none.
        ValueError: if there is no column for an input.
    """
    if schema is None and isinstance(first := things.of(0), Row):
        schema = first.schema
    if schema is None:
        try:
            schema = learn([record_of(things.of(number)) for number in evenly(things.count, SAMPLE)], None, {})
        except TypeError as error:
            raise BadItemError(things.word, str(error)) from error
    return PythonRows(FromPython(things, Reads(schema)), schema)


@final
@dataclass(frozen=True)
class Reads:
    """Makes a row of a mapping of names to cells; a row is one already."""

    schema: Schema

    def __call__(self, thing: Any) -> Row:
        """The row.

        Raises:
            TypeError: if it is none.
            ValueError: for a word in a column of numbers or of dates.
        """
        return thing if isinstance(thing, Row) else self.schema.row(record_of(thing))


def read_tables(
    paths: Sequence[Path], schema: Schema | None, learn: Learn, skip_bad: bool = False, encoding: str | None = None
) -> Reading[Row]:
    """The rows of all files. Every file is read through once, but of Parquet its footer alone.

    All files have the columns of the schema; others are ignored. Where nobody says it, 4096 rows tell it, evenly over
    all, of the columns that most files have. Of a known schema 256 rows are looked at; what is wrong with the others
    shows when their turn comes.

    Args:
        paths: files and folders.
        schema: of a run; None: the rows tell it.
        learn: makes one of rows.
        skip_bad: leave out what cannot be used.
        encoding: of files that are not in Unicode.

    Raises:
        BadItemError: for the first file or row that cannot be used, unless `skip_bad`.
        FileNotFoundError: for a path that does not exist.
        ValueError: if none is left, or there is no column for an input.
    """
    skipped = list[Skipped]()

    def bad(error: BadItemError) -> None:
        if not skip_bad:
            raise error
        skipped.append(Skipped(error.name, error.reason))

    def examine(path: Path) -> AbstractRecords:
        source = records_of(path, bad, encoding)
        if not len(source):
            raise BadItemError(str(path), f"has no rows; {ADVICE}")
        lacking = [name for name in (schema.names if schema else ()) if name not in source.names]
        if lacking:
            said, are = ", ".join(map(repr, lacking[:8])), "is" if len(lacking) == 1 else "are"
            raise BadItemError(str(path), f"has no column {said}, which {are} an input; add it, or {ADVICE}")
        return source

    good = probe(find_files(paths, SUFFIXES, "tables"), examine, skipped if skip_bad else None)
    if not good:
        raise none_usable(skipped, f"{len(skipped)} tables")
    sources = [source for _, source in good]
    known = schema
    if known is None:
        usual = usual_columns(sources)
        own = [source for source in sources if usual <= set(source.names)]
        index = WindowIndex(map(len, own))
        places = [index.place(number) for number in evenly(len(index), SAMPLE)]
        known = _learned(own, places, learn, further_columns(own, usual), skip_bad)
        known = replace(known, remarks=(*known.remarks, *doubts(own, known)))
        sources, every = [], sources
        for source in every:
            error = lacking(source, every, known)
            if error is None:
                sources.append(source)
            else:
                bad(error)
    items = TableFiles(sources, [np.arange(len(source)) for source in sources], known)
    wrong = dict[int, set[int]]()
    for number in evenly(len(items), SAMPLE if schema is None else LOOKED):
        try:
            items.read(number, np.random.default_rng(0))
        except BadItemError as error:
            bad(error)
            file, place = items.index.place(number)
            wrong.setdefault(file, set()).add(place)
    rows = [np.delete(own, sorted(wrong.get(file, ()))) for file, own in enumerate(items.rows)]
    if not sum(map(len, rows)):
        raise none_usable(skipped, f"{len(items)} rows")
    return Reading(TableFiles(sources, rows, known), tuple(skipped))


def _learned(
    sources: Sequence[AbstractRecords],
    places: Sequence[tuple[int, int]],
    learn: Learn,
    further: Mapping[str, str],
    skip_bad: bool,
) -> Schema:
    """The schema that some rows tell; rows that cannot be read are listed when their turn comes.

    Raises:
        BadItemError: for the first row that cannot be read, unless `skip_bad`.
        ValueError: if none can, or they make no schema, with the first file.
    """
    cells, writings, wrong = list[Fields](), list[Mapping[str, str]](), list[Skipped]()
    for file, place in places:
        source = sources[file]
        try:
            cells.append(source.fields(place))
        except ValueError as error:
            name, reason = f"{source.path}:{source.line(place)}", f"{error}; {ADVICE}"
            if not skip_bad:
                raise BadItemError(name, reason) from error
            wrong.append(Skipped(name, reason))
        else:
            writings.append(source.writings.of)
    if not cells:
        raise none_usable(wrong, f"{len(places)} rows")
    try:
        return learn(cells, writings, further)
    except ValueError as error:
        more = f" and {counted(len(sources) - 1, 'more table')}" if len(sources) > 1 else ""
        raise ValueError(f"{sources[0].path}{more}: {error}") from error
