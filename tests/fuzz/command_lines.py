"""Command lines of random options: names from the options' own declarations, values that make sense and that do not."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, final, get_args, get_origin

import numpy as np

from gestalt.cli.commands import COMMANDS, OnNewData, encoders_of
from gestalt.cli.fields import Field, parts_of
from gestalt.cli.parse import FLAT, readable
from gestalt.cli.tree import Branch, choices_by_name, tree_of
from gestalt.core.components.ranges import range_of
from gestalt.core.components.registry import MODALITIES, RECIPES
from gestalt.core.experiment.seeds import Seeds

Rng = np.random.Generator
ODD = (
    "", " ", "0", "-1", "1", "2.5", "1e999", "-inf", "nan", "1_000", "0x10", "٣", "99999999999999999999", "1e-400",
    "none", "None", "true", "default", "auto", "--", "-", "-x", "--help", "=", "a b", "a\nb", "é", "🦜", "\u202e",
    "../..", "~", "/", "[]", "{}", "[1, 2]", '{"type": "grouper:os.system"}', "[" * 3000, "%s", "{0}", "x" * 5000,
    "os:system", "a:", os.fsdecode(b"\xff\xfe"), "\x1b[31m", "'", '"', "1,2", "1 2", "folders", "null", "-0", "1e5",
)  # fmt: skip
"""What a shell, a typing error or a script may put behind an option."""


@final
@dataclass(frozen=True)
class Option:
    """An option: its flag, its field where it takes a value, and the names that it is chosen by."""

    flag: str
    field: Field | None
    names: tuple[str, ...] = ()


@cache
def of_recipe(name: str, modality: str | None = None) -> tuple[Option, ...]:
    """The options of a recipe with their defaults chosen."""
    recipe = RECIPES.load(name)
    encoders = encoders_of(recipe, () if modality is None else ("--modality", modality))
    branch = tree_of(recipe.options_type, None, encoders)
    return (*_values(branch), *_choices(branch, encoders))


@cache
def of_class(kind: Any, default: Any = None) -> tuple[Option, ...]:
    """The options of a command that is no recipe."""
    return tuple(_values(tree_of(kind, default, {})))


def _choices(branch: Branch, encoders: Any) -> Iterator[Option]:
    for path, names in choices_by_name(branch, encoders):
        yield Option(f"--{path}".replace("_", "-"), None, tuple(names))


def _values(branch: Branch, prefix: str = "") -> Iterator[Option]:
    for key, part in branch.options.items():
        field = branch.fields[key]
        if isinstance(part, Branch):
            yield from _values(part, "" if field.structure in FLAT else f"{prefix}{key}.")
        elif readable(field):
            yield Option(f"--{prefix}{key}".replace("_", "-"), field)


def sensible(option: Option, rng: Rng) -> list[str]:
    """What one may write behind an option; nothing for a switch."""
    if option.field is None:
        return [str(rng.choice(option.names))]
    kinds, limits = parts_of(option.field.hint), range_of(option.field.hint)
    words = [str(word) for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    if words:
        return [str(rng.choice(words))]
    if bool in kinds:
        return []
    if limits is not None and (int in kinds or float in kinds):
        least, most = max(limits.least, -100), min(limits.most, 100)
        number = float(rng.uniform(least, most))
        return [str(round(number))] if int in kinds else [f"{number:.3g}"]
    return [str(rng.choice(["a.txt", "nowhere", "out", "label", "text"]))]


def written(option: Option, rng: Rng) -> list[str]:
    """An option as a line has it: right, misspelt, without a value, with an odd one, or with several."""
    flag = option.flag
    if rng.random() < 0.05:
        place = int(rng.integers(2, len(flag) + 1))
        flag = flag[:place] + str(rng.choice(["", "x", "-", ".", "_", "é"])) + flag[place + 1 :]
    if rng.random() < 0.03:
        return [flag]
    values = [str(rng.choice(np.array(ODD, object)))] if rng.random() < 0.35 else sensible(option, rng)
    if not values and rng.random() < 0.3:
        flag = f"{flag.rpartition('.')[0]}.no-{flag.rpartition('.')[2]}" if "." in flag else f"--no-{flag[2:]}"
    if values and rng.random() < 0.3:
        return [f"{flag}={values[0]}"]
    return [flag, *values, *(sensible(option, rng) if rng.random() < 0.03 else [])]


def command_line(key: tuple[int, ...]) -> list[str]:
    """A command line that follows from some numbers."""
    rng = np.random.default_rng(list(key))
    command = str(rng.choice([*COMMANDS, "run", "run", "run", "run", "table", "discover", "embed", "predict"]))
    if rng.random() < 0.02:
        command = str(rng.choice(np.array(ODD, object)))
    words, options = [command], tuple[Option, ...]()
    if command in ("run", "table"):
        recipe = str(rng.choice(RECIPES.names()))
        words.append(recipe)
        modality = str(rng.choice(MODALITIES.names())) if recipe == "objects" and rng.random() < 0.8 else None
        words += [] if modality is None or command == "table" else ["--modality", modality]
        options = of_recipe(recipe, modality) if command == "run" else of_class(Seeds, None)
    elif command in ("discover", "embed", "predict"):
        words += [str(rng.choice(["run", "nowhere", "a.txt", ""], p=[0.7, 0.1, 0.1, 0.1])), "a.txt"]
        options = of_class(OnNewData)
    elif command == "check-modality":
        words.append(str(rng.choice(np.array(ODD, object))))
    for _ in range(int(rng.integers(0, 6))):
        if options:
            words += written(options[int(rng.integers(len(options)))], rng)
    if rng.random() < 0.1:
        words.insert(int(rng.integers(1, len(words) + 1)), str(rng.choice(np.array(ODD, object))))
    return words
