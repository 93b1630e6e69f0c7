"""The parts of a report that are the same for every recipe: curves, facts, commands."""

import math
import os
import platform
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from typing import TypeVar

import torch
from markupsafe import Markup

from ..methods.method import wants_labels
from ..methods.presets import title_of
from ..report import Chart, Command, Exhibit, Panel
from ..storage.amounts import duration
from ..training.ended import TrainingResult
from ..training.round_signs import RoundSigns, read_signs
from .labelling import share_of
from .predictions import Predictions
from .recipe import AbstractRecipe, ExperimentData

MASKS = "What is called true are the masks that come with the data; its colours are not those of the objects found."

ItemT = TypeVar("ItemT")
TruthT = TypeVar("TruthT")


def charts(recipe: AbstractRecipe[ItemT, TruthT]) -> tuple[Chart, ...]:
    """Which curves the report shows."""
    alive = (
        ("spread", "spread of vectors"),
        ("shared_objects", "objects in both views"),
        ("clusters_used", "objects used"),
    )
    return (
        Chart("What is minimised", "loss", (("loss", "loss"),)),
        Chart("Is the representation alive?", "share", alive, low=0.0),
        Chart(
            "How many directions do vectors use?", "effective rank", (("effective_rank", "effective rank"),), low=0.0
        ),
        Chart(
            f"How many {recipe.captions.objects} per item?",
            recipe.captions.objects,
            (("objects_per_item", f"{recipe.captions.objects} in the first view"),),
            low=0.0,
        ),
    )


def summary(recipe: AbstractRecipe[ItemT, TruthT], data: ExperimentData[ItemT, TruthT], after: Predictions) -> str:
    """What was done and what came out, in a paragraph."""
    # Items that are passed from Python have no paths, and no truth either.
    captions, own = recipe.captions, bool(recipe.options.running.data) or data.truth is None
    evaluated = f"{len(data.evaluated)} of them" if own else f"{len(data.evaluated)} items that it never saw"
    found = after.objects()
    source = captions.own if own else captions.shipped
    method = title_of(recipe.options.method)
    return (
        f"{method[:1].upper()}{method[1:]} learned from {len(data.items)} {source}, "
        f"{knowledge(recipe, data)}. In {evaluated} it finds {found} {captions.objects}, "
        f"{found / max(len(data.evaluated), 1):.1f} each."
    )


def knowledge(recipe: AbstractRecipe[ItemT, TruthT], data: ExperimentData[ItemT, TruthT]) -> str:
    """What the method knew of the items."""
    options = recipe.options
    if not wants_labels(options.method):
        return "without labels"
    return f"with {share_of(data, options.labelling):.0%} of their labels"


def facts(
    recipe: AbstractRecipe[ItemT, TruthT], data: ExperimentData[ItemT, TruthT], trained: TrainingResult
) -> tuple[tuple[str, str], ...]:
    """Where and with what."""
    cores = f"{platform.machine()} processor, {os.cpu_count()} cores"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else cores
    options, training = recipe.options, recipe.options.training
    rounds = read_signs(options.running.out)
    return (
        ("method", title_of(options.method)),
        ("encoder", options.encoder.name),
        ("items", str(len(data.items))),
        *((("items with masks", str(len(data.masked.numbers))),) if data.masked is not None else ()),
        ("steps", str(trained.step)),
        *((("rounds", rounds_said(rounds)),) if rounds else ()),
        ("training took", duration(trained.seconds)),
        ("seed", str(training.seed)),
        ("device", device),
        (
            "versions",
            f"gestalt {version('gestalt-ssl')}, torch {torch.__version__}, Python {platform.python_version()}",
        ),
    )


def rounds_said(rounds: Sequence[RoundSigns]) -> str:
    """How many rounds there were, how the segments of each agree with those of the one before, and how views do."""
    agreement = ", ".join(f"{signs.agreement:.2f}" for signs in rounds[1:])
    views = ", ".join(f"{signs.views:.2f}" for signs in rounds if not math.isnan(signs.views))
    before = f", agreeing with the one before by {agreement}" if agreement else ""
    return f"{len(rounds)}{before}" + (f"; two views of an item agree by {views}" if views else "")


def exhibit(
    recipe: AbstractRecipe[ItemT, TruthT],
    data: ExperimentData[ItemT, TruthT],
    place: int,
    before: Predictions,
    after: Predictions,
) -> Exhibit:
    """One item with its objects before and after training."""
    known = data.true_objects[place] if data.true_objects else ()

    def panel(label: str, found: Predictions) -> Panel:
        return Panel(label, Markup(recipe.modality.render(data.evaluated[place], *found.item(place), known)))

    return Exhibit(data.names[place], (panel("Before training", before), panel("After training", after)))


def shown_truth(recipe: AbstractRecipe[ItemT, TruthT], data: ExperimentData[ItemT, TruthT]) -> str:
    """What of the exhibits is the truth: nothing where none is known."""
    if not any(data.true_objects):
        return ""
    return recipe.captions.truth if data.masked is None else MASKS


def is_foreign(recipe: AbstractRecipe[ItemT, TruthT]) -> bool:
    """Whether the modality is named as `package.module:OBJECT`, so that it has to be named again."""
    return recipe.modality_name is not None and ":" in recipe.modality_name


def loaded(recipe: AbstractRecipe[ItemT, TruthT]) -> str:
    """The arguments of `gestalt.load`."""
    out = repr(str(recipe.options.running.out))
    return f"{out}, modality={recipe.modality_name!r}" if is_foreign(recipe) else out


def commands(recipe: AbstractRecipe[ItemT, TruthT]) -> tuple[Command, ...]:
    """How to go on."""
    out, captions = shlex.quote(str(recipe.options.running.out)), recipe.captions
    named = f" --modality {shlex.quote(recipe.modality_name)}" if recipe.modality_name else ""
    again = named if is_foreign(recipe) else ""
    own = shlex.join(map(str, recipe.options.running.data))
    data = own or "FOLDER"
    where = "these data, or others" if own else "your own data"
    learn = (
        ()
        if own
        else (Command("Learn from your own data", f"gestalt run {recipe.name}{named} --data FOLDER --out runs/mine"),)
    )
    return (
        Command(f"Find {captions.objects} in {where}", f"gestalt discover {out} {data} --out found{again}"),
        Command(f"See which {captions.objects} recur, and name them", f"gestalt types {out} {data} --out types{again}"),
        Command(
            f"Write vectors of items and {recipe.modality.element}s", f"gestalt embed {out} {data} --out vectors{again}"
        ),
        Command("Search in them", f"gestalt index {out} {data} --out archive{again}"),
        Command("Learn an answer from labels", f"gestalt fit {out} {data} --labels labels.csv --out model{again}"),
        *learn,
        Command("Watch the curves", f"tensorboard --logdir {out}"),
        Command("Make this report anew", f"gestalt report {out}{again}"),
    )
