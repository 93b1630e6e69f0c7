"""What stands out from a picture's border, and views that keep little else."""

from collections.abc import Callable
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.components.ranges import PartialShare, Share, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform

from .data import Picture
from .effects import unchanged

CELLS = 6
"""Cells along the longer side in which saliency is decided."""


def border_saliency(item: Picture) -> Float[Tensor, "height width"]:
    """How far the colour of each pixel is from the border's median, in median deviations of the border.

    What touches the border of a photograph is mostly background. Medians hardly depend on any single place.
    """
    margin = max(1, min(item.shape[1:]) // 16)
    inner = torch.ones(item.shape[1:], dtype=torch.bool)
    inner[margin:-margin, margin:-margin] = False
    border = item[:, inner]
    middle = border.median(dim=1, keepdim=True).values
    spread = (border - middle).abs().median(dim=1, keepdim=True).values.clamp(min=0.02)
    return ((item - middle[..., None]).abs() / spread[..., None]).mean(dim=0)


@final
class SaliencyMask(AbstractTransform[Picture]):
    """Replace the background by one random level of grey; what is replaced is hidden.

    Saliency is decided cell by cell (a sixth of the longer side) by the median over the cell's pixels. The less
    salient cells go, except for a random share of them; a cell goes if it reaches less than `share` of the
    highest saliency.

    Args:
        saliency: the saliency of every pixel of a picture; any network's map may be passed.
        share: of the highest saliency, below which a cell counts as background.
        kept: the greatest share of background cells that stay.

    Source: SemPPL's table of augmentations; ReLIC v2 masks with a network trained on pseudo-labels, for which
    `saliency` is the socket.
    """

    def __init__(
        self,
        saliency: Callable[[Picture], Float[Tensor, "height width"]] = border_saliency,
        share: PartialShare = 0.3,
        kept: Share = 0.3,
    ) -> None:
        self.saliency = saliency
        self.share = share
        self.kept = kept
        check_ranges(self)

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:
        """The identity where the background was not removed."""
        level, kept = float(rng.uniform(0, 1)), float(rng.uniform(0, self.kept))
        draws = torch.from_numpy(rng.random((CELLS, CELLS)))
        side = -(-max(item.shape[1:]) // CELLS)
        salient = _by_cells(self.saliency(item), side)
        rows, columns = salient.shape
        gone = (salient < self.share * salient.max()) & (draws[:rows, :columns] >= kept)
        masked = item.clone()
        rule = unchanged(item)
        for row, first, last in _runs(gone):
            masked[:, row * side : (row + 1) * side, first * side : last * side] = level
            rule = rule.hiding([float(row * side), float(first * side)], [float((row + 1) * side), float(last * side)])
        return masked, rule


def _by_cells(values: Float[Tensor, "height width"], side: int) -> Float[Tensor, "rows columns"]:
    """The median of every cell of `side` pixels."""
    height, width = values.shape
    padded = torch.nn.functional.pad(values, (0, -width % side, 0, -height % side), value=torch.nan)
    cells = padded.unfold(0, side, side).unfold(1, side, side).flatten(2)
    return cells.nanmedian(dim=2).values


def _runs(gone: Bool[Tensor, "rows columns"]) -> list[tuple[int, int, int]]:
    """Runs of cells along rows: (row, first column, column after the last); few boxes hide much."""
    found = []
    for row, cells in enumerate(gone.tolist()):
        first = -1
        for column, cell in enumerate([*cells, False]):
            if cell and first < 0:
                first = column
            elif not cell and first >= 0:
                found.append((row, first, column))
                first = -1
    return found
