"""An index of items and objects with a finished run, on disk: `gestalt index`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ..modality.base import AbstractModality
from ..search.entries import ITEM, OBJECT
from ..search.growing import grow
from ..search.index import Index
from ..search.units import table_of
from ..storage.naming import counted
from .saving import load
from .stream import Stream


def index(
    run: Path,
    paths: Sequence[Path],
    out: Path,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
) -> int:
    """Add the items and objects of all files under some paths to an index; files that are there unchanged are not read.

    A call that is stopped or killed goes on where it was when it is called again; what is there can be searched
    meanwhile.

    Args:
        run, paths, skip_bad, modality, device: as `discover`.
        out: folder of the index; made, or made larger.

    Returns:
        The exit code, 0.

    Raises:
        BadItemError: for the first file or item that cannot be used, unless `skip_bad`; what was added before stays.
        ValueError: if nothing can be read, or the index is that of another run, or damaged.
        RuntimeError: if another process is writing to the index.
        OSError: if `out` cannot be written to or holds other files, or the run is none.
    """
    model = load(run, device, modality)
    stream = Stream.of(model, paths, skip_bad)
    with tqdm(unit="item") as progress:

        def done(items: int, of: int) -> None:
            progress.total = of
            progress.update(items - progress.n)

        added = grow(out, model, stream.items, stream.skipped, os.path.abspath(run), table_of(paths), done)
    left_out, now = stream.write_skipped(out), Index(out)
    files = f"{counted(added.new, 'new file')}, {added.changed} changed, {added.unchanged} as before"
    held = f"{counted(now.count(ITEM), 'item')} and {counted(now.count(OBJECT), 'object')}"
    gone = f", those of {counted(added.gone, 'file')} that are not there any more among them" if added.gone else ""
    print(
        f"{files}: {counted(added.items, 'item')} and {counted(added.objects, 'object')} added; "
        f"{out} holds {held}{gone}{left_out}"
    )
    return 0
