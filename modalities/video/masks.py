"""Objects of a clip as one number per pixel and frame, and their colours."""

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.modality.colours import colour_of


def on_pixels(
    found: Int[Tensor, " elements"], grid: Grid, size: tuple[int, int, int], edges: Tensor
) -> Int[Tensor, "time height width"]:
    """The object of every pixel of every frame: that of the element whose box holds its centre, −1 outside all.

    Args:
        found: the object of every element, −1 for none.
        grid: where the elements lie; of one item.
        size: frames, height and width wanted. Pixels may be finer than those that the grid speaks of: see `edges`.
        edges: seconds of the frames' edges, in the clock of the grid.

    Example:
        >>> grid = Grid.uniform((1, 2, 2), (1.0, 2.0, 2.0))
        >>> on_pixels(torch.tensor([0, 1, -1, 2]), grid, (1, 4, 4), torch.tensor([0.0, 1.0]))[0, :, 1:3].tolist()
        [[0, 1], [0, 1], [-1, 2], [-1, 2]]
    """
    places = [(edges[1:] + edges[:-1]) / 2, torch.arange(size[1]) + 0.5, torch.arange(size[2]) + 0.5]
    # The axes are independent: an index per axis replaces one per pixel.
    cells, inside = [], []
    for place, axis in zip(places, grid.edges, strict=True):
        cell = torch.searchsorted(axis[0].cpu().contiguous(), place.float().contiguous(), right=True) - 1
        inside.append((cell >= 0) & (cell < axis.shape[1] - 1))
        cells.append(cell.clamp(0, axis.shape[1] - 2))
    numbers = found.cpu().view(grid.shape)[cells[0]][:, cells[1]][:, :, cells[2]]
    within = inside[0][:, None, None] & inside[1][:, None] & inside[2]
    return torch.where(within, numbers, -1)


def palette(objects: int) -> UInt8[Tensor, "objects 3"]:
    """Red, green and blue of objects 0, 1, 2, …"""
    codes = [colour_of(number).lstrip("#") for number in range(objects)]
    rows = [[int(code[place : place + 2], 16) for place in (0, 2, 4)] for code in codes]
    return torch.tensor(rows, dtype=torch.uint8).view(objects, 3)


def overlay(
    frames: UInt8[Tensor, "time 3 height width"], numbers: Int[Tensor, "time height width"], strength: float = 0.55
) -> UInt8[Tensor, "time 3 height width"]:
    """Frames with every object's colour laid over it and its border drawn; what belongs to none is dimmed to grey."""
    colours = palette(int(numbers.max()) + 1 if numbers.numel() and int(numbers.max()) >= 0 else 1).float()
    tint = colours[numbers.clamp(min=0)].permute(0, 3, 1, 2)
    plain = frames.float()
    grey = plain.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1) * 0.6 + 90
    border = torch.zeros_like(numbers, dtype=torch.bool)
    border[:, 1:] |= numbers[:, 1:] != numbers[:, :-1]
    border[:, :, 1:] |= numbers[:, :, 1:] != numbers[:, :, :-1]
    mixed = torch.where(border[:, None], tint, (1 - strength) * plain + strength * tint)
    return torch.where((numbers >= 0)[:, None], mixed, grey).clamp(0, 255).round().to(torch.uint8)
