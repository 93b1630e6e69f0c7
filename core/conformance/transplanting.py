"""Laws of transplants, where a modality offers them. Each gives its counterexamples one by one."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..data.correspondence import AbstractCorrespondence
from ..data.feature_map import FeatureMap
from ..data.masks import ItemMasks
from ..data.parts import parts_of
from ..data.places import Parts
from ..data.transplants import DONOR, HOST, composed
from ..modality.joint.transplants import takes_all_parts
from ..modality.optional import ComposesModalities, TransplantsObjects
from ..modality.transplant import Transplant
from .bench import SEEDS, Bench, Marked, near, same
from .viewing import changes

PAIRS = ((0, 1), (1, 0))
"""Hosts and donors among the specimens."""

ROUNDED = 1e-3
"""Cells that share less than this share of the smaller one do so by rounding."""


@final
@dataclass(frozen=True)
class Trial:
    """A part of a specimen set into another with one seed, and how to say so."""

    name: str
    host: int
    donor: int
    part: ItemMasks
    seed: int
    spans: bool = False
    """Whether the object has elements in every part of a joint item."""


@final
class Operation:
    """The transplants of a modality under test."""

    def __init__(self, bench: Bench, modality: TransplantsObjects[Any]) -> None:
        self.bench = bench
        self.modality = modality
        self._made: dict[str, tuple[Transplant[Any], FeatureMap] | None] = {}

    def trials(self) -> Iterator[Trial]:
        """Every object of a donor, in every host, with every seed; of joint items also objects that span all parts."""
        for host, donor in PAIRS:
            labels, source = self.bench.specimens[donor].labels, self.bench.source(donor)
            for number in range(int(labels.max()) + 1):
                part = ItemMasks.on(torch.where(labels == number, 0, -1), source.places)
                for seed in SEEDS:
                    name = f"transplant of object {number} of specimen {donor} into specimen {host} with seed {seed}"
                    yield Trial(name, host, donor, part, seed)
            for numbers in self._spanning(labels, source):
                part = ItemMasks.on(torch.where(torch.isin(labels, numbers), 0, -1), source.places)
                for seed in SEEDS:
                    said = " and ".join(map(str, numbers.tolist()))
                    name = (
                        f"transplant of objects {said} as one of specimen {donor} into specimen {host} with seed {seed}"
                    )
                    yield Trial(name, host, donor, part, seed, spans=True)

    def _spanning(self, labels: Int[Tensor, " elements"], source: FeatureMap) -> Iterator[Int[Tensor, " parts"]]:
        """An object of every part each, which are to be one; none where some part cannot be set in."""
        if not isinstance(source.places, Parts) or not isinstance(self.bench.modality, ComposesModalities):
            return
        if not takes_all_parts(self.bench.modality.modalities):
            return
        of_parts = [labels[here][labels[here] >= 0].unique() for here in source.places.slices.values()]
        for chosen in zip(*(own.tolist() for own in of_parts), strict=False):
            yield torch.tensor(chosen)

    def result(self, trial: Trial, host: Any = None, donor: Any = None) -> Transplant[Any] | None:
        """The composed item; host and donor are the specimens, or others in their place."""
        host = self.bench.specimens[trial.host].item if host is None else host
        donor = self.bench.specimens[trial.donor].item if donor is None else donor
        return self.modality.transplant(host, donor, trial.part, np.random.default_rng(trial.seed))

    def made(self, trial: Trial) -> tuple[Transplant[Any], FeatureMap] | None:
        """What comes of a trial, with its raw features: composed once, for all laws."""
        if trial.name not in self._made:
            made = self.result(trial)
            self._made[trial.name] = None if made is None else (made, self.bench.encode("raw", [made.item]))
        return self._made[trial.name]


@lru_cache(maxsize=1)
def _operation(bench: Bench) -> Operation | None:
    """One for all laws of a bench."""
    return Operation(bench, bench.modality) if isinstance(bench.modality, TransplantsObjects) else None


def composes(bench: Bench) -> Iterator[str]:
    """Operations that set nothing in, draw from elsewhere than `rng`, change what they are given, or say nonsense."""
    operation = _operation(bench)
    if operation is None:
        return
    asked, counts = {False}, {False: 0, True: 0}
    for trial in operation.trials():
        asked.add(trial.spans)
        given = bench.specimens[trial.host].item, bench.specimens[trial.donor].item, trial.part
        before = copy.deepcopy(given)
        again, kept = operation.result(trial), operation.made(trial)
        once = None if kept is None else kept[0]
        if not same(given, before):
            yield f"{trial.name} changed the host, the donor or the part that it was given; work on copies"
        if not same(once, again):
            yield f"{trial.name} gave two results; draw all randomness from the `rng` argument"
        if kept is None:
            continue
        counts[trial.spans] += 1
        yield from _nonsense(bench, trial, *kept)
    if not counts[False]:
        yield "transplant sets no object of a specimen into another; None is for parts that do not fit"
    if True in asked and not counts[True]:
        yield "transplant sets no object that spans all parts of a specimen into another; set it into each part"


def _nonsense(bench: Bench, trial: Trial, made: Transplant[Any], features: FeatureMap) -> Iterator[str]:
    """What contradicts itself in one result."""
    if not bool(features.valid.any()) or not bool(features.values[features.valid].isfinite().all()):
        yield f"{trial.name} gives an item without elements, or whose raw features are not finite"
        return
    owner = _owner(made, features)
    for side, number in (("host", HOST), ("donor", DONOR)):
        if not bool((made.owner.labels == number).any()):
            yield f"{trial.name}: owner says that nothing shows the {side}; return None where that comes out"
    for side, number, correspondence, source in (
        ("host", HOST, made.host, bench.source(trial.host)),
        ("donor", DONOR, made.donor, bench.source(trial.donor)),
    ):
        found = _shown(correspondence, features, source)
        outside = (owner == number) & ~near(features, found >= 0, bench.modality.tolerance)
        if bool(outside.any()):
            where = outside.nonzero().flatten().tolist()
            yield (
                f"{trial.name}: owner says that elements {where} show the {side}, and its correspondence names none "
                "there; let both agree"
            )
        elif side == "donor":
            taken = near(source, trial.part.labels >= 0, bench.modality.tolerance)
            stray = (owner == number) & (found >= 0) & ~taken[found.clamp(min=0)]
            if bool(stray.any()):
                yield (
                    f"{trial.name}: elements {stray.nonzero().flatten().tolist()} are said to show elements "
                    f"{found[stray].tolist()} of the donor, which are not of the part"
                )
    masks = composed(
        ItemMasks.on(bench.specimens[trial.host].labels, bench.source(trial.host).places), made.host, made.owner
    )
    masks.under(features.places, int(features.valid.sum()) if features.places is None else features.valid.shape[1])


def shows(bench: Bench) -> Iterator[str]:
    """Changes of host or donor that appear elsewhere in the composed item than is said, or not at all."""
    operation = _operation(bench)
    if operation is None:
        return
    for trial in operation.trials():
        kept = operation.made(trial)
        if kept is None:
            continue
        made, features = kept
        owner = _owner(made, features)
        source = bench.source(trial.host)
        shown = _shown(made.host, features, source)
        marks = bench.marked(trial.host)
        moved = [operation.result(trial, host=marked.item) for marked in marks]
        yield from _strays(bench, trial, "host", marks, features, moved, shown, owner == HOST, shown >= 0)
        source, mixed = bench.source(trial.donor), touched(made.owner, features)
        shown = _shown(made.donor, features, source)
        marks = tuple(bench.mark(trial.donor, element) for element in _places(trial.part))
        moved = [operation.result(trial, donor=marked.item) for marked in marks]
        yield from _strays(bench, trial, "donor", marks, features, moved, shown, owner == DONOR, mixed)


def _strays(
    bench: Bench,
    trial: Trial,
    side: str,
    marks: Sequence[Marked],
    features: FeatureMap,
    moved: Sequence[Transplant[Any] | None],
    shown: Int[Tensor, " elements"],
    owned: Bool[Tensor, " elements"],
    allowed: Bool[Tensor, " elements"],
) -> Iterator[str]:
    """Where changes of one element each of host or donor appear although they should not, and the reverse."""
    what = f"{trial.name}: a change of element {{}} of the {side}".format
    for marked, made in zip(marks, moved, strict=True):
        if made is None:
            yield f"{what(marked.element)} decides whether the part fits; let the part and its place decide alone"
            return
    after = bench.encode("raw", [made.item for made in moved if made is not None])
    reach = bench.modality.tolerance
    inner = owned & ~near(features, ~owned, min(reach, 1))
    for row, marked in enumerate(marks):
        changed = changes(features, after, row, marked.strength)
        if changed is None:
            yield f"{what(marked.element)} changes the length of the composed item; draw sizes from `rng` alone"
            continue
        stray = changed & ~near(features, marked.near[shown.clamp(min=0)] & (shown >= 0) & allowed, reach)
        if bool(stray.any()):
            yield (
                f"{what(marked.element)} appears in elements {stray.nonzero().flatten().tolist()}, which are said to "
                f"show {shown[stray].tolist()}; correct the correspondence or the owner"
            )
        inside = (shown == marked.element) & inner
        if bool(inside.any()) and not bool(changed.any()):
            yield (
                f"{what(marked.element)} does not appear, and elements {inside.nonzero().flatten().tolist()} are said "
                "to show it; let owner say −1 for what shows neither"
            )


def _owner(made: Transplant[Any], features: FeatureMap) -> Int[Tensor, " elements"]:
    """Who owns every element; −1 on padding."""
    elements = features.valid.shape[1]
    return torch.where(features.valid[0], made.owner.under(features.places, elements), -1)


def touched(owner: ItemMasks, features: FeatureMap) -> Bool[Tensor, " elements"]:
    """Which elements hold any smallest element that does not show the host alone.

    Owners lie on the smallest elements: of a cell some pixels may show the donor, and the one in its middle the host.

    Example: two cells, and the second of three equal smallest elements.

        >>> from gestalt.core.data.feature_map import Grid
        >>> owner = ItemMasks(torch.tensor([0, 1, 0]), Grid.uniform((3,), (1.0,)))
        >>> cells = FeatureMap(torch.zeros(1, 3, 1), torch.ones(1, 3, dtype=torch.bool), Grid.uniform((3,), (0.7,)))
        >>> touched(owner, cells).tolist()
        [False, True, True]
    """
    if owner.parts is not None:
        return torch.cat([touched(owner.part(name), part) for name, part in parts_of(features).items()])
    held = (owner.labels != HOST).double()
    if owner.grid is None or features.grid is None:
        return held > 0
    held = held.view(owner.grid.shape)
    for axis, (ours, cells) in enumerate(zip(owner.grid.edges, features.grid.edges, strict=False)):
        first, last = torch.maximum(ours[0, :-1], cells[0, :-1, None]), torch.minimum(ours[0, 1:], cells[0, 1:, None])
        inside = last - first > ROUNDED * torch.minimum(ours[0].diff(), cells[0].diff()[:, None])
        held = torch.einsum("ce,e...->c...", inside.double(), held.movedim(axis, 0)).movedim(0, axis)
    further = len(features.grid.shape) - held.dim()
    return (held > 0).view(*held.shape, *[1] * further).expand(features.grid.shape).flatten()


def _shown(
    correspondence: AbstractCorrespondence, features: FeatureMap, source: FeatureMap
) -> Int[Tensor, " elements"]:
    found: Tensor = correspondence.source_elements(features, source.places)[0]
    return found


def _places(part: ItemMasks) -> list[int]:
    """Three elements of a part and one beside it."""
    inside, outside = (part.labels >= 0).nonzero()[:, 0].tolist(), (part.labels < 0).nonzero()[:, 0].tolist()
    middle = len(inside) // 2
    return sorted({inside[0], inside[middle], inside[-1], *outside[len(outside) // 2 :][:1]})
