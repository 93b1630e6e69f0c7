"""Laws of every loss on plain tensors: its gradient is its slope, any precision comes in, nothing fails silently."""

import inspect
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from gestalt.core import losses
from gestalt.core.losses import (
    elements_to_objects,
    info_nce,
    instance_discrimination,
    invariance,
    nt_xent,
    regression,
    semantic_positives,
    similarities,
    soft_cross_entropy,
    supervised_contrastive,
)
from tests.implementations import seeded
from tests.test_losses import classes, rows

Loss = Callable[[Tensor, Tensor], Tensor]
LABELS, BANK = torch.tensor([0, 1, 0, -1, 1]), rows(7, 4, 9)
ALL: dict[str, Loss] = {
    "info_nce": info_nce,
    "info_nce, queue": lambda z0, z1: info_nce(z0, BANK.to(z0.device), z1),
    "nt_xent": nt_xent,
    "regression": regression,
    "regression, plain": lambda z0, z1: regression(z0, z1, "plain"),
    "regression, cross-entropy": lambda z0, z1: regression(z0, z1, "cross-entropy"),
    "invariance": lambda z0, z1: invariance(similarities(z0, z1, 0.3), similarities(z1, z0, 0.3).detach()),
    "supervised_contrastive": lambda z0, z1: supervised_contrastive(torch.cat([z0, z1]), LABELS[: len(z0)].repeat(2)),
    "instance_discrimination": lambda z0, _: instance_discrimination(z0, BANK, torch.arange(len(z0)), temperature=0.5),
    "instance_discrimination, noise": lambda z0, _: instance_discrimination(
        z0, BANK, torch.arange(len(z0)), torch.tensor([[6, 5]]).expand(len(z0), 2), torch.tensor(9.0), 0.5
    ),
    "elements_to_objects": lambda z0, z1: elements_to_objects(
        z0[None], (torch.arange(len(z0)) == torch.arange(len(z1))[:, None])[None].float(), z1[None]
    ),
    "soft_cross_entropy": lambda z0, z1: soft_cross_entropy(z0, z1.float().softmax(dim=1), 0.3),
    "semantic_positives": lambda z0, z1: semantic_positives(
        z0, z1, LABELS[: len(z0)], BANK, torch.tensor([0, 1, 2, 0, 1, -1, 1]), generator=seeded()
    ),
}
every_loss = pytest.mark.parametrize("name", ALL)


def test_every_public_loss_is_tested_here() -> None:
    public = {name for name, value in vars(losses).items() if inspect.isfunction(value)}
    helpers = {
        "best_matches",
        "similarities",
        "unit",
        "soft_neighbours",
        "sharpened",
        "info_nce_of_scores",
        "partition_function",
        "nearest_labels",
        "sinkhorn",
    }
    assert {name.split(",")[0] for name in ALL} == public - helpers


@every_loss
def test_the_gradient_is_the_slope_in_double_precision(name: str) -> None:
    z0, z1 = rows(5, 4, 1).double(), rows(5, 4, 2).double()
    leaf = z0.clone().requires_grad_()
    ALL[name](leaf, z1).backward()
    assert leaf.grad is not None
    held = similarities(z1, z0, 0.3)  # the reference of invariance moves too, and is not felt

    def value(moved: Tensor) -> Tensor:
        return invariance(similarities(moved, z1, 0.3), held) if name == "invariance" else ALL[name](moved, z1)

    for trial in range(4):
        direction = torch.randn(z0.shape, generator=seeded(20 + trial)).double()
        slope = float(value(z0 + 1e-5 * direction) - value(z0 - 1e-5 * direction)) / 2e-5
        assert float((leaf.grad * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-7)
    assert float(leaf.grad.abs().max()) > 1e-3


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision_comes_in_and_full_precision_comes_out(name: str, dtype: torch.dtype, autocast: bool) -> None:
    z0, z1 = rows(5, 4, 1).to(dtype), rows(5, 4, 2).to(dtype)
    leaf = z0.clone().requires_grad_()
    with torch.autocast("cpu", dtype, enabled=autocast):
        value = ALL[name](leaf, z1)
    value.backward()
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, ALL[name](z0.float(), z1.float()), rtol=1e-5, atol=1e-6)
    assert leaf.grad is not None
    assert leaf.grad.dtype == dtype
    assert bool(leaf.grad.isfinite().all())


@every_loss
def test_no_rows_are_a_zero_loss_with_a_gradient(name: str) -> None:
    empty = torch.zeros(0, 4, requires_grad=True)
    value = ALL[name](empty, torch.zeros(0, 4))
    value.backward()
    assert value.shape == ()
    assert float(value.detach()) == 0
    assert empty.grad is not None


@every_loss
def test_zero_vectors_have_finite_gradients(name: str) -> None:
    leaf = torch.zeros(5, 4, requires_grad=True)
    ALL[name](leaf, torch.zeros(5, 4)).backward()
    assert leaf.grad is not None
    assert bool(leaf.grad.isfinite().all())


def discrimination(z0: Tensor, z1: Tensor, reduction: Any) -> Tensor:
    """Among the rows of another view."""
    return instance_discrimination(z0, z1, torch.arange(len(z0)), reduction=reduction)


@pytest.mark.parametrize("call", [info_nce, regression, invariance, discrimination, soft_cross_entropy])
def test_the_mean_is_the_sum_by_the_number_of_rows(call: Any) -> None:
    z0, z1 = rows(5, 4, 1), rows(5, 4, 2)
    each = call(z0, z1, reduction="none")
    assert each.shape == (5,)
    torch.testing.assert_close(call(z0, z1, reduction="sum"), each.sum())
    torch.testing.assert_close(call(z0, z1, reduction="mean"), each.mean())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: info_nce(rows(3, 2, 0), rows(4, 2, 1)), "got 3 queries and 4 keys"),
        (
            lambda: info_nce(rows(3, 2, 0), rows(3, 2, 1), temperature=0.0),
            "temperature must be positive and finite, got 0",
        ),
        (
            lambda: similarities(rows(3, 2, 0), rows(3, 2, 1), math.nan),
            "temperature must be positive and finite, got nan",
        ),
        (lambda: instance_discrimination(rows(1, 2, 0), rows(1, 2, 1), torch.tensor([0]), temperature=-1.0), "got -1"),
        (lambda: supervised_contrastive(rows(3, 2, 0), classes(3, 0), temperature=math.inf), "finite, got inf"),
    ],
)
def test_what_cannot_be_compared_is_refused(call: Callable[[], Tensor], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


DISAGREE = {
    "info_nce(torch.ones(3, 2), torch.ones(4, 2))": "query i belongs to key i, got 3 queries and 4 keys",
    "info_nce(torch.ones(3, 2), torch.ones(4, 2), torch.ones(1, 2))": "positive for every query, got (1, 2) and (3, 2)",
    "info_nce(torch.ones(3, 2), torch.ones(3, 2), allowed=torch.ones(1, 3) > 0)": "3 queries × 3 keys, got (1, 3)",
    "nt_xent(torch.ones(3, 2), torch.ones(4, 2))": "must have the same shape, got (3, 2) and (4, 2)",
    "regression(torch.ones(3, 2), torch.ones(1, 2))": "one target for every prediction, got (3, 2) and (1, 2)",
    "soft_cross_entropy(torch.ones(3, 2), torch.ones(1, 2))": "one target for every score, got (3, 2) and (1, 2)",
    "supervised_contrastive(torch.ones(3, 2), torch.zeros(1))": "one label for every row, got 1 for 3",
}


def test_tensors_that_do_not_fit_are_refused_without_any_type_checker() -> None:
    """In a process of its own: here, jaxtyping would speak first. Nothing is spread over rows in silence."""
    script = "\n".join(
        [
            "import torch",
            "from gestalt.core.losses import info_nce, nt_xent, regression, soft_cross_entropy, supervised_contrastive",
            f"for call in {list(DISAGREE)!r}:",
            "    try:",
            "        print('accepted', eval(call))",
            "    except ValueError as error:",
            "        print(error)",
        ]
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for message, expected in zip(result.stdout.splitlines(), DISAGREE.values(), strict=True):
        assert expected in message
