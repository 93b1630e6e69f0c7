"""`onnx`: a program for onnxruntime and whatever else reads ONNX."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from ..storage.damage import first_line
from .base import AbstractExport, Trained, Written
from .program import Traced, compare, inputs_said, outputs_said, prepared, quietly, refused, traced

FILE = "encoder.onnx"
LIBRARIES = "onnx, onnxscript and onnxruntime; install them with: pip install 'gestalt-ssl[onnx]'"


@final
class OnnxProgram(AbstractExport):
    """`encoder.onnx`: traced by torch.export, written by torch.onnx, and run in onnxruntime before it is kept."""

    takes: ClassVar[str] = "encoders of tensors: a program for onnxruntime and others"

    def refusal(self, trained: Trained) -> str | None:
        """Batches that are no tensors; more is not known before it is traced."""
        return refused(trained)

    def write(self, trained: Trained, folder: Path) -> Written:
        """Trace, translate, run in onnxruntime, compare.

        Raises:
            ValueError: if the encoder cannot be traced, ONNX has no operation for it, onnxruntime does not run it, or
                it gives other numbers.
            ImportError: if a library is missing.
        """
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise ImportError(f"the export 'onnx' needs the libraries {LIBRARIES}") from error
        found = traced(trained)
        outputs = list(found.outputs)
        try:
            with quietly():
                program: Any = torch.onnx.export(
                    found.program, dynamo=True, input_names=list(found.inputs.axes), output_names=outputs, verbose=False
                )
                _name_axes(program.model.graph, found.inputs.axes)
                program.save(folder / FILE)
        except ModuleNotFoundError as error:
            raise ImportError(f"the export 'onnx' needs the libraries {LIBRARIES}") from error
        except OSError:  # the disk is full
            raise
        except Exception as error:  # whatever torch raises for an operation that ONNX does not have
            name = type(trained.encoder).__name__
            raise ValueError(
                f"the encoder {name} cannot be written as ONNX: {_innermost(error)}; export it with --to torch"
            ) from error
        with _refusals(trained):
            session = onnxruntime.InferenceSession(str(folder / FILE), providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]

        def run(tensors: Sequence[Tensor]) -> Mapping[str, Any]:
            given = {name: one.numpy() for name, one in zip(names, tensors, strict=True)}
            with _refusals(trained):
                values = session.run(outputs, given)
            return dict(zip(outputs, values, strict=True))

        compare(trained, found, run)
        return Written(
            _loading(found, prepared(trained, folder)), {"input": inputs_said(found), "output": outputs_said(found)}
        )


@contextmanager
def _refusals(trained: Trained) -> Iterator[None]:
    """Within it, onnxruntime opens or runs the program; it has no common class of errors.

    Raises:
        ValueError: if it cannot.
    """
    try:
        yield
    except Exception as error:
        name = type(trained.encoder).__name__
        raise ValueError(
            f"the encoder {name} was written as ONNX, and onnxruntime does not run it: {_innermost(error)}; export it "
            "with --to torch"
        ) from error


def _innermost(error: BaseException) -> str:
    """What the library first said: it wraps its errors in advice of many lines."""
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)


def _loading(found: Traced, preparing: str) -> str:
    names = ", ".join(f'"{name}": {name}' for name in found.inputs.axes)
    given = "given" if preparing else f"{{{names}}}"
    return (
        f'import onnxruntime\n{preparing}\nsession = onnxruntime.InferenceSession("{FILE}")\n'
        f'vectors, valid = session.run(["vectors", "valid"], {given})  # arrays of NumPy'
    )


def _name_axes(graph: Any, axes: Mapping[str, Sequence[str]]) -> None:
    """Free axes are called after what they are, in place of s87; in every shape, so that all shapes agree."""
    names: dict[str, str] = {}
    for value, own in zip(graph.inputs, axes.values(), strict=True):
        for size, name in zip(value.shape, own, strict=True):
            if re.fullmatch(r"[a-z]\w*", str(size)):
                names.setdefault(str(size), name)
    values = [*graph.inputs, *(one for node in graph.all_nodes() for one in node.outputs)]
    for value in values:
        for axis, size in enumerate(value.shape or ()):
            named = re.sub(r"[a-z]\w*", lambda found: names.get(found[0], found[0]), str(size))
            if named != str(size):
                value.shape[axis] = named
