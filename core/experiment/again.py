"""The report of a finished run, made anew: evaluated again by this version, without training."""

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..components.registry import RECIPES
from ..methods.step import AbstractLearner
from ..modality.base import AbstractModality
from ..runs.saving import modality_of
from ..training.checkpoint import load_checkpoint
from ..training.data_record import DataRecord
from ..training.ended import TrainingResult
from .kept_options import KeptOptions, restored
from .prepared import prepared
from .report import report


def report_again(folder: Path, data: Sequence[Path] = (), modality: AbstractModality[Any] | str | None = None) -> int:
    """Evaluate a finished run again and write its `report.html` (and `table.json`); the exit code.

    Args:
        folder: of the run.
        data: where the run's own data are now; where they were, unless this is given.
        modality: the run's modality, where it is not installed.

    Raises:
        FileNotFoundError: if the folder is no run, or its data are no longer there.
        ValueError: if the run is not finished, or was given objects from Python.
    """
    folder, data = Path(os.path.abspath(folder)), tuple(Path(os.path.abspath(path)) for path in data)
    kept = KeptOptions.read(folder)
    kind = RECIPES.load(kept.recipe)
    options = restored(kind.options_type, kept.options, modality_of(folder, modality).encoders)
    running = replace(options.running, out=folder, data=data or options.running.data)
    with contextlib.chdir(kept.began_in if kept.began_in.is_dir() else Path.cwd()):
        recipe = kind(replace(options, running=running))
        ready = prepared(recipe, speaks=True)
        before = DataRecord.read(folder)
        changes = [] if before is None or ready.record is None else before.changes(ready.record)
        if changes:
            print(f"the data changed since the run was begun: {', '.join(changes)}", file=sys.stderr)
        learner, ended = trained(ready.factory.fresh(), folder, options.training.steps)
        others = {
            rival.title: trained(ready.factory.fresh(rival.method), folder / name, options.training.steps)[0]
            for name, rival in zip(running.compare, ready.rivals, strict=True)
            if rival.method != options.method
        }
        report(recipe, ready.factory.data, ended, ready.factory.fresh(), learner, others)
    return 0


def trained(learner: AbstractLearner[Any], folder: Path, steps: int) -> tuple[AbstractLearner[Any], TrainingResult]:
    """A learner as its run left it, and how that ended.

    Raises:
        FileNotFoundError: if there is no checkpoint.
        ValueError: if the run is not finished, or belongs to another version of the method.
    """
    saved = load_checkpoint(folder)
    if saved is None:
        raise FileNotFoundError(f"{folder} holds no checkpoint: its run was not begun, or the file was removed")
    if int(saved["step"]) < steps:
        raise ValueError(
            f"the run in {folder} is not finished ({saved['step']} of {steps} steps): go on with the command that "
            "began it and --resume; the report is made in the end"
        )
    try:
        learner.load_state_dict(saved["learner"])
    except RuntimeError as error:
        raise ValueError(
            f"the checkpoint in {folder} is of another version of the method: install that version, or train again"
        ) from error
    ended = TrainingResult.read(folder)
    return learner, TrainingResult(steps, True, 0.0, (), ()) if ended is None else ended
