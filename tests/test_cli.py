"""The command line shows everything that it can do, and answers mistakes with one clear line."""

import math
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gestalt
from gestalt.cli.commands import COMMANDS, encoders_of, execute
from gestalt.cli.fields import Field, parts_of
from gestalt.cli.parse import FLAT, parsed, readable
from gestalt.cli.tree import Branch, choosable, tree_of
from gestalt.core.components.ranges import range_of
from gestalt.core.components.registry import METHODS, RECIPES
from gestalt.core.methods.settings import Heads

every_recipe = pytest.mark.parametrize("name", RECIPES.names())


def options_of(name: str, *arguments: str) -> Any:
    """The options of a recipe under a command line."""
    recipe = RECIPES.load(name)
    return parsed(recipe.options_type, arguments, f"run {name}", encoders=encoders_of(recipe, arguments))


def tree(name: str) -> Branch:
    """All options of a recipe with their defaults."""
    recipe = RECIPES.load(name)
    return tree_of(recipe.options_type, None, encoders_of(recipe, ()))


def leaves(branch: Branch, prefix: str = "") -> Iterator[tuple[str, Field, Any]]:
    """The flag, the field and the default of every option that takes a value."""
    for key, part in branch.options.items():
        field = branch.fields[key]
        if isinstance(part, Branch):
            yield from leaves(part, "" if field.structure in FLAT else f"{prefix}{key}.")
        elif readable(field):
            yield f"--{prefix}{key}".replace("_", "-"), field, part


def shown(value: Any) -> str:
    """A default as the help shows it."""
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else str(value) if value != "" else "''"


def unboxed(text: str) -> str:
    """Text without the frame around it, in one line."""
    return " ".join(re.sub(r"[─-╿]", " ", text).split())


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said on the way out with code 2, as of every command line that cannot be understood."""
    with pytest.raises(SystemExit) as stopped:
        execute(arguments)
    assert stopped.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    return unboxed(said.err)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["run"], ["run", "--help"]], ids=" ".join)
def test_help_lists_every_command_and_every_recipe(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(arguments) == 0
    text = capsys.readouterr().out
    for name, words in COMMANDS.items():
        assert any(line.split() == [name, *words.split()] for line in text.splitlines()), name
    assert all(name in text for name in RECIPES.names())


def test_recipes_are_listed_with_what_they_are_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == RECIPES.names()
    assert "audio-events       discover sound events in recordings, without labels" in lines


@every_recipe
def test_help_of_a_recipe_shows_every_option_with_its_default(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        execute(["run", name, "--help"])
    assert stopped.value.code == 0
    text = unboxed(capsys.readouterr().out)
    options = list(leaves(tree(name)))
    assert len(options) == len({flag for flag, _, _ in options}), "two options of one name"
    assert len(options) >= 3
    for flag, field, default in options:
        words = rf"{flag}[ ,](?:(?!\(default:).)*[a-z](?:(?!\(default:).)*\(default: ?{re.escape(shown(default))}\)"
        assert re.search(words, text), f"{flag} with its default {default!r} is missing"
        assert field.help, f"{flag} says nothing of itself"
    for path in choosable(tree(name)):
        assert f"--{path}".replace("_", "-") in text


def with_value(branch: Branch, path: Sequence[str], value: Any) -> Branch:
    """The options with another value at a place."""
    first, *further = path
    part = branch.options[first]
    inner = with_value(part, further, value) if further and isinstance(part, Branch) else value
    return replace(branch, options={**branch.options, first: inner})


def places(branch: Branch, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Field]]:
    """Where the options that take a value are."""
    for key, part in branch.options.items():
        if isinstance(part, Branch):
            yield from places(part, (*prefix, key))
        elif readable(branch.fields[key]):
            yield (*prefix, key), branch.fields[key]


@every_recipe
def test_every_number_has_a_range_and_what_lies_outside_is_refused_by_name(name: str) -> None:
    options = tree(name)
    for path, field in places(options):
        numbers = [part for part in parts_of(field.hint) if part in (int, float)]
        if not numbers:
            continue
        limits = range_of(field.hint)
        assert limits is not None, f"{'.'.join(path)} takes any number"
        if path[0] == "encoder":
            continue  # checked when the encoder is built, by tests of its own
        for value in (math.nan, math.inf, 1e30, -1.0) if float in numbers else (10**15, -1):
            if not limits.holds(value):
                with pytest.raises(
                    ValueError, match=rf"{path[-1]}.*{re.escape(str(limits))}.*got {re.escape(str(value))}"
                ):
                    with_value(options, path, value).values()


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_and_each_of_its_settings_is_reached_from_the_command_line(name: str) -> None:
    options = options_of("audio-events", "--method", name)
    together, alone = dict[tuple[str, ...], Any](), list[dict[tuple[str, ...], Any]]()
    for path, field in places(tree_of(type(options.method), options.method, {})):
        default, kinds, limits = value_at(options.method, path), parts_of(field.hint), range_of(field.hint)
        if bool in kinds and default:
            alone.append({path: False})  # two of them together may make no sense
        elif bool in kinds:
            together[path] = True
        elif isinstance(default, tuple):
            together[path] = default[:1] * len(default) if default else ("another", "third")
        elif int in kinds or float in kinds:
            assert limits is not None
            other = next(value for value in (1, 2, 0.5, 0.25) if limits.holds(value) and value != default)
            together[path] = int(other) if int in kinds else other
        elif str in kinds or Path in kinds:
            together[path] = "another" if str in kinds else Path("another")
        else:
            named = [word for word in field.words if word not in ("none", str(default))]
            together[path] = named[0] if named else "any_name"
    for wanted in (together, *alone):
        arguments = [word for path, value in wanted.items() for word in words_for(path, value)]
        changed = options_of("audio-events", "--method", name, *arguments)
        for path, value in wanted.items():
            assert value_at(changed.method, path) == value, path


def words_for(path: Sequence[str], value: object) -> list[str]:
    """How a setting of a method is written on a command line."""
    *above, last = (word.replace("_", "-") for word in ("--method", *path))
    if isinstance(value, bool):
        return [".".join((*above, last if value else f"no-{last}"))]
    return [".".join((*above, last)), *map(str, value if isinstance(value, tuple) else (value,))]


def value_at(value: Any, path: Sequence[str]) -> Any:
    """A setting of a setting of a method."""
    for name in path:
        value = getattr(value, name)
    return value


def test_parts_of_a_method_are_chosen_by_name() -> None:
    options = options_of(
        "audio-events",
        *(
            "--method",
            "odin",
            "--method.no-predictor",
            "--method.teacher",
            "none",
            "--method.discovery",
            "moving-average",
        ),
        *("--method.discovery.base=0.9", "--method.objective", "contrastive", "--method.objective.similarity", "dot"),
        *(
            "--method.finder.grouper",
            "mixture",
            "--method.finder.grouper.objects",
            "5",
            "--method.presence.draw",
            "default",
        ),
        *("--method.presence.draw.objects", "3", "--encoder", "resnet18", "--encoder.stride", "8"),
    )
    method = options.method
    assert isinstance(method, gestalt.Odin)
    assert (method.predictor, method.teacher, method.discovery) == (False, None, gestalt.MovingAverage(0.9))
    assert isinstance(method.objective, gestalt.Contrastive)
    assert method.objective.similarity == "dot"
    assert isinstance(method.finder.grouper, gestalt.Mixture)
    assert method.finder.grouper.objects == 5
    assert method.presence.draw == gestalt.Subsample(3)
    assert options.encoder == gestalt.EncoderChoice("resnet18", {"stride": 8})


def test_a_list_of_components_is_written_as_json() -> None:
    groupers = '[{"type": "grouper:k-means", "objects": 2}, {"type": "grouper:k-means", "objects": 4}]'
    arguments = ("--finder.grouper", "estimated", "--finder.grouper.groupers", groupers)
    options = options_of("audio-events", *arguments)
    assert [one.objects for one in options.finder.grouper.groupers] == [2, 4]
    with pytest.raises(ValueError, match="takes a list of components as JSON"):
        options_of("audio-events", "--finder.grouper", "estimated", "--finder.grouper.groupers", "k-means")


def test_a_preset_brings_the_training_that_goes_with_it() -> None:
    options = options_of("image-objects", "--method", "byol-300", "--steps", "300", "--batch", "512")
    assert options.method.teacher == gestalt.MovingAverage(0.99)
    assert (options.training.optimizer, options.training.lr, options.training.decay) == ("lars", 0.6, 1e-6)
    assert (options.training.warmup, options.training.batch) == (10, 512)


@pytest.mark.parametrize("command", ["discover", "embed", "predict"])
def test_help_of_a_command_shows_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        execute([command, "--help"])
    assert stopped.value.code == 0
    text = unboxed(capsys.readouterr().out)
    for part in ("RUN", "PATH", "--out", "--skip-bad", "--device", "(default: False)"):
        assert part.lower() in text.lower(), part


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("--stesp", "--steps"),
        ("--skip_bat", "--skip-bad"),
        ("--method.heads.hiden", "--method.heads.hidden"),
        ("--metod", "--method"),
        ("--encoder.widht", "--encoder.width"),
    ],
)
def test_an_unknown_option_suggests_the_nearest(wrong: str, near: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = refused(["run", "audio-events", wrong, "3"], capsys)
    assert f"Unrecognized options: {wrong}" in text
    assert f"did you mean {near}?" in text


def test_none_is_written_as_the_help_says_it() -> None:
    assert options_of("audio-events", "--method", "byol", "--method.heads.projection", "none").method.heads == Heads(
        4096, None
    )
    assert options_of("audio-events", "--method", "byol", "--method.teacher", "none").method.teacher is None


@pytest.mark.parametrize("arguments", [["--data"], ["--data", "--out", "runs/x"]], ids=" ".join)
def test_an_option_for_several_values_is_not_given_none_of_them(arguments: list[str]) -> None:
    with pytest.raises(ValueError, match="--data was given no value"):
        options_of("audio-events", *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "audio-events", "--data", ""],
        ["run", "audio-events", "--data="],
        ["run", "audio-events", "--data", "a.wav", "", "--steps", "3"],
        ["run", "audio-events", "--out", " "],
        ["table", "audio-events", "--out", ""],
        ["discover", "run", ""],
        ["embed", "", "data"],
        ["predict", "run", "data", "--out", ""],
        ["check-modality", ""],
    ],
    ids=" ".join,
)
def test_an_empty_variable_is_no_path(arguments: list[str]) -> None:
    with pytest.raises(ValueError, match="was given an empty value; is a variable of the shell empty"):
        execute(arguments)


@pytest.mark.parametrize(
    ("name", "near"), [("audio", "audio-events"), ("molecule", "molecules"), ("TEXT", "text-spans")]
)
def test_a_part_of_a_name_suggests_the_name(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"there is no recipe '{name}'; did you mean '{near}'"):
        execute(["run", name])


def test_a_mistaken_choice_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["run", "audio-events", "--precision=bf16"], capsys)
    assert "--precision bf16: did you mean 'bf16-mixed'?" in said
    for arguments, near in (
        (["--method", "byl"], "there is no method 'byl'; did you mean 'byol'?"),
        (["--compare", "byol", "simclar"], "there is no method 'simclar'; did you mean 'simclr'?"),
        (["--finder.grouper", "change_points"], "there is no grouper 'change_points'; did you mean 'change-points'?"),
        (["--encoder", "resnet"], "there is no encoder 'resnet'; did you mean 'resnet"),
    ):
        with pytest.raises(ValueError, match=re.escape(near)):
            execute(["run", "audio-events", *arguments])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--steps", "many"], "Error parsing --steps: .*'many'"),
        (["--finder.background.quiet", "x"], "Error parsing --finder.background.quiet: .*'x'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_value_of_another_type_names_its_option(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert re.search(text, refused(["run", "audio-events", *arguments], capsys))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--batch", "0"], r"batch \(--batch\) must lie in \[1, 1e\+06\], got 0"),
        (["--batch", "5", "--devices", "2"], r"--batch 5 must be a multiple of --accumulate × --devices = 2"),
        (["--seconds", "0.5"], r"seconds \(--seconds\) must lie in \[1, 3600\], got 0\.5"),
        (
            ["--method", "byol", "--method.heads.hidden", "0"],
            r"--method.heads: hidden \(--hidden\) must lie in \[1, 65536\], got 0",
        ),
        (["--compare", "byol", "--data", "x"], "--compare and --validate need data whose truth is known"),
        (
            ["--method", "odin", "--method.finder.grouper", "along"],
            "--method.finder.grouper.grouper must be given: one",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_value_that_cannot_be_names_its_option(arguments: list[str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        execute(["run", "audio-events", *arguments])


@pytest.mark.parametrize(
    "name",
    ["labels-table", "rounds-table", "methods-table", "single-item", "sentence-trees", "item-tasks", "scene-tasks"],
)
def test_a_program_that_is_a_table_itself_says_so(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} makes a table over seeds of its own; run it with: gestalt run"):
        execute(["table", name])


def test_a_command_without_what_it_needs_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Missing from gestalt discover: PATH Folder of a finished run" in refused(["discover"], capsys)


def test_commands_are_known_without_the_libraries_that_carry_them_out() -> None:
    """So that --help is there at once."""
    code = "import sys, gestalt.cli.commands; print(*({'torch', 'sklearn', 'networkx'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
