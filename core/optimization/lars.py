"""Layer-wise adaptive rate scaling."""

from collections.abc import Callable, Iterable
from typing import Any, final

import torch
from torch import Tensor
from torch.optim import Optimizer


@final
class LARS(Optimizer):
    """Layer-wise adaptive rate scaling, as in the code of BYOL and DetCon.

    g ← g + λ p;  g ← g · η ‖p‖ / ‖g‖ (where both norms are positive);  m ← μ m + g;  p ← p − γ m.
    The learning rate γ multiplies after the momentum buffer; SimCLR's multiplies before. Groups with `adapt` False
    take the plain gradient and no weight decay, see `parameter_groups`.

    Args:
        params: parameters or groups of them.
        lr: γ; the published rates are for a batch of 256 and scale with the batch.
        momentum: μ.
        weight_decay: λ, for groups that do not set their own.
        trust: η.

    Source: You et al. (2017); BYOL's `optimizers.py`.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 1.5e-6,
        trust: float = 1e-3,
    ) -> None:
        if lr < 0 or momentum < 0 or weight_decay < 0 or trust <= 0:
            raise ValueError(
                "LARS needs lr, momentum and weight_decay ≥ 0 and trust > 0, "
                f"got lr={lr}, momentum={momentum}, weight_decay={weight_decay}, trust={trust}"
            )
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "trust": trust, "adapt": True}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update; `closure` re-evaluates the loss where given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                gradient = parameter.grad
                if group["adapt"]:
                    gradient = gradient + group["weight_decay"] * parameter
                    size, slope = parameter.norm(), gradient.norm()
                    ratio = torch.where((size > 0) & (slope > 0), group["trust"] * size / slope, 1.0)
                    gradient = gradient * ratio
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                state["momentum"].mul_(group["momentum"]).add_(gradient)
                parameter.sub_(group["lr"] * state["momentum"])
        return loss
