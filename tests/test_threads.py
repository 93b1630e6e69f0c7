"""How many threads a training computes with."""

import os
from collections.abc import Mapping

import joblib  # type: ignore[import-untyped]
import pytest
import torch
from lightning_fabric import Fabric

from gestalt.core.training.loop import launch
from gestalt.core.training.options import Training
from gestalt.core.training.threads import threads_of


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, 5),
        ({"OMP_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "3,1"}, 3),
        ({"OMP_NUM_THREADS": "many"}, 5),
        ({"OMP_NUM_THREADS": "0"}, 5),
        ({"OMP_NUM_THREADS": "1", "TORCHELASTIC_RUN_ID": "none"}, 5),
    ],
)
def test_what_the_environment_says_of_threads_counts_unless_torchrun_wrote_it(
    environment: Mapping[str, str], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joblib, "cpu_count", lambda: 12)
    for name in ("OMP_NUM_THREADS", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert threads_of(None, processes=2, workers=1) == expected
    assert threads_of(7, processes=2, workers=1) == 7, "what is asked for counts most"
    assert threads_of(None, processes=100, workers=1) >= 1


def test_a_training_computes_with_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    try:
        launch(Training(steps=1, batch=2, accelerator="cpu"))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_what_starting_several_processes_sets_is_neither_the_number_nor_taken_for_a_wish(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def started(_: Fabric) -> None:
        os.environ["OMP_NUM_THREADS"] = "1"
        torch.set_num_threads(1)

    before = torch.get_num_threads()
    monkeypatch.setattr(Fabric, "launch", started)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 7)
    for name in ("OMP_NUM_THREADS", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    try:
        for asked, expected in ((3, 3), (None, 6), (None, 6)):
            launch(Training(steps=1, batch=2, accelerator="cpu", threads=asked, workers=1))
            assert torch.get_num_threads() == expected
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        launch(Training(steps=1, batch=2, accelerator="cpu", workers=1))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
