"""Where is it? Maps over the elements of one part of an item, asked for by an element of another, against true regions.

A row is one question: the heat that a word (a sound) gives to every cell of a picture, and where its object is. Maps
and truth have lattices of their own; `on_lattice` carries a map over. Nothing is NaN but the mean of no question.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..data.grid import Grid

STEPS = 20
"""Steps of the threshold between 0 and 1 over which successes are averaged."""


def on_lattice(
    heat: Float[Tensor, "questions elements"], grid: Grid, truth: Grid
) -> Float[Tensor, "questions true_elements"]:
    """The map as seen on the lattice of the truth: each of its elements has the heat of the one under its centre.

    Elements that lie outside the map have −∞, which nothing falls below.

    Raises:
        ValueError: if the map has another number of elements than its lattice.

    Example:
        >>> heat = torch.tensor([[1.0, 2.0]])
        >>> on_lattice(heat, Grid.uniform((2,), (2.0,)), Grid.uniform((5,), (1.0,))).tolist()
        [[1.0, 1.0, 2.0, 2.0, -inf]]
    """
    _check(heat, grid)
    centres = truth.centres().to(heat.device)
    under = grid.locate(centres.expand(len(heat), -1, -1))
    return torch.where(under >= 0, heat.gather(1, under.clamp(min=0)), -torch.inf)


def pointing_game(
    heat: Float[Tensor, "questions elements"],
    grid: Grid,
    inside: Bool[Tensor, "questions true_elements"],
    truth: Grid,
) -> Float[Tensor, " questions"]:
    """Whether the highest element of a map lies in the true object: 1 or 0; a share where several are the highest.

    An element lies where its centre does. Equal elements are pointed at in equal shares, so that a map that says
    nothing scores the share of the elements that lie in the object.

    Args:
        heat: the maps; −∞ marks elements that cannot be pointed at (padding).
        grid: their lattice, one for all questions or one each.
        inside: which elements of the truth's lattice belong to the object.
        truth: that lattice.

    Raises:
        ValueError: if maps or truth have other numbers of elements than their lattices.

    Example:
        >>> heat, inside = torch.tensor([[0.1, 0.9]]), torch.tensor([[False, False, True, True]])
        >>> pointing_game(heat, Grid.uniform((2,), (2.0,)), inside, Grid.uniform((4,), (1.0,))).tolist()
        [1.0]

    Source: Zhang et al., "Top-down neural attention by excitation backprop" (2016); no tolerance around the object.
    """
    _check(heat, grid)
    _check(inside, truth)
    under = truth.locate(grid.centres().to(heat.device).expand(len(heat), -1, -1))
    hit = inside.gather(1, under.clamp(min=0)) & (under >= 0)
    highest = (heat == heat.amax(dim=1, keepdim=True)) & heat.isfinite()
    return (highest & hit).sum(dim=1) / highest.sum(dim=1).clamp(min=1)


def consensus_iou(
    heat: Float[Tensor, "questions elements"],
    grid: Grid,
    consensus: Float[Tensor, "questions true_elements"],
    truth: Grid,
    threshold: float | Float[Tensor, " questions"] = 0.5,
) -> Float[Tensor, " questions"]:
    """cIoU = Σ_{i ∈ A} g_i / (Σ_i g_i + |A \\ G|) with A the elements whose heat is above τ, and G those with g > 0.

    g_i ∈ [0, 1] says how many annotators agree that element i belongs to the object; of one truth it is 0 or 1, and
    cIoU is the intersection over union. Where neither map nor truth marks anything, it is 1.

    Args:
        heat: the maps, all on a scale to which the threshold belongs.
        grid: their lattice.
        consensus: g, on the lattice of the truth.
        truth: that lattice.
        threshold: τ, one for all maps or one each.

    Raises:
        ValueError: if maps or truth have other numbers of elements than their lattices.

    Example:
        >>> heat, g = torch.tensor([[0.1, 0.9]]), torch.tensor([[0.0, 1.0, 1.0, 1.0]])
        >>> round(consensus_iou(heat, Grid.uniform((2,), (2.0,)), g, Grid.uniform((4,), (1.0,))).item(), 4)
        0.6667

    Source: Senocak et al., "Learning to localize sound source in visual scenes" (2018).
    """
    _check(consensus, truth)
    level = torch.as_tensor(threshold, dtype=heat.dtype, device=heat.device).expand(len(heat))[:, None]
    above = on_lattice(heat, grid, truth) > level
    shared = (consensus * above).sum(dim=1)
    whole = consensus.sum(dim=1) + (above & (consensus <= 0)).sum(dim=1)
    return torch.where(whole > 0, shared / whole.clamp(min=1e-12), 1.0)


def success_auc(scores: Float[Tensor, " questions"]) -> float:
    """The area under the share of questions whose cIoU is at least t, t from 0 to 1 in steps of 0.05.

    NaN if there is no question.

    Example:
        >>> round(success_auc(torch.tensor([0.5])), 3)  # a success up to ½, and half a step to the next threshold
        0.525

    Source: Senocak et al. (2018).
    """
    if not len(scores):
        return float("nan")
    levels = torch.linspace(0, 1, STEPS + 1, dtype=torch.float64)
    reached = (scores.double().cpu()[:, None] >= levels - 1e-6).double().mean(dim=0)
    return float(torch.trapezoid(reached, levels))


def _check(rows: Tensor, grid: Grid) -> None:
    if rows.shape[1] != grid.elements:
        raise ValueError(f"a map has one number per element of its lattice, {grid.elements}, got {rows.shape[1]}")
