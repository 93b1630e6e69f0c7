"""Random numbers that belong to an item: whatever else is in its batch, however it is padded, on whichever rank."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

LOW = 0xFFFFFFFF


@final
@dataclass(frozen=True)
class ItemNoise:
    """A stream of random numbers for every item, from its number in the data set and what was drawn for the step.

    Example:
        >>> one = ItemNoise.of(torch.tensor([7, 3]), torch.Generator().manual_seed(0))
        >>> other = ItemNoise.of(torch.tensor([3]), torch.Generator().manual_seed(0))
        >>> torch.equal(one.uniform(5)[1], other.uniform(5)[0]), torch.equal(one.uniform(5)[0], one.uniform(5)[1])
        (True, False)
    """

    seeds: Int[Tensor, " batch"]

    @classmethod
    def of(cls, index: Int[Tensor, " batch"], generator: torch.Generator) -> "ItemNoise":
        """For items of these numbers. `generator` must give the same numbers on all ranks."""
        step = torch.randint(LOW, (), generator=generator, device=generator.device).to(index.device)
        return cls(_mixed(_mixed(step) + index))

    def other(self, number: int) -> "ItemNoise":
        """Another stream of the same items."""
        return ItemNoise(_mixed(self.seeds + (number + 1) * 0x51ED270B))

    def uniform(self, count: int) -> Float[Tensor, "batch count"]:
        """The first `count` numbers of every item, in [0, 1); more of them begin with the same."""
        place = torch.arange(count, device=self.seeds.device)
        mixed = _mixed(self.seeds[:, None] + _mixed(place + 1))
        return (mixed >> 8).float() / (1 << 24)


def _mixed(value: Int[Tensor, "..."]) -> Int[Tensor, "..."]:
    """32 bits of which each depends on all those of the value.

    Source: the finaliser of MurmurHash3 (Appleby, public domain).
    """
    value = value & LOW
    value = ((value ^ (value >> 16)) * 0x85EBCA6B) & LOW
    value = ((value ^ (value >> 13)) * 0xC2B2AE35) & LOW
    return value ^ (value >> 16)
