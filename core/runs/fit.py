"""A finished run and labels to a model, in a folder: `gestalt fit`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..fitting.fitters import AbstractFitter
from ..fitting.options import Fitting
from ..modality.base import AbstractModality
from ..storage.atomic import write_text
from .config import RunConfig
from .fitting import Fit, fit_items
from .model import Model
from .output_folder import OutputFolder
from .saving import load, save
from .stream import Stream


def fit(
    run: Path,
    paths: Sequence[Path],
    out: Path,
    labels: Path | None = None,
    masks: Path | None = None,
    fitter: AbstractFitter | None = None,
    options: Fitting | None = None,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
) -> int:
    """Fit a head to labelled items and write the model: a run's folder, whole, and `fit.json`.

    What will be done is said before a head is fitted: how many of what are labelled, what is held out and not used.

    Args:
        run, paths, out, skip_bad, modality, device: as `discover`.
        labels: a table, or the word `folders`.
        masks: that come with the data, in place of labels.
        fitter: of the head; linear.
        options: see `Fitting`.

    Returns:
        The exit code, 0.

    Raises:
        BadItemError: for the first file or item that cannot be used, unless `skip_bad`.
        ValueError: see `fit_items`.
        OSError: if `out` cannot be written to, holds other files, or the run is none.
    """
    beside = [path for path in (labels, masks) if path is not None and path.exists()]
    with OutputFolder(out, [run, *paths, *beside]).writing() as folder:
        model = load(run, device, modality)
        stream = Stream.of(model, paths, skip_bad)
        found = fit_items(model, stream.items, labels, masks, fitter, options, stream.skipped, say)
        if stream.skipped:
            stream.skipped[:] = dict.fromkeys(stream.skipped)
        write_model(folder, model.answering(found), found, run, modality if isinstance(modality, str) else None)
        said = stream.write_skipped(folder)
    print(*(f"{name}: {text}" for name, text in found.after), sep="\n")
    print(f"the model is in {out}{said}")
    return 0


def say(line: str) -> None:
    """A line to whoever watches."""
    print(line, file=sys.stderr, flush=True)


def write_model(folder: Path, model: Model[Any], found: Fit, run: Path, modality: str | None = None) -> None:
    """The model as a run's folder, and `fit.json`: what was done, and what held-out rows say of it."""
    config = RunConfig.read(run)
    details = {**config.details, "fitted_to": dict(found.before)}
    save(folder, model, str(config.encoder["name"]), modality, config.method, config.recipe, details)
    said = {"run": str(run), "before": dict(found.before), "after": dict(found.after)}
    write_text(folder / "fit.json", json.dumps(said, indent=1, ensure_ascii=False) + "\n")
