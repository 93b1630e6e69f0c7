"""Group normalisation of maps whose padding takes no part."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..components.exporting import is_exporting


def groups_of(channels: int, size: int = 16) -> int:
    """The greatest number of groups, of at least `size` channels each, that divides the channels evenly.

    Example:
        >>> groups_of(96), groups_of(50), groups_of(8)
        (6, 2, 1)
    """
    return max((number for number in range(1, channels // size + 1) if channels % number == 0), default=1)


@final
class MaskedGroupNorm(nn.Module):
    """y = γ (x − μ) / √(σ² + ε) + β, with μ and σ² over a group of about 16 channels and all valid places of an item.

    No item sees another one, nor its own padding, and there are no running statistics: what is computed in training
    and in evaluation is the same. Places are the axes after the channels; `valid` marks those of the first of them.

    With `around`, μ and σ² of a place along one axis are those of a neighbourhood that moves along: places of something
    long do not depend on how much of it is seen, and where that is no more than `around` places, nothing changes.

    Args:
        channels: of the maps.
        epsilon: ε.
        around: places to either side that count, 0 for all.

    Source: Wu and He, "Group Normalization" (2018); without padding this is `nn.GroupNorm`. Neighbourhoods are ours.

    Example:
        >>> norm, short = MaskedGroupNorm(32), torch.randn(1, 32, 5)
        >>> padded = nn.functional.pad(short, (0, 3), value=7.0)
        >>> joint = norm(padded, torch.arange(8)[None] < 5)
        >>> torch.allclose(joint[..., :5], norm(short), atol=1e-5), joint[..., 5:].abs().max().item()
        (True, 0.0)
    """

    def __init__(self, channels: int, epsilon: float = 1e-5, around: int = 0) -> None:
        super().__init__()
        self.around = around
        self.groups = groups_of(channels)
        self.epsilon = epsilon
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(
        self, maps: Float[Tensor, "batch channels places *more"], valid: Bool[Tensor, "batch places"] | None = None
    ) -> Float[Tensor, "batch channels places *more"]:
        """Normalised maps, zero where not valid; None if all places are."""
        # A program is made for any number of places: neighbourhoods that hold all of them give the same numbers.
        if self.around and (is_exporting() or maps.shape[2] > self.around + 1):
            return self._moving(maps, valid)
        if valid is None:
            return nn.functional.group_norm(maps, self.groups, self.scale, self.shift, self.epsilon)
        further = (1,) * (maps.ndim - 3)
        here = valid.view(maps.shape[0], 1, -1, *further)
        wide = maps.float().masked_fill(~here, 0.0)
        # Sums are taken over the places first: so they run along memory, whether channels come first or last in it.
        places = tuple(range(2, maps.ndim))
        count = valid.sum(dim=1).clamp(min=1) * (maps[0, 0, 0].numel() * maps.shape[1] // self.groups)
        mean = self._of_groups(wide.sum(dim=places), count).view(*maps.shape[:2], 1, *further)
        centred = (wide - mean).masked_fill(~here, 0.0)
        variance = self._of_groups(centred.square().sum(dim=places), count).view(*maps.shape[:2], 1, *further)
        scale, shift = (one.view(1, -1, 1, *further) for one in (self.scale, self.shift))
        return (centred * (torch.rsqrt(variance + self.epsilon) * scale) + shift * here).to(maps.dtype)

    def _moving(
        self, maps: Float[Tensor, "batch channels places"], valid: Bool[Tensor, "batch places"] | None
    ) -> Float[Tensor, "batch channels places"]:
        """With the mean and the variance of every place's neighbourhood."""
        around = self.around if is_exporting() else min(self.around, maps.shape[2] - 1)
        here = maps.new_ones(maps.shape[0], 1, maps.shape[2]) if valid is None else valid[:, None].to(maps.dtype)
        here = here.float()

        def mean(of_places: Tensor) -> Tensor:
            sums: Tensor = nn.functional.avg_pool1d(of_places, 2 * around + 1, stride=1, padding=around)
            return sums / shares

        shares = nn.functional.avg_pool1d(here, 2 * around + 1, stride=1, padding=around)
        shares = shares.clamp(min=0.5 / (2 * around + 1))
        grouped = maps.float().masked_fill(here == 0, 0.0).unflatten(1, (self.groups, -1))
        centre = mean(grouped.mean(dim=2))
        second = mean(grouped.square().mean(dim=2)) - centre.square()
        scale = torch.rsqrt(second.clamp(min=0) + self.epsilon)
        normal = ((grouped - centre[:, :, None]) * scale[:, :, None]).flatten(1, 2)
        moved = normal * self.scale[:, None] + self.shift[:, None]
        kept: Tensor = moved * here
        return kept.to(maps.dtype)

    def _of_groups(
        self, sums: Float[Tensor, "batch channels"], count: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch channels"]:
        """For every channel the mean of its group, from sums over places and the numbers in a group."""
        grouped = sums.unflatten(1, (self.groups, -1))
        means: Tensor = grouped.sum(dim=2, keepdim=True) / count[:, None, None]
        return means.expand_as(grouped).flatten(1)
