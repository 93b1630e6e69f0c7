"""Compiled encoders: the same vectors, and nothing is compiled anew for every batch."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from gestalt.core.components.registry import MODALITIES
from gestalt.core.networks.compiled import compile_encoders, outermost
from gestalt.core.networks.encoder import Identity
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.metrics_log import read_metrics
from tests.test_stopping import assert_same_numbers
from tests.test_training import OPTIONS, Few, run

FEW = ("audio", "graph")
"""Modalities whose encoders the gate compiles: along an axis, and over a graph."""
OTHERS = [name for name in MODALITIES.names() if name not in FEW]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the runs of `tests.compiled`, and what it printed of a few modalities."""
    return compiled(tmp_path_factory.mktemp("compiled"), FEW)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What it printed of the others."""
    return compiled(tmp_path_factory.mktemp("compiled"), OTHERS)


def compiled(folder: Path, names: Sequence[str]) -> Path:
    command = [sys.executable, "-W", "ignore", "-m", "tests.compiled", str(folder), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    (folder / "printed.json").write_text(done.stdout.splitlines()[-1])
    return folder


@pytest.mark.parametrize("name", FEW)
def test_batches_of_other_sizes_give_the_same_vectors_and_are_soon_compiled_no_more(folder: Path, name: str) -> None:
    assert_soon_compiled_no_more(folder, name)


@pytest.mark.long
@pytest.mark.parametrize("name", OTHERS)
def test_so_do_those_of_the_other_modalities(others: Path, name: str) -> None:
    assert_soon_compiled_no_more(others, name)


def assert_soon_compiled_no_more(folder: Path, name: str) -> None:
    before, last, apart = json.loads((folder / "printed.json").read_text())[name]
    assert before > 0
    assert last == 0
    assert apart < 1e-5


def test_a_compiled_run_learns_what_the_same_run_learns_and_resumes_bit_for_bit(folder: Path) -> None:
    assert_same_numbers(folder / "whole", folder / "stopped")
    ours, theirs = (
        [float(row["loss"]) for row in read_metrics(folder / name / METRICS)] for name in ("compiled", "plain")
    )
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_encoders_within_encoders_are_compiled_with_them() -> None:
    whole, part = Identity(3), Identity(3)
    whole.add_module("part", part)
    learner = nn.ModuleDict({"online": nn.Sequential(whole), "head": nn.Linear(3, 3), "teacher": Identity(3)})
    assert list(outermost(learner)) == [whole, learner["teacher"]]


def test_where_nothing_can_be_compiled_that_is_said_before_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_: object, **__: object) -> object:
        raise RuntimeError("no working C++ compiler found")

    monkeypatch.setattr(torch, "compile", without)
    read: list[int] = []
    with pytest.raises(ValueError, match=r"no working C\+\+ compiler found.*leave out --compile"):
        run(tmp_path, Few(read.append), replace(OPTIONS, compile=True))
    assert not read
    with pytest.raises(ValueError, match="install it"):
        compile_encoders(Identity(3), "cpu")
