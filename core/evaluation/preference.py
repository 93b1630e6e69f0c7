"""Is the right one preferred to wrong ones? The area under the curve as a rank statistic."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def ranked_above(
    right: Float[Tensor, "items right"],
    wrong: Float[Tensor, "items wrong"],
    valid: Bool[Tensor, "items wrong"] | None = None,
) -> Float[Tensor, " items"]:
    """P(right > wrong) + ½ P(right = wrong) for every item: the area under the curve of its own scores.

    Comparing the scores of one item alone asks which of several captions fits *it*; an item that fits everything well
    is no help. The mean over items is caption match. One row, `ranked_above(right[None], wrong[None])`, gives one area
    over all items.

    Args:
        right: scores of what belongs to the item.
        wrong: scores of what does not.
        valid: which of the wrong ones count, where items have different numbers of them.

    Returns:
        A share in [0, 1] per item, NaN for one without anything to compare. Memory grows with their product.

    Example:
        >>> ranked_above(torch.tensor([[2.0]]), torch.tensor([[1.0, 2.0, 3.0, 0.0]])).tolist()
        [0.625]

    Source: Mann and Whitney (1947), the U statistic over the number of pairs.
    """
    difference = (right[:, :, None] - wrong[:, None, :]).sign()
    counted = torch.ones_like(wrong, dtype=torch.bool) if valid is None else valid
    pairs = counted.sum(dim=1) * right.shape[1]
    # Where a right and a wrong score are both infinite, neither is above.
    score = torch.where(difference.isnan(), 0.5, (difference + 1) / 2) * counted[:, None, :]
    return torch.where(pairs > 0, score.sum(dim=(1, 2)) / pairs.clamp(min=1), torch.nan)
