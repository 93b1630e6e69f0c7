"""Found and true objects of an item in one table, each element with its measure.

Conventions of everything that is computed from the table:

- A partition numbers the object of every element from 0. Where the *truth* is −1 nothing is known (padding, say), and
  the element is left out. A *found* −1 means "in no object": for the Rand index those elements form one more group,
  for overlaps they belong to nobody.
- `background` is the number of the true background, which is a group but no object. A truth that marks background by
  −1 is renumbered first: `torch.where(valid, labels + 1, -1)` makes it number 0.
- `measure` is how much an element counts (seconds, pixels, characters); None counts every element once.
- Nothing is ever NaN: an item in which there is nothing to get wrong (no element, no true object) scores 1.
  `has_objects` tells which items these are, so that they can be left out of a mean.

Tables are counted on the CPU in float64: exact there, and small.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Measure = Float[Tensor, "batch elements"] | None


def contingency(
    found: Int[Tensor, "batch elements"], true: Int[Tensor, "batch elements"], measure: Measure = None
) -> Float[Tensor, "batch found true"]:
    """The measure shared by every found and every true object, `n_kl = Σ_i w_i [found_i = k − 1] [true_i = l]`.

    Row 0 holds the elements that are in no found object, row `k` found object `k − 1`.

    Raises:
        ValueError: if the shapes differ, a label is below −1, or a measure is negative or not finite.

    Example:
        >>> contingency(torch.tensor([[0, 0, 1, -1]]), torch.tensor([[0, 1, 1, 1]])).tolist()
        [[[0.0, 1.0], [1.0, 1.0], [0.0, 1.0]]]
    """
    weights = torch.ones(found.shape, dtype=torch.float64) if measure is None else measure.detach().cpu().double()
    if not found.shape == true.shape == weights.shape:
        raise ValueError(
            "found, true and measure must have one shape (batch, elements), "
            f"got {tuple(found.shape)}, {tuple(true.shape)} and {tuple(weights.shape)}"
        )
    if not bool(((weights >= 0) & weights.isfinite()).all()):
        raise ValueError("every measure must be finite and at least 0; give 0 to elements that do not count")
    found, true = found.cpu().long(), true.cpu().long()
    if found.numel() and min(int(found.min()), int(true.min())) < -1:
        raise ValueError(f"labels start at −1, got {min(int(found.min()), int(true.min()))}")
    rows, columns = (int(labels.max()) + 1 if labels.numel() else 0 for labels in (found, true))
    columns = max(columns, 1)
    weights = torch.where(true >= 0, weights, 0.0)
    cell = (found + 1) * columns + true.clamp(min=0)
    table = torch.zeros(len(found), (rows + 1) * columns, dtype=torch.float64).scatter_add(1, cell, weights)
    return table.view(len(found), rows + 1, columns)


def without_background(true: Int[Tensor, "batch elements"], background: int | None) -> Int[Tensor, "batch elements"]:
    """The truth with its background left out, as if nothing were known there.

    Raises:
        ValueError: if `background` is negative.
    """
    return true if background is None else torch.where(true == checked_background(background), -1, true)


def has_objects(
    true: Int[Tensor, "batch elements"], measure: Measure = None, background: int | None = None
) -> Bool[Tensor, " batch"]:
    """Which items have a true object of positive measure: the others score 1 for want of anything to find."""
    objects = without_background(true, background) >= 0
    return (objects if measure is None else objects & (measure > 0)).any(dim=1).cpu()


def checked_background(background: int) -> int:
    """The number of the background, if it is one."""
    if background < 0:
        raise ValueError(
            f"the background's number must be at least 0, got {background}: −1 means that nothing is known; "
            "renumber with torch.where(valid, labels + 1, -1), then background=0"
        )
    return background
