"""`gestalt export`: a finished run for another library, or which formats fit it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..modality.base import AbstractModality
from ..runs.saving import load
from .export import export_named, fits, trained_of


def export_run(
    run: Path,
    to: str | None,
    out: Path,
    examples: Sequence[Path] = (),
    licence: str | None = None,
    modality: AbstractModality[Any] | str | None = None,
) -> int:
    """Write the encoder of a finished run to a folder; without the name of a format, list those that fit.

    The arguments and errors are those of `export`.

    Returns:
        The exit code, 0.
    """
    model = load(run, modality=modality)
    if to is None:
        for name, why in fits(trained_of(model.modality, model.encoder, run, examples or None)):
            print(f"{name:<22} {export_named(name).takes if why is None else f'does not fit: {why}'}")
        return 0
    model.export(to, out, examples or None, licence)
    print(f"{type(model.encoder).__name__} written to {out}; README.md there says how it is loaded")
    return 0
