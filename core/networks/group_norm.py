"""Group normalisation of maps whose padding takes no part."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


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

    Source: Wu and He, "Group Normalization" (2018); without padding this is `nn.GroupNorm`.

    Example:
        >>> norm, short = MaskedGroupNorm(32), torch.randn(1, 32, 5)
        >>> padded = nn.functional.pad(short, (0, 3), value=7.0)
        >>> joint = norm(padded, torch.arange(8)[None] < 5)
        >>> torch.allclose(joint[..., :5], norm(short), atol=1e-5), joint[..., 5:].abs().max().item()
        (True, 0.0)
    """

    def __init__(self, channels: int, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.groups = groups_of(channels)
        self.epsilon = epsilon
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(
        self, maps: Float[Tensor, "batch channels places *more"], valid: Bool[Tensor, "batch places"] | None = None
    ) -> Float[Tensor, "batch channels places *more"]:
        """Normalised maps, zero where not valid; None if all places are."""
        if valid is None:
            return nn.functional.group_norm(maps, self.groups, self.scale, self.shift, self.epsilon)
        further = (1,) * (maps.ndim - 3)
        here = valid.view(len(maps), 1, -1, *further)
        wide = maps.float().masked_fill(~here, 0.0)
        # Sums are taken over the places first: so they run along memory, whether channels come first or last in it.
        places = tuple(range(2, maps.ndim))
        count = valid.sum(dim=1).clamp(min=1) * (maps[0, 0, 0].numel() * maps.shape[1] // self.groups)
        mean = self._of_groups(wide.sum(dim=places), count).view(*maps.shape[:2], 1, *further)
        centred = (wide - mean).masked_fill(~here, 0.0)
        variance = self._of_groups(centred.square().sum(dim=places), count).view(*maps.shape[:2], 1, *further)
        scale, shift = (one.view(1, -1, 1, *further) for one in (self.scale, self.shift))
        return (centred * (torch.rsqrt(variance + self.epsilon) * scale) + shift * here).to(maps.dtype)

    def _of_groups(
        self, sums: Float[Tensor, "batch channels"], count: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch channels"]:
        """For every channel the mean of its group, from sums over places and the numbers in a group."""
        grouped = sums.unflatten(1, (self.groups, -1))
        means: Tensor = grouped.sum(dim=2, keepdim=True) / count[:, None, None]
        return means.expand_as(grouped).flatten(1)
