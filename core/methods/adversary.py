"""Adversarial views: the small change of an item that the online network predicts worst from."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, final

import torch
from torch import Tensor

from ..components.ranges import Between, check_ranges


@final
@dataclass(frozen=True)
class Adversary:
    """Projected gradient ascent on a view's numbers x: n times x' ← x' + min(2.5 / n, 1) ε σ sign ∇L, kept in x ± ε σ.

    σ is the root mean square of an item's numbers that are not 0 (padding is), so that ε means the same for waveforms
    and images. Integers (tokens, kinds of atoms) and masks stay as they are; the correspondence does, too, since
    nothing moves.

    Args:
        size: ε, the greatest change, as a share of that root mean square.
        steps: n; one is the fast gradient sign.

    Source: the BYOL patent, [0073], which points to Madry et al. (2018); it gives no numbers, ε = 0.05 is ours.
    """

    size: Annotated[float, Between(0.0, 100.0, open_below=True)] = 0.05
    steps: Annotated[int, Between(1, 1000)] = 1

    def __post_init__(self) -> None:
        check_ranges(self)

    def __call__(self, data: Any, loss: Callable[[Any], Tensor]) -> Any:
        """The data changed so that `loss` grows; a tensor or a dataclass of tensors.

        Raises:
            ValueError: if nothing in the data is a number that the loss depends on smoothly.
        """
        start = _numbers(data)
        bound = {name: self.size * _root_mean_square(tensor) for name, tensor in start.items()}
        now = dict(start)
        for _ in range(self.steps):
            now = {name: tensor.detach().requires_grad_() for name, tensor in now.items()}
            with torch.enable_grad():
                value = loss(_replaced(data, now))
                reached = value.requires_grad
                slopes = torch.autograd.grad(value, list(now.values()), allow_unused=True) if now and reached else ()
            if all(slope is None for slope in slopes):
                raise ValueError(
                    "no number in this data type can be changed a little (tokens and graphs are no numbers): "
                    "leave the adversary out"
                )
            for (name, tensor), slope in zip(now.items(), slopes, strict=True):
                if slope is not None:
                    length = bound[name] * min(2.5 / self.steps, 1.0)
                    change = tensor.detach() + length * slope.sign() - start[name]
                    now[name] = start[name] + torch.minimum(torch.maximum(change, -bound[name]), bound[name])
        return _replaced(data, {name: tensor.detach() for name, tensor in now.items()})


def _numbers(data: Any) -> dict[str, Tensor]:
    """The floating-point tensors of the data, by the name of their field."""
    if isinstance(data, Tensor):
        return {"": data.detach()} if data.is_floating_point() else {}
    if not dataclasses.is_dataclass(data):
        return {}
    fields = {field.name: getattr(data, field.name) for field in dataclasses.fields(data)}
    return {
        name: value.detach()
        for name, value in fields.items()
        if isinstance(value, Tensor) and value.is_floating_point()
    }


def _root_mean_square(tensor: Tensor) -> Tensor:
    """Of the numbers of every item that are not 0, in the shape that spreads over the item."""
    rows = tensor.flatten(1)
    square = rows.square().sum(dim=1) / (rows != 0).sum(dim=1).clamp(min=1)
    return square.sqrt().view(-1, *[1] * (tensor.ndim - 1))


def _replaced(data: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(data, Tensor):
        return tensors.get("", data)
    # Not a copy: what a batch keeps beside its fields, computed from the numbers before, must not pass to the new ones.
    return dataclasses.replace(data, **tensors) if tensors else data
