"""Convolutions along time, one weight per channel and frame."""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting


def along_time(
    convolution: nn.Conv1d, x: Float[Tensor, "images width rows columns"], times: int
) -> Float[Tensor, "images width rows columns"]:
    """What a depthwise convolution over three frames gives.

    Args:
        convolution: of one group per channel, without a shift.
        x: the maps of clips of `times` frames, clip after clip.
        times: how many frames a clip has.

    Example: the frame before each, where there is one.

        >>> import torch
        >>> shift = nn.Conv1d(1, 1, 3, padding=1, groups=1, bias=False)
        >>> _ = shift.weight.data.copy_(torch.tensor([[[1.0, 0.0, 0.0]]]))
        >>> along_time(shift, torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1, 1), 3).flatten().tolist()
        [0.0, 1.0, 2.0]
    """
    if is_exporting():  # as a sum of shifted frames: torch would ask whether there are several clips or cells
        frames = nn.functional.pad(x.unflatten(0, (-1, times)), (0, 0, 0, 0, 0, 0, 1, 1))
        before, here, after = (share[:, None, None] for share in convolution.weight[:, 0].T)
        summed: Tensor = frames[:, :-2] * before + frames[:, 1:-1] * here + frames[:, 2:] * after
        return summed.flatten(0, 1)
    rows = x.shape[2]
    along = rearrange(x, "(b t) c y x -> (b y x) c t", t=times)
    mixed: Tensor = rearrange(convolution(along), "(b y x) c t -> (b t) c y x", y=rows, x=x.shape[3])
    return mixed
