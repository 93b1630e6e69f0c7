"""Checkpoints that survive a kill at any moment."""

import io
import warnings
from pathlib import Path
from typing import Any

import torch

from ..storage.atomic import write_bytes
from ..storage.damage import first_line

CHECKPOINT = "checkpoint.pt"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write the checkpoint to a temporary file, then rename it over the last good one.

    Raises:
        OSError: if the disk is full or refuses; the last good checkpoint is then untouched.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    try:
        write_bytes(folder / CHECKPOINT, buffer.getvalue())
    except OSError as error:
        raise OSError(f"{error}: free some disk space and go on with --resume") from error


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The last checkpoint of a run, None if there is none yet. Tensors and plain values only; no code is executed.

    Raises:
        ValueError: if the file is damaged.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickles by others, which are refused
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path} is no checkpoint of this package, or is damaged: {first_line(error)}; begin the run again in "
            "another folder"
        ) from error
    if not isinstance(state, dict) or "step" not in state:
        raise ValueError(f"{path} is no checkpoint of this package: it names no step")
    return state
