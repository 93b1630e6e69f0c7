"""The command line: `gestalt COMMAND …`."""

import dataclasses
import difflib
import importlib
import inspect
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, final, get_args, get_origin, get_type_hints

import tyro

from gestalt.core.modality.plugins import choose

RECIPES = {
    "audio-events": ("gestalt.recipes.audio_events", "discover sound events in recordings, without labels"),
    "labels-table": ("gestalt.recipes.labels_table", "what few labels are worth, by method and kind of data"),
    "objects": ("gestalt.recipes.objects", "discover objects in your own data of any kind, without labels"),
    "image-objects": ("gestalt.recipes.image_objects", "discover objects in pictures, without labels"),
    "video-objects": ("gestalt.recipes.video_objects", "discover the things that move in videos, without labels"),
    "molecules": ("gestalt.recipes.molecules", "discover the parts of molecules, without labels"),
    "text-spans": ("gestalt.recipes.text_spans", "discover groups of words in text, without labels"),
}
"""Recipes by name: the module and what it is for. A module has `Options`, `run`, `discover` and `embed`."""

COMMANDS = {
    "run": "train by a recipe, evaluate, and write a report",
    "table": "run a recipe over several seeds, beside other methods, and write the table",
    "discover": "find objects in new data with a finished run",
    "embed": "write vectors of items and elements of new data",
    "methods": "list the methods, where each comes from, and its five answers",
    "modalities": "list the kinds of data that are installed",
    "check-modality": "try every law on a kind of data, and say what to mend",
}


@final
@dataclass(frozen=True)
class Discover:
    """Find objects in new data with a finished run, and write them in the field's formats."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files and folders to look into."""
    out: Path = Path("discovered")
    """Folder to write to."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them."""
    modality: str | None = None
    """The run's kind of data as package.module:OBJECT, where it is not installed."""


@final
@dataclass(frozen=True)
class CheckModality:
    """Try every law on a kind of data: on its specimens, with every encoder and every transform. 1 if one fails."""

    name: Annotated[str, tyro.conf.Positional]
    """An installed modality, or package.module:OBJECT, also from the working directory."""


@final
@dataclass(frozen=True)
class Embed:
    """Write the vectors of items and of their elements, with where each element lies."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files and folders to look into."""
    out: Path = Path("embedded")
    """Folder to write to."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them."""
    modality: str | None = None
    """The run's kind of data as package.module:OBJECT, where it is not installed."""


def usage() -> str:
    """What `gestalt --help` prints."""
    lines = ["usage: gestalt COMMAND …", "", "commands:"]
    lines += [f"  {name:<18} {text}" for name, text in COMMANDS.items()]
    lines += ["", "recipes, for gestalt run RECIPE and gestalt table RECIPE:"]
    lines += [f"  {name:<18} {text}" for name, (_, text) in RECIPES.items()]
    lines += ["", "gestalt run RECIPE --help shows every option with its default and unit."]
    return "\n".join(lines)


def recipe(name: str) -> Any:
    """The module of a recipe."""
    return importlib.import_module(RECIPES[choose("recipe", name, list(RECIPES))][0])


def recipe_of(run: Path) -> Any:
    """The recipe that made a run; only names of recipes are looked up, nothing in the folder is executed."""
    from gestalt.core.runs.saved import read_architecture

    return recipe(str(read_architecture(run).details.get("recipe", "")))


def execute(arguments: Sequence[str]) -> int:
    """Carry out a command line; the exit code."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    if arguments[0] == "--version":
        from gestalt import __version__

        print(__version__)
        return 0
    command, *rest = arguments
    choose("command", command, list(COMMANDS))
    if command in ("run", "table"):
        if not rest or rest[0] in ("-h", "--help"):
            print(usage())
            return 0
        module = recipe(rest[0])
        if command == "table":
            return table(module, rest)
        return int(module.run(parsed(module.Options, rest[1:], f"run {rest[0]}")))
    if command == "discover":
        discover = parsed(Discover, rest, "discover")
        return with_finished_run(recipe_of(discover.run).discover, discover)
    if command == "embed":
        embed = parsed(Embed, rest, "embed")
        return with_finished_run(recipe_of(embed.run).embed, embed)
    if command == "check-modality":
        return check_modality(parsed(CheckModality, rest, "check-modality").name)
    if command == "methods":
        print(listing())
        return 0
    from gestalt.core.modality.plugins import modality_entry_points

    for name, point in modality_entry_points().items():
        print(f"{name:<18} {point.value}")
    return 0


def parsed(kind: Any, arguments: Sequence[str], command: str, default: Any = tyro.MISSING_NONPROP) -> Any:
    """The options on a command line. What is wrong with them is said, and which choice a mistaken value is near to."""
    flat = (tyro.conf.OmitArgPrefixes,)  # --steps rather than --training.steps
    try:
        return tyro.cli(kind, args=arguments, prog=f"gestalt {command}", config=flat, default=default)
    except SystemExit as stopped:
        if stopped.code == 2:
            print(*near_choices(kind, arguments), sep="\n", end="", file=sys.stderr)
        raise


def near_choices(kind: Any, arguments: Sequence[str]) -> Iterator[str]:
    """For every value that is none of its option's choices, the nearest of them, if any is near."""
    choices, option = choices_of(kind), ""
    for argument in arguments:
        if argument.startswith("--"):
            option, _, argument = argument.replace("_", "-").partition("=")
        if argument and option in choices and argument not in choices[option]:
            for near in difflib.get_close_matches(argument, choices[option], n=1, cutoff=0.5):
                yield f"{option} {argument}: did you mean {near!r}?\n"


def choices_of(options: Any) -> dict[str, tuple[str, ...]]:
    """The options of a dataclass that take one of some words, those of nested dataclasses included."""
    found: dict[str, tuple[str, ...]] = {}
    for name, hint in get_type_hints(options).items():
        if dataclasses.is_dataclass(hint):
            found |= choices_of(hint)
        for part in (hint, *get_args(hint)):
            if get_origin(part) is Literal:
                found[f"--{name.replace('_', '-')}"] = tuple(map(str, get_args(part)))
    return found


def with_finished_run(task: Callable[..., int], asked: Discover | Embed) -> int:
    """Discover or embed; a modality is passed on to a recipe that is for any kind of data.

    Raises:
        ValueError: if a modality is named and the recipe has its own.
    """
    if "modality" in inspect.signature(task).parameters:
        return task(asked.run, asked.paths, asked.out, asked.skip_bad, asked.modality)
    if asked.modality is not None:
        raise ValueError(f"the recipe that made {asked.run} has its own kind of data; leave out --modality")
    return task(asked.run, asked.paths, asked.out, asked.skip_bad)


def check_modality(name: str) -> int:
    """Print every law with what was found; 1 if one fails."""
    from gestalt.core.conformance import findings
    from gestalt.core.modality.plugins import load_modality

    failed = 0
    for finding in findings(load_modality(name)):
        print(f"{'pass' if finding.passed else 'FAIL'}  {finding.law}", flush=True)
        if not finding.passed:
            failed += 1
            print(f"      {finding.counterexample}", flush=True)
    print(f"{name}: " + ("every law holds" if not failed else f"{failed} of the laws fail"))
    return min(failed, 1)


def listing() -> str:
    """What `gestalt methods` prints."""
    from gestalt.core.methods.catalogue import METHODS

    lines = []
    for method in METHODS:
        needs = "" if method.labels == "none" else "; needs labels of some items"
        lines += [f"{method.name}: {method.title} ({method.source}){needs}"]
        for question in ("segmentation", "follower", "objective", "views", "encoder"):
            lines.append(f"  {question:<13} {getattr(method, question)}")
    return "\n".join(lines)


def table(module: Any, arguments: Sequence[str]) -> int:
    """The table of a recipe over seeds."""
    from gestalt.core.experiment.seeds import Seeds, run_seeds

    name, *rest = arguments
    default = Seeds(Path(f"runs/{name}-table"))
    seeds = parsed(Seeds, rest, f"table {name}", default)
    return run_seeds(module.Options(), module.run, seeds)


def main() -> None:
    """Entry point of the command `gestalt`: a user's mistake ends in one clear line, not in a traceback."""
    try:
        try:
            code = execute(sys.argv[1:])
        finally:
            sys.stdout.flush()  # here, where a broken pipe can be answered
    except BrokenPipeError:  # whoever read our output (head, a pager) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit finds a reader
        code = 141  # what the shell says of a process that SIGPIPE ended
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        if os.environ.get("GESTALT_TRACEBACK"):
            raise
        if not told_elsewhere(error):
            print(f"gestalt: {error}\n(GESTALT_TRACEBACK=1 shows where this came from)", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def told_elsewhere(error: Exception, patience: float = 5.0) -> bool:
    """Whether another process of a run on several devices says what went wrong, so that it is said once.

    A connection that breaks is only the echo of an error elsewhere. An error in a further process may be the first
    one's too: then the first ends by itself, within `patience` seconds; otherwise it is waiting for this one.
    """
    if isinstance(error, RuntimeError) and re.search(r"gloo|NCCL|Connection (closed|reset)", str(error)):
        return True
    if int(os.environ.get("LOCAL_RANK", "0")) == 0:
        return False
    first, until = os.getppid(), time.monotonic() + patience
    while os.getppid() == first and time.monotonic() < until:
        time.sleep(0.05)
    return os.getppid() != first


if __name__ == "__main__":
    main()
