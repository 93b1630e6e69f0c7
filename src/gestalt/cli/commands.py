"""The commands: each a dataclass of its options, and a function that carries it out."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, final

import tyro

from gestalt.core.components.names import choose
from gestalt.core.components.precision import FULL, Precision
from gestalt.core.components.ranges import Between, Count, check_ranges
from gestalt.core.components.registry import METHODS, MODALITIES, RECIPES

from .evaluate_command import evaluate_command
from .export_command import export_command
from .given_paths import meant
from .pack_command import pack_command
from .regroup_command import regroup_command
from .report_command import report_command
from .search_commands import duplicates_command, index_command, search_command
from .to_answers import ToAnswers
from .types_command import types_command

COMMANDS = {
    "run": "train by a recipe, evaluate, and write a report",
    "report": "evaluate a finished run again, and make its report anew",
    "table": "run a recipe over several seeds, beside other methods, and write the table",
    "discover": "find objects in new data with a finished run",
    "types": "find which kinds of objects recur in data, with a page on which to name them",
    "regroup": "give a run other objects: those of clusters over a whole data set",
    "embed": "write vectors of items, elements and objects of new data",
    "fit": "fit a head to labels of some data, and write the model",
    "predict": "write what a model, or the task head of a finished run, says of new data",
    "evaluate": "score a model, or a finished run, by labelled data: its answers, k-NN, probes, clustering, …",
    "pack": "write the files of a data set into tar archives with an index, for large sets and remote storage",
    "index": "keep vectors of items and objects on disk, to search in; run again to add what is new",
    "search": "find what lies nearest to a file, an object, or a text in an index",
    "duplicates": "find near-duplicates in an index, or among files",
    "export": "write a finished run for another library: torch, ONNX, torchvision, transformers, …",
    "methods": "list the methods, where each comes from, and what it compares",
    "modalities": "list the modalities (data types) that are installed",
    "recipes": "list the recipes that are installed",
    "check-modality": "try every law on a modality, and say what to correct",
}


@final
@dataclass(frozen=True)
class OnNewData:
    """Options of the commands that apply a finished run to new data."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files and folders to read; "*.wav" in quotes, @list.txt for the paths in a file, - for standard input."""
    out: Path | None = None
    """Folder to write to; what an earlier call wrote there is replaced. By default a folder named after the command."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them."""
    modality: str | None = None
    """The run's modality as package.module:OBJECT, where it is not installed."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, cuda:1, mps."""
    precision: Precision = FULL
    """Arithmetic of the encoder: bf16-mixed is less exact, and faster where the device has bfloat16; 16-mixed is for
    GPUs. All else, and what comes out, is in float32."""
    engine: Literal["here", "ray"] = "here"
    """Who encodes the items: this process, or workers of a cluster of Ray, which share the archive out in blocks."""
    workers: Annotated[int, Between(0, 1e5)] = 0
    """Workers of --engine ray; 0 for one on every free CPU, or GPU with --device cuda."""
    block: Count = 1024
    """Items that a worker of --engine ray encodes at a time; so many are computed again where one is lost."""


@final
@dataclass(frozen=True)
class CheckModality:
    """Try every law on a modality: on its specimens, with every encoder and every transform. 1 if one fails."""

    name: Annotated[str, tyro.conf.Positional]
    """An installed modality, or package.module:OBJECT, also from the working directory."""


def usage() -> str:
    """What `gestalt --help` prints."""
    lines = ["usage: gestalt COMMAND …", "", "commands:"]
    lines += [f"  {name:<18} {text}" for name, text in COMMANDS.items()]
    lines += ["", f"recipes, for gestalt run RECIPE and gestalt table RECIPE: {', '.join(RECIPES.names())}"]
    lines += ["", "gestalt run RECIPE --help shows every option with its default and unit."]
    return "\n".join(lines)


def options_from(kind: Any, arguments: Sequence[str], command: str, default: Any = None, encoders: Any = None) -> Any:
    """See `parsed`, which is imported here: listing commands and modalities takes no library."""
    from .parse import parsed

    return parsed(kind, arguments, command, default, encoders or {})


def recipe_named(name: str) -> Any:
    """The recipe (or the program like one) of a name.

    Raises:
        ValueError: if there is none, with the nearest name, or if what is installed under the name is none.
        ImportError: if it cannot be imported, with the reason.
    """
    found = RECIPES.load(name)
    missing = [part for part in ("summary", "options_type") if not hasattr(found, part)]
    if missing:
        raise ValueError(
            f"what is installed as the recipe {name!r} must be a subclass of AbstractRecipe, got {found!r} without "
            f"{' and '.join(missing)}; correct the entry point of its package, or uninstall it"
        )
    return found


def run_command(arguments: Sequence[str]) -> int:
    """`gestalt run RECIPE …`."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    from gestalt.core.experiment.recipe import AbstractRecipe
    from gestalt.core.experiment.run import run

    name, *rest = arguments
    recipe = recipe_named(name)
    options = options_from(recipe.options_type, rest, f"run {name}", encoders=encoders_of(recipe, rest))
    made = recipe(_with_paths(options, recipe))
    return run(made) if isinstance(made, AbstractRecipe) else int(made.run())


def _with_paths(options: Any, recipe: Any) -> Any:
    """The options, with the files and folders that the paths of the data stand for."""
    from gestalt.core.experiment.options import Running
    from gestalt.core.modality.named_paths import INPUT, named_paths
    from gestalt.core.modality.plugins import load_modality

    running = getattr(options, "running", None)
    if not isinstance(running, Running) or not running.data:
        return options
    modality = None
    if Path(INPUT) in running.data:  # whose lines standard input holds, the modality says
        named = getattr(options, "modality", None)
        modality = load_modality(named) if isinstance(named, str) else recipe(recipe.options_type()).modality
    return replace(options, running=replace(running, data=named_paths(running.data, modality)))


def encoders_of(recipe: Any, arguments: Sequence[str]) -> Mapping[str, Any]:
    """The encoders that the recipe's options may choose: those of its modality, or of the one that is named.

    A program without a modality of its own has none.
    """
    from gestalt.core.modality.plugins import load_modality

    if "modality" in {one.name for one in fields(recipe.options_type)}:
        names = [word.partition("=")[2] for word in arguments if word.startswith("--modality=")]
        names += [after for word, after in pairwise(arguments) if word == "--modality"]
        return load_modality(names[0]).encoders if names else {}
    modality = getattr(recipe(recipe.options_type()), "modality", None)
    return {} if modality is None else modality.encoders


def table_command(arguments: Sequence[str]) -> int:
    """`gestalt table RECIPE …`.

    Raises:
        ValueError: for a program that is no recipe with a table over seeds.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    from gestalt.core.experiment.recipe import AbstractRecipe
    from gestalt.core.experiment.seeds import Seeds, run_seeds

    name, *rest = arguments
    recipe = recipe_named(name)
    if not issubclass(recipe, AbstractRecipe):
        raise ValueError(f"{name} makes a table over seeds of its own; run it with: gestalt run {name}")
    seeds = options_from(Seeds, rest, f"table {name}", Seeds(Path(f"runs/{name}-table")))
    return run_seeds(recipe, seeds)


def new_data(arguments: Sequence[str], command: str) -> OnNewData:
    """The options of a command on new data, with the paths that they stand for."""
    asked: OnNewData = options_from(OnNewData, arguments, command)
    check_ranges(asked)
    return replace(asked, paths=meant(asked.paths, asked.run, asked.modality))


def sharing_of(asked: OnNewData | ToAnswers) -> Any:
    """Who encodes the items, where it is not this process.

    Raises:
        ValueError: for settings of an engine that is not asked for, or numbers that make no sense.
    """
    from gestalt.core.runs.blocks.ray_engine import RayEngine
    from gestalt.core.runs.blocks.shared import Sharing

    if asked.engine == "here":
        if (asked.workers, asked.block) != (OnNewData.workers, OnNewData.block):
            raise ValueError("--workers and --block say how --engine ray shares the items out; add --engine ray")
        return None
    return Sharing(RayEngine(asked.workers), asked.block)


def discover_command(arguments: Sequence[str]) -> int:
    """`gestalt discover RUN PATH…`."""
    from gestalt.core.runs.discover import discover

    asked = new_data(arguments, "discover")
    out = asked.out or Path("discovered")
    return discover(
        asked.run, asked.paths, out, asked.skip_bad, asked.modality, asked.device, sharing_of(asked), asked.precision
    )


def embed_command(arguments: Sequence[str]) -> int:
    """`gestalt embed RUN PATH…`."""
    from gestalt.core.runs.embed import embed

    asked = new_data(arguments, "embed")
    out = asked.out or Path("embedded")
    return embed(
        asked.run, asked.paths, out, asked.skip_bad, asked.modality, asked.device, sharing_of(asked), asked.precision
    )


def fit_command(arguments: Sequence[str]) -> int:
    """`gestalt fit RUN PATH… --labels FILE --out MODEL`."""
    from gestalt.core.runs.fit import fit

    from .to_labels import ToLabels

    asked = options_from(ToLabels, arguments, "fit")
    return fit(
        asked.run,
        meant(asked.paths, asked.run, asked.modality),
        asked.out,
        asked.labels,
        asked.masks,
        asked.head,
        asked.how,
        asked.skip_bad,
        asked.modality,
        asked.device,
        meant(asked.unlabelled, asked.run, asked.modality),
        asked.pseudo,
    )


def predict_command(arguments: Sequence[str]) -> int:
    """`gestalt predict RUN PATH…`."""
    from gestalt.core.runs.predict import predict

    asked = options_from(ToAnswers, arguments, "predict")
    check_ranges(asked)
    paths, sharing = meant(asked.paths, asked.run, asked.modality), sharing_of(asked)
    where = asked.device, sharing, asked.pairs, asked.precision, asked.threshold
    return predict(asked.run, paths, asked.out, asked.skip_bad, asked.modality, *where)


def methods_command(_: Sequence[str]) -> int:
    """`gestalt methods`; one that cannot be used says why, and the others are listed all the same."""
    from gestalt.core.methods.method import wants_labels
    from gestalt.core.methods.presets import preset_named

    for name in METHODS.names():
        try:
            preset = preset_named(name)
        except (ImportError, ValueError) as error:
            print(f"{name}: {error}")
            continue
        card = preset.method.card
        needs = "; needs labels of some items" if wants_labels(preset.method) else ""
        print(f"{name}: {preset.title} ({card.source}){needs}")
        for question in ("compares", "teacher", "objective"):
            print(f"  {question:<10} {getattr(card, question)}")
        if card.page:
            print(f"  {'page':<10} docs/{card.page}")
    return 0


def modalities_command(_: Sequence[str]) -> int:
    """`gestalt modalities`: nothing is imported."""
    for name, point in MODALITIES.points().items():
        print(f"{name:<18} {point.value}")
    return 0


def recipes_command(_: Sequence[str]) -> int:
    """`gestalt recipes`; one that cannot be used says why, and the others are listed all the same."""
    for name in RECIPES.names():
        try:
            print(f"{name:<18} {recipe_named(name).summary}")
        except (ImportError, ValueError) as error:
            print(f"{name:<18} {error}")
    return 0


def check_modality_command(arguments: Sequence[str]) -> int:
    """`gestalt check-modality NAME`: every law with what was found; 1 if one fails."""
    from gestalt.core.conformance import findings
    from gestalt.core.modality.plugins import load_modality

    name = options_from(CheckModality, arguments, "check-modality").name
    failed = 0
    for finding in findings(load_modality(name)):
        print(f"{'pass' if finding.passed else 'FAIL'}  {finding.law}", flush=True)
        if not finding.passed:
            failed += 1
            print(f"      {finding.counterexample}", flush=True)
    print(f"{name}: " + ("every law holds" if not failed else f"{failed} of the laws fail"))
    return min(failed, 1)


def execute(arguments: Sequence[str]) -> int:
    """Carry out a command line; the exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    if arguments[0] == "--version":
        print(importlib.import_module("gestalt").__version__)
        return 0
    command, *rest = arguments
    return FUNCTIONS[choose("command", command, list(COMMANDS))](rest)


FUNCTIONS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "run": run_command,
    "report": report_command,
    "table": table_command,
    "discover": discover_command,
    "types": types_command,
    "regroup": regroup_command,
    "embed": embed_command,
    "fit": fit_command,
    "predict": predict_command,
    "evaluate": evaluate_command,
    "pack": pack_command,
    "index": index_command,
    "search": search_command,
    "duplicates": duplicates_command,
    "export": export_command,
    "methods": methods_command,
    "modalities": modalities_command,
    "recipes": recipes_command,
    "check-modality": check_modality_command,
}
