"""LARS as in BYOL's code, what it leaves alone, and the schedule of the learning rate."""

import math

import pytest
import torch
from torch import Tensor, nn

from gestalt.core.networks.heads import MLP
from gestalt.core.optimization.lars import LARS
from gestalt.core.optimization.parameter_groups import parameter_groups
from gestalt.core.optimization.schedules import warmup_cosine
from tests.implementations import seeded


def naive_lars(
    values: list[float], gradients: list[list[float]], rates: list[float], decay: float, adapt: bool
) -> list[float]:
    """g + wd p, times η ‖p‖ / ‖g‖, into the momentum of 0.9, then p − lr m; number by number."""
    momentum = [0.0] * len(values)
    for gradient, rate in zip(gradients, rates, strict=True):
        moved = [g + decay * p for g, p in zip(gradient, values, strict=True)] if adapt else gradient
        size = math.sqrt(sum(p * p for p in values))
        slope = math.sqrt(sum(g * g for g in moved))
        trust = 1e-3 * size / slope if adapt and size > 0 and slope > 0 else 1.0
        momentum = [0.9 * m + trust * g for m, g in zip(momentum, moved, strict=True)]
        values = [p - rate * m for p, m in zip(values, momentum, strict=True)]
    return values


@pytest.mark.parametrize("adapt", [True, False])
@pytest.mark.parametrize("start", [1.0, 0.0])
def test_lars_is_the_naive_loop_of_its_formula(adapt: bool, start: float) -> None:
    parameter = nn.Parameter(torch.randn(6, generator=seeded(1)) * start)
    gradients = [torch.randn(6, generator=seeded(2 + step)) for step in range(4)]
    expected = naive_lars(parameter.tolist(), [g.tolist() for g in gradients], [0.5] * 4, 0.1, adapt)
    optimizer = LARS([{"params": [parameter], "adapt": adapt, "weight_decay": 0.1}], lr=0.5)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        assert torch.equal(parameter.grad, gradient)  # the gradient itself is left alone
    assert parameter.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_a_zero_gradient_is_not_divided_by() -> None:
    parameter = nn.Parameter(torch.ones(3))
    optimizer = LARS([parameter], lr=1.0, weight_decay=0.0)
    parameter.grad = torch.zeros(3)
    optimizer.step()
    assert parameter.tolist() == [1.0, 1.0, 1.0]


def test_the_learning_rate_multiplies_after_the_momentum() -> None:
    """A rate that falls to zero stops everything at once, whatever the momentum holds."""
    parameter = nn.Parameter(torch.ones(3))
    optimizer = LARS([parameter], lr=1.0)
    parameter.grad = torch.ones(3)
    optimizer.step()
    before = parameter.detach().clone()
    optimizer.param_groups[0]["lr"] = 0.0
    optimizer.step()
    assert torch.equal(parameter.detach(), before)


def test_a_parameter_without_gradient_stays_where_it_is() -> None:
    parameter = nn.Parameter(torch.ones(3))
    LARS([parameter], lr=1.0).step()
    assert parameter.tolist() == [1.0, 1.0, 1.0]


def test_biases_and_normalisation_are_neither_decayed_nor_adapted() -> None:
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.LayerNorm(4), MLP(4, 5, 2))
    module[0].weight.requires_grad_(True)
    frozen = nn.Linear(2, 2).requires_grad_(False)
    adapted, excluded = parameter_groups(nn.Sequential(module, frozen), weight_decay=0.3)
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    assert {names[id(parameter)] for parameter in adapted["params"]} == {
        "0.weight",
        "3.layers.0.weight",
        "3.layers.3.weight",
    }
    assert {names[id(parameter)] for parameter in excluded["params"]} == {
        "0.bias",
        "1.weight",
        "1.bias",
        "2.weight",
        "2.bias",
        "3.layers.0.bias",
        "3.layers.1.scale",
        "3.layers.1.shift",
    }
    assert (adapted["weight_decay"], adapted["adapt"]) == (0.3, True)
    assert (excluded["weight_decay"], excluded["adapt"]) == (0.0, False)


def test_a_closure_is_evaluated_with_gradients() -> None:
    parameter = nn.Parameter(torch.ones(2))
    optimizer = LARS([parameter], lr=0.1)

    def closure() -> float:
        optimizer.zero_grad()
        loss: Tensor = parameter.square().sum()
        loss.backward()
        return float(loss.detach())

    assert optimizer.step(closure) == 2.0
    assert parameter.grad is not None


def test_the_state_of_lars_survives_saving() -> None:
    def trained(steps: int, state: dict[str, object] | None, start: Tensor) -> tuple[Tensor, dict[str, object]]:
        parameter = nn.Parameter(start.clone())
        optimizer = LARS([parameter], lr=0.5)
        if state is not None:
            optimizer.load_state_dict(state)
        for step in range(steps):
            parameter.grad = torch.full((3,), float(step + 1))
            optimizer.step()
        return parameter.detach(), optimizer.state_dict()

    halfway, state = trained(2, None, torch.ones(3))
    resumed, _ = trained(2, state, halfway)
    forgetful, _ = trained(2, None, halfway)
    assert not torch.equal(resumed, forgetful)
    whole = nn.Parameter(torch.ones(3))
    optimizer = LARS([whole], lr=0.5)
    for gradient in (1.0, 2.0, 1.0, 2.0):
        whole.grad = torch.full((3,), gradient)
        optimizer.step()
    assert torch.equal(whole.detach(), resumed)


@pytest.mark.parametrize("step", [0, 1, 9, 10, 11, 60, 109, 110, 200])
def test_the_rate_rises_linearly_and_falls_as_half_a_cosine(step: int) -> None:
    done = min((step - 10) / 100, 1.0)
    expected = step / 10 if step < 10 else (1 + math.cos(math.pi * done)) / 2
    assert warmup_cosine(step, steps=110, warmup=10) == pytest.approx(expected, abs=1e-12)


def test_a_schedule_without_warm_up_or_without_anything_after_it_is_no_trouble() -> None:
    assert warmup_cosine(0, steps=10, warmup=0) == 1.0
    assert warmup_cosine(5, steps=5, warmup=5) == 1.0


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="got lr=-1"):
        LARS([nn.Parameter(torch.ones(1))], lr=-1.0)
