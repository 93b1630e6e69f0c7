"""Objects of new data with a finished run, in files: `gestalt discover`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..components.precision import FULL, Precision
from ..modality.base import AbstractModality
from .blocks.shared import Sharing
from .output_folder import OutputFolder
from .saving import load
from .stream import Stream
from .write_found import write_found


def discover(
    run: Path,
    paths: Sequence[Path],
    out: Path,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
    sharing: Sharing | None = None,
    precision: Precision = FULL,
) -> int:
    """Find objects in new data with a finished run, and write them in the formats of the field.

    The run's modality writes them, or they are written as `objects.jsonl` and `objects.html`, as are those of joint
    items in archives. What a call writes
    replaces what an earlier one wrote to the same folder.

    Args:
        run: folder of the run.
        paths: files and folders to look into.
        out: folder to write to, see `OutputFolder`.
        skip_bad: leave out files and items that cannot be used, and list them in `skipped.txt`.
        modality: that of the run, where it is not installed: itself, or `package.module:OBJECT`.
        device: where the network runs.
        sharing: workers that encode the items in blocks; None: this process does.
        precision: in which the network computes, see `load`.

    Returns:
        The exit code, 0.

    Raises:
        BadItemError: for the first file or item that cannot be used, unless `skip_bad`.
        ValueError: if nothing can be read, or the run does not say how objects are found.
        OSError: if `out` cannot be written to, holds other files, or the run is none.
    """
    with OutputFolder(out, paths).writing() as folder:
        model = load(run, device, modality, precision)
        model.check_finder()
        stream = Stream.of(model, paths, skip_bad, full=True).shared(sharing, run, paths, modality, out)
        note, skipped = f"found with the run {run}", stream.skipped
        said = write_found(stream, model.modality, stream.items, folder, note, () if skipped is None else skipped)
        left_out = stream.write_skipped(folder)
    print(f"{said}, written to {out}{left_out}")
    return 0
