"""The report of a run."""

import os
import platform
import shlex
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Int
from markupsafe import Markup
from torch import Tensor

from gestalt import __version__
from gestalt.core.encoder import Network
from gestalt.core.evaluation import Table
from gestalt.core.feature_map import Grid
from gestalt.core.report import Command, Exhibit, Page, Panel, draw, read_columns, write_report
from gestalt.core.run import write_text
from gestalt.core.training import Trained
from gestalt.core.training.journal import METRICS
from gestalt.modalities.audio import MODALITY

from .charts import CHARTS
from .material import SHOWN, Material
from .options import Options
from .results import Looked, baselines, look, measure, table

TITLES = {"odin": "Odin", "byol": "BYOL"}


def report(
    options: Options,
    material: Material,
    trained: Trained,
    random: Network,
    network: Network,
    others: Mapping[str, Network],
) -> None:
    """Try the network, write `table.json` where there is a truth, and `report.html`.

    `random` is the network before training, `others` are networks to compare with, by name.
    """
    before = look(random, material.tried[:SHOWN], options.finder)
    after = look(network, material.tried, options.finder)
    tables: tuple[Table, ...] = ()
    if material.truth:
        rows = baselines(random, options, material)
        for name, other in others.items():
            rows[name] = measure(look(other, material.tried, options.finder), material, options.training.seed)
        rows[TITLES[options.method]] = measure(after, material, options.training.seed)
        tables = (table(rows, options),)
        write_text(options.out / "table.json", tables[0].to_json())
    page = Page(
        title="Sound events",
        summary=summary(options, material, after),
        facts=facts(options, material, trained),
        warnings=trained.warnings,
        skipped=material.skipped + trained.skipped,
        pictures=draw(read_columns(options.out / METRICS), CHARTS),
        exhibits=tuple(exhibit(material, place, before, after) for place in range(min(SHOWN, len(material.tried)))),
        exhibits_note="Every coloured stretch is one discovered event; what has no colour was taken for background.",
        tables=tables,
        commands=commands(options),
        snippet=f"import gestalt\n\nencoder = gestalt.load({str(options.out)!r})  # waveforms → one vector a frame",
        configuration=options,
    )
    write_report(options.out / "report.html", page)
    print(f"report: {options.out / 'report.html'}")


def summary(options: Options, material: Material, after: Looked) -> str:
    """What was done and what came out, in a paragraph."""
    source = "windows of your recordings" if options.data else "soundscapes mixed from the shipped sounds"
    events = sum(int(row.max()) + 1 for row in after.found)
    seconds = sum(item.seconds for item in material.tried)
    tried = "of them" if options.data else "soundscapes of sounds that it never heard"
    return (
        f"{TITLES[options.method]} learned from {len(material.items)} {source}, without labels. "
        f"In {len(material.tried)} {tried} ({seconds:.0f} s) it finds {events} events, "
        f"{events / max(seconds, 1e-9):.1f} a second."
    )


def facts(options: Options, material: Material, trained: Trained) -> tuple[tuple[str, str], ...]:
    """Where and with what."""
    cores = f"{platform.machine()} processor, {os.cpu_count()} cores"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else cores
    return (
        ("method", TITLES[options.method]),
        ("encoder", options.encoder),
        ("items", str(len(material.items))),
        ("steps", str(trained.step)),
        ("training in this process", f"{trained.seconds:.0f} s"),
        ("seed", str(options.training.seed)),
        ("device", device),
        ("versions", f"gestalt {__version__}, torch {torch.__version__}, Python {platform.python_version()}"),
    )


def exhibit(material: Material, place: int, before: Looked, after: Looked) -> Exhibit:
    """One recording with its events before and after training."""
    truth = (
        [(event.sound, (event.onset, event.offset)) for event in material.truth[place].events] if material.truth else []
    )

    def panel(label: str, looked: Looked) -> Panel:
        return Panel(label, Markup(picture(material, place, looked.found[place], looked.features.grid, truth)))

    return Exhibit(material.names[place], (panel("Before training", before), panel("After training", after)))


def picture(
    material: Material,
    place: int,
    found: Int[Tensor, " frames"],
    grid: Grid | None,
    truth: Sequence[tuple[str, tuple[float, float]]],
) -> str:
    """The modality's picture of a recording."""
    return MODALITY.render(material.tried[place], found, grid, truth)


def commands(options: Options) -> tuple[Command, ...]:
    """How to go on."""
    out = shlex.quote(str(options.out))
    return (
        Command("Find events in your recordings", f"gestalt discover {out} FOLDER --out found"),
        Command("Write vectors of recordings and frames", f"gestalt embed {out} FOLDER --out vectors"),
        Command("Learn from your own recordings", "gestalt run audio-events --data FOLDER --out runs/mine"),
        Command("Watch the curves", f"tensorboard --logdir {out}"),
    )
