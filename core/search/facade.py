"""Index and search in one line of Python: what `Model.index` and `Model.search` do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data.items import Skipped
from ..runs.inputs import Source, paths_of
from .asked import ALL, Asked
from .encodes import Encodes
from .growing import grow
from .index import Index
from .near_duplicates import NearDuplicates, near_duplicates
from .options import Duplicating
from .queries import queries_of
from .searching import Found, search
from .units import table_of


def indexed(model: Encodes, data: Any, out: Path | str, skip_bad: bool = False) -> Index:
    """Add what is new or changed to an index, and open it; see `grow`.

    Raises:
        ValueError: also for a loader, whose items lie in no files.
    """
    skipped: list[Skipped] | None = [] if skip_bad else None
    source = Source.of(data, model.modality, skipped)
    if source.items is None:
        raise ValueError("an index is of items that lie in files: pass paths, or numbered items that do")
    grow(Path(out), model, source.items, skipped, table=table_of(paths_of(data) or ()))
    return Index(out)


def found_in(
    model: Encodes,
    index: Index | Path | str,
    queries: str | Path | Sequence[str | Path] = (),
    most: int = 10,
    among: str | None = None,
    object: int | None = None,
    objects: bool = False,
    part: str | None = None,
    text: str | None = None,
) -> list[Found]:
    """The nearest rows of every query; see `gestalt.core.search.searching.search`.

    Args:
        model: the run of the index.
        index: itself, or its folder.
        queries: files, or `FILE#3` for object 3 of a file.
        most: hits per query.
        among: `items`, `objects`, or the name of a part; by default what the query is.
        object: search for this object of every query.
        objects: search for every object of the queries.
        part: search for this part of joint items alone.
        text: a further query, in words.

    Raises:
        ValueError: if the index is that of another run, or there is no query.
    """
    opened = index if isinstance(index, Index) else Index(index)
    opened.check(model)
    number = ALL if objects else object
    asked = [Asked.of(path, number, part) for path in ([queries] if isinstance(queries, str | Path) else queries)]
    asked += [] if text is None else [Asked(Path(), number, part, text)]
    if not asked:
        raise ValueError("there is no query: name a file, FILE#3 for its object 3, or a text")
    return list(search(opened, queries_of(model, opened.manifest.space, asked), most, among))


def duplicates_of(model: Encodes, index: Index | Path | str, how: Duplicating | None = None) -> NearDuplicates:
    """Near-duplicates in an index, or in the one of a folder; see `near_duplicates`."""
    return near_duplicates(model, index if isinstance(index, Index) else Index(index), how or Duplicating())
