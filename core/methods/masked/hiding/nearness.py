"""How far elements lie from the middles of regions: along the axes of a grid, over neighbours, or in order."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
from ....networks.places import coordinates
from .share import of_elements

FAR = 1e6


def middles(tokens: FeatureMap, noise: ItemNoise, regions: int) -> Bool[Tensor, "batch regions elements"]:
    """One valid element at random as the middle of every region."""
    draws = torch.stack([of_elements(noise.other(region), tokens.valid) for region in range(regions)], dim=1)
    greatest = torch.where(tokens.valid[:, None], draws, -1.0).argmax(dim=2, keepdim=True)
    return torch.zeros_like(draws, dtype=torch.bool).scatter(2, greatest, True) & tokens.valid[:, None]


def in_boxes(
    tokens: FeatureMap, noise: ItemNoise, regions: int, aspect: tuple[float, float]
) -> Float[Tensor, "batch regions elements"]:
    """max_a |p_a − m_a| / s_a in cells: alike on the outline of a box around the middle, whose sides are as s.

    The ratio of every side to the first is drawn from `aspect`, evenly in its logarithm.

    Raises:
        ValueError: if the elements are no grid.
    """
    if tokens.grid is None:
        raise ValueError(
            "blocks need elements on a grid, and these are a set; take spans, subgraphs, or together, which suits all"
        )
    places = coordinates(tokens)
    assert places is not None
    places = places.expand(len(tokens.valid), -1, -1)
    middle = middles(tokens, noise, regions).float() @ places
    axes = places.shape[2]
    low, high = (torch.tensor(end).log().item() for end in aspect)
    drawn = noise.other(regions).uniform(regions * axes).view(-1, regions, axes)
    sides = (low + (high - low) * drawn).exp()
    sides = torch.cat([torch.ones_like(sides[..., :1]), sides[..., 1:]], dim=2)
    away = (places[:, None] - middle[:, :, None]).abs() / sides[:, :, None]
    found: Tensor = away.amax(dim=3)
    return found


def in_order(tokens: FeatureMap, noise: ItemNoise, regions: int) -> Float[Tensor, "batch regions elements"]:
    """|i − m|: along the first axis of a grid, or in the order of a set."""
    places = coordinates(tokens)
    if places is None:
        places = torch.arange(tokens.valid.shape[1], device=tokens.valid.device, dtype=torch.float32)[None, :, None]
    along = places[..., :1].expand(len(tokens.valid), -1, -1)
    middle = middles(tokens, noise, regions).float() @ along
    return (along[:, None] - middle[:, :, None])[..., 0].abs()


def over_neighbours(tokens: FeatureMap, noise: ItemNoise, regions: int) -> Float[Tensor, "batch regions elements"]:
    """Steps over neighbours from the middle, of those alike in a random order; far away where none leads.

    Raises:
        ValueError: if nothing is known of neighbours.
    """
    if tokens.neighbours is None:
        raise ValueError(
            "subgraphs need elements whose neighbours are known, and these have none; "
            "take blocks on a grid, spans of a sequence, or together, which suits all"
        )
    near = tokens.neighbours.float()
    reached = middles(tokens, noise, regions)
    distance = torch.where(reached, 0.0, FAR)
    for steps in range(1, tokens.valid.shape[1]):
        further = ((reached.float() @ near) > 0) & ~reached
        if not bool(further.any()):
            break
        distance = torch.where(further, float(steps), distance)
        reached = reached | further
    return distance + 0.5 * of_elements(noise.other(regions), tokens.valid)[:, None]


def together(
    tokens: FeatureMap, noise: ItemNoise, regions: int, aspect: tuple[float, float]
) -> Float[Tensor, "batch regions elements"]:
    """Whatever being near means for these elements: in boxes of a grid, over neighbours, or in order."""
    if tokens.grid is not None:
        return in_boxes(tokens, noise, regions, aspect)
    if tokens.neighbours is not None:
        return over_neighbours(tokens, noise, regions)
    return in_order(tokens, noise, regions)
