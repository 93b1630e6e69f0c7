"""The command line shows everything that it can do, and answers mistakes with one clear line."""

import dataclasses
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gestalt
from gestalt import __main__ as cli
from gestalt.__main__ import COMMANDS, RECIPES, execute, main

CONSOLE_SCRIPT = [str(Path(sys.executable).with_name("gestalt"))]
MODULE = [sys.executable, "-m", "gestalt"]
MODALITY_LIBRARIES = ("torchaudio", "torchvision", "transformers", "audiomentations", "soundfile", "av")


def leaves(options: Any) -> Iterator[tuple[str, Any]]:
    """The name and default of every option, those of nested dataclasses included."""
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value)
        else:
            yield field.name.replace("_", "-"), value


def shown(value: Any) -> str:
    """A default as the help shows it."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


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


def ended(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    """The exit code of a whole command line."""
    monkeypatch.setattr(sys, "argv", ["gestalt", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["run"], ["run", "--help"]], ids=" ".join)
def test_help_lists_every_command_and_every_recipe(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, text in COMMANDS.items() | {(name, text) for name, (_, text) in RECIPES.items()}:
        assert any(line.split() == [name, *text.split()] for line in lines), name


@pytest.mark.parametrize("name", RECIPES)
def test_help_of_a_recipe_shows_every_option_with_its_default(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        execute(["run", name, "--help"])
    assert stopped.value.code == 0
    text = unboxed(capsys.readouterr().out)
    options = list(leaves(cli.recipe(name).Options()))
    assert len(options) == len({option for option, _ in options}), "two options of one name"
    assert len(options) >= 3
    for option, default in options:
        words = rf"--{option}[ ,](?:(?!\(default:).)*[a-z](?:(?!\(default:).)*\(default: ?{re.escape(shown(default))}\)"
        assert re.search(words, text), f"--{option} with its default {default!r} is missing"


@pytest.mark.parametrize("command", ["discover", "embed"])
def test_help_of_a_command_shows_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        execute([command, "--help"])
    assert stopped.value.code == 0
    text = unboxed(capsys.readouterr().out)
    for part in ("RUN", "PATH", "--out", "--skip-bad", "(default: False)"):
        assert part.lower() in text.lower(), part


@pytest.mark.parametrize(
    ("wrong", "near"), [("--stesp", "--steps INT"), ("--skip_bat", "--skip-bad"), ("--penality", "--penalty FLOAT")]
)
def test_an_unknown_option_suggests_the_nearest(wrong: str, near: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = refused(["run", "audio-events", wrong, "3"], capsys)
    assert f"Unrecognized options: {wrong}" in text
    assert f"Perhaps you meant: {near}" in text


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["--method", "byl"], "--method byl: did you mean 'byol'?"),
        (["--compare", "byol", "simclar"], "--compare simclar: did you mean 'simclr'?"),
        (["--precision=bf16"], "--precision bf16: did you mean 'bf16-mixed'?"),
        (["--grouper", "change_points"], "--grouper change_points: did you mean 'change-points'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistaken_choice_suggests_the_nearest(
    arguments: list[str], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(["run", "audio-events", *arguments], capsys)
    assert near in said
    assert said.count("did you mean") == 1


def test_a_value_that_is_near_to_no_choice_is_not_guessed_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean" not in refused(["run", "audio-events", "--method", "xyzzy"], capsys)
    assert "--compare byl: did you mean 'byol'?" in refused(["table", "audio-events", "--compare", "byl"], capsys)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--steps", "many"], "Error parsing --steps: .*'many'"),
        (["--learned", "x"], "Error parsing --learned: .*'x'"),
        (
            ["--method", "odn"],
            r"invalid choice 'odn' for argument '--method'. Expected one of \('odin', 'odin-semantic'",
        ),
        (["--batch", "0"], "--batch must be at least 1, got 0"),
        (["--batch", "5", "--devices", "2"], r"--batch 5 must be a multiple of --accumulate × --devices = 2"),
        (["--seconds", "0.5"], r"--seconds must be at least 1, got 0\.5"),
        (["--compare", "byol", "--data", "x"], "--compare and --validate need data whose truth is known"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_value_that_cannot_be_names_its_option(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert re.search(text, refused(["run", "audio-events", *arguments], capsys))


def test_a_command_without_what_it_needs_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Missing from gestalt discover: PATH Folder of a finished run" in refused(["discover"], capsys)


MISTAKES = {
    "rnu": "there is no command 'rnu'; did you mean 'run'?",
    "xyz": "there is no command 'xyz'. Known: run, table, discover, embed, methods, modalities, check-modality",
    "run audio-event": "there is no recipe 'audio-event'; did you mean 'audio-events'?",
    "run os:system": "there is no recipe 'os:system'. Known: audio-events",
    "check-modality audoi": "there is no modality 'audoi'; did you mean 'audio'?",
    "check-modality os:system": "'os:system' must name an instance of AbstractModality, got builtin_function",
    "check-modality no.where:M": "there is no module 'no.where' in ",
    "discover nowhere a.wav": "nowhere holds no config.json: it is not the folder of a finished run",
    "embed nowhere a.wav": "nowhere holds no config.json: it is not the folder of a finished run",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_ends_in_one_line_that_says_what_to_do(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GESTALT_TRACEBACK", raising=False)
    monkeypatch.chdir(tmp_path)
    assert ended(line.split(), monkeypatch) == 1
    said = capsys.readouterr()
    assert said.out == ""
    first, hint = said.err.splitlines()
    assert first.startswith(f"gestalt: {MISTAKES[line]}")
    assert hint == "(GESTALT_TRACEBACK=1 shows where this came from)"


def test_a_traceback_comes_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GESTALT_TRACEBACK", "1")
    monkeypatch.setattr(sys, "argv", ["gestalt", "rnu"])
    with pytest.raises(ValueError, match="there is no command 'rnu'"):
        main()


def test_an_interruption_ends_with_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "execute", interrupted)
    assert ended([], monkeypatch) == 130


@pytest.mark.parametrize("arguments", ["--help", "run audio-events --help"])
def test_a_reader_who_has_seen_enough_gets_no_traceback(arguments: str) -> None:
    script = f"{sys.executable} -m gestalt {arguments} | true"
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert said.stderr == ""


ECHO = RuntimeError("[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:547] Connection closed by peer [::1]:29")


@pytest.mark.parametrize(
    ("error", "rank", "first_ends", "silent"),
    [
        (ECHO, 0, False, True),
        (ECHO, 1, False, True),
        (ValueError("no such file"), 0, False, False),
        (ValueError("no such file"), 1, True, True),
        (ValueError("only mine is bad"), 1, False, False),
    ],
)
def test_on_several_devices_an_error_is_said_once(
    error: Exception, rank: int, first_ends: bool, silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    parents = itertools.chain([7, 7], itertools.repeat(1 if first_ends else 7))
    monkeypatch.setattr("os.getppid", lambda: next(parents))
    assert cli.told_elsewhere(error, patience=0.2) == silent


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--version"]) == 0
    assert capsys.readouterr().out == f"{gestalt.__version__}\n"


def test_modalities_are_listed_and_none_is_imported() -> None:
    script = (
        "import sys; from gestalt.__main__ import execute; code = execute(['modalities']); "
        f"print(code, [name for name in {MODALITY_LIBRARIES} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    *listed, last = said.stdout.splitlines()
    assert ["audio", "gestalt.modalities.audio:MODALITY"] in [line.split() for line in listed]
    assert last == "0 []"


@pytest.mark.parametrize("command", [CONSOLE_SCRIPT, MODULE], ids=["console script", "python -m gestalt"])
def test_both_ways_of_starting_it_answer_a_mistake_in_one_line(command: list[str]) -> None:
    said = subprocess.run([*command, "rnu"], capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 1
    assert said.stdout == ""
    assert said.stderr.startswith("gestalt: there is no command 'rnu'; did you mean 'run'?")
    assert "Traceback" not in said.stderr
