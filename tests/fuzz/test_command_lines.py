"""Random command lines end with an exit code and a message, never in a traceback: every command, every option."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gestalt.__main__ import main
from gestalt.cli.commands import COMMANDS
from gestalt.core import conformance
from gestalt.core.components.registry import RECIPES
from gestalt.core.experiment import run as running
from gestalt.core.experiment import seeds
from gestalt.modalities.text import MODALITY
from tests.tiny_runs import tiny_run

from .command_lines import command_line

LINES, MANY, AT_ONCE = 400, 20_000, 50
"""Command lines that are tried in the gate, and with `-m long`; so many in a test."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a finished run and a text, in which nothing that takes long is begun."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GESTALT_TRACEBACK", raising=False)
    tiny_run(Path("run"), MODALITY, width=8)
    Path("a.txt").write_text("One two three.\nFour five six seven.\n")
    monkeypatch.setattr(running, "run", lambda _: 0)
    monkeypatch.setattr(seeds, "run_seeds", lambda *_: 0)
    monkeypatch.setattr(conformance, "findings", lambda _: [])
    for program in map(RECIPES.load, RECIPES.names()):
        if hasattr(program, "run"):  # like a recipe, but with a way of its own
            monkeypatch.setattr(program, "run", lambda _: 0)
    return tmp_path


def check(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> int:
    """The exit code of a command line, which is 0, 1 (with a line that says why) or 2 (with how it is written)."""
    monkeypatch.setattr(sys, "argv", ["gestalt", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    said, code = capsys.readouterr().err, stopped.value.code
    assert code in (0, 1, 2), (code, said)
    assert "Traceback" not in said
    if code == 1:
        *_, reason, hint = said.splitlines()
        assert "gestalt: " in said, said
        assert hint == "(GESTALT_TRACEBACK=1 shows where this came from)", said
        assert len(reason) > len("gestalt: "), said
    if code == 2:
        assert said.strip()
    return int(code)


def try_lines(numbers: range, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for number in numbers:
        words = command_line((0, number))
        try:
            check(words, monkeypatch, capsys)
        except BaseException as error:
            error.add_note(f"command_line((0, {number})) is gestalt {' '.join(map(repr, words))}")
            raise


@pytest.mark.parametrize("first", range(0, LINES, AT_ONCE))
def test_a_random_command_line_ends_with_a_code_and_a_message(
    first: int, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here.is_dir()
    try_lines(range(first, first + AT_ONCE), monkeypatch, capsys)


@pytest.mark.long
@pytest.mark.parametrize("first", range(LINES, MANY, 10 * AT_ONCE))
def test_many_random_command_lines_end_with_a_code_and_a_message(
    first: int, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here.is_dir()
    try_lines(range(first, first + 10 * AT_ONCE), monkeypatch, capsys)


@pytest.mark.parametrize(
    "options",
    [
        [], ["--encoder", "raw"], ["--labels", "nowhere.csv"],
        ["--method", "byol", "--method.heads.projection", "none"],
        ["--views", "nonsense"], ["--batch", "64"], ["--device", "cuda:99"], ["--accelerator", "moon"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_tiny_runs_of_odd_options_end_with_a_code_and_a_message(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("One two three.\nFour five six seven.\n" * 8)
    own: Any = [
        "--steps",
        "1",
        "--batch",
        "2",
        "--workers",
        "0",
        "--warmup",
        "0",
        "--accelerator",
        "cpu",
        "--data",
        "a.txt",
    ]
    check(["run", "objects", "--modality", "text", *own, *options], monkeypatch, capsys)


def test_the_command_lines_are_of_every_command_and_the_same_every_time() -> None:
    lines = [command_line((0, number)) for number in range(LINES)]
    assert lines == [command_line((0, number)) for number in range(LINES)]
    assert {words[0] for words in lines} >= set(COMMANDS)
    assert len({word.partition("=")[0] for words in lines for word in words if word.startswith("--")}) > 100
    assert np.mean([len(words) for words in lines]) > 4
