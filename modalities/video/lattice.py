"""Where the elements of a clip lie, and networks that see clips of one size at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.components.exporting import is_exporting
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.networks.lengths import of_length

from .data import Clips

KINETICS = ((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of red, green and blue in the data that published weights were trained on."""

Network = Callable[[Float[Tensor, "batch 3 time height width"]], Float[Tensor, "batch dim times rows columns"]]


@final
@dataclass(frozen=True)
class Tubes:
    """A lattice of boxes of `step` frames × pixels × pixels; along every axis box `i` begins at `begin + i · step`.

    Frame `i` and pixel `i` cover `[i, i + 1)`. A network of patches begins at 0; one of odd convolutions with stride
    s, whose outputs are centred on the inputs 0, s, 2 s …, begins at (1 − s) / 2. Halves are the finest begins.

    Example:
        >>> Tubes((2, 8, 8)).count((5, 64, 20)), Tubes.centred((1, 8, 8)).begin
        ((2, 8, 2), (0.0, -3.5, -3.5))
    """

    step: tuple[int, int, int]
    begin: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @classmethod
    def centred(cls, step: tuple[int, int, int]) -> "Tubes":
        """The lattice of odd convolutions with these strides."""
        return cls(step, tuple((1 - width) / 2 for width in step))  # type: ignore[arg-type]

    def count(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Boxes along each axis whose centre lies within `size` frames, rows and columns; at least one."""
        # In half frames and half pixels, where lattices begin: lengths of a program are whole numbers, and stay such.
        places = zip(size, self.step, (round(2 * begin) for begin in self.begin), strict=True)
        return tuple(max(1, (2 * n - halves + step - 1) // (2 * step)) for n, step, halves in places)

    def features(self, network: Network, data: Clips, colours: tuple[tuple[float, ...], ...] = KINETICS) -> FeatureMap:
        """The features that `network` gives for each clip alone, on the lattice of the largest.

        Clips of one size are a batch; padding is cut off before the network sees it, so that it can influence nothing.
        In training all views have one size. Statistics of a batch are those of the clips of one size.

        Args:
            network: from colours of mean 0 and variance 1 to features; it is given whole boxes: pixels that are
                missing at the far ends repeat the last ones, and what is less than half a box is left out.
            data: the clips.
            colours: mean and deviation of red, green and blue that the network expects.
        """
        cells = self.count(tuple(data.frames.shape[i] for i in (1, 3, 4)))
        if is_exporting():
            return self._of_one_size(network, data, colours, cells)
        values: Tensor | None = None
        valid = torch.zeros(len(data.frames), *cells, dtype=torch.bool, device=data.frames.device)
        for size in data.sizes.unique(dim=0).tolist():
            rows = (data.sizes == torch.tensor(size)).all(dim=1).nonzero()[:, 0].to(data.frames.device)
            own = self.count(tuple(size))
            every = len(rows) == len(data.frames)
            frames = (data.frames if every else data.frames[rows])[:, : size[0], :, : size[1], : size[2]]
            given = network(self._whole(normal(frames, colours), own))
            if tuple(given.shape[2:]) != own:
                raise ValueError(f"the network gave {tuple(given.shape[2:])} features along the axes, expected {own}")
            part = rearrange(given, "b d t y x -> b t y x d")
            if values is None:
                values = part.new_zeros(*valid.shape, part.shape[-1])
            if every:
                values, valid = part, torch.ones_like(valid)
                break
            place = (slice(0, own[0]), slice(0, own[1]), slice(0, own[2]))
            padded = part.new_zeros(len(rows), *valid.shape[1:], part.shape[-1])
            padded[:, *place] = part
            values = values.index_copy(0, rows, padded)
            marked = torch.zeros_like(valid[: len(rows)])
            marked[:, *place] = True
            valid[rows] = marked
        assert values is not None
        return FeatureMap(values.flatten(1, 3), valid.flatten(1), self.grid(data, cells))

    def _of_one_size(
        self, network: Network, data: Clips, colours: tuple[tuple[float, ...], ...], cells: tuple[int, ...]
    ) -> FeatureMap:
        """`features` of clips of one size: what a program of tensors can do, for which sizes are no numbers."""
        shown = normal(data.frames, colours)
        for axis, (n, step, begin) in enumerate(zip(cells, self.step, self.begin, strict=True), start=2):
            if begin == 0 and step > 1:  # cut, or with the last ones repeated, whichever it needs
                shown = of_length(shown, axis, n * step)
        values = rearrange(network(shown), "b d t y x -> b (t y x) d")
        valid = torch.ones(values.shape[:2], dtype=torch.bool, device=values.device)
        return FeatureMap(values, valid, self.grid(data, cells))

    def _whole(
        self, colours: Float[Tensor, "batch 3 time height width"], cells: tuple[int, ...]
    ) -> Float[Tensor, "batch 3 _ _ _"]:
        """Cut or repeat the far ends so that patches are whole; nets of convolutions pad on their own."""
        for axis, (n, step, begin) in enumerate(zip(cells, self.step, self.begin, strict=True), start=2):
            wanted, there = n * step, colours.shape[axis]
            if begin == 0 and wanted < there:
                colours = colours.narrow(axis, 0, wanted)
            elif begin == 0 and wanted > there:
                last = colours.narrow(axis, there - 1, 1)
                colours = torch.cat([colours, *[last] * (wanted - there)], dim=axis)
        return colours

    def grid(self, data: Clips, cells: tuple[int, ...]) -> Grid:
        """The boxes in seconds and pixels; seconds follow each clip's own frames."""
        frames = self.begin[0] + self.step[0] * torch.arange(cells[0] + 1, dtype=torch.float32)
        seconds = at_frames(data.edges, data.sizes[:, 0], frames)
        if not is_exporting() and len(seconds) > 1 and bool((seconds == seconds[:1]).all()):
            seconds = seconds[:1]
        space = [
            (self.begin[axis] + self.step[axis] * torch.arange(cells[axis] + 1, dtype=torch.float32))[None]
            for axis in (1, 2)
        ]
        return Grid((seconds, *space))


def at_frames(
    edges: Float[Tensor, "batch edges"], counts: Int[Tensor, " batch"], frames: Float[Tensor, "... places"]
) -> Float[Tensor, "batch places"]:
    """Seconds at fractions of frames, linear between the edges; beyond either end at the pace of the end's own frame.

    The places are those of all clips, or each clip has its own.

    Example:
        >>> at_frames(torch.tensor([[0.0, 1.0, 3.0]]), torch.tensor([2]), torch.tensor([-0.5, 1.5, 3.0])).tolist()
        [[-0.5, 2.0, 5.0]]
    """
    edges, last = edges.cpu(), (counts.cpu() - 1)[:, None]
    below = torch.minimum(frames.floor().long().clamp(min=0).expand(edges.shape[0], -1), last)
    begin, end = edges.gather(1, below), edges.gather(1, below + 1)
    return begin + (frames - below) * (end - begin)


def normal(
    frames: Tensor, colours: tuple[tuple[float, ...], ...] = KINETICS
) -> Float[Tensor, "batch 3 time height width"]:
    """Bytes `batch time 3 height width` as colours of mean 0 and variance 1, channels before time."""
    mean, deviation = (torch.tensor(part, device=frames.device).view(3, 1, 1) for part in colours)
    shifted = (frames.float() / 255 - mean) / deviation
    return rearrange(shifted, "b t c h w -> b c t h w")
