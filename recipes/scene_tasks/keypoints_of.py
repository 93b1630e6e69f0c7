"""Four points of a thing: the ends of its outline along both diagonals."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

NAMES = ("upper left", "upper right", "lower left", "lower right")
KEYPOINTS = len(NAMES)


def extreme_points(mask: Bool[Tensor, "h w"]) -> Float[Tensor, "4 2"]:
    """Column and row of the pixels where x + y is least, y − x is least, x − y is least, x + y is greatest.

    Of several such pixels the first in reading order is taken. Points are centres of pixels.

    Example:
        >>> extreme_points(torch.tensor([[False, True], [True, True]])).tolist()
        [[1.5, 0.5], [1.5, 0.5], [0.5, 1.5], [1.5, 1.5]]
    """
    rows, columns = mask.nonzero().unbind(dim=1)
    wanted = torch.stack([columns + rows, rows - columns, columns - rows, -columns - rows])
    # Among equals the least number of the pixel decides, so that the place does not depend on how a minimum is sought.
    at = (wanted * len(rows) + torch.arange(len(rows))).argmin(dim=1)
    return torch.stack([columns[at], rows[at]], dim=1) + 0.5
