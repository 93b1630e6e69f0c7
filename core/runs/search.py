"""What lies nearest to files, objects or texts in an index: `gestalt search`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..data.items import Skipped
from ..modality.base import AbstractModality
from ..search.index import Index
from ..search.options import Searching
from ..search.queries import queries_of
from ..search.searching import search as searched
from ..storage.atomic import write_text
from .output_folder import OutputFolder
from .saving import load
from .search_files import SearchFiles


def search(
    index: Path,
    queries: Sequence[Path],
    out: Path,
    how: Searching | None = None,
    run: Path | None = None,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
) -> int:
    """Search, print a table, and write `results.csv`, `results.jsonl` and `search.html`.

    Args:
        index: folder of the index.
        queries: files; `FILE#3` is object 3 of FILE, `FILE:7` its record 7. Every item of a file is a query.
        out: folder to write to, see `OutputFolder`.
        how: what is searched for, and among what.
        run: folder of the run of the index, where it has moved.
        skip_bad: leave out queries that cannot be read, and list them in `skipped.txt`.
        modality, device: as `discover`.

    Returns:
        The exit code, 0.

    Raises:
        BadItemError: for a query that cannot be read, unless `skip_bad`.
        ValueError: if the index is damaged or that of another run, or there is nothing to search in.
        OSError: if `out` cannot be written to, holds other files, or the index or its run is not there.
    """
    how = how or Searching()
    asked = how.asked(queries)
    with OutputFolder(out, [index, *(one.path for one in asked if one.text is None)]).writing() as folder:
        opened = Index(index)
        model = load(run_of(opened, run), device, modality)
        opened.check(model)
        skipped: list[Skipped] | None = [] if skip_bad else None
        found = searched(
            opened, queries_of(model, opened.manifest.space, asked, skipped), how.hits, how.among, how.backend
        )
        with SearchFiles(folder, opened, model.modality) as files:
            for one in found:
                files.add(one)
        if skipped:
            write_text(folder / "skipped.txt", "".join(f"{one.said}\n" for one in skipped))
    print(f"{files.said}, written to {out}{f'; {len(skipped)} left out, skipped.txt says what' if skipped else ''}")
    return 0


def run_of(index: Index, named: Path | None) -> Path:
    """The folder of the run of an index.

    Raises:
        FileNotFoundError: if it is not where it was, and the user names no other.
    """
    if named is not None:
        return named
    if not index.manifest.run:
        raise FileNotFoundError(f"{index.folder} does not say where its run is; name it with --run")
    if not Path(index.manifest.run).is_dir():
        raise FileNotFoundError(
            f"the run of {index.folder} is not at {index.manifest.run} any more; name it with --run"
        )
    return Path(index.manifest.run)
