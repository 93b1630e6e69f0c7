"""An encoder as a program of plain tensors, traced once, and compared with the encoder before it leaves."""

import contextlib
import importlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import jaxtyping
import torch
from torch import Tensor, nn

from ..data.feature_map import FeatureMap
from ..data.grid import Grid
from ..data.places import Parts
from ..networks.program_form import in_program_form
from ..storage.damage import first_line
from .base import Trained
from .tensors import TakesOwnTensors, TensorInputs, inputs_of

TOLERANCE = 1e-4
"""Of the largest number that an encoder gives, how far a program may be from it: sums are taken in another order."""


@final
class TensorEncoder(nn.Module):
    """An encoder with plain tensors on both sides.

    It gives `vectors` (batch × elements × dim), `valid` (which elements are no padding) and, where elements lie on a
    lattice, `edges_0`, `edges_1`, …: for every axis the edges of its cells, in the units of the modality.
    """

    def __init__(self, encoder: nn.Module, inputs: TensorInputs) -> None:
        super().__init__()
        self.encoder = encoder
        self.inputs = inputs

    def forward(self, *tensors: Tensor) -> dict[str, Tensor]:
        """The tensors of a `FeatureMap` by their names."""
        return outputs_of(self.encoder(self.inputs.make(tensors)))


def outputs_of(features: FeatureMap) -> dict[str, Tensor]:
    """The tensors of a feature map by their names."""
    found = {"vectors": features.values, "valid": features.valid}
    if isinstance(features.places, Grid):
        found |= {f"edges_{axis}": edges for axis, edges in enumerate(features.places.edges)}
    if isinstance(features.places, Parts):
        for name, grid in zip(features.places.names, features.places.grids, strict=True):
            edges = () if grid is None else grid.edges
            found |= {f"edges_{name}_{axis}": own for axis, own in enumerate(edges)}
    return found


@final
@dataclass(frozen=True)
class Traced:
    """A traced encoder.

    Attributes:
        program: what `torch.export` made of it.
        inputs: how batches are taken apart for it.
        batches: whose outputs the program gives as the encoder does.
        outputs: names of what it gives.
        free: of every input, which axes may have any length; the others have the length of the examples.
    """

    program: torch.export.ExportedProgram
    inputs: TensorInputs
    batches: tuple[Any, ...]
    outputs: tuple[str, ...]
    free: Mapping[str, Mapping[int, str]]


@final
class NoProgramError(ValueError):
    """An encoder that does what no program can: it decides by the numbers that it sees."""


def refused(trained: Trained) -> str | None:
    """Why the batches of a modality can be no input of a program; None where they can, or only tracing tells."""
    try:
        _inputs(trained, trained.modality.collate(trained.examples))
    except ValueError as error:
        return str(error)
    return None


def traced(trained: Trained) -> Traced:
    """Trace an encoder on examples: any number of items, and any length where the network allows.

    Raises:
        NoProgramError: if the encoder does what no program can (it asks for numbers and decides by them), or if the
            program gives other vectors than the encoder.
    """
    batches = batches_of(trained)
    inputs = _inputs(trained, batches[0])
    with torch.no_grad():
        outputs = tuple(outputs_of(trained.encoder(batches[0])))
    failed: Exception | None = None
    for axes in (None, 1):  # every axis may vary; where the network does not allow that, the number of items
        try:
            program = _program(trained, inputs, batches[0], axes)
            found = Traced(program, inputs, batches, outputs, _free(program, inputs))
            module = program.module()
            compare(trained, found, lambda given, run=module: run(*given))
        except Exception as error:  # whatever tracing raises where a network decides by numbers, or a length is wrong
            failed = failed or error
        else:
            return found
    name = type(trained.encoder).__name__
    raise NoProgramError(
        f"the encoder {name} cannot be a program of tensors ({first_line(failed or ValueError())})"
    ) from failed


def _program(trained: Trained, inputs: TensorInputs, batch: Any, axes: int | None) -> torch.export.ExportedProgram:
    """Trace the encoder on a batch; the first `axes` of every tensor may have any length, None: all of them."""
    tensors = tuple(inputs.take(batch))
    wanted = [_that_vary(names, axes) for names in inputs.axes.values()]
    any_length = tuple(dict.fromkeys(own, torch.export.Dim.AUTO) for own in wanted)
    network = TensorEncoder(in_program_form(trained.encoder), inputs)
    with as_program(), quietly():
        program: torch.export.ExportedProgram = torch.export.export(
            network, tensors, dynamic_shapes={"tensors": any_length}, strict=False
        )
    first = zip(_free(program, inputs).values(), (_that_vary(names, 1) for names in inputs.axes.values()), strict=True)
    if not all(set(own) <= set(free) for free, own in first):
        raise ValueError(f"it would take {tensors[0].shape[0]} items at a time, and no other number")
    return program


def _that_vary(names: Sequence[str], first: int | None) -> list[int]:
    """The first so many axes that have no fixed length; None: all of them."""
    return [axis for axis, name in enumerate(names) if not name.isdigit()][:first]


def batches_of(trained: Trained) -> tuple[Any, ...]:
    """All examples together, where they can be, and each of them alone or several times."""
    together = trained.modality.collate(trained.examples)
    inputs = _inputs(trained, together)
    first, *others = trained.examples
    counts = [(first, 5), (first, 2), *((item, 1) for item in others)]
    alike = tuple(trained.modality.collate([item] * count) for item, count in counts)
    if not others:  # a batch of one item says nothing of other numbers
        return alike
    try:
        inputs.take(together)
    except ValueError:  # a program takes items of one size, and these are not
        return alike
    return (together, *alike)


def _inputs(trained: Trained, batch: Any) -> TensorInputs:
    return inputs_of(trained.modality, trained.encoder, batch)


def prepared(trained: Trained, folder: Path) -> str:
    """Lines of Python that make `given`, the inputs by their names, where these are no plain tensors of items."""
    return trained.encoder.write_beside(folder) if isinstance(trained.encoder, TakesOwnTensors) else ""


def inputs_said(found: Traced) -> str:
    """The inputs with their axes, and which of these have a fixed length."""
    first = found.inputs.take(found.batches[0])
    texts = []
    for (name, axes), one in zip(found.inputs.axes.items(), first, strict=True):
        own = [axis if place in found.free[name] else str(one.shape[place]) for place, axis in enumerate(axes)]
        texts.append(f"`{name}` ({' × '.join(own)}, {str(one.dtype).removeprefix('torch.')})")
    return ", ".join(texts)


def outputs_said(found: Traced) -> str:
    """The outputs in words."""
    edges = [f"`{name}`" for name in found.outputs if name not in ("vectors", "valid")]
    lattice = f"; the edges of the elements along each axis: {', '.join(edges)}" if edges else ""
    return f"`vectors` (batch × elements × numbers), `valid` (batch × elements: which are no padding){lattice}"


def compare(trained: Trained, found: Traced, run: Any) -> None:
    """Hold a program against the encoder, on batches of other sizes than that it was traced with.

    Raises:
        ValueError: naming the output that differs.
    """
    first = [tuple(one.shape) for one in found.inputs.take(found.batches[0])]
    for batch in found.batches:
        tensors = found.inputs.take(batch)
        if not _fits(tensors, first, found):
            continue
        with torch.no_grad():
            wanted = outputs_of(trained.encoder(batch))
        compare_outputs(trained.encoder, run(tensors), wanted, "as a program")


def compare_outputs(encoder: object, given: Mapping[str, Any], wanted: Mapping[str, Tensor], how: str) -> None:
    """Hold what an export gives against what the encoder gives.

    Raises:
        ValueError: naming the output that differs.
    """
    for name, value in given.items():
        found, own = torch.as_tensor(value), wanted[name]
        if name.startswith("edges_") and own.shape[0] == 1:  # all items share them; a program may repeat them for each
            own = own.expand(found.shape[0], *own.shape[1:])
        if not _alike(found, own):
            raise ValueError(f"{type(encoder).__name__} {how} gives other {name} than the encoder does")


def _fits(tensors: Sequence[Tensor], first: Sequence[tuple[int, ...]], found: Traced) -> bool:
    """Whether a batch differs from that of the trace in free axes alone."""
    return all(
        size == wanted[axis] or axis in free
        for one, wanted, free in zip(tensors, first, found.free.values(), strict=True)
        for axis, size in enumerate(one.shape)
    )


def _alike(given: Tensor, wanted: Tensor) -> bool:
    if given.shape != wanted.shape:
        return False
    if not wanted.is_floating_point():
        return torch.equal(given, wanted)
    most = TOLERANCE * max(1.0, float(wanted.abs().max()) if wanted.numel() else 1.0)
    return torch.allclose(given, wanted, rtol=0.0, atol=most, equal_nan=True)


def _free(program: torch.export.ExportedProgram, inputs: TensorInputs) -> dict[str, dict[int, str]]:
    """The axes of every input that the trace left open, with their names."""
    values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
    shapes = [values[str(name)].shape for name in program.graph_signature.user_inputs]
    return {
        name: {axis: axes[axis] for axis, size in enumerate(shape) if not str(size).isdigit()}
        for (name, axes), shape in zip(inputs.axes.items(), shapes, strict=True)
    }


@contextlib.contextmanager
def as_program() -> Iterator[None]:
    """Without checks of shapes at run time, which would make every length of the examples a condition."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        settings: Any = importlib.import_module("torch.fx.experimental._config")
        with settings.patch(use_duck_shape=False):  # equal lengths of examples are a coincidence
            yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Without what torch says to its own developers: whole programs, where one cannot be traced."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        unheard = io.StringIO()
        with (
            warnings.catch_warnings(action="ignore"),
            contextlib.redirect_stdout(unheard),
            contextlib.redirect_stderr(unheard),
        ):
            yield
    finally:
        logging.disable(level)
