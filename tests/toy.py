"""Two complete toy modalities: points (a set) and series (a grid), each as small as a modality can be."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.correspondence import AbstractCorrespondence, Affine, Index
from gestalt.core.data.places import Places
from gestalt.core.modality.base import AbstractModality, Reading, Specimen
from gestalt.core.modality.files import read_files
from gestalt.core.modality.transform import AbstractTransform, Chain, Views
from gestalt.core.networks.encoder import AbstractEncoder
from tests.toy_encoders import PATCH as PATCH
from tests.toy_encoders import Ragged as Ragged
from tests.toy_encoders import Raw as Raw
from tests.toy_encoders import Small as Small
from tests.toy_encoders import pad as pad
from tests.toy_encoders import raw_points as raw_points
from tests.toy_encoders import raw_series as raw_series
from tests.toy_encoders import small_points as small_points
from tests.toy_encoders import small_series as small_series
from tests.toy_transplants import SetIn, set_points_in, set_series_in

Change = Callable[[Tensor, np.random.Generator], tuple[Tensor, AbstractCorrespondence]]


@final
@dataclass(frozen=True)
class Do(AbstractTransform[Tensor]):
    """A transform from a function."""

    change: Change

    def __call__(self, item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:
        """Apply it."""
        return self.change(item, rng)


def _shuffle(item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:
    order = rng.permutation(len(item)).tolist()
    return item[order], Index.of(order)


def _drop(item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:
    kept = [element for element in range(len(item)) if element == 0 or rng.random() < 0.7]
    return item[kept], Index.of(kept)


def _insert(item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:
    place = int(rng.integers(len(item) + 1))
    index = [*range(place), -1, *range(place, len(item))]
    stranger = torch.from_numpy(rng.standard_normal((1, item.shape[1]), dtype=np.float32))
    return torch.cat([item[:place], stranger, item[place:]]), Index.of(index)


def _jitter(item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:
    noise = torch.from_numpy(rng.standard_normal(tuple(item.shape), dtype=np.float32))
    return item + 0.1 * noise, Index.identity(len(item))


def _mirror(item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:  # noqa: ARG001
    return -item, Index.identity(len(item))


def _crop(item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:
    start = int(rng.integers(len(item) // 4 + 1))
    return item[start : start + 3 * len(item) // 4], Affine.of([1.0], [float(start)])


def _flip(item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:  # noqa: ARG001
    return item.flip(0), Affine.of([-1.0], [float(len(item))])


def _fast(item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:  # noqa: ARG001
    return item[::2], Affine.of([2.0], [0.0])


def _mask(item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:
    start = int(rng.integers(len(item) // 2))
    masked = item.clone()
    masked[start : start + 2 * PATCH] = 0
    return masked, Affine.identity(1).hiding([float(start)], [float(start + 2 * PATCH)])


def keep_points(item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:  # noqa: ARG001
    """The points as they are."""
    return item, Index.identity(len(item))


def keep_series(item: Tensor, rng: np.random.Generator) -> tuple[Tensor, AbstractCorrespondence]:  # noqa: ARG001
    """The series as it is."""
    return item, Affine.identity(1)


POINT_TRANSFORMS = {"shuffle": Do(_shuffle), "drop": Do(_drop), "insert": Do(_insert), "jitter": Do(_jitter)}
SERIES_TRANSFORMS = {"crop": Do(_crop), "flip": Do(_flip), "fast": Do(_fast), "mask": Do(_mask)}


def _same_points(item: Tensor) -> AbstractCorrespondence:
    return Index.identity(len(item))


def _same_series(item: Tensor) -> AbstractCorrespondence:  # noqa: ARG001
    return Affine.identity(1)


def _point_view(*names: str) -> AbstractTransform[Tensor]:
    return Chain(_same_points, [(0.9, POINT_TRANSFORMS[name]) for name in names])


def _series_view(*names: str) -> AbstractTransform[Tensor]:
    return Chain(_same_series, [(0.9, SERIES_TRANSFORMS[name]) for name in names])


@final
@dataclass(frozen=True)
class Mark:
    """An item marked at one element of `size` rows."""

    item: Tensor
    size: int

    def __call__(self, element: int) -> Tensor:
        """The item, changed there."""
        changed = self.item.clone()
        changed[self.size * element : self.size * (element + 1)] += 5.0
        return changed


def load_numbers(path: Path) -> Tensor:
    """A text file of numbers, one element a line."""
    return torch.from_numpy(np.loadtxt(path, dtype=np.float32, ndmin=2))


def read_numbers(paths: Sequence[Path], skip_bad: bool) -> Reading[Tensor]:
    """Text files of numbers."""
    return read_files(paths, {".txt"}, load_numbers, skip_bad)


Choices = Mapping[str, Mapping[str, AbstractTransform[Tensor]]]


class AbstractToy(AbstractModality[Tensor]):
    """A modality whose every part can be exchanged, so that each law can be broken on purpose."""

    def __init__(
        self,
        encoders: Mapping[str, Callable[..., AbstractEncoder]],
        transforms: Mapping[str, AbstractTransform[Tensor]],
        views: Views[Tensor],
        collate: Callable[[Sequence[Tensor]], Any],
        specimens: Sequence[Specimen[Tensor]],
        escape: Callable[[str], str] = html.escape,
        reader: Callable[[Sequence[Path], bool], Reading[Tensor]] = read_numbers,
        set_in: SetIn | None = None,
        choices: Choices | None = None,
    ) -> None:
        self.encoders = encoders
        self.transforms = transforms
        self.views = views
        self._collate = collate
        self._specimens = specimens
        self._escape = escape
        self._reader = reader
        if set_in is not None:  # otherwise the modality offers no transplants
            self.transplant = set_in
        if choices is not None:
            self.choices = choices

    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Tensor]:
        """Every path is a text file of numbers, one element a line."""
        return self._reader(paths, skip_bad)

    def collate(self, items: Sequence[Tensor]) -> Any:
        """Padded items."""
        return self._collate(items)

    def render(
        self,
        item: Tensor,  # noqa: ARG002
        found: Int[Tensor, " elements"],
        grid: Places | None,  # noqa: ARG002
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """The object of every element, and the true objects' names."""
        names = "".join(f"<li>{self._escape(name)}</li>" for name, _ in truth)
        return f"<p>{' '.join(str(number) for number in found.tolist())}</p><ul>{names}</ul>"

    def specimens(self) -> Sequence[Specimen[Tensor]]:
        """The given ones, so that whoever changes one changes a copy."""
        return [replace(specimen, item=specimen.item.clone()) for specimen in self._specimens]


@final
class Points(AbstractToy):
    """A set: one element per point."""

    name = "points"
    element = "point"
    sequence = True  # for methods that need one


@final
class Series(AbstractToy):
    """A grid of one axis: one element per patch of samples."""

    name = "series"
    element = "patch"
    sequence = True
    tolerance = 1


def point_items(count: int, seed: int = 0) -> list[Tensor]:
    """Sets of 5 to 10 points in two clouds."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [5 + (3 * i) % 6 for i in range(count)]
    cloud = [(torch.arange(n) >= n // 2).float()[:, None] * torch.tensor([4.0, 1.0]) for n in sizes]
    return [centre + torch.randn(len(centre), 2, generator=generator) for centre in cloud]


def series_items(count: int, seed: int = 0) -> list[Tensor]:
    """Series of 12 to 20 patches whose level changes half way."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [PATCH * (12 + (5 * i) % 9) for i in range(count)]
    level = [(torch.arange(n) >= n // 2).float() * 2 for n in sizes]
    return [(step + torch.randn(len(step), generator=generator))[:, None] for step in level]


def collate_series(items: Sequence[Tensor]) -> Ragged:
    """Whole patches of every series, padded."""
    return pad([item[: len(item) // PATCH * PATCH].reshape(-1, PATCH) for item in items])


def _halves(elements: int) -> Tensor:
    return (torch.arange(elements) >= elements // 2).long()


POINTS: dict[str, Any] = {
    "encoders": {"raw": raw_points, "small": small_points},
    "transforms": POINT_TRANSFORMS,
    "views": Views(Do(keep_points), (_point_view("drop", "shuffle"), _point_view("insert", "jitter"))),
    "collate": pad,
    "set_in": set_points_in,
    "choices": {"side": {"kept": Do(keep_points), "mirrored": Do(_mirror)}},
    "specimens": [Specimen(item, _halves(len(item)), Mark(item, 1), (("a", 0),)) for item in point_items(3)],
}
"""The parts of `Points`."""

SERIES: dict[str, Any] = {
    "encoders": {"raw": raw_series, "small": small_series},
    "transforms": SERIES_TRANSFORMS,
    "views": Views(Do(keep_series), (_series_view("crop", "mask"), _series_view("flip", "fast"))),
    "collate": collate_series,
    "set_in": set_series_in,
    "choices": {"direction": {"forwards": Do(keep_series), "backwards": SERIES_TRANSFORMS["flip"]}},
    "specimens": [
        Specimen(item, _halves(len(item) // PATCH), Mark(item, PATCH), (("a", 0),)) for item in series_items(3)
    ],
}
"""The parts of `Series`."""

TOYS: dict[str, tuple[type[AbstractToy], dict[str, Any]]] = {"points": (Points, POINTS), "series": (Series, SERIES)}


def toy(name: str, **changes: Any) -> AbstractToy:
    """A toy modality, sound but for the changed parts."""
    kind, parts = TOYS[name]
    return kind(**{**parts, **changes})
