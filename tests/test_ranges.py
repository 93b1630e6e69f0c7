"""Numbers without sense are refused when a component is made: every installed one, every argument that is a number."""

import dataclasses
import inspect
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, final, get_args, get_origin, get_type_hints

import numpy as np
import pytest
import torch

from gestalt.core.components.ranges import Between, Count, Positive, Share, Weight, check_ranges, range_of
from gestalt.core.components.registry import REGISTRIES
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.discovery.segmenters import SwitchAt, WholeItem
from gestalt.core.evaluation import FineTuning
from gestalt.core.fitting.heads.linear import FittedLinear
from gestalt.core.fitting.subjects import OfItems
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.objectives import Contrastive, Moco, Npid, Queue, Semantic
from gestalt.core.methods.presets import Preset
from gestalt.core.methods.settings import Heads, SemanticSettings
from gestalt.core.methods.target_head import TargetHead
from gestalt.core.methods.targets import Classes
from gestalt.core.training.options import Training


def features(data: Any) -> FeatureMap:
    """Plain features."""
    return FeatureMap.padded([torch.zeros(1, 1)] * len(data))


NEEDED: dict[str, Any] = {
    "objects": 3,
    "of": OfItems(),
    "rows": 4,
    "relations": 2,
    "longest": 4,
    "columns": 0,
    "grouper": KMeans(2),
    "groupers": (KMeans(2),),
    "salience": features,
    "plain": features,
    "objectives": (Contrastive(),),
    "weights": (1.0,),
    "names": ("a",),
    "inputs": 3,
    "hidden": 3,
    "outputs": 2,
    "queue": Queue(4, 3),
    "first": WholeItem(),
    "then": WholeItem(),
    "step": 1,
    "capacity": 4,
    "items": 4,
    "dim": 3,
    "embedding": 3,
    "classes": 2,
    "width": 4,
    "depth": 1,
    "heads": 2,
    "steps": 2,
    "head": FittedLinear(3, 1),
    "target": Classes(("a",)),
}
"""What arguments without a default are given."""

COMPONENTS: dict[str, Any] = {
    f"{registry.word} {name}": registry.load(name)
    for registry in REGISTRIES
    for name in registry.names()
    if not isinstance(registry.load(name), Preset)
} | {
    kind.__name__: kind
    for kind in (
        FineTuning,
        Moco,
        Npid,
        Queue,
        Semantic,
        TargetHead,
        DataInfo,
        Heads,
        SemanticSettings,
        SwitchAt,
        Training,
    )
}
"""Everything that is installed under a name, and what methods build for themselves."""


def arguments(kind: Any) -> dict[str, Any]:
    """The annotation of every argument."""
    names = list(inspect.signature(kind).parameters)
    hints = get_type_hints(kind if dataclasses.is_dataclass(kind) else kind.__init__, include_extras=True)
    return {name: hints[name] for name in names}


def numbers(hint: Any) -> Iterator[type]:
    """The numbers in an annotation."""
    if hint in (int, float):
        yield hint
    for part in get_args(hint):
        yield from numbers(part)


ARGUMENTS = [(name, argument) for name, kind in COMPONENTS.items() for argument in arguments(kind)]
NUMBERS = [(name, argument) for name, argument in ARGUMENTS if list(numbers(arguments(COMPONENTS[name])[argument]))]


def made(kind: Any, **changes: Any) -> Any:
    """A component with some arguments changed."""
    required = [
        name for name, parameter in inspect.signature(kind).parameters.items() if parameter.default is parameter.empty
    ]
    return kind(**({name: NEEDED[name] for name in required} | changes))


def test_there_are_many_numbers() -> None:
    assert len(NUMBERS) > 80


@pytest.mark.parametrize(("name", "argument"), NUMBERS)
def test_every_number_that_builds_a_component_has_a_range(name: str, argument: str) -> None:
    assert range_of(arguments(COMPONENTS[name])[argument]) is not None


def wrong(hint: Any) -> list[int | float]:
    """Numbers that lie outside the range of an annotation, of its own type."""
    wanted, kind = range_of(hint), next(numbers(hint))
    assert wanted is not None
    outside = [wanted.least if wanted.open_below else wanted.least - max(1, abs(wanted.least)), 10 * wanted.most + 1]
    if kind is int:
        return [int(number) for number in outside]
    return [*map(float, outside), math.nan, math.inf, -math.inf]


@pytest.mark.parametrize(("name", "argument"), NUMBERS)
def test_a_number_outside_of_its_range_is_refused_by_name(name: str, argument: str) -> None:
    kind = COMPONENTS[name]
    made(kind)
    hint = arguments(kind)[argument]
    sequence = "equence" in str(hint) or "tuple" in str(hint)
    for number in wrong(hint):
        alike = [part for part in get_args(hint) if part is not Ellipsis]  # of a pair, both numbers
        value: Any = (number,) * (len(alike) if get_origin(hint) is tuple else 1) if sequence else number
        with pytest.raises(ValueError, match=rf"\b{argument}\b.* must lie in .*, got {re.escape(str(number))}"):
            made(kind, **{argument: value})


@pytest.mark.parametrize(("name", "argument"), NUMBERS)
def test_no_number_is_absurdly_large(name: str, argument: str) -> None:
    wanted = range_of(arguments(COMPONENTS[name])[argument])
    assert wanted is not None
    assert wanted.most < 1e12 or name.startswith("target")  # values are in any unit


@final
@dataclass(frozen=True)
class Settings:
    """A dataclass of numbers."""

    count: Count = 1
    share: Share | None = 0.5
    weights: tuple[Weight, ...] = ()
    odd: Annotated[float, Between(0.0, 1.0, open_below=True, open_above=True)] = 0.5

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class Plain:
    """An object that keeps its arguments."""

    def __init__(self, temperature: Positive = 1.0, position: Weight | Sequence[Weight] = 0.0) -> None:
        self.temperature = temperature
        self.position = position
        check_ranges(self)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Settings(count=0), r"count \(--count\) must lie in \[1, 1e\+09\], got 0"),
        (lambda: Settings(count=2.5), r"count \(--count\) must be a whole number, got 2\.5"),  # type: ignore[arg-type]
        (lambda: Settings(count=math.nan), "count .* must lie in .*, got nan"),  # type: ignore[arg-type]
        (lambda: Settings(share=1.5), r"share .* must lie in \[0, 1\], got 1\.5"),
        (lambda: Settings(weights=(1.0, -1.0)), "weights .*, got -1"),
        (lambda: Settings(odd=1.0), r"odd .* must lie in \(0, 1\), got 1\.0"),
        (lambda: Settings(count=np.int64(0)), "count .*, got 0"),  # type: ignore[arg-type]
        (lambda: Plain(0.0), r"Plain: temperature must lie in \(0, 1e\+06\], got 0\.0"),
        (lambda: Plain(position=[0.0, math.inf]), r"Plain: position must lie in \[0, 1e\+06\], got inf"),
    ],
)
def test_the_message_names_the_number_and_what_was_expected(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_numbers_within_their_range_are_taken() -> None:
    Settings(5, None, (0.0, 1e6), 0.999)
    Settings(count=np.int64(3), share=True)  # type: ignore[arg-type]
    Plain(1, [0, 1])
