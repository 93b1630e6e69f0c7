"""How commands start and end: exit codes, tracebacks, interruptions, closed pipes."""

import itertools
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import gestalt
from gestalt import __main__ as entry
from gestalt.__main__ import main
from gestalt.cli import commands
from gestalt.cli.commands import execute

CONSOLE_SCRIPT = [str(Path(sys.executable).with_name("gestalt"))]
MODULE = [sys.executable, "-m", "gestalt"]
MODALITY_LIBRARIES = ("torchaudio", "torchvision", "transformers", "audiomentations", "soundfile", "av")


def ended(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    """The exit code of a whole command line."""
    monkeypatch.setattr(sys, "argv", ["gestalt", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


MISTAKES = {
    "rnu": "there is no command 'rnu'; did you mean 'run'?",
    "xyz": "there is no command 'xyz'. Known: run, report, table, discover, types, regroup, embed, fit, predict, "
    "evaluate, pack, index, search, duplicates, export, methods, modalities, recipes",
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
    def interrupted(_: Sequence[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "execute", interrupted)
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
    assert entry.said_elsewhere(error, patience=0.2) == silent


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--version"]) == 0
    assert capsys.readouterr().out == f"{gestalt.__version__}\n"


def test_modalities_are_listed_and_none_is_imported() -> None:
    script = (
        "import sys; from gestalt.cli.commands import execute; code = execute(['modalities']); "
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
