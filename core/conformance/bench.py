"""A modality under test, with what several laws need."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ..correspondence import AbstractCorrespondence
from ..encoder import AbstractEncoder
from ..feature_map import FeatureMap
from ..modality import AbstractModality, Specimen
from ..modes import evaluating
from ..transform import AbstractTransform

SEEDS = range(3)
"""Every transform is tried with so many different random numbers."""


@final
class Bench:
    """The modality under test, with what several laws need."""

    def __init__(self, modality: AbstractModality[Any]) -> None:
        self.modality = modality

    @cached_property
    def specimens(self) -> tuple[Specimen[Any], ...]:
        return tuple(self.modality.specimens())

    @cached_property
    def encoders(self) -> dict[str, AbstractEncoder]:
        return {name: build() for name, build in self.modality.encoders.items()}

    @cached_property
    def transforms(self) -> dict[str, AbstractTransform[Any]]:
        """Every shipped transform, every two of them in a row, and the default views from the source on."""
        single = dict(self.modality.transforms)
        rows = {f"transforms[{name!r}]": transform for name, transform in single.items()}
        names = list(single)
        for one, two in zip(names, names[1:] + names[:1], strict=True):
            rows[f"transforms[{one!r}] then [{two!r}]"] = Row(single[one], single[two])
        for number, view in enumerate(self.modality.views.views):
            rows[f"views.source then views[{number}]"] = Row(self.modality.views.source, view)
        return rows

    def encode(self, name: str, items: Sequence[Any]) -> FeatureMap:
        """The features of one batch, in evaluation mode."""
        encoder = self.encoders[name]
        with evaluating(encoder):
            features = encoder(self.modality.collate(list(items)))
        if not isinstance(features, FeatureMap):
            raise TypeError(f"encoder {name!r} must return a FeatureMap, got {type(features).__name__}")
        return features

    def trials(self) -> Iterator[tuple[str, AbstractTransform[Any], Specimen[Any], int]]:
        """Every transform on the first two specimens, with every seed, and how to say so."""
        for name, transform in self.transforms.items():
            for number, specimen in enumerate(self.specimens[:2]):
                for seed in SEEDS:
                    yield f"{name} on specimen {number} with seed {seed}", transform, specimen, seed


@final
class Row(AbstractTransform[Any]):
    """Two transforms, one after the other."""

    def __init__(self, one: AbstractTransform[Any], two: AbstractTransform[Any]) -> None:
        self.one = one
        self.two = two

    def __call__(self, item: Any, rng: np.random.Generator) -> tuple[Any, AbstractCorrespondence]:
        """The second applied to what the first gives."""
        item, first = self.one(item, rng)
        item, second = self.two(item, rng)
        return item, first.then(second)


def apply(transform: AbstractTransform[Any], item: Any, seed: int) -> tuple[Any, AbstractCorrespondence]:
    """A transform with a fresh generator of that seed."""
    view, correspondence = transform(item, np.random.default_rng(seed))
    if correspondence.known.shape != (1,):
        raise ValueError(
            f"a transform's correspondence is a batch of one item, got known of shape {correspondence.known.shape}"
        )
    return view, correspondence


def same(one: Any, two: Any) -> bool:
    """Whether two items or correspondences are equal in every number."""
    if isinstance(one, Tensor | np.ndarray):
        return type(one) is type(two) and np.array_equal(np.asarray(one), np.asarray(two), equal_nan=one.dtype != bool)
    if type(one) is not type(two):
        return False
    if is_dataclass(one):
        return all(same(getattr(one, part.name), getattr(two, part.name)) for part in fields(one))
    if isinstance(one, Mapping):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, Sequence) and not isinstance(one, str | bytes):
        return len(one) == len(two) and all(map(same, one, two))
    if hasattr(one, "__dict__") and "__eq__" not in vars(type(one)):
        return same(vars(one), vars(two))
    return bool(one == two)


def close(one: Tensor, two: Tensor) -> bool:
    """Whether two feature maps agree but for rounding."""
    size = float(one.abs().max()) if one.numel() else 0.0
    return one.shape == two.shape and torch.allclose(one, two, rtol=0, atol=1e-4 * max(size, 1e-3))
