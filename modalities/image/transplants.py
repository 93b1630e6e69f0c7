"""Objects of one picture set into another: mirrored, turned, resized and recoloured, with hard or soft edges."""

import math
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.masks import ItemMasks
from gestalt.core.data.transplants import DONOR, HOST, NEITHER
from gestalt.core.modality.transplant import Transplant

from .data import Picture
from .effects import unchanged
from .masks import on_pixels

CHANCE = 0.5
"""Of each of a mirrored, a turned and a softly edged part."""
RECOLOURED = 0.7
"""Chance of other colours."""
SCALE = (0.7, 1.4)
"""Least and greatest size of a part in the host over that in the donor."""
LEAST_SCALE = 0.5
"""Parts that would have to be smaller than this to fit into the host are not used."""
COVERED = 0.5
"""The greatest share of the host that a part may hide."""
CUT_OFF = 0.6
"""A part with more pixels on the border than this, times the root of its area, is cut off by it; a disc's outline has
3.5 of them."""
CLEAR = 0.75
"""From this share on, a pixel clearly shows the part."""


def transplant(host: Picture, donor: Picture, part: ItemMasks, rng: np.random.Generator) -> Transplant[Picture] | None:
    """A part of one picture in a random place of another.

    It is mirrored and turned by a quarter or not, 0.7 to 1.4 times as large, and its colours are changed more often
    than not. Half of the parts have soft edges: in a seam of one pixel they are mixed with the host.

    Args:
        host: the picture that the part is set into.
        donor: the picture that it is a part of.
        part: which pixels it is, on a grid of any fineness.
        rng: the only source of randomness.

    Returns:
        None for a part that is cut off by the border of its picture, larger than the host or of other channels.
    """
    if len(host) != len(donor):
        return None
    mask = _mask(part, (donor.shape[1], donor.shape[2]))
    area = int(mask.sum())
    if not area or _on_border(mask) > CUT_OFF * math.sqrt(area):
        return None
    rows, columns = mask.any(dim=1).nonzero()[:, 0], mask.any(dim=0).nonzero()[:, 0]
    top, left, below, right = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    piece = torch.cat([donor[:, top:below, left:right], mask[None, top:below, left:right].to(donor.dtype)])
    mirrored, turned, soft = (rng.random(3) < CHANCE).tolist()
    piece = piece.flip(2) if mirrored else piece
    piece = piece.transpose(1, 2) if turned else piece
    tall, wide = piece.shape[1:]
    fits = min(host.shape[1] / tall, host.shape[2] / wide, math.sqrt(COVERED * host[0].numel() / area))
    if fits < LEAST_SCALE:
        return None
    scale = min(math.exp(rng.uniform(math.log(SCALE[0]), math.log(SCALE[1]))), fits)
    size = max(1, math.floor(tall * scale)), max(1, math.floor(wide * scale))
    if size != (tall, wide):
        piece = functional.interpolate(piece[None], size, mode="bilinear", antialias=scale < 1)[0].clamp(0, 1)
    colours, alpha = piece[:-1], piece[-1]
    if rng.random() < RECOLOURED:
        colours = _recoloured(colours, rng)
    alpha = _softened(alpha) if soft else (alpha >= 0.5).to(alpha.dtype)
    shown = torch.where(alpha >= CLEAR, DONOR, torch.where(alpha > 0, NEITHER, HOST))
    if not bool((shown == DONOR).any()):
        return None

    y = int(rng.integers(host.shape[1] - size[0] + 1))
    x = int(rng.integers(host.shape[2] - size[1] + 1))
    box = slice(y, y + size[0]), slice(x, x + size[1])
    item, owner = host.clone(), torch.zeros(host.shape[1:], dtype=torch.long)
    item[:, *box] = torch.lerp(host[:, *box], colours, alpha)
    owner[box] = shown
    rule = _rule((y, x), (tall / size[0], wide / size[1]), (top, left), bool(mirrored), bool(turned), right - left)
    return Transplant(item, unchanged(host), rule, ItemMasks(owner.flatten(), _pixels(*owner.shape)))


def _mask(part: ItemMasks, size: tuple[int, int]) -> Bool[Tensor, "height width"]:
    """The pixels of a part."""
    if part.grid is None:
        raise ValueError("a part of a picture lies on a grid of pixels or cells, got that of a set")
    pixels = _pixels(*size)
    if part.grid.shape == size and all(map(torch.equal, part.grid.edges, pixels.edges)):
        return part.labels.view(size) >= 0
    return on_pixels(part.labels, part.grid, size) >= 0


@lru_cache(maxsize=64)
def _pixels(height: int, width: int) -> Grid:
    return Grid.uniform((height, width), (1.0, 1.0))


def _on_border(mask: Bool[Tensor, "height width"]) -> int:
    return int(mask[0].sum() + mask[-1].sum() + mask[:, 0].sum() + mask[:, -1].sum())


def _softened(alpha: Float[Tensor, "height width"]) -> Float[Tensor, "height width"]:
    """Pixels at the edge are partly the host's; none outside becomes the donor's, since it shows its surroundings."""
    mean = functional.avg_pool2d(alpha[None, None], 3, stride=1, padding=1)[0, 0]
    return torch.minimum(alpha, mean)


def _recoloured(colours: Float[Tensor, "channels height width"], rng: np.random.Generator) -> Tensor:
    """Every channel times 0.6 to 1.4, and up to 0.15 more or less; of three, in another order too."""
    channels = len(colours)
    if channels == 3:
        colours = colours[rng.permutation(3).tolist()]
    factors, shifts = rng.uniform(0.6, 1.4, (channels, 1, 1)), rng.uniform(-0.15, 0.15, (channels, 1, 1))
    return (colours * torch.from_numpy(factors).float() + torch.from_numpy(shifts).float()).clamp(0, 1)


def _rule(
    place: tuple[int, int],
    per_pixel: tuple[float, float],
    corner: tuple[int, int],
    mirrored: bool,
    turned: bool,
    width: int,
) -> Affine:
    """p_donor = corner + (mirrored) (turned) per_pixel · (p − place)."""
    down, across = per_pixel
    matrix = [[0.0, across], [down, 0.0]] if turned else [[down, 0.0], [0.0, across]]
    offset = [float(corner[0]), float(corner[1])]
    if mirrored:
        matrix[1] = [-one for one in matrix[1]]
        offset[1] += width
    offset = [begin - row[0] * place[0] - row[1] * place[1] for begin, row in zip(offset, matrix, strict=True)]
    none = torch.zeros(1, 0, 2, 2), torch.zeros(1, 0, 2)
    return Affine(torch.tensor([matrix]), torch.tensor([offset]), *none, torch.tensor([True]))
