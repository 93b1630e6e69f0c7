"""Transplants that break one law each, on purpose."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gestalt.core.data.correspondence import Affine, Index
from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.transplant import Transplant
from tests.toy import PATCH
from tests.toy_transplants import SetIn, set_points_in, set_series_in

restless = itertools.count()
Composed = Transplant[Tensor] | None


def changed_by(
    change: Callable[[Transplant[Tensor], Tensor, Tensor], Composed], sound: SetIn = set_series_in
) -> dict[str, Any]:
    """A sound operation whose results are spoilt: from the result, the host and the donor."""

    def set_in(host: Tensor, donor: Tensor, part: ItemMasks, rng: np.random.Generator) -> Composed:
        made = sound(host, donor, part, rng)
        return None if made is None else change(made, host, donor)

    return {"set_in": set_in}


def into_the_host_itself(host: Tensor, donor: Tensor, part: ItemMasks, rng: np.random.Generator) -> Composed:
    made = set_series_in(host, donor, part, rng)
    if made is not None:
        host.copy_(made.item)
    return made


def elsewhere_each_time(host: Tensor, donor: Tensor, part: ItemMasks, rng: np.random.Generator) -> Composed:  # noqa: ARG001
    return set_series_in(host, donor, part, np.random.default_rng(next(restless)))


def where_the_donor_is_loud(host: Tensor, donor: Tensor, part: ItemMasks, rng: np.random.Generator) -> Composed:
    return set_series_in(host, donor, part, rng) if float(donor.max()) < 6 else None


def as_long_as_the_host_is_quiet(host: Tensor, donor: Tensor, part: ItemMasks, rng: np.random.Generator) -> Composed:
    return set_series_in(host[: len(host) if float(host.max()) < 6 else len(host) - 2 * PATCH], donor, part, rng)


def all_of_the_host(made: Transplant[Tensor]) -> ItemMasks:
    return replace(made.owner, labels=torch.zeros_like(made.owner.labels))


def whole_donor(made: Transplant[Tensor], donor: Tensor) -> Transplant[Tensor]:
    """The donor beside its part is said to be shown too."""
    owner = replace(made.owner, labels=made.owner.labels.clone())
    owner.labels[len(owner.labels) // 4 :] = 1
    return replace(made, owner=owner, donor=Affine.of([1.0], [float(len(donor))]))


def one_further(made: Transplant[Tensor], donor: Tensor) -> Transplant[Tensor]:
    """What shows a point of the donor is said to show the next."""
    assert isinstance(made.host, Index)
    assert isinstance(made.donor, Index)
    next_ones = torch.where(made.donor.index[0] < 0, -1, (made.donor.index[0] + 1) % len(donor))
    return Transplant.of_set(made.item, made.host.index[0].tolist(), next_ones.tolist())


BROKEN_TRANSPLANTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a transplant of nothing": ("transplants", "series", {"set_in": lambda _host, _donor, _part, _rng: None}),
    "a transplant into the host itself": ("transplants", "series", {"set_in": into_the_host_itself}),
    "a transplant of its own randomness": ("transplants", "series", {"set_in": elsewhere_each_time}),
    "a transplant that is not said": (
        "transplants",
        "series",
        changed_by(lambda made, _host, _donor: replace(made, owner=all_of_the_host(made))),
    ),
    "a donor that is shown beyond its end": (
        "transplants",
        "series",
        changed_by(lambda made, _host, donor: whole_donor(made, donor)),
    ),
    "elements of the donor that are not of the part": (
        "transplants",
        "points",
        changed_by(lambda made, _host, donor: one_further(made, donor), set_points_in),
    ),
    "a composed item that is not finite": (
        "transplants",
        "points",
        changed_by(lambda made, _host, _donor: replace(made, item=made.item * torch.inf), set_points_in),
    ),
    "a transplant that changes all of the host": (
        "two sources",
        "series",
        changed_by(lambda made, host, _donor: replace(made, item=made.item - host.mean())),
    ),
    "a transplant that is backwards": (
        "two sources",
        "series",
        changed_by(lambda made, _host, _donor: replace(made, item=made.item.flip(0))),
    ),
    "a transplant that was left out": (
        "two sources",
        "series",
        changed_by(lambda made, host, _donor: replace(made, item=host.clone())),
    ),
    "a transplant that shows the donor throughout": (
        "two sources",
        "points",
        changed_by(lambda made, _host, donor: replace(made, item=made.item + donor.mean(dim=0)), set_points_in),
    ),
    "a transplant by what the donor holds": ("two sources", "series", {"set_in": where_the_donor_is_loud}),
    "a transplant whose length is decided by the host": (
        "two sources",
        "series",
        {"set_in": as_long_as_the_host_is_quiet},
    ),
}
