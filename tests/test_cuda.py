"""On a GPU: a step is that of the CPU, for every method on every modality, and so is what commands find with a run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gestalt
from gestalt.core.components.registry import METHODS
from gestalt.core.methods.compared import Compared
from gestalt.core.methods.step import AbstractLearner
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.metrics_log import read_metrics
from tests.implementations import small
from tests.test_half_precision import there
from tests.test_matrix import LACKING, Prepared, ready, trained
from tests.test_saving import MODALITY
from tests.test_stopping import interrupting
from tests.test_training import OPTIONS, Few, learner
from tests.test_training import run as train

if not torch.cuda.is_available():
    pytest.skip("no CUDA GPU is here", allow_module_level=True)
__all__ = ["ready", "there"]
NEAR = 2e-3
"""Of a loss: sums in another order, in float32."""


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convolutions in float32, not in TF32."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def weights(learner: torch.nn.Module) -> torch.Tensor:
    return torch.cat([weight.detach().cpu().flatten() for weight in learner.parameters() if weight.requires_grad])


def undisturbed(learner: AbstractLearner[Compared]) -> AbstractLearner[Compared]:
    """Without dropout: two devices draw other numbers."""
    for module in learner.modules():
        for name in ("dropout", "word_dropout", "p"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return learner


@pytest.mark.parametrize("method", METHODS.names())
def test_a_step_of_every_method_on_every_modality_is_that_of_the_cpu(method: str, ready: Prepared) -> None:
    if (method, ready.modality.name) in LACKING:
        pytest.skip(LACKING[method, ready.modality.name])
    chosen = small(method)
    batch = ready.batch_for(chosen)
    try:
        learners: list[AbstractLearner[Compared]] = [undisturbed(ready.learner(chosen)) for _ in range(2)]
    except ValueError as error:
        pytest.skip(str(error))  # what is refused on which modality is said in test_matrix
    here = trained(learners[0], batch, 2)
    learners[1].to("cuda")
    try:
        there = trained(learners[1], batch.to("cuda"), 2)
    finally:
        for shared in (ready.info.first_segments, ready.info.teacher):  # by both learners, and those of other tests
            if shared is not None:
                shared.to("cpu")
    assert there[0].loss.device.type == "cuda"
    assert float(there[0].loss.detach()) == pytest.approx(float(here[0].loss.detach()), rel=NEAR, abs=NEAR)
    assert torch.isfinite(there[1].loss)
    assert torch.isfinite(weights(learners[1])).all()


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_vectors_objects_and_predictions_are_those_of_the_cpu(precision: Any, there: Path) -> None:
    data = there / "data"
    cpu = gestalt.load(there / "run", modality=MODALITY)
    gpu = gestalt.load(there / "run", modality=MODALITY, device="cuda", precision=precision)
    near = 1e-4 if precision == "32-true" else 2e-2
    for one, other in zip(cpu.embed(data), gpu.embed(data), strict=True):
        assert np.linalg.norm(one.elements - other.elements) < near * np.linalg.norm(one.elements)
    for said, likewise in zip(cpu.predict(data), gpu.predict(data), strict=True):
        assert likewise.scores == pytest.approx(said.scores, abs=near)
    labels = [[one.labels for one in model.discover(data)] for model in (cpu, gpu)]
    agree = [float((one == other).float().mean()) for one, other in zip(*labels, strict=True)]
    assert np.mean(agree) > (0.99 if precision == "32-true" else 0.9)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
@pytest.mark.parametrize("read", [6, 22])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(read: int, precision: Any, tmp_path: Path) -> None:
    """Sums that the threads of a GPU make in any order leave the last digits open."""
    options = replace(OPTIONS, accelerator="cuda", precision=precision, log_every=1)
    assert train(tmp_path / "whole", Few(), options).finished
    assert not train(tmp_path / "parts", interrupting(read), options).finished
    assert train(tmp_path / "parts", Few(), options, resume=True).finished
    assert losses(tmp_path / "parts") == pytest.approx(losses(tmp_path / "whole"), rel=1e-2)


def test_training_on_a_gpu_is_that_on_the_cpu(tmp_path: Path) -> None:
    for accelerator in ("cpu", "cuda"):
        options = replace(OPTIONS, steps=3, accelerator=accelerator, log_every=1)
        assert train(tmp_path / accelerator, Few(), options, learner=learner("byol")).finished
    assert losses(tmp_path / "cuda") == pytest.approx(losses(tmp_path / "cpu"), rel=NEAR)


def losses(folder: Path) -> list[float]:
    return [float(row["loss"]) for row in read_metrics(folder / METRICS)]
