"""An item into which a part of another was set, with its correspondence to both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, final, runtime_checkable

import numpy as np
import torch

from ..data.correspondence import AbstractCorrespondence, Index
from ..data.masks import ItemMasks
from ..data.transplants import DONOR, HOST, NEITHER

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class Transplant(Generic[ItemT]):
    """A part of a donor set into a host: the composed item, and which elements of both it shows where.

    Attributes:
        item: the composed item.
        host: which element of the host every element shows, as a transform states it.
        donor: which element of the donor. On axes it is a rule for all places, and holds where the part is.
        owner: what every element shows, on the item's own smallest elements (pixels, seconds, words): 0 the host and
            nothing of the donor, 1 the donor's part, −1 neither of them clearly: a soft edge, a mixture.

    Example: a word of another sentence in place of the second of three, see `of_set`.

        >>> Transplant.of_set(["a", "red", "hat"], host=[0, -1, 2], donor=[-1, 4, -1]).owner.labels.tolist()
        [0, 1, 0]
    """

    item: ItemT
    host: AbstractCorrespondence
    donor: AbstractCorrespondence
    owner: ItemMasks

    def __post_init__(self) -> None:
        for side, one in (("host", self.host), ("donor", self.donor)):
            if one.known.tolist() != [True]:
                raise ValueError(
                    f"the correspondence to the {side} is known, and of one item; got {one.known.tolist()}"
                )
        if type(self.host) is not type(self.donor):
            raise TypeError(
                f"both correspondences are of one sort, got {type(self.host).__name__} and {type(self.donor).__name__}"
            )
        labels = self.owner.labels
        if len(labels) and int(labels.max()) > DONOR:
            raise ValueError(f"owner is 0 for the host, 1 for the donor, −1 for neither; got {int(labels.max())}")
        if isinstance(self.host, Index) and isinstance(self.donor, Index):
            said = _owner(self.host, self.donor)
            if self.owner.grid is not None or not torch.equal(said, labels):
                raise ValueError(
                    f"owner says {labels.tolist()}, the correspondences of the set say {said.tolist()}; "
                    "see Transplant.of_set"
                )

    @classmethod
    def of_set(cls, item: ItemT, host: Sequence[int], donor: Sequence[int]) -> "Transplant[ItemT]":
        """Of an item that is a set: for every element that of the host and that of the donor, −1 for none."""
        origins = Index.of(host), Index.of(donor)
        return cls(item, *origins, ItemMasks(_owner(*origins), None))


def _owner(host: Index, donor: Index) -> torch.Tensor:
    """What every element of a set shows.

    Raises:
        ValueError: if an element is said to show both.
    """
    of_host, of_donor = host.index[0] >= 0, donor.index[0] >= 0
    if of_host.shape != of_donor.shape or bool((of_host & of_donor).any()):
        raise ValueError(
            f"an element shows the host, the donor or neither; got {host.index.tolist()} of the host and "
            f"{donor.index.tolist()} of the donor"
        )
    return torch.where(of_host, HOST, torch.where(of_donor, DONOR, NEITHER))


@runtime_checkable
class TransplantsInTime(Protocol[ItemT]):
    """Objects set into another item at a given time: those of a joint item that are heard and seen stay together."""

    def transplant_at(
        self, host: ItemT, donor: ItemT, part: ItemMasks, later: float, rng: np.random.Generator
    ) -> Transplant[ItemT] | None:
        """As `transplant`, at the donor's own pace: what is at t in the composed item was at t + `later` in the donor.

        Args:
            host: what the part is set into; never changed.
            donor: where it comes from; never changed.
            part: which elements of the donor it is.
            later: seconds; what then lies outside of the host is left out.
            rng: the only source of randomness.

        Returns:
            The composed item, or None where this part cannot be set in then.
        """
        ...
