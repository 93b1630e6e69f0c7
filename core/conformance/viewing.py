"""Laws of transforms and of the views made of them. Each gives its counterexamples one by one."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from ..data.correspondence import AbstractCorrespondence, Affine, Index
from ..data.feature_map import FeatureMap
from ..data.in_parts import InParts
from ..data.parts import parts_of
from ..data.places import Parts
from ..modality.batch_changes import AbstractBatchChange
from ..networks.modes import evaluating
from .bench import SEEDS, Bench, Trial, apply, near, same

FAINT = 0.1
"""A feature has changed if it moved by more than this share of the greatest movement: filters ring a little."""


def seeded(bench: Bench) -> Iterator[str]:
    """Transforms that draw random numbers from elsewhere than the `rng` argument."""
    for trial in bench.trials():
        once, again = bench.result(trial), apply(trial.transform, bench.specimens[trial.number].item, trial.seed)
        if not same((once.item, once.correspondence), again):
            yield f"{trial.name} gave two results; draw all randomness from the `rng` argument"


def unchanged(bench: Bench) -> Iterator[str]:
    """Transforms that change the item that they are given."""
    for trial in bench.trials():
        if bench.result(trial).changed_input:
            yield f"{trial.name} changed the item that it was given; work on a copy"


def alive(bench: Bench) -> Iterator[str]:
    """Views without elements, or with features that are not finite."""
    for trial in bench.trials():
        features = bench.features(trial)
        if not bool(features.valid.any()):
            yield f"{trial.name} gives an item without elements; keep at least one"
        elif not bool(features.values[features.valid].isfinite().all()):
            yield f"{trial.name} gives an item whose raw features are not finite"


def shared(bench: Bench) -> Iterator[str]:
    """Pairs of default views that show no element in common."""
    shown: dict[tuple[int, int], list[set[int]]] = {}
    for trial in bench.trials():
        if trial.transform in bench.views and bool(bench.result(trial).correspondence.known[0]):
            place = bench.views.index(trial.transform)
            shown.setdefault((trial.number, place), []).append(set(_shown(bench, trial)) - {-1})
    for (one, first), (two, second) in product(shown, shown):
        pairs = product(shown[one, first], shown[two, second])
        if one == two and first < second and not any(here & there for here, there in pairs):
            yield (
                f"views[{first}] and views[{second}] of specimen {one} show no element in common, with any seed, so "
                "that nothing can be compared; let them overlap"
            )


def batched(bench: Bench) -> Iterator[str]:
    """Transforms that make something else of a batch than of its items one by one."""
    items = [specimen.item for specimen in bench.specimens]
    encoder = bench.encoders["raw"]
    for name, transform in bench.modality.transforms.items():
        if not isinstance(transform, AbstractBatchChange):
            continue
        for seed in SEEDS:
            drawn = [transform.draw(np.random.default_rng([seed, row])) for row in range(len(items))]
            if any(len(numbers) != transform.numbers for numbers in drawn):
                yield f"transforms[{name!r}] draws {len(drawn[0])} numbers for an item and says {transform.numbers}"
                continue
            rows = torch.arange(len(items))[seed % 2 :]  # with the second seed the first item is left as it is
            data = bench.modality.collate(items)
            numbers = torch.tensor(drawn, dtype=torch.float64).view(len(items), transform.numbers)
            with evaluating(encoder):
                together = encoder(transform.changed(data, rows, numbers[rows]))
                before = encoder(data)
            kept = items[: seed % 2]
            moved = [transform(items[row], np.random.default_rng([seed, row])) for row in rows.tolist()]
            alone = [item for item, _ in moved]
            if any(_moves(bench.source(row), rule) for row, (_, rule) in zip(rows.tolist(), moved, strict=True)):
                yield f"transforms[{name!r}] moves or hides elements; leave `AbstractBatchChange` to what moves nothing"
            one_by_one = bench.encode("raw", kept + alone)
            if not torch.allclose(together.values, one_by_one.values, rtol=1e-4, atol=1e-4):
                yield (
                    f"transforms[{name!r}] makes something else of a batch than of its items one by one; use what "
                    "`draw` drew, change the named rows alone, and keep padding as it was"
                )
            if not torch.equal(before.values, bench.encode("raw", items).values):
                yield f"transforms[{name!r}] changes the batch that it is given; work on a copy"


def _moves(source: FeatureMap, correspondence: AbstractCorrespondence) -> bool:
    """Whether something of an item lies elsewhere than in the item itself, or is hidden."""
    own = _identity_like(correspondence, source).source_elements(source, source.places)
    return not torch.equal(correspondence.source_elements(source, source.places), own)


def _shown(bench: Bench, trial: Trial) -> list[int]:
    found = bench.result(trial).correspondence.source_elements(bench.features(trial), bench.source(trial.number).places)
    elements: list[int] = found[0].tolist()
    return elements


def _identity_like(correspondence: AbstractCorrespondence, features: FeatureMap) -> AbstractCorrespondence:
    """The identity on one item, of the sort of a correspondence."""
    if isinstance(correspondence, Affine):
        return Affine.identity(correspondence.offset.shape[1])
    if isinstance(correspondence, Index):
        return Index.identity(int(features.valid.sum()))
    if isinstance(correspondence, InParts):
        rules = zip(correspondence.names, correspondence.rules, strict=True)
        parts = {name: _identity_like(rule, features.part(name)) for name, rule in rules if rule is not None}
        return InParts.of(parts, correspondence.names)
    raise TypeError(f"a correspondence is an Affine, an Index or an InParts, got {type(correspondence).__name__}")


def identity(bench: Bench) -> Iterator[str]:
    """Correspondences that a composition with the identity changes."""
    for trial in bench.trials():
        correspondence, source, view = (
            bench.result(trial).correspondence,
            bench.source(trial.number),
            bench.features(trial),
        )
        own = _identity_like(correspondence, source).source_elements(source, source.places)
        here = source.valid & _of_parts(correspondence, source)
        if not torch.equal(own[here], torch.arange(source.valid.shape[1])[here[0]]):
            yield f"specimen of {trial.name}: the identity does not carry every element to itself, see `grid` of 'raw'"
        plain = correspondence.source_elements(view, source.places)
        for composed in (
            _identity_like(correspondence, source).then(correspondence),
            correspondence.then(_identity_like(correspondence, view)),
        ):
            if not torch.equal(composed.source_elements(view, source.places), plain):
                yield f"{trial.name}: composing with the identity changes the correspondence"


def _of_parts(correspondence: AbstractCorrespondence, source: FeatureMap) -> Bool[Tensor, "1 elements"]:
    """Which elements belong to parts that a correspondence speaks of: all, but of joint items."""
    if not isinstance(correspondence, InParts) or not isinstance(source.places, Parts):
        return torch.ones_like(source.valid)
    return correspondence.has[:, source.places.owner()]


def in_range(bench: Bench) -> Iterator[str]:
    """Correspondences that name elements which the source does not have."""
    for trial in bench.trials():
        found, elements = _shown(bench, trial), bench.source(trial.number).valid.shape[1]
        if min(found) < -1 or max(found) >= elements:
            yield f"{trial.name} names source elements {found}, the source has {elements}"


def mark(bench: Bench) -> Iterator[str]:
    """Marks that change nothing, other elements, or the specimen itself."""
    for number in range(len(bench.specimens[:2])):
        source = bench.source(number)
        for marked in bench.marked(number):
            element, changed = marked.element, changes(source, marked.features, 0)
            if changed is None or not bool((changed & marked.near).any()):
                yield f"specimen {number}: mark({element}) does not change the raw features there"
            elif bool((changed & ~marked.near).any()):
                where = (changed & ~marked.near).nonzero().flatten().tolist()
                yield f"specimen {number}: mark({element}) also changes elements {where}; change that one alone"
        if not torch.equal(bench.encode("raw", [bench.specimens[number].item]).values, source.values):
            yield f"specimen {number}: mark() changes the specimen itself; change a copy"


def locality(bench: Bench) -> Iterator[str]:
    """Changes that appear elsewhere than the correspondence says, or not at all."""
    tolerance = bench.modality.tolerance
    for trial in bench.trials():
        result, marks = bench.result(trial), bench.marked(trial.number)
        if not bool(result.correspondence.known[0]):
            continue
        view = bench.features(trial)
        shown = torch.tensor(_shown(bench, trial))
        inner = ~near(view, ~view.valid[0] | (shown < 0), tolerance) & _away_from_border(view, tolerance)
        moved = bench.encode("raw", [apply(trial.transform, marked.item, trial.seed)[0] for marked in marks])
        for row, marked in enumerate(marks):
            element, changed = marked.element, changes(view, moved, row, marked.strength)
            if changed is None:
                yield (
                    f"{trial.name}: a change of element {element} changes the view's length; draw sizes from `rng` "
                    "alone, or let mark() change what no transform decides by"
                )
                continue
            around = marked.near[shown.clamp(min=0)] & (shown >= 0)
            stray = changed & ~near(view, around, tolerance)
            if bool(stray.any()):
                yield (
                    f"{trial.name}: a change of source element {element} appears in view elements "
                    f"{stray.nonzero().flatten().tolist()}, whose correspondence says "
                    f"{shown[stray].tolist()}; correct the correspondence, or raise `tolerance` if filters spread it"
                )
            inside = (shown == element) & inner
            if bool(inside.any()) and not bool(changed.any()):
                yield (
                    f"{trial.name}: view elements {inside.nonzero().flatten().tolist()} claim to show source element "
                    f"{element}, but a change there does not appear in the view; say −1 for what is hidden"
                )


def changes(before: FeatureMap, after: FeatureMap, row: int, strength: float = 0.0) -> Bool[Tensor, " elements"] | None:
    """Which valid elements of `before` moved notably in row `row` of `after`; None if the two are of other lengths."""
    old, new = before.values[0][before.valid[0]], after.values[row][after.valid[row]]
    if old.shape != new.shape:
        return None
    moved = torch.zeros(before.valid.shape[1])
    moved[before.valid[0]] = (old - new).abs().amax(dim=1)
    return moved > max(FAINT * float(moved.max()), FAINT**2 * strength, 1e-6)


def _away_from_border(features: FeatureMap, reach: int) -> Bool[Tensor, " elements"]:
    """Which elements of a grid lie more than `reach` cells inside of it; all of a set."""
    inside = torch.ones(features.valid.shape[1], dtype=torch.bool)
    if isinstance(features.places, Parts):
        return torch.cat([_away_from_border(part, reach) for part in parts_of(features).values()])
    if features.grid is None or reach == 0:
        return inside
    cells = inside.view(features.grid.shape)
    for axis, count in enumerate(cells.shape):
        cells.narrow(axis, 0, min(reach, count)).fill_(False)
        cells.narrow(axis, max(count - reach, 0), min(reach, count)).fill_(False)
    return inside
