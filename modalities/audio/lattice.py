"""Where convolutions on the waveform put what they see."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import Grid


@final
class Lattice:
    """Where a stack of unpadded convolutions puts its outputs, from its kernels and strides.

    Output `i` sees the samples `[step · i, step · i + field)`; its cell is the `step` samples in their middle.

    Example: wav2vec 2.0 has a field of 400 samples, steps of 320, and 49 elements a second.

        >>> lattice = Lattice([10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2])
        >>> lattice.field, lattice.step, lattice.counts(torch.tensor([16_000])).item()
        (400, 320, 49)
        >>> lattice.grid(49, 16_000).edges[0][0, :2].tolist()
        [0.0024..., 0.0224...]
    """

    def __init__(self, kernels: Sequence[int], strides: Sequence[int]) -> None:
        self.layers = tuple(zip(kernels, strides, strict=True))
        self.field, self.step = 1, 1
        for kernel, stride in self.layers:
            self.field += (kernel - 1) * self.step
            self.step *= stride

    def counts(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Outputs of waveforms of these lengths; the shortest are padded to give one."""
        for kernel, stride in self.layers:
            lengths = torch.div(lengths - kernel, stride, rounding_mode="floor") + 1
        return lengths.clamp(min=1)

    def grid(self, elements: int, sample_rate: int) -> Grid:
        """The cells in seconds."""
        return Grid.uniform((elements,), (self.step / sample_rate,), ((self.field - self.step) / 2 / sample_rate,))
