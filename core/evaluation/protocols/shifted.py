"""Robustness: what a probe of clean vectors says of items that are shifted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...components.ranges import Between, Count, Positive, check_ranges
from ...modality.transform import AbstractTransform
from ...networks.modes import evaluating
from ..probe import probe_outputs
from ..splitting import Split
from ..vectors import device_of
from .base import AbstractProtocol, Answer, EvaluationData, ItemSource, NotApplicableError, items_of, measure_of
from .linear import in_units_of

CHUNK = 16
CLEAN = "clean"


@final
@dataclass(frozen=True)
class Shifted(AbstractProtocol):
    """A linear probe of clean training vectors, asked about test items as they are, and about the same items shifted.

    Shifts are the modality's own: the view of training once, and again on its result (each a strength); every
    transform of the modality alone; and the mean over all of these transforms. A test item is seen by itself, without
    what lies around it.

    Args:
        strengths: how often the view is applied; each a variant.
        transforms: whether every transform alone is a variant.
        most: tested items; if there are more, so many are drawn.
        penalty: of the probe; see `LinearProbe`.

    Source: as ImageNet-C (Hendrycks and Dietterich, 2019) scores a classifier of clean images on corrupted ones; its
    corruptions are of images, so the modality's transforms stand in for them.
    """

    strengths: tuple[Annotated[int, Between(1, 100)], ...] = (1, 2, 3)
    transforms: bool = True
    most: Count = 500
    penalty: Positive = 1.0
    title: ClassVar[str] = "robustness"
    of: ClassVar[Literal["items", "elements", "masked"]] = "items"

    def __post_init__(self) -> None:
        object.__setattr__(self, "strengths", tuple(self.strengths))
        check_ranges(self)

    def answers(self, data: EvaluationData[Any]) -> Sequence[Answer]:
        """Clean items first, then one for every shift."""
        rows, source = items_of(data), data.source
        if source is None:
            raise NotApplicableError("needs the items themselves")
        single = dict(source.transforms) if self.transforms else {}
        shifts: dict[str, tuple[AbstractTransform[Any], ...]] = {CLEAN: ()}
        shifts |= {f"view × {strength}": (source.view,) * strength for strength in self.strengths}
        shifts |= {name: (transform,) for name, transform in single.items()}
        chosen = _drawn(rows.tested(), self.most, data.seed)
        outputs: dict[str, list[Tensor]] = {name: [] for name in shifts}
        tested = list[Tensor]()
        for split in rows.splits:
            test = split.test[torch.isin(split.test, chosen)]
            if not len(test):
                continue
            seen = shifted_vectors(source, rows.index[test], shifts, data.seed)
            vectors = torch.cat([rows.vectors[split.train], *(seen[name] for name in shifts)])
            known = torch.cat([rows.known[split.train], *(rows.known[test] for _ in shifts)])
            ask = Split(torch.arange(len(split.train)), torch.arange(len(split.train), len(known)))
            target, said = probe_outputs(vectors, rows.target, known, ask.train, ask.test, self.penalty)
            said = in_units_of(rows.target, target, said)
            for name, part in zip(shifts, said.split(len(test)), strict=True):
                outputs[name].append(part)
            tested.append(test)
        asked, measure = torch.cat(tested), measure_of(rows.target)
        whole = {name: torch.cat(parts)[None] for name, parts in outputs.items()}
        if single:
            whole["all transforms, mean"] = torch.cat([whole[name] for name in single])
        known, groups = rows.known[asked].cpu(), rows.groups[asked].cpu()
        return [Answer(name, said, known, groups, measure) for name, said in whole.items()]


def shifted_vectors(
    source: ItemSource[Any],
    index: Int[Tensor, " rows"],
    shifts: Mapping[str, Sequence[AbstractTransform[Any]]],
    seed: int,
) -> dict[str, Float[Tensor, "rows dim"]]:
    """One vector per item under every shift, a few items at a time; the same seed gives the same shifts."""
    found: dict[str, list[Tensor]] = {name: [] for name in shifts}
    with evaluating(source.encoder):
        for some in index.split(CHUNK):
            items = [source.read(number) for number in some.tolist()]
            for place, (name, transforms) in enumerate(shifts.items()):
                shown = list(_shown(items, some.tolist(), transforms, (seed, place)))
                data = source.collate(shown).to(device_of(source.encoder))
                found[name].append(source.pool(source.encoder(data)).float().cpu())
    return {name: torch.cat(parts) for name, parts in found.items()}


def _shown(
    items: Sequence[Any], numbers: Sequence[int], transforms: Sequence[AbstractTransform[Any]], seed: tuple[int, int]
) -> Iterator[Any]:
    for item, number in zip(items, numbers, strict=True):
        rng = np.random.default_rng((*seed, number))
        for transform in transforms:
            item, _ = transform(item, rng)
        yield item


def _drawn(tested: Int[Tensor, " tested"], most: int, seed: int) -> Int[Tensor, " chosen"]:
    return tested[torch.randperm(len(tested), generator=torch.Generator().manual_seed(seed))[:most]]
