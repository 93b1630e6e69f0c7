"""Runs and texts that several tests share."""

from pathlib import Path

import pytest

from gestalt.cli.commands import execute

TRAINED = [
    "--batch", "4", "--warmup", "2", "--log-every", "1", "--checkpoint-every", "4", "--steps", "6",
    "--accelerator", "cpu", "--workers", "0", "--threads", "1",
]  # fmt: skip
TINY = [
    *TRAINED, "--method.heads.hidden", "16", "--method.heads.projection", "8", "--method.rounds.every", "3",
    "--encoder.width", "16",
]  # fmt: skip
TEXT = """The old man saw the sea, and he was not afraid of it.
Birds sing.
Über den Wolken <b>muss</b> die Freiheit sein!
"""


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on the shipped sentences."""
    out = tmp_path_factory.mktemp("runs") / "shipped"
    small = ["--sentences", "60", "--test-sentences", "12"]
    assert execute(["run", "text-spans", "--out", str(out), *small, *TINY]) == 0
    return out


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text of two kinds, one file bad."""
    data = tmp_path_factory.mktemp("texts")
    (data / "ünï <i>.txt").write_text(TEXT, encoding="utf-8")
    (data / "records.jsonl").write_text('{"text": "So far, silence."}\n{"text": "Nobody knew his name."}\n')
    (data / "bad.txt").write_bytes("grün".encode("latin-1"))
    return data


@pytest.fixture(scope="session")
def own(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on those texts."""
    out = tmp_path_factory.mktemp("runs") / "own"
    assert execute(["run", "text-spans", "--data", str(folder), "--skip-bad", "--out", str(out), *TINY]) == 0
    return out
