"""Near-duplicates in an index, or under some paths: `gestalt duplicates`."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..modality.base import AbstractModality
from ..search.growing import grow
from ..search.index import Index
from ..search.near_duplicates import near_duplicates
from ..search.options import Duplicating
from ..search.units import table_of
from .duplicates_files import write_duplicates
from .output_folder import OutputFolder
from .saving import load
from .search import run_of
from .stream import Stream


def duplicates(
    where: Path,
    paths: Sequence[Path],
    out: Path,
    how: Duplicating | None = None,
    run: Path | None = None,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
) -> int:
    """Write `pairs.csv`, `groups.csv` and `duplicates.html`; with `measure`, `measured.csv`, too.

    Args:
        where: folder of an index; with `paths`, that of a run.
        paths: files and folders, which are indexed for this call.
        out: folder to write to, see `OutputFolder`.
        how: what is compared, and how alike it must be.
        run: folder of the run of the index, where it has moved.
        skip_bad, modality, device: as `discover`.

    Returns:
        The exit code, 0.

    Raises:
        BadItemError: for the first file or item that cannot be used, unless `skip_bad`.
        ValueError: if the index is damaged or that of another run, or there is nothing to compare.
        OSError: if `out` cannot be written to, holds other files, or index or run are not there.
    """
    how = how or Duplicating()
    with OutputFolder(out, [where, *paths]).writing() as folder:
        said = ""
        if paths:
            model, own = load(where, device, modality), folder / "index"
            stream = Stream.of(model, paths, skip_bad)
            grow(own, model, stream.items, stream.skipped, table=table_of(paths))
            index, said = Index(own), stream.write_skipped(folder)
        else:
            index = Index(where)
            model = load(run_of(index, run), device, modality)
        answer = near_duplicates(model, index, how)
        lines = write_duplicates(folder, index, model.modality, answer, how)
        if paths:
            shutil.rmtree(folder / "index")
    print(*lines, sep="\n")
    print(f"written to {out}{said}")
    return 0
