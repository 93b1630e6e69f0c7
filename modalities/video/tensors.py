"""Clips as a program of tensors takes them: any number, of one size, whichever that is."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gestalt.core.exports.tensors import TensorInputs

from .data import Clips

INPUTS = {"frames": ("batch", "time", "3", "height", "width"), "edges": ("batch", "edges")}


def tensor_inputs() -> TensorInputs:
    """Frames and their edges in seconds: no program can run a network for each size by itself."""
    return TensorInputs(INPUTS, _tensors, _clips)


def _tensors(batch: Clips) -> Sequence[Tensor]:
    if bool((batch.sizes != batch.sizes[:1]).any()):
        raise ValueError("a program takes clips of one size at a time: pass those of each size by themselves")
    time, height, width = batch.sizes[0].tolist()
    return batch.frames[:, :time, :, :height, :width], batch.edges[:, : time + 1]


def _clips(tensors: Sequence[Tensor]) -> Clips:
    frames, edges = tensors
    lengths = [torch.full((frames.shape[0],), frames.shape[axis]) for axis in (1, 3, 4)]
    return Clips(frames, torch.stack(lengths, dim=1), edges)
