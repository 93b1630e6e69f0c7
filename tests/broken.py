"""Plug-ins that break one law each, on purpose."""

import html
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from gestalt.core.data.correspondence import AbstractCorrespondence, Affine, Index
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.modality.base import Reading, Specimen
from gestalt.core.modality.batch_changes import AbstractBatchChange
from gestalt.core.modality.files import Files, find_files
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.networks.encoder import AbstractEncoder
from tests.broken_transplants import BROKEN_TRANSPLANTS
from tests.toy import (
    PATCH,
    POINTS,
    SERIES,
    SERIES_TRANSFORMS,
    Do,
    keep_points,
    keep_series,
    load_numbers,
    read_numbers,
)

Step = tuple[Tensor, AbstractCorrespondence]
restless = itertools.count()


@final
class Wrapped(AbstractEncoder):
    """An encoder whose features or arguments are spoilt; `without` is an argument that it does not keep."""

    def __init__(
        self,
        inner: AbstractEncoder,
        spoil: Callable[[FeatureMap], FeatureMap],
        without: str | None = None,
        **changes: Any,
    ) -> None:
        super().__init__()
        self.inner = inner
        self.spoil = spoil
        for name in ("inputs", "dim", "on_grid"):
            if name != without:
                setattr(self, name, changes.get(name, getattr(inner, name)))

    def forward(self, data: Any) -> FeatureMap:
        """The spoilt features."""
        return self.spoil(self.inner(data))


def points_with(spoil: Callable[[FeatureMap], FeatureMap], **changes: Any) -> dict[str, Any]:
    """Sound points, but for their small encoder."""

    def small(inputs: int = 2, dim: int = 6, on_grid: bool = False) -> AbstractEncoder:
        return Wrapped(POINTS["encoders"]["small"](inputs, dim, on_grid), spoil, **changes)

    return {"encoders": {"raw": POINTS["encoders"]["raw"], "small": small}}


def leaking(features: FeatureMap) -> FeatureMap:
    """Every vector sees the mean over the padding too."""
    return features.with_values(features.values + features.values.mean(dim=1, keepdim=True))


def all_valid(features: FeatureMap) -> FeatureMap:
    """Padding passes for elements."""
    return FeatureMap(features.values, torch.ones_like(features.valid), features.grid)


def detached(features: FeatureMap) -> FeatureMap:
    """No gradient comes back."""
    return features.with_values(features.values.detach())


def square_root(features: FeatureMap) -> FeatureMap:
    """The gradient of √x at 0 is infinite."""
    return features.with_values((features.values - features.values.detach()).sqrt() + features.values)


def whole_numbers(features: FeatureMap) -> FeatureMap:
    """Vectors of integers."""
    return FeatureMap(features.values.long(), features.valid, features.grid)


def not_finite(features: FeatureMap) -> FeatureMap:
    """One vector is NaN."""
    return features.with_values(features.values.index_fill(1, torch.tensor([0]), torch.nan))


def own_randomness(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    return item + next(restless), Index.identity(len(item))


def in_place(item: Tensor, rng: np.random.Generator) -> Step:
    item += float(rng.random())
    return item, Index.identity(len(item))


def unsaid_shuffle(item: Tensor, rng: np.random.Generator) -> Step:
    return item[rng.permutation(len(item)).tolist()], Index.identity(len(item))


def out_of_range(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    return item, Index.of(range(1, len(item) + 1))


def shared_context(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    return item - item.mean(dim=0), Index.identity(len(item))


def shift_the_wrong_way(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    return item[4 * PATCH :], Affine.of([1.0], [-4.0 * PATCH])


def unsaid_flip(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    return item.flip(0), Affine.identity(1)


def unsaid_mask(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    masked = item.clone()
    masked[: 6 * PATCH] = 0
    return masked, Affine.identity(1)


def needless_mask(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    return item, Affine.identity(1).hiding([0.0], [6.0 * PATCH])


def two_rows(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    return item, Index.identity(len(item)).join([Index.identity(len(item))])


def long_by_content(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    kept = [i for i in range(len(item)) if i == 0 or float(item[i].max()) < 6]
    return item[kept], Index.of(kept)


def nothing_left(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    return item[:0], Index.of([])


def overflow(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    return item * torch.inf, Index.identity(len(item))


def first_half(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    return item[: len(item) // 2], Index.of(range(len(item) // 2))


def second_half(item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG001
    return item[len(item) // 2 :], Index.of(range(len(item) // 2, len(item)))


@final
class Forgetful(AbstractTransform[Tensor]):
    """What it adds is lost on the way to a worker process."""

    def __init__(self, amount: float = 0.0) -> None:
        self.amount = amount

    def __reduce__(self) -> tuple[type["Forgetful"], tuple[()]]:
        return Forgetful, ()

    def __call__(self, item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG002
        return item + self.amount, Index.identity(len(item))


@final
class Forgotten(AbstractTransform[Tensor], AbstractBatchChange):
    """It changes an item, and forgets to change a batch."""

    @property
    def numbers(self) -> int:
        return 1

    def draw(self, rng: np.random.Generator) -> Sequence[float]:
        return (float(rng.random()),)

    def __call__(self, item: Tensor, rng: np.random.Generator) -> Step:
        return item + self.draw(rng)[0], Index.identity(len(item))

    def changed(self, data: Any, rows: Tensor, drawn: Tensor) -> Any:  # noqa: ARG002
        return data


@final
class Moving(AbstractTransform[Tensor], AbstractBatchChange):
    """It turns items and batches round alike, and batches have no correspondence to say so."""

    @property
    def numbers(self) -> int:
        return 0

    def draw(self, rng: np.random.Generator) -> Sequence[float]:  # noqa: ARG002
        return ()

    def __call__(self, item: Tensor, rng: np.random.Generator) -> Step:  # noqa: ARG002
        return item.flip(0), Affine.of([-1.0], [float(len(item))])

    def changed(self, data: Any, rows: Tensor, drawn: Tensor) -> Any:  # noqa: ARG002
        return data


def read_in_silence(paths: Sequence[Path], skip_bad: bool) -> Reading[Tensor]:  # noqa: ARG001
    return Reading(Files((), load_numbers), ())


def read_without_names(paths: Sequence[Path], skip_bad: bool) -> Reading[Tensor]:
    try:
        return read_numbers(paths, skip_bad)
    except ValueError:
        raise ValueError("some file is bad") from None


def read_lazily(paths: Sequence[Path], skip_bad: bool) -> Reading[Tensor]:  # noqa: ARG001
    return Reading(Files(tuple(find_files(paths, {".txt"})), load_numbers), ())


def also(change: Callable[[Tensor, np.random.Generator], Step]) -> dict[str, Any]:
    return {"transforms": {"sound": Do(keep_points), "broken": Do(change)}}


def specimens(of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The sound specimens with some fields changed."""
    rows = []
    for sound in of["specimens"]:
        fields = {"item": sound.item, "labels": sound.labels, "mark": sound.mark, "truth": sound.truth}
        rows.append(Specimen(**{**fields, **{name: change(sound) for name, change in changes.items()}}))
    return {"specimens": rows}


def crossed_mark(specimen: Specimen[Tensor]) -> Callable[[int], Tensor]:
    return lambda element: specimen.mark(len(specimen.labels) - 1 - element)


def mark_in_place(specimen: Specimen[Tensor]) -> Callable[[int], Tensor]:
    def mark(element: int) -> Tensor:
        specimen.item[element] += 5
        return specimen.item

    return mark


def titled(text: str) -> str:
    """An attribute whose quotes are left as they are."""
    return f'<i title="{html.escape(text, quote=False)}"></i>'


def torn(items: Sequence[Tensor]) -> Any:  # noqa: ARG001
    raise RuntimeError("out of paper")


def collate_lists(items: Sequence[Tensor]) -> Any:
    return [item.tolist() for item in items]


OTHERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "no raw encoder": ("words", "points", {"encoders": {"small": POINTS["encoders"]["small"]}}),
    "raw alone": ("words", "points", {"encoders": {"raw": POINTS["encoders"]["raw"]}}),
    "raw that learns": (
        "words",
        "points",
        {"encoders": {"raw": POINTS["encoders"]["small"], "small": POINTS["encoders"]["small"]}},
    ),
    "one view": ("words", "points", {"views": Views(Do(keep_points), (Do(keep_points),))}),
    "no specimens": ("words", "points", {"specimens": []}),
    "labels missing": ("partition", "points", specimens(POINTS, labels=lambda s: s.labels[:-1])),
    "a number left out": ("partition", "points", specimens(POINTS, labels=lambda s: s.labels * 2)),
    "one object only": ("partition", "points", specimens(POINTS, labels=lambda s: s.labels * 0)),
    "lists for a batch": ("collate", "points", {"collate": collate_lists}),
    "a function for a transform": ("words", "points", {"transforms": {"keep": keep_points}}),
    "wrong dim": ("vectors", "points", points_with(lambda features: features, dim=5)),
    "NaN": ("vectors", "points", points_with(not_finite)),
    "vectors of integers": ("vectors", "points", points_with(whole_numbers)),
    "no gradient": ("learns", "points", points_with(detached)),
    "an infinite gradient": ("learns", "points", points_with(square_root)),
    "an argument that is not kept": ("settings", "points", points_with(lambda features: features, without="inputs")),
    "an argument of another network": ("settings", "points", points_with(lambda features: features, inputs=3)),
    "an argument that is no JSON": (
        "settings",
        "points",
        points_with(lambda features: features, inputs=torch.tensor(2)),
    ),
    "padding leaks": ("padding", "points", points_with(leaking)),
    "padding passes for elements": ("padding", "points", points_with(all_valid)),
    "a mark elsewhere": ("mark", "points", specimens(POINTS, mark=crossed_mark)),
    "a mark everywhere": ("mark", "points", specimens(POINTS, mark=lambda s: lambda _: s.item + 5)),
    "a mark that is none": ("mark", "series", specimens(SERIES, mark=lambda s: lambda _: s.item)),
    "randomness of its own": ("seeded", "points", also(own_randomness)),
    "work in place": ("unchanged", "points", also(in_place)),
    "an element out of range": ("range", "points", also(out_of_range)),
    "a correspondence of two items": ("identity", "points", also(two_rows)),
    "an unsaid shuffle": ("locality", "points", also(unsaid_shuffle)),
    "a change that spreads": ("locality", "points", also(shared_context)),
    "a length that depends on the content": ("locality", "points", also(long_by_content)),
    "a shift the wrong way": (
        "locality",
        "series",
        {"transforms": {**SERIES_TRANSFORMS, "broken": Do(shift_the_wrong_way)}},
    ),
    "an unsaid flip": ("locality", "series", {"transforms": {"sound": Do(keep_series), "broken": Do(unsaid_flip)}}),
    "an unsaid mask": ("locality", "series", {"transforms": {"sound": Do(keep_series), "broken": Do(unsaid_mask)}}),
    "a mask that masks nothing": (
        "locality",
        "series",
        {"transforms": {"sound": Do(keep_series), "broken": Do(needless_mask)}},
    ),
    "an unsaid flip in the views": (
        "locality",
        "series",
        {"views": Views(Do(keep_series), (Do(keep_series), Do(unsaid_flip)))},
    ),
    "a mark on the specimen itself": ("mark", "points", specimens(POINTS, mark=mark_in_place)),
    "a view without elements": ("alive", "points", also(nothing_left)),
    "a view that is not finite": ("alive", "points", also(overflow)),
    "views of different halves": (
        "shared",
        "points",
        {"views": Views(Do(keep_points), (Do(first_half), Do(second_half)))},
    ),
    "a batch that is forgotten": (
        "batched",
        "points",
        {"transforms": {"sound": Do(keep_points), "broken": Forgotten()}},
    ),
    "a batch that moves": ("batched", "series", {"transforms": {"sound": Do(keep_series), "broken": Moving()}}),
    "a lambda in the views": (
        "travels",
        "points",
        {"views": Views(Do(keep_points), (Do(keep_points), Do(lambda item, _: (item, Index.identity(len(item))))))},
    ),
    "a state lost on the way": (
        "travels",
        "points",
        {"views": Views(Do(keep_points), (Do(keep_points), Forgetful(1.0)))},
    ),
    "a missing path in silence": ("missing", "points", {"reader": read_in_silence}),
    "a bad file in silence": ("bad", "points", {"reader": read_lazily}),
    "a bad file without its name": ("bad", "points", {"reader": read_without_names}),
    "text that becomes HTML": ("render", "points", {"escape": str}),
    "text that ends an attribute": ("render", "points", {"escape": titled}),
    "a script": ("render", "points", {"escape": lambda _: "<script></script>"}),
    "a style from elsewhere": ("render", "points", {"escape": lambda _: "<style>@import 'x.css'</style>"}),
    "tags that do not match": ("render", "points", {"escape": lambda _: "<b>"}),
    "a file from elsewhere": ("render", "points", {"escape": lambda _: '<img src="https://example.org/x.png">'}),
}
BROKEN = OTHERS | BROKEN_TRANSPLANTS
