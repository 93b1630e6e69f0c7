"""The report of a run."""

import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from markupsafe import Markup

from gestalt import __version__

from ..evaluation import Table
from ..methods.catalogue import method
from ..networks.encoder import Network
from ..report import Chart, Command, Exhibit, Page, Panel, draw, read_columns, write_report
from ..storage.atomic import write_text
from ..training import TrainingResult
from ..training.metrics_log import METRICS
from .methods import TITLES
from .predictions import Predictions, look
from .recipe import SHOWN, AbstractRecipe, ExperimentData

ItemT = TypeVar("ItemT")
TruthT = TypeVar("TruthT")


def report(
    study: AbstractRecipe[ItemT, TruthT],
    material: ExperimentData[ItemT, TruthT],
    trained: TrainingResult,
    random: Network,
    network: Network,
    others: Mapping[str, Network],
) -> None:
    """Try the network, write `table.json` where there is a truth, and `report.html`.

    `random` is the network before training, `others` are networks to compare with, by name.
    """
    options, out = study.options, study.options.running.out
    finder, modality = study.finder(), study.modality
    before = look(random, modality, material.tried[:SHOWN], finder)
    after = look(network, modality, material.tried, finder)
    tables: tuple[Table, ...] = ()
    if material.truth is not None:
        rows = study.baselines(random, material, material.truth)
        for name, other in others.items():
            rows[name] = study.measure(look(other, modality, material.tried, finder), material.truth)
        rows[TITLES[options.learning.method]] = study.measure(after, material.truth)
        tables = (table(study, rows, len(material.tried)),)
        write_text(out / "table.json", tables[0].to_json())
    page = Page(
        title=study.words.title,
        summary=summary(study, material, after),
        facts=facts(study, material, trained),
        warnings=trained.warnings,
        skipped=material.skipped + trained.skipped,
        pictures=draw(read_columns(out / METRICS), charts(study)),
        exhibits=tuple(
            exhibit(study, material, place, before, after) for place in range(min(SHOWN, len(material.tried)))
        ),
        exhibits_note=study.words.exhibits,
        tables=tables,
        commands=commands(study),
        snippet=f"import gestalt\n\nencoder = gestalt.load({loaded(study)})  # {study.words.snippet}",
        configuration=options,
    )
    write_report(out / "report.html", page)
    print(f"report: {out / 'report.html'}")


def table(study: AbstractRecipe[ItemT, TruthT], rows: dict[str, dict[str, float]], tried: int) -> Table:
    """The rows of one seed as a table."""
    part = "validation" if study.options.running.validate else "test"
    title = f"{tried} {part} items, seed {study.options.training.seed}"
    values: dict[str, Sequence[float | None]] = {
        name: [row.get(column.name) for column in study.columns] for name, row in rows.items()
    }
    return Table.of(title, study.columns, values, study.note, study.ceilings)


def charts(study: AbstractRecipe[ItemT, TruthT]) -> tuple[Chart, ...]:
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
            f"How many {study.words.objects} per item?",
            study.words.objects,
            (("objects_per_item", f"{study.words.objects} in the first view"),),
            low=0.0,
        ),
    )


def summary(study: AbstractRecipe[ItemT, TruthT], material: ExperimentData[ItemT, TruthT], after: Predictions) -> str:
    """What was done and what came out, in a paragraph."""
    words, own = study.words, bool(study.options.running.data)
    tried = f"{len(material.tried)} of them" if own else f"{len(material.tried)} items that it never saw"
    found = after.objects()
    source = words.own if own else words.made
    return (
        f"{TITLES[study.options.learning.method]} learned from {len(material.items)} {source}, "
        f"{_told(study)}. In {tried} it finds {found} {words.objects}, "
        f"{found / max(len(material.tried), 1):.1f} each."
    )


def _told(study: AbstractRecipe[ItemT, TruthT]) -> str:
    """What the method knew of the items."""
    learning = study.options.learning
    if method(learning.method).labels == "none":
        return "without labels"
    return f"with {learning.label_share:.0%} of their labels"


def facts(
    study: AbstractRecipe[ItemT, TruthT], material: ExperimentData[ItemT, TruthT], trained: TrainingResult
) -> tuple[tuple[str, str], ...]:
    """Where and with what."""
    cores = f"{platform.machine()} processor, {os.cpu_count()} cores"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else cores
    learning, training = study.options.learning, study.options.training
    return (
        ("method", TITLES[learning.method]),
        ("encoder", learning.encoder),
        ("items", str(len(material.items))),
        ("steps", str(trained.step)),
        ("training in this process", f"{trained.seconds:.0f} s"),
        ("seed", str(training.seed)),
        ("device", device),
        ("versions", f"gestalt {__version__}, torch {torch.__version__}, Python {platform.python_version()}"),
    )


def exhibit(
    study: AbstractRecipe[ItemT, TruthT],
    material: ExperimentData[ItemT, TruthT],
    place: int,
    before: Predictions,
    after: Predictions,
) -> Exhibit:
    """One item with its objects before and after training."""
    known = material.known[place] if material.known else ()

    def panel(label: str, looked: Predictions) -> Panel:
        return Panel(label, Markup(study.modality.render(material.tried[place], *looked.item(place), known)))

    return Exhibit(material.names[place], (panel("Before training", before), panel("After training", after)))


def is_foreign(study: AbstractRecipe[ItemT, TruthT]) -> bool:
    """Whether the modality is named as `package.module:OBJECT`, so that it has to be named again."""
    return study.named is not None and ":" in study.named


def loaded(study: AbstractRecipe[ItemT, TruthT]) -> str:
    """The arguments of `gestalt.load`."""
    out = repr(str(study.options.running.out))
    return f"{out}, modality={study.named!r}" if is_foreign(study) else out


def commands(study: AbstractRecipe[ItemT, TruthT]) -> tuple[Command, ...]:
    """How to go on."""
    out, words = shlex.quote(str(study.options.running.out)), study.words
    named = f" --modality {shlex.quote(study.named)}" if study.named else ""
    again = named if is_foreign(study) else ""
    return (
        Command(f"Find {words.objects} in your own data", f"gestalt discover {out} FOLDER --out found{again}"),
        Command(
            f"Write vectors of items and {study.modality.element}s", f"gestalt embed {out} FOLDER --out vectors{again}"
        ),
        Command("Learn from your own data", f"gestalt run {words.recipe}{named} --data FOLDER --out runs/mine"),
        Command("Watch the curves", f"tensorboard --logdir {out}"),
    )
