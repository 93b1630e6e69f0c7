"""Objects through time as the DAVIS benchmark measures them: region similarity J, contour accuracy F, and J&F."""

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from .contingency import contingency

TOLERANCE = 0.008
"""How far apart contours may lie, as a share of the picture's diagonal."""
PROPOSALS = 20
"""So many found tracks take part: those with the most pixels."""


@final
@dataclass(frozen=True)
class Tracks:
    """J and F of every true object of one sequence in every frame, each with the found track that was matched to it.

    `matched` is the number of that track in what was found, −1 for none: then both are as of an empty mask.
    """

    regions: Float[Tensor, "objects time"]
    contours: Float[Tensor, "objects time"]
    matched: Int[Tensor, " objects"]

    @property
    def score(self) -> Float[Tensor, " objects"]:
        """J&F: the mean of both over the frames."""
        return (self.regions.mean(dim=1) + self.contours.mean(dim=1)) / 2


def tracks(
    found: Int[Tensor, "_ _ _"],
    true: Int[Tensor, "_ _ _"],
    proposals: int = PROPOSALS,
    tolerance: float = TOLERANCE,
) -> Tracks:
    """Match found tracks with true objects one to one so that their mean J&F is greatest, and measure each.

    Args:
        found: the object of every pixel, `time height width`: one number for one object in all frames, −1 for none.
        true: likewise; −1 is the ground. Objects are those that occur, in the order of their numbers.
        proposals: greatest number of found tracks that take part, those with the most pixels.
        tolerance: see `contour_accuracy`.

    Raises:
        ValueError: if the shapes differ, or there is no true object.

    Example:
        >>> true = torch.tensor([[[0, 0, -1, -1]] * 4] * 3)
        >>> result = tracks(torch.where(true == 0, 7, 2), true)
        >>> result.regions.tolist(), result.matched.tolist()
        ([[1.0, 1.0, 1.0]], [7])

    Source: the unsupervised protocol of DAVIS 2019 (Caelles et al.), as in the authors' davis2017-evaluation: all
    frames count, a missing object scores as an empty mask. More than 20 proposals are an error there; here the
    largest 20 take part.
    """
    numbers = true[true >= 0].unique()
    if found.shape != true.shape or len(numbers) == 0:
        raise ValueError(
            f"found and true must have one shape and at least one true object, got {tuple(found.shape)}, "
            f"{tuple(true.shape)} and {len(numbers)} objects"
        )
    candidates, sizes = found[found >= 0].unique(return_counts=True)
    candidates = candidates[sizes.argsort(descending=True, stable=True)[:proposals]].sort().values
    mine, theirs = _numbered(found, candidates), _numbered(true, numbers)
    regions = _regions(mine, theirs, len(candidates), len(numbers))
    contours = _contours(_masks(mine, len(candidates)), _masks(theirs, len(numbers)), tolerance)
    # Row 0 is the empty mask, which stands for no track and may be matched with any number of objects.
    score = ((regions + contours) / 2).mean(dim=2)
    rows, columns = linear_sum_assignment(-torch.cat([score, score[:1].expand(len(numbers), -1)]).numpy())
    chosen = torch.zeros(len(numbers), dtype=torch.long)
    chosen[torch.from_numpy(columns)] = torch.from_numpy(rows)
    chosen = torch.where(chosen > len(candidates), 0, chosen)
    place = torch.arange(len(numbers))
    names = torch.cat([candidates.new_tensor([-1]), candidates])
    return Tracks(regions[chosen, place], contours[chosen, place], names[chosen])


def region_similarity(
    found: Bool[Tensor, "masks height width"], true: Bool[Tensor, "masks height width"]
) -> Float[Tensor, " masks"]:
    """J = |found ∩ true| / |found ∪ true| of pairs of masks; 1 where both are empty.

    Example:
        >>> found, true = torch.tensor([[[1, 1, 0]], [[0, 0, 0]]]), torch.tensor([[[0, 1, 1]], [[0, 0, 0]]])
        >>> region_similarity(found > 0, true > 0).tolist()
        [0.333..., 1.0]

    Source: Perazzi et al. (2016), section 4.
    """
    union = (found | true).sum(dim=(1, 2))
    return torch.where(union > 0, (found & true).sum(dim=(1, 2)).double() / union.clamp(min=1), 1.0)


def contour_accuracy(
    found: Bool[Tensor, "masks height width"],
    true: Bool[Tensor, "masks height width"],
    tolerance: float = TOLERANCE,
) -> Float[Tensor, " masks"]:
    """F = 2 P R / (P + R) of the contours of pairs of masks; 1 where neither has any.

    P is the share of the found contour's pixels with a true one at most `⌈tolerance · diagonal⌉` pixels away, R the
    reverse. A contour's pixels are those whose neighbour to the right, below, or across both is on the other side.

    Args:
        found, true: the masks.
        tolerance: as a share of the diagonal; from 1 on, in pixels.

    Source: Perazzi et al. (2016), section 4, without the one-to-one matching, as in the authors' code.
    """
    mine, theirs = _boundary(found), _boundary(true)
    reach = _reach(found.shape[-2], found.shape[-1], tolerance)
    hit_mine = (mine & _dilated(theirs, reach)).sum(dim=(1, 2)).double()
    hit_theirs = (theirs & _dilated(mine, reach)).sum(dim=(1, 2)).double()
    return _f_measure(hit_mine, hit_theirs, mine.sum(dim=(1, 2)).double(), theirs.sum(dim=(1, 2)).double())


def _regions(mine: Tensor, theirs: Tensor, found: int, true: int) -> Float[Tensor, "found true time"]:
    """J of every found track, the empty one first, with every true object in every frame."""
    table = contingency(mine.flatten(1), theirs.flatten(1) + 1)
    # Objects that occur in no frame of a part are missing at the end of the table.
    table = torch.nn.functional.pad(table, (0, true + 1 - table.shape[2], 0, found + 1 - table.shape[1]))
    sizes_found, sizes_true = table.sum(dim=2), table.sum(dim=1)[:, 1:]
    shared = table[:, :, 1:].clone()
    shared[:, 0], sizes_found[:, 0] = 0.0, 0.0
    union = sizes_found[:, :, None] + sizes_true[:, None] - shared
    return torch.where(union > 0, shared / union.clamp(min=1), 1.0).permute(1, 2, 0)


def _contours(
    found: Bool[Tensor, "found time height width"], true: Bool[Tensor, "true time height width"], tolerance: float
) -> Float[Tensor, "found_and_none true time"]:
    """F of every found track, the empty one first, with every true object in every frame."""
    empty = torch.zeros_like(true[:1])
    mine, theirs = _boundary(torch.cat([empty, found])), _boundary(true)
    reach = _reach(true.shape[-2], true.shape[-1], tolerance)
    near_mine, near_theirs = (_dilated(part.flatten(0, 1), reach).view_as(part) for part in (mine, theirs))
    hit_mine = torch.einsum("ktyx,ltyx->klt", mine.float(), near_theirs.float()).double()
    hit_theirs = torch.einsum("ktyx,ltyx->klt", near_mine.float(), theirs.float()).double()
    count_mine = mine.sum(dim=(2, 3)).double()[:, None].expand_as(hit_mine)
    count_theirs = theirs.sum(dim=(2, 3)).double()[None].expand_as(hit_mine)
    return _f_measure(hit_mine, hit_theirs, count_mine, count_theirs)


def _f_measure(hit_mine: Tensor, hit_theirs: Tensor, mine: Tensor, theirs: Tensor) -> Tensor:
    """F from matched and all contour pixels; what has no contour is found precisely, or recalled in full."""
    precision = torch.where(mine > 0, hit_mine / mine.clamp(min=1), torch.ones_like(mine))
    recall = torch.where(theirs > 0, hit_theirs / theirs.clamp(min=1), torch.ones_like(theirs))
    one_sided = (mine > 0) != (theirs > 0)
    both = precision + recall
    score = torch.where(both > 0, 2 * precision * recall / both.clamp(min=1e-12), 0.0)
    return torch.where(one_sided, 0.0, score)


def _boundary(masks: Bool[Tensor, "*masks height width"]) -> Bool[Tensor, "*masks height width"]:
    right, below, across = masks.clone(), masks.clone(), masks.clone()
    right[..., :-1] = masks[..., 1:]
    below[..., :-1, :] = masks[..., 1:, :]
    across[..., :-1, :-1] = masks[..., 1:, 1:]
    # In the last row only the neighbour to the right counts, in the last column only the one below.
    across[..., -1, :], across[..., :, -1] = masks[..., -1, :], masks[..., :, -1]
    return (masks ^ right) | (masks ^ below) | (masks ^ across)


def _dilated(masks: Bool[Tensor, "masks height width"], reach: int) -> Bool[Tensor, "masks height width"]:
    """Every pixel within a disk of radius `reach` of a set one."""
    place = torch.arange(-reach, reach + 1)
    disk = (place[:, None].square() + place.square() <= reach**2).float()
    return torch.nn.functional.conv2d(masks.float()[:, None], disk[None, None], padding=reach)[:, 0] > 0.5


def _reach(height: int, width: int, tolerance: float) -> int:
    return int(tolerance) if tolerance >= 1 else math.ceil(tolerance * math.hypot(height, width))


def _numbered(labels: Tensor, numbers: Int[Tensor, " numbers"]) -> Tensor:
    """0, 1, … for the given numbers, −1 for all others."""
    if len(numbers) == 0:
        return torch.full_like(labels, -1)
    place = torch.searchsorted(numbers, labels.contiguous()).clamp(max=len(numbers) - 1)
    return torch.where(numbers[place] == labels, place, -1)


def _masks(labels: Int[Tensor, "time height width"], count: int) -> Bool[Tensor, "numbers time height width"]:
    return torch.arange(count).view(-1, 1, 1, 1) == labels
