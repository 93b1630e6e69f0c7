"""The training loop does what its description says: seen from outside, against a plain loop."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from gestalt.core.methods.learner import Learner
from gestalt.core.methods.step import StepOutput
from gestalt.core.optimization.progress import Progress
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.data import Order, batches, mix
from gestalt.core.training.metrics_log import read_metrics
from tests.test_optimizer import naive_lars
from tests.test_training import OPTIONS, SERIES, Few, learner, run


def naive_adamw(values: list[float], gradients: list[list[float]], rates: list[float], decay: float) -> list[float]:
    """Decoupled weight decay, then p − lr m̂ / (√v̂ + ε); number by number, from the paper."""
    first, second = [0.0] * len(values), [0.0] * len(values)
    for step, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), 1):
        first = [0.9 * m + 0.1 * g for m, g in zip(first, gradient, strict=True)]
        second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradient, strict=True)]
        values = [
            p * (1 - rate * decay) - rate * (m / (1 - 0.9**step)) / (math.sqrt(v / (1 - 0.999**step)) + 1e-8)
            for p, m, v in zip(values, first, second, strict=True)
        ]
    return values


def clipped(gradients: dict[str, Tensor], most: float) -> dict[str, Tensor]:
    """All gradients scaled together to a norm of at most `most`."""
    norm = math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients.values()))
    assert norm > most, "nothing was clipped"
    return {name: gradient * (most / norm) for name, gradient in gradients.items()}


def expected_weights(model: Learner, options: Any) -> dict[str, list[float]]:
    """What training must make of a learner: every step from the equations, the learner's gradients taken as given.

    Parameters that the loss does not feel (a bias in front of a normalisation) follow rounding, and are left out.
    """
    order = Order(len(Few()), options.batch, options.steps, options.seed, parts=options.accumulate)
    source = batches(Few(), SERIES.views, SERIES.collate, order, workers=0, skip_bad=False)
    start = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
    history: dict[str, list[list[float]]] = {name: [] for name in start}
    rates: list[float] = []
    for step in range(1, options.steps + 1):
        falling = (step - options.warmup) / (options.steps - options.warmup)
        rates.append(
            options.lr * (step / options.warmup if step < options.warmup else (1 + math.cos(math.pi * falling)) / 2)
        )
        outputs: list[StepOutput[Any]] = []
        for part in range(options.accumulate):
            batch = next(source)
            torch.manual_seed(mix(options.seed, step - 1, part, 0))
            generator = torch.Generator().manual_seed(mix(options.seed, step - 1, part))
            outputs.append(model(batch, generator, Progress(step - 1, options.steps, order.steps_per_epoch)))
            (outputs[-1].loss / options.accumulate).backward()
        found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
        for name, gradient in clipped(found, options.clip).items():
            history[name].append(gradient.flatten().tolist())
        model.zero_grad()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name in start:
                    values = updated(start[name], history[name], rates, options)
                    parameter.copy_(torch.tensor(values).view_as(parameter))
        model.after_step(outputs, Progress(step, options.steps, order.steps_per_epoch))
    felt = {name for name, steps in history.items() if max(abs(g) for step in steps for g in step) > 1e-6}
    return {name: p.detach().flatten().tolist() for name, p in model.named_parameters() if name in felt}


def updated(start: Tensor, gradients: list[list[float]], rates: list[float], options: Any) -> list[float]:
    """A parameter after all steps so far."""
    values, is_weight = start.flatten().tolist(), start.ndim > 1
    decay = options.weight_decay if is_weight else 0.0
    if options.optimizer == "adamw":
        return naive_adamw(values, gradients, rates, decay)
    return naive_lars(values, gradients, rates, decay, is_weight)


@pytest.mark.parametrize(("optimizer", "lr"), [("adamw", 0.05), ("lars", 10.0)])
def test_training_is_the_plain_loop_of_its_equations(
    tmp_path: Path, optimizer: Literal["adamw", "lars"], lr: float
) -> None:
    options = replace(OPTIONS, steps=4, optimizer=optimizer, lr=lr, clip=0.02, weight_decay=0.2, accumulate=2)
    trained = learner()
    run(tmp_path, Few(), options, learner=trained)
    expected, found, start = expected_weights(learner(), options), trained.state_dict(), learner().state_dict()
    assert len(expected) > 8
    for name, values in expected.items():
        assert found[name].flatten().tolist() == pytest.approx(values, rel=1e-3, abs=1e-5), name
    assert max(float((found[name] - start[name]).abs().max()) for name in expected) > 1e-2


@pytest.mark.parametrize(("precision", "dtype"), [("32-true", torch.float32), ("bf16-mixed", torch.bfloat16)])
def test_networks_run_in_the_precision_that_is_asked_for_and_losses_in_full(
    tmp_path: Path, precision: Literal["32-true", "bf16-mixed"], dtype: torch.dtype
) -> None:
    seen: set[torch.dtype] = set()

    def note(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        seen.add(output.dtype)

    trained = learner("byol")
    trained.predictor.register_forward_hook(note)
    run(tmp_path, Few(), replace(OPTIONS, steps=2, precision=precision), learner=trained)
    assert seen == {dtype}
    assert {parameter.dtype for parameter in trained.parameters()} == {torch.float32}
    (row,) = read_metrics(tmp_path / METRICS)
    assert math.isfinite(float(row["loss"]))


def test_a_run_shows_its_progress_and_logs_the_same_numbers_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = run(tmp_path, Few())
    said = capsys.readouterr()
    rows = read_metrics(tmp_path / METRICS)
    assert [row["step"] for row in rows] == ["2", "4", "6", "8", "9"]
    shown = {"loss": "loss", "objects": "objects_per_item", "rank": "effective_rank"}
    last = ", ".join(f"{name}={float(rows[-1][key]):.3g}" for name, key in shown.items())
    assert f"9 of 9 steps, 00:00 left, {last}" in said.err
    assert said.err.count("steps that are left, by the pace of the first ones\n") == 1
    assert trained.warnings  # toys give few directions
    assert all(f"collapse watch, {text}" in said.out for text in trained.warnings)
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert {*rows[0], "seconds", "waiting_for_data"} - {"step"} == set(board.Tags()["scalars"])
    for name in ("loss", "lr", "effective_rank"):
        logged = [(str(event.step), event.value) for event in board.Scalars(name)]
        assert [step for step, _ in logged] == [row["step"] for row in rows]
        assert [value for _, value in logged] == pytest.approx([float(row[name]) for row in rows], rel=1e-4)
