"""A batch as plain tensors with names, as programs of other libraries take it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final, runtime_checkable

from torch import Tensor


@final
@dataclass(frozen=True)
class TensorInputs:
    """How batches of a modality are taken apart into tensors, and made of them again.

    Attributes:
        axes: of every tensor by its name, what its axes are called; a number stands for an axis of that length. The
            first is the batch, or what may be there in any number, such as the edges of graphs.
        take: the tensors of a batch, in the order of `axes`; an error in words where a program cannot take the batch.
        make: the batch of such tensors.
    """

    axes: Mapping[str, Sequence[str]]
    take: Callable[[Any], Sequence[Tensor]]
    make: Callable[[Sequence[Tensor]], Any]


@runtime_checkable
class TakesTensors(Protocol):
    """A modality that says how its batches consist of tensors, where they are not simply the fields of the batch."""

    def tensor_inputs(self, batch: Any) -> TensorInputs:
        """How batches such as this one are taken apart.

        Args:
            batch: what `collate` gives.
        """
        ...


@runtime_checkable
class TakesTensorsOfEncoders(Protocol):
    """A modality whose batches consist of other tensors for other encoders: their settings say what items have."""

    def tensor_inputs_of(self, settings: Mapping[str, Any]) -> TensorInputs:
        """How the batches that an encoder takes are taken apart.

        Args:
            settings: of the encoder, as `config.json` has them.
        """
        ...


@runtime_checkable
class TakesOwnTensors(Protocol):
    """An encoder whose program takes other tensors than those that batches of its modality consist of.

    What its `own_tensor_inputs` makes of them, its `forward` takes as well as a batch.
    """

    def own_tensor_inputs(self) -> TensorInputs:
        """How batches become these tensors."""
        ...

    def write_beside(self, folder: Path) -> str:
        """Write what makes the tensors without this package.

        Args:
            folder: where the program lies.

        Returns:
            Lines of Python for the model card, after which `given` has the tensors by their names, as arrays of NumPy.
        """
        ...


def inputs_of(modality: object, encoder: object, batch: Any) -> TensorInputs:
    """How batches of a modality are taken apart for a program of an encoder.

    Raises:
        ValueError: if they cannot be, see `tensor_inputs`.
    """
    return encoder.own_tensor_inputs() if isinstance(encoder, TakesOwnTensors) else tensor_inputs(modality, batch)


def tensor_inputs(modality: object, batch: Any) -> TensorInputs:
    """What the modality says of its batches; without a word from it, the batch itself or the fields of its dataclass.

    Fields that are no tensors, such as a sample rate, are those of the batch that is shown, for ever.

    Raises:
        ValueError: if the batch is no tensor and no dataclass of some, or one whose fields hold several.

    Example:
        >>> import torch
        >>> tensor_inputs(None, torch.zeros(2, 5)).axes
        {'values': ('batch', 'values_1')}
    """
    if isinstance(modality, TakesTensors):
        return modality.tensor_inputs(batch)
    if isinstance(batch, Tensor):
        return TensorInputs({"values": _axes("values", batch)}, lambda one: (one,), lambda tensors: tensors[0])
    if not dataclasses.is_dataclass(batch) or isinstance(batch, type):
        raise ValueError(
            f"a program takes tensors, and the batches of this modality are {type(batch).__name__}, no dataclass of "
            "tensors; give the modality a method tensor_inputs (gestalt.core.exports.tensors.TakesTensors)"
        )
    fields = {one.name: getattr(batch, one.name) for one in dataclasses.fields(batch) if one.init}
    names = tuple(name for name, value in fields.items() if isinstance(value, Tensor))
    if not names:
        raise ValueError(
            f"a program takes tensors, and the batches of this modality, {type(batch).__name__}, hold none"
        )
    hints = {one.name: one.type for one in dataclasses.fields(batch)}
    fixed = {name: value for name, value in fields.items() if name not in names}
    for name, value in fixed.items():
        if dataclasses.is_dataclass(value) and any(isinstance(part, Tensor) for part in vars(value).values()):
            raise ValueError(f"a program takes tensors, and {name} of the batch is itself made of several")
    kind = type(batch)
    return TensorInputs(
        {_given(name): _axes(name, fields[name], hints[name]) for name in names},
        lambda one: tuple(getattr(one, name) for name in names),
        lambda tensors: kind(**fixed, **dict(zip(names, tensors, strict=True))),
    )


def _given(name: str) -> str:
    """The name of an input, which a program tells from its outputs."""
    return f"given_{name}" if name in ("vectors", "valid") else name


def _axes(name: str, tensor: Tensor, hint: object = None) -> tuple[str, ...]:
    """What the annotation of a field calls its axes, where it says so."""
    said = str(getattr(hint, "dim_str", "")).split()
    if len(said) == tensor.ndim and all((axis.isidentifier() and axis != "_") or axis.isdigit() for axis in said):
        return tuple(said)
    return ("batch", *(f"{name}_{axis}" for axis in range(1, tensor.ndim)))
