"""Laws of transforms and of the views made of them. Each gives its counterexamples one by one."""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..correspondence import AbstractCorrespondence, Affine, Index
from ..feature_map import FeatureMap
from ..modality import Specimen
from .bench import Bench, apply, same

MARKS = 6
"""So many elements of a specimen are marked, one after the other, evenly over the item."""

FAINT = 0.1
"""A feature has changed if it moved by more than this share of the greatest movement: filters ring a little."""


def seeded(bench: Bench) -> Iterator[str]:
    for trial, transform, specimen, seed in bench.trials():
        if not same(apply(transform, specimen.item, seed), apply(transform, specimen.item, seed)):
            yield f"{trial} gave two results; draw all randomness from the `rng` argument"


def unchanged(bench: Bench) -> Iterator[str]:
    for trial, transform, specimen, seed in bench.trials():
        before = copy.deepcopy(specimen.item)
        apply(transform, specimen.item, seed)
        if not same(before, specimen.item):
            yield f"{trial} changed the item that it was given; work on a copy"


def _identity_like(correspondence: AbstractCorrespondence, elements: int) -> AbstractCorrespondence:
    if isinstance(correspondence, Affine):
        return Affine.identity(correspondence.offset.shape[1])
    if isinstance(correspondence, Index):
        return Index.identity(elements)
    raise TypeError(f"a correspondence is an Affine or an Index, got {type(correspondence).__name__}")


def identity(bench: Bench) -> Iterator[str]:
    for trial, transform, specimen, seed in bench.trials():
        item, correspondence = apply(transform, specimen.item, seed)
        source, view = bench.encode("raw", [specimen.item]), bench.encode("raw", [item])
        elements = int(source.valid.sum())
        own = _identity_like(correspondence, elements).source_elements(source, source.grid)
        if not torch.equal(own[source.valid], torch.arange(source.valid.shape[1])[source.valid[0]]):
            yield f"specimen of {trial}: the identity does not carry every element to itself, see `grid` of 'raw'"
        plain = correspondence.source_elements(view, source.grid)
        for composed in (
            _identity_like(correspondence, elements).then(correspondence),
            correspondence.then(_identity_like(correspondence, int(view.valid.sum()))),
        ):
            if not torch.equal(composed.source_elements(view, source.grid), plain):
                yield f"{trial}: composing with the identity changes the correspondence"


def in_range(bench: Bench) -> Iterator[str]:
    for trial, transform, specimen, seed in bench.trials():
        item, correspondence = apply(transform, specimen.item, seed)
        source, view = bench.encode("raw", [specimen.item]), bench.encode("raw", [item])
        found = correspondence.source_elements(view, source.grid)[0]
        if bool((found < -1).any()) or bool((found >= source.valid.shape[1]).any()):
            yield f"{trial} names source elements {found.tolist()}, the source has {source.valid.shape[1]}"


def mark(bench: Bench) -> Iterator[str]:
    for number, specimen in enumerate(bench.specimens[:2]):
        features = bench.encode("raw", [specimen.item])
        for element in _marked_elements(specimen):
            changed = _changed(features, bench.encode("raw", [specimen.mark(element)]))
            near = _near(features, _only(features, element), bench.modality.tolerance)
            if changed is None or not bool((changed & near).any()):
                yield f"specimen {number}: mark({element}) does not change the raw features there"
            elif bool((changed & ~near).any()):
                where = (changed & ~near).nonzero().flatten().tolist()
                yield f"specimen {number}: mark({element}) also changes elements {where}; change that one alone"


def locality(bench: Bench) -> Iterator[str]:
    tolerance = bench.modality.tolerance
    sources = {id(specimen): bench.encode("raw", [specimen.item]) for specimen in bench.specimens}
    marks = {id(specimen): _marks(bench, specimen, sources[id(specimen)]) for specimen in bench.specimens}
    for trial, transform, specimen, seed in bench.trials():
        source = sources[id(specimen)]
        item, correspondence = apply(transform, specimen.item, seed)
        if not bool(correspondence.known[0]):
            continue
        view = bench.encode("raw", [item])
        shown = correspondence.source_elements(view, source.grid)[0]
        for element, marked, strength in marks[id(specimen)]:
            changed = _changed(view, bench.encode("raw", [apply(transform, marked, seed)[0]]), strength)
            if changed is None:
                yield f"{trial}: a change of element {element} changes the view's length; draw sizes from `rng` alone"
                continue
            says = shown == element
            around = _near(source, _only(source, element), tolerance)[shown.clamp(min=0)] & (shown >= 0)
            stray = changed & ~_near(view, around, tolerance)
            if bool(stray.any()):
                yield (
                    f"{trial}: a change of source element {element} appears in view elements "
                    f"{stray.nonzero().flatten().tolist()}, whose correspondence says "
                    f"{shown[stray].tolist()}; correct the correspondence, or raise `tolerance` if filters spread it"
                )
            inside = says & ~_near(view, ~view.valid[0] | (shown < 0), tolerance) & _away_from_border(view, tolerance)
            if bool(inside.any()) and not bool(changed.any()):
                yield (
                    f"{trial}: view elements {inside.nonzero().flatten().tolist()} claim to show source element "
                    f"{element}, but a change there does not appear in the view; say −1 for what is hidden"
                )


def _marks(bench: Bench, specimen: Specimen[Any], source: FeatureMap) -> list[tuple[int, Any, float]]:
    """Marked elements, the items marked there, and how far the mark moves the raw features."""
    marks = []
    for element in _marked_elements(specimen):
        marked = specimen.mark(element)
        features = bench.encode("raw", [marked])
        if features.values.shape != source.values.shape:
            raise ValueError(f"mark({element}) changes the length of a specimen; change what is there instead")
        marks.append((element, marked, float((features.values - source.values).abs().max())))
    return marks


def _marked_elements(specimen: Specimen[Any]) -> list[int]:
    last = len(specimen.labels) - 1
    return sorted({round(place * last / (MARKS - 1)) for place in range(MARKS)})


def _only(features: FeatureMap, element: int) -> Bool[Tensor, " elements"]:
    return torch.arange(features.values.shape[1]) == element


def _changed(before: FeatureMap, after: FeatureMap, strength: float = 0.0) -> Bool[Tensor, " elements"] | None:
    """Which valid elements moved notably; None if the two are of different lengths."""
    if not torch.equal(before.valid, after.valid):
        return None
    moved = (before.values - after.values).abs().amax(dim=2)[0] * before.valid[0]
    greatest = float(moved.max())
    return moved > max(FAINT * greatest, FAINT**2 * strength, 1e-6)


def _places(features: FeatureMap) -> Int[Tensor, "elements axes"]:
    """Where elements lie in whole cells; elements of a set lie in a row, in their order."""
    shape = (features.values.shape[1],) if features.grid is None else features.grid.shape
    return torch.cartesian_prod(*(torch.arange(n) for n in shape)).view(features.values.shape[1], -1)


def _near(features: FeatureMap, elements: Bool[Tensor, " elements"], reach: int) -> Bool[Tensor, " elements"]:
    """Which elements lie at most `reach` cells, along every axis, from one of `elements`."""
    places = _places(features)
    chosen = places[elements]
    apart = (places[:, None] - chosen[None]).abs().amax(dim=2)
    return (apart <= reach).any(dim=1)


def _away_from_border(features: FeatureMap, reach: int) -> Bool[Tensor, " elements"]:
    if features.grid is None:
        return torch.ones(features.values.shape[1], dtype=torch.bool)
    places, last = _places(features), torch.tensor(features.grid.shape) - 1
    return ((places >= reach) & (places <= last - reach)).all(dim=1)
