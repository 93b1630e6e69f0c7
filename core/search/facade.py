"""Index and search in one line of Python: what `Model.index` and `Model.search` do."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data.items import Skipped
from ..modality.named_paths import named_paths
from ..runs.inputs import Source, paths_of
from .encodes import Encodes
from .growing import grow
from .index import Index
from .near_duplicates import NearDuplicates, near_duplicates
from .options import Duplicating, Searching
from .queries import queries_of
from .searching import Found, search
from .units import table_of


def indexed(model: Encodes, data: Any, out: Path | str, skip_bad: bool = False) -> Index:
    """Add what is new or changed to an index, and open it; see `grow`. A warning says what was left out.

    Raises:
        ValueError: also for a loader, whose items lie in no files.
    """
    skipped: list[Skipped] | None = [] if skip_bad else None
    given = paths_of(data)
    paths = () if given is None else named_paths(given, model.modality)
    source = Source.of(paths or data, model.modality, skipped)
    if source.items is None:
        raise ValueError("an index is of items that lie in files: pass paths, or numbered items that do")
    grow(Path(out), model, source.items, skipped, table=table_of(paths))
    if skipped:
        first = f"the first {skipped[0].said}"
        warnings.warn(f"{len(skipped)} left out of the index, {first}", stacklevel=3)
    return Index(out)


def found_in(
    model: Encodes,
    index: Index | Path | str,
    queries: str | Path | Sequence[str | Path] = (),
    how: Searching | None = None,
) -> list[Found]:
    """The nearest rows of every query; see `gestalt.core.search.searching.search`.

    Args:
        model: the run of the index.
        index: itself, or its folder.
        queries: files, or `FILE#3` for object 3 of a file.
        how: what is searched for, texts among them, and among what.

    Raises:
        ValueError: if the index is that of another run, or there is no query.
    """
    how = how or Searching()
    opened = index if isinstance(index, Index) else Index(index)
    opened.check(model)
    asked = how.asked([queries] if isinstance(queries, str | Path) else queries)
    found = queries_of(model, opened.manifest.space, asked)
    return list(search(opened, found, how.hits, how.among, how.backend))


def duplicates_of(model: Encodes, index: Index | Path | str, how: Duplicating | None = None) -> NearDuplicates:
    """Near-duplicates in an index, or in the one of a folder; see `near_duplicates`."""
    return near_duplicates(model, index if isinstance(index, Index) else Index(index), how or Duplicating())
