"""What is said when, frame by frame: truth of frames, and stretches of frames that are named."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.audio import MODALITY, Recording

Said = Sequence[tuple[float, float, int]]
"""`(first, last, class)`: seconds, and what is said between them."""


def edges_of(encoder: AbstractEncoder, recording: Recording) -> Float[Tensor, " edges"]:
    """The edges of an encoder's frames, seconds."""
    with torch.no_grad():
        grid = encoder(MODALITY.collate([recording])).grid
    assert grid is not None
    edges: Tensor = grid.edges[0][0].double()
    return edges


def frames(said: Said, edges: Float[Tensor, " edges"], none: int) -> Int[Tensor, " frames"]:
    """What is said in the middle of every frame, or `none`."""
    middles = (edges[:-1] + edges[1:]) / 2
    found = torch.full((len(middles),), none)
    for first, last, number in said:
        found[(middles >= first) & (middles < last)] = number
    return found


def named(outputs: Float[Tensor, "rows classes"], items: int, smoothed: int) -> Int[Tensor, "items frames"]:
    """The class of every frame by the mean answer over an odd number of frames around it."""
    smooth = torch.nn.functional.avg_pool1d(
        outputs.log_softmax(dim=1).view(items, -1, outputs.shape[1]).transpose(1, 2),
        smoothed,
        stride=1,
        padding=smoothed // 2,
        count_include_pad=False,
    )
    return smooth.argmax(dim=1)
