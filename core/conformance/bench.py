"""A modality under test, with what several laws need."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from ..data.correspondence import AbstractCorrespondence
from ..data.feature_map import FeatureMap
from ..data.places import Parts, Places
from ..modality.base import AbstractModality, Specimen
from ..modality.optional import OffersChoices
from ..modality.transform import AbstractTransform
from ..networks.encoder import AbstractEncoder
from ..networks.modes import evaluating

SEEDS = range(3)
"""Every transform is evaluated with so many different seeds."""

MARKS = 6
"""So many elements of a specimen are marked, one after the other, evenly over the item."""


@final
@dataclass(frozen=True)
class Trial:
    """A transform on one of the specimens with one seed, and how to say so."""

    name: str
    transform: AbstractTransform[Any]
    number: int
    seed: int


@final
@dataclass(frozen=True)
class TrialResult:
    """What a trial gives, and whether the transform changed the specimen itself."""

    item: Any
    correspondence: AbstractCorrespondence
    changed_input: bool


@final
@dataclass(frozen=True)
class Marked:
    """A specimen marked at one element; how far the raw features move, and which elements the mark may touch."""

    element: int
    item: Any
    features: FeatureMap
    strength: float
    near: Bool[Tensor, " elements"]


@final
class Bench:
    """The modality under test, with what several laws need: computed once."""

    def __init__(self, modality: AbstractModality[Any]) -> None:
        self.modality = modality
        self._together: dict[str, FeatureMap] = {}
        self._sources: dict[int, FeatureMap] = {}
        self._marked: dict[tuple[int, int], Marked] = {}
        self._results: dict[str, TrialResult] = {}
        self._features: dict[str, FeatureMap] = {}

    @cached_property
    def specimens(self) -> tuple[Specimen[Any], ...]:
        """The specimens of the modality."""
        return tuple(self.modality.specimens())

    @cached_property
    def encoders(self) -> dict[str, AbstractEncoder]:
        """Every encoder, built from the defaults of its settings."""
        return {name: build() for name, build in self.modality.encoders.items()}

    @cached_property
    def transforms(self) -> dict[str, AbstractTransform[Any]]:
        """Every shipped transform, every two of them in a row, the alternatives, and the views from the source on."""
        single = dict(self.modality.transforms)
        rows = {f"transforms[{name!r}]": transform for name, transform in single.items()}
        names = list(single)
        for one, two in zip(names, names[1:] + names[:1], strict=True):
            rows[f"transforms[{one!r}] then [{two!r}]"] = Row(single[one], single[two])
        if isinstance(self.modality, OffersChoices):
            for choice, alternatives in self.modality.choices.items():
                rows |= {f"choices[{choice!r}][{name!r}]": transform for name, transform in alternatives.items()}
        return rows | {f"views.source then views[{number}]": view for number, view in enumerate(self.views)}

    @cached_property
    def views(self) -> tuple[AbstractTransform[Any], ...]:
        """The default views from the source on."""
        return tuple(Row(self.modality.views.source, view) for view in self.modality.views.views)

    def encode(self, name: str, items: Sequence[Any]) -> FeatureMap:
        """The features of one batch, in evaluation mode."""
        encoder = self.encoders[name]
        with evaluating(encoder):
            features = encoder(self.modality.collate(list(items)))
        if not isinstance(features, FeatureMap):
            raise TypeError(f"encoder {name!r} must return a FeatureMap, got {type(features).__name__}")
        return features

    def together(self, name: str) -> FeatureMap:
        """All specimens in one batch."""
        if name not in self._together:
            self._together[name] = self.encode(name, [specimen.item for specimen in self.specimens])
        return self._together[name]

    def source(self, number: int) -> FeatureMap:
        """The raw features of one specimen alone."""
        if number not in self._sources:
            self._sources[number] = self.encode("raw", [self.specimens[number].item])
        return self._sources[number]

    def marked(self, number: int) -> tuple[Marked, ...]:
        """One specimen, marked at `MARKS` of its elements in turn."""
        return tuple(self.mark(number, element) for element in self._places(number))

    def _places(self, number: int) -> list[int]:
        last = len(self.specimens[number].labels) - 1
        return sorted({round(place * last / (MARKS - 1)) for place in range(MARKS)})

    def mark(self, number: int, element: int) -> Marked:
        """One specimen, marked at one of its elements."""
        if (number, element) not in self._marked:
            self._marked[number, element] = self._mark(number, element)
        return self._marked[number, element]

    def _mark(self, number: int, element: int) -> Marked:
        item, source = self.specimens[number].mark(element), self.source(number)
        features = self.encode("raw", [item])
        if features.values.shape != source.values.shape:
            raise ValueError(f"mark({element}) changes the length of a specimen; change what is there instead")
        only = torch.arange(source.values.shape[1]) == element
        strength = float((features.values - source.values).abs().max())
        return Marked(element, item, features, strength, near(source, only, self.modality.tolerance))

    def trials(self) -> Iterator[Trial]:
        """Every transform on the first two specimens, with every seed."""
        for name, transform in self.transforms.items():
            for number in range(len(self.specimens[:2])):
                for seed in SEEDS:
                    yield Trial(f"{name} on specimen {number} with seed {seed}", transform, number, seed)

    def result(self, trial: Trial) -> TrialResult:
        """What the trial gives."""
        if trial.name not in self._results:
            given = self.specimens[trial.number].item
            before = copy.deepcopy(given)
            item, correspondence = apply(trial.transform, given, trial.seed)
            self._results[trial.name] = TrialResult(item, correspondence, not same(before, given))
        return self._results[trial.name]

    def features(self, trial: Trial) -> FeatureMap:
        """The raw features of what the trial gives."""
        if trial.name not in self._features:
            self._features[trial.name] = self.encode("raw", [self.result(trial).item])
        return self._features[trial.name]


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
    if isinstance(one, str | bytes | int | float):  # most of what there is to compare
        return bool(one == two)
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


def near(features: FeatureMap, elements: Bool[Tensor, " elements"], reach: int) -> Bool[Tensor, " elements"]:
    """Which elements lie at most `reach` cells, along every axis, from one of `elements`; a set lies in a row."""
    return _near(features.places, elements, reach)


def _near(places: Places | None, elements: Bool[Tensor, " elements"], reach: int) -> Bool[Tensor, " elements"]:
    if isinstance(places, Parts):
        own = zip(places.grids, places.slices.values(), strict=True)
        return torch.cat([_near(grid, elements[here], reach) for grid, here in own])
    reached = elements.view(-1 if places is None else places.shape)
    for axis, cells in enumerate(reached.shape):
        wider = reached.clone()
        for far in range(1, min(reach, cells - 1) + 1):
            wider.narrow(axis, far, cells - far).logical_or_(reached.narrow(axis, 0, cells - far))
            wider.narrow(axis, 0, cells - far).logical_or_(reached.narrow(axis, far, cells - far))
        reached = wider
    return reached.flatten()
