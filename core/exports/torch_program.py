"""`torch`: a program of torch.export, which runs without this package."""

import io
from pathlib import Path
from typing import ClassVar, final

import torch

from .base import AbstractExport, Trained, Written
from .program import inputs_said, outputs_said, prepared, quietly, refused, traced

FILE = "encoder.pt2"


@final
class TorchProgram(AbstractExport):
    """`encoder.pt2`: traced by torch.export, loaded by `torch.export.load`, on any device."""

    takes: ClassVar[str] = "encoders of tensors: a program that torch runs by itself"

    def refusal(self, trained: Trained) -> str | None:
        """Batches that are no tensors; more is not known before it is traced."""
        return refused(trained)

    def write(self, trained: Trained, folder: Path) -> Written:
        """Trace, compare, save.

        Raises:
            ValueError: if the encoder cannot be traced.
        """
        found = traced(trained)
        content = io.BytesIO()  # where the disk is full, torch ends the process
        with quietly():
            torch.export.save(found.program, content)
        (folder / FILE).write_bytes(content.getvalue())
        preparing = prepared(trained, folder)
        names = "*map(torch.as_tensor, given.values())" if preparing else ", ".join(found.inputs.axes)
        loading = (
            f'import torch\n{preparing}\nencoder = torch.export.load("{FILE}").module()\n'
            f'found = encoder({names})  # tensors\nfound["vectors"], found["valid"]'
        )
        return Written(loading, {"input": inputs_said(found), "output": outputs_said(found)})
