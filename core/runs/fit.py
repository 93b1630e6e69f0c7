"""A finished run and labels to a model, in a folder: `gestalt fit`."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import torch

from ..fitting.fitters import AbstractFitter
from ..fitting.options import Fitting
from ..fitting.pseudo import PseudoLabelling
from ..modality.base import AbstractModality
from ..storage.atomic import write_text
from .config import RunConfig
from .fit_facts import Fit
from .fitting import fit_items
from .model import Model
from .output_folder import OutputFolder
from .pseudo_labels import FOLDER, learned_further
from .saving import load, save
from .seen import FITTED, TRAINED, Seen, seen_by, write_seen
from .stream import Stream

SEEN = (
    "the encoder has seen the labels of held-out rows, so that their scores flatter: gestalt evaluate takes other data"
)


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
    unlabelled: Sequence[Path] = (),
    pseudo: PseudoLabelling | None = None,
) -> int:
    """Fit a head to labelled items and write the model: a run's folder, whole, and `fit.json`.

    What will be done is said before a head is fitted: how many of what are labelled, what is held out and not used.

    Args:
        run, paths, out, skip_bad, modality, device: as `discover`.
        labels: a table, or the word `folders`.
        masks: that come with the data, in place of labels.
        fitter: of the head; linear.
        options: see `Fitting`.
        unlabelled: further items, of which nothing is known: the encoder is trained on both first. A killed call that
            is made again goes on from its last checkpoint.
        pseudo: how that is done.

    Returns:
        The exit code, 0.

    Raises:
        BadItemError: for the first file or item that cannot be used, unless `skip_bad`.
        ValueError: see `fit_items`.
        OSError: if `out` cannot be written to, holds other files, or the run is none.
    """
    beside = [path for path in (labels, masks) if path is not None and path.exists()]
    with OutputFolder(out, [run, *paths, *unlabelled, *beside]).writing() as folder:
        model = load(run, device, modality)
        stream = Stream.of(model, paths, skip_bad)
        before, after = list[tuple[str, str]](), list[tuple[str, str]]()
        learned = list[Seen]()
        if unlabelled:
            how, options = pseudo or PseudoLabelling(), options or Fitting()
            more = Stream.of(model, unlabelled, skip_bad)
            if stream.skipped is not None:
                stream.skipped.extend(more.skipped or ())
            both = learned_further(
                model, stream.items, labels, masks, more.items, options, how, out / FOLDER, stream.skipped, say
            )
            model = model.learning(both)
            learned = [Seen.of(stream.items), Seen.of(more.items)]
            before.append(("unlabelled", both.said))
            after.append(("note", SEEN))
        found = fit_items(model, stream.items, labels, masks, fitter, options, stream.skipped, say)
        found = replace(found, before=(*before, *found.before), after=(*found.after, *after))
        if stream.skipped:
            stream.skipped[:] = dict.fromkeys(stream.skipped)
        write_model(folder, model.answering(found), found, run, modality if isinstance(modality, str) else None)
        fitted = Seen.of(stream.items, found.items)
        learned += [fitted] if options is not None and options.tune else []
        write_seen(folder, {**_trained_on(seen_by(run), learned), FITTED: fitted})
        said = stream.write_skipped(folder)
    shutil.rmtree(out / FOLDER, ignore_errors=True)
    print(*(f"{name}: {text}" for name, text in found.after), sep="\n")
    print(f"the model is in {out}{said}")
    return 0


def _trained_on(before: Mapping[str, Seen], learned: Sequence[Seen]) -> dict[str, Seen]:
    """What the encoder was trained on before this fit, and in it; what another head was fitted to is forgotten."""
    trained = [before[TRAINED], *learned] if TRAINED in before else learned
    return {TRAINED: reduce(Seen.joined, trained)} if trained else {}


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
