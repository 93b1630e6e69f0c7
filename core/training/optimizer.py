"""The optimiser of a training, over the weights that it trains."""

from typing import Any

from lightning_fabric import Fabric
from torch import nn
from torch.optim import AdamW, Optimizer

from ..optimization.lars import LARS
from ..optimization.parameter_groups import parameter_groups
from .options import Training


def groups_of(learner: nn.Module, options: Training) -> list[dict[str, Any]]:
    """Everything that is trained, in groups: see `parameter_groups`.

    Raises:
        ValueError: if nothing is.
    """
    groups = parameter_groups(learner, options.decay)
    if not any(group["params"] for group in groups):
        raise ValueError(
            "there is nothing to train: the encoder has no parameters or is frozen, and the method has no heads; "
            "freeze fewer layers (--encoder.frozen), or choose heads"
        )
    return groups


def build_optimizer(learner: nn.Module, options: Training, fused: bool = True) -> Optimizer:
    """The optimiser that the options ask for, over everything that is trained.

    Raises:
        ValueError: see `groups_of`.
    """
    return optimizer_over(groups_of(learner, options), options, fused)


def optimizer_over(groups: list[dict[str, Any]], options: Training, fused: bool) -> Optimizer:
    """The optimiser that the options ask for, over groups of weights.

    `fused`: one pass over the weights, several times faster; the scaler of float16 wants to clip between two passes.
    """
    if options.optimizer == "lars":
        return LARS(groups, options.lr)
    for group in groups:
        del group["adapt"]  # AdamW adapts every parameter in its own way
    return AdamW(groups, options.lr, fused=fused)


def gradient_scaler(fabric: Fabric) -> Any:
    """The scaler of float16 training, None at other precisions."""
    return getattr(fabric.strategy.precision, "scaler", None)


def unwrapped(optimizer: Any) -> Optimizer:
    """The optimiser inside Fabric's wrapper."""
    inner: Optimizer = getattr(optimizer, "optimizer", optimizer)
    return inner
