"""A small U-shaped network on maps: down to coarse cells that see far, and back up to fine ones with sharp outlines."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..components.exporting import is_exporting
from ..components.ranges import Between
from .channels_last import as_channels_last, in_channels_last
from .group_norm import MaskedGroupNorm
from .lengths import of_length

UStride = Annotated[int, Between(1, 4, only=(1, 2, 4))]
"""What the finest cells of a U-shaped network take, a side."""
UWidth = Annotated[int, Between(2, 4096)]
"""Channels of one scale of a U-shaped network."""


@final
class Residual(nn.Module):
    """x + relu(norm(W ∗ x)), a convolution over 3 × 3 cells."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.over_cells = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = MaskedGroupNorm(width)

    def forward(self, x: Float[Tensor, "batch width rows columns"], valid: Bool[Tensor, "batch rows"] | None) -> Tensor:
        """The same shape; padding stays zero."""
        inner: Tensor = self.norm(self.over_cells(x), valid)
        return x + inner.relu()


@final
class Scale(nn.Module):
    """What one scale of the U does on its way down: a strided convolution, and residual blocks."""

    def __init__(self, before: int, width: int, stride: int, blocks: int) -> None:
        super().__init__()
        # Twice the stride wide: cells overlap, and each is centred on the pixels that it takes.
        kernel, padding = (3, 1) if stride == 1 else (2 * stride, stride // 2)
        self.coarser = nn.Conv2d(before, width, kernel, stride=stride, padding=padding, bias=False)
        self.norm = MaskedGroupNorm(width)
        self.blocks = nn.ModuleList(Residual(width) for _ in range(blocks))

    def forward(
        self, x: Float[Tensor, "batch before rows columns"], valid: Bool[Tensor, "batch coarse"] | None
    ) -> Float[Tensor, "batch width coarse columns_coarse"]:
        """Maps of cells that are `stride` times larger a side."""
        x = self.norm(self.coarser(x), valid).relu()
        for block in self.blocks:
            x = block(x, valid)
        return x


@final
class UShape(nn.Module):
    """Maps at several scales, each twice as coarse as the one before, and one fine map that all of them make.

    On the way down one residual block works at the finest scale and two at each coarser one; on the way up, a coarse
    map is interpolated and added to the next finer one, and one more block follows. There are no batch statistics.

    Rows may be padded, each item to a length of its own: its maps do not depend on that, or on what the padding holds.

    Args:
        channels: of what comes in.
        widths: channels of every scale, from fine to coarse.
        dim: channels of what comes out.
        stride: rows and columns that a cell of the finest scale takes: 1, 2 or 4.

    Example:
        >>> network = UShape(3, (32, 64, 96), dim=32, stride=2)
        >>> [tuple(maps.shape[1:]) for maps in network.down(torch.rand(1, 3, 64, 48))]
        [(32, 32, 24), (64, 16, 12), (96, 8, 6)]
        >>> network(torch.rand(1, 3, 64, 48)).shape
        torch.Size([1, 32, 32, 24])

    Source: Ronneberger et al., "U-Net" (2015), with sums in place of joined channels; Lin et al., "Feature Pyramid
    Networks" (2017).
    """

    def __init__(self, channels: int, widths: Sequence[int], dim: int, stride: int) -> None:
        super().__init__()
        if not widths:
            raise ValueError("widths must hold the channels of at least one scale, got none")
        first = Scale(channels, widths[0], stride, 1)
        self.scales = nn.ModuleList([first, *(Scale(fine, coarse, 2, 2) for fine, coarse in pairwise(widths))])
        self.finer = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths))
        self.joined = nn.ModuleList(Residual(fine) for fine in widths[:-1])
        self.out = nn.Conv2d(widths[0], dim, 1)
        self.stride = stride
        self.fold = stride << (len(widths) - 1)
        # Channels last in memory make small convolutions several times faster on a CPU.
        in_channels_last(self)

    def forward(
        self, maps: Float[Tensor, "batch channels rows columns"], counts: Int[Tensor, " batch"] | None = None
    ) -> Float[Tensor, "batch dim fine_rows fine_columns"]:
        """The fine map. `counts` are each item's own cells of the finest scale, down its rows; None if all are.

        Raises:
            ValueError: if there are fewer rows or columns than a cell of the coarsest scale takes.
        """
        return self.up(self.down(maps, counts), counts)

    def down(
        self, maps: Float[Tensor, "batch channels rows columns"], counts: Int[Tensor, " batch"] | None = None
    ) -> list[Tensor]:
        """One map per scale, from fine to coarse."""
        if min(maps.shape[2:]) < self.fold:
            raise ValueError(
                f"a U of these scales takes {self.fold} × {self.fold} or more, got {tuple(maps.shape[2:])}"
            )
        x = as_channels_last(maps)
        rows = x.shape[2] // self.stride
        found = []
        for number, scale in enumerate(self.scales):
            x = scale(x, _valid(counts, rows // 2**number, number))
            found.append(x)
        return found

    def up(self, maps: Sequence[Tensor], counts: Int[Tensor, " batch"] | None = None) -> Tensor:
        """The fine map that the maps of all scales make together."""
        x = maps[-1]
        for number in reversed(range(len(maps) - 1)):
            fine = maps[number]
            x = _as_fine_as(fine, self.finer[number](x), None if counts is None else _counted(counts, number + 1))
            valid = _valid(counts, fine.shape[2], number)
            x = fine + (x if valid is None else x * valid[:, None, :, None])
            x = self.joined[number](x, valid)
        found: Tensor = self.out(x)
        return found


def _counted(counts: Int[Tensor, " batch"], scale: int) -> Int[Tensor, " batch"]:
    """Cells of an item that a scale has: half as many as the one before, rounded down, and at least one."""
    return torch.div(counts, 2**scale, rounding_mode="floor").clamp(min=1)


def _valid(counts: Int[Tensor, " batch"] | None, rows: int, scale: int) -> Bool[Tensor, "batch rows"] | None:
    """Which rows of a scale are each item's own."""
    return None if counts is None else torch.arange(rows, device=counts.device) < _counted(counts, scale)[:, None]


def _as_fine_as(fine: Tensor, coarse: Tensor, counts: Int[Tensor, " batch"] | None) -> Tensor:
    """A coarse map interpolated to the lattice of a finer one; beyond an item's last row, that row goes on."""
    if counts is not None:
        rows = torch.arange(coarse.shape[2], device=coarse.device).minimum(counts[:, None] - 1)
        coarse = coarse.gather(2, rows[:, None, :, None].expand_as(coarse))
    twice = nn.functional.interpolate(coarse, scale_factor=2, mode="bilinear")
    if is_exporting():  # a program cannot ask whether the number of cells is odd
        return of_length(of_length(twice, 2, fine.shape[2]), 3, fine.shape[3])
    below, right = fine.shape[2] - twice.shape[2], fine.shape[3] - twice.shape[3]
    # Of an odd number of cells, the last one has no coarser cell of its own.
    return nn.functional.pad(twice, (0, right, 0, below), mode="replicate") if below or right else twice
