"""The commands about an index: keep one, search in it, find near-duplicates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, final

import tyro

from gestalt.core.search.options import Duplicating, Searching

from .given_paths import meant


@final
@dataclass(frozen=True)
class Indexed:
    """Keep the vectors of items, objects and parts on disk. Run it again with more paths: what is new is added."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files and folders to read."""
    out: Path = Path("index")
    """Folder of the index; made, or made larger."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them."""
    modality: str | None = None
    """The run's modality as package.module:OBJECT, where it is not installed."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, cuda:1, mps."""


@final
@dataclass(frozen=True)
class Searched:
    """Find what lies nearest in an index. Writes results.csv, results.jsonl and search.html."""

    index: Annotated[Path, tyro.conf.Positional]
    """Folder of an index."""
    queries: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Files; FILE#3 is object 3 of FILE, FILE:7 its record 7. Every item of a file is a query."""
    how: Searching = field(default_factory=Searching)
    """What is searched for, and among what."""
    out: Path = Path("searched")
    """Folder to write to; what an earlier call wrote there is replaced."""
    run: Path | None = None
    """Folder of the run of the index, where it has moved."""
    skip_bad: bool = False
    """Leave out queries that cannot be read, and list them."""
    modality: str | None = None
    """The run's modality as package.module:OBJECT, where it is not installed."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, cuda:1, mps."""


@final
@dataclass(frozen=True)
class Duplicated:
    """Find near-duplicates. Writes pairs.csv, groups.csv and duplicates.html, with --measure measured.csv."""

    where: Annotated[Path, tyro.conf.Positional]
    """Folder of an index; with paths, of a finished run."""
    paths: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Files and folders, which are indexed for this call."""
    how: Duplicating = field(default_factory=Duplicating)
    """What is compared, and how alike it must be."""
    out: Path = Path("duplicates")
    """Folder to write to; what an earlier call wrote there is replaced."""
    run: Path | None = None
    """Folder of the run of the index, where it has moved."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them."""
    modality: str | None = None
    """The run's modality as package.module:OBJECT, where it is not installed."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, cuda:1, mps."""


def index_command(arguments: Sequence[str]) -> int:
    """`gestalt index RUN PATH…`."""
    from gestalt.core.runs.index import index

    from .parse import parsed

    asked = parsed(Indexed, arguments, "index")
    return index(
        asked.run,
        meant(asked.paths, asked.run, asked.modality),
        asked.out,
        asked.skip_bad,
        asked.modality,
        asked.device,
    )


def search_command(arguments: Sequence[str]) -> int:
    """`gestalt search INDEX QUERY…`."""
    from gestalt.core.runs.search import search

    from .parse import parsed

    asked = parsed(Searched, arguments, "search")
    return search(
        asked.index, asked.queries, asked.out, asked.how, asked.run, asked.skip_bad, asked.modality, asked.device
    )


def duplicates_command(arguments: Sequence[str]) -> int:
    """`gestalt duplicates INDEX`, or `gestalt duplicates RUN PATH…`."""
    from gestalt.core.runs.duplicates import duplicates

    from .parse import parsed

    asked = parsed(Duplicated, arguments, "duplicates")
    return duplicates(
        asked.where, asked.paths, asked.out, asked.how, asked.run, asked.skip_bad, asked.modality, asked.device
    )
