"""A device that is none: tensors that say they lie elsewhere and mix with no others, computed on the CPU."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

ELSEWHERE = torch.device("meta")
MOVES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)


class Elsewhere(Tensor):
    """A tensor that says it lies elsewhere."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "Elsewhere":
        made: Elsewhere = Tensor._make_wrapper_subclass(cls, held.shape, dtype=held.dtype, device=ELSEWHERE)
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """See `computed`."""
        return computed(func, args, dict(kwargs or {}))


class AnotherDevice(TorchDispatchMode):
    """Within it, tensors can be made elsewhere and moved there.

    Example:
        >>> with AnotherDevice():
        ...     there = torch.ones(2).to(ELSEWHERE)
        ...     here = (there + 1).cpu()
        >>> here.tolist()
        [2.0, 2.0]
    """

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """See `computed`."""
        return computed(func, args, dict(kwargs or {}))


def computed(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The operation on what is held, in the place where its operands say they are.

    Raises:
        RuntimeError: as a GPU does, where an operand lies on the CPU; single numbers and copies may be mixed.
    """
    operands = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
    there = any(isinstance(one, Elsewhere) for one in operands)
    if there and func not in MOVES and any(one.dim() and not isinstance(one, Elsewhere) for one in operands):
        raise RuntimeError(f"expected all tensors to be on the same device, got cpu and {ELSEWHERE} in {func}")
    asked = kwargs.get("device")
    if asked is not None:
        there, kwargs = torch.device(asked) == ELSEWHERE, {**kwargs, "device": torch.device("cpu")}
    found = func(*tree_map(_held, args), **tree_map(_held, kwargs))
    if func is torch.ops.aten.copy_.default:
        return args[0]
    return tree_map(lambda one: Elsewhere(one) if there and isinstance(one, Tensor) else one, found)


def _held(one: Any) -> Any:
    return one.held if isinstance(one, Elsewhere) else one
