"""Which numbers make sense, said once beside each option and checked before anything is read."""

import dataclasses
import inspect
import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from numbers import Integral, Real
from typing import Annotated, Any, final, get_args, get_origin, get_type_hints


@final
@dataclass(frozen=True)
class Between:
    """A number from `least` to `most`, both included unless `open_below` or `open_above`; never NaN or infinite.

    Where `only` is given, none but those.
    """

    least: int | float
    most: int | float = 1e9
    open_below: bool = False
    open_above: bool = False
    only: tuple[int, ...] = ()

    def holds(self, value: int | float) -> bool:
        """Whether a number lies within."""
        above = value > self.least if self.open_below else value >= self.least
        below = value < self.most if self.open_above else value <= self.most
        return math.isfinite(value) and above and below and (not self.only or value in self.only)

    def __str__(self) -> str:
        if self.only:
            return f"{{{', '.join(map(str, self.only))}}}"
        return f"{'(' if self.open_below else '['}{self.least:g}, {self.most:g}{')' if self.open_above else ']'}"


Count = Annotated[int, Between(1, 1e9)]
"""At least one of something."""
CountOrNone = Annotated[int, Between(0, 1e9)]
"""Any number of something, none included."""
ObjectCount = Annotated[int, Between(1, 4096)]
"""Objects per item."""
Rounds = Annotated[int, Between(1, 100_000)]
"""Rounds of an algorithm that improves its result again and again."""
Width = Annotated[int, Between(1, 65536)]
"""The width of a layer."""
Positive = Annotated[float, Between(0.0, 1e6, open_below=True)]
"""A number above zero."""
Weight = Annotated[float, Between(0.0, 1e6)]
"""A number of at least zero."""
Share = Annotated[float, Between(0.0, 1.0)]
"""A share from 0 to 1."""
Finite = Annotated[float, Between(-1e30, 1e30)]
"""Any number, but no infinite one and no NaN."""
PositiveShare = Annotated[float, Between(0.0, 1.0, open_below=True)]
"""A share above 0, at most 1."""
PartialShare = Annotated[float, Between(0.0, 1.0, open_below=True, open_above=True)]
"""A share above 0 and below 1."""
Kernel = Annotated[int, Between(1, 255)]
"""Elements that a convolution spans along an axis."""
Depth = Annotated[int, Between(1, 1000)]
"""Layers in a row."""
AttentionHeads = Annotated[int, Between(1, 1024)]
"""Heads of an attention layer."""


def check_ranges(component: Any) -> None:
    """Check every number in the fields of a dataclass, or in the constructor's arguments of another object.

    Each is held against the `Between` of its annotation; where the annotation is a whole number, 2.5 is refused. An
    object keeps every argument in an attribute of the same name (see `settings_of`).

    Raises:
        ValueError: naming the first number that lies outside, what was expected and what was got.

    Example:
        >>> @dataclass(frozen=True)
        ... class Options:
        ...     steps: Count = 10
        >>> check_ranges(Options(steps=0))
        Traceback (most recent call last):
        ...
        ValueError: steps (--steps) must lie in [1, 1e+09], got 0
    """
    kind: Any = type(component)
    for name, (wanted, whole) in _ranges(kind).items():
        value = getattr(component, name)
        for one in value if isinstance(value, tuple | list) else (value,):
            if not isinstance(one, Real) or isinstance(one, bool):
                continue
            if not wanted.holds(float(one)) or (whole and not isinstance(one, Integral)):
                option = f"{name} (--{name.replace('_', '-')})" if dataclasses.is_dataclass(kind) else name
                owner = "" if dataclasses.is_dataclass(kind) else f"{kind.__name__}: "
                number = "be a whole number" if whole and wanted.holds(float(one)) else f"lie in {wanted}"
                raise ValueError(f"{owner}{option} must {number}, got {one}")


@cache
def _ranges(kind: Any) -> dict[str, tuple[Between, bool]]:
    """The range of every number that builds such an object, and whether it is a whole number."""
    if dataclasses.is_dataclass(kind):
        names, hints = [field.name for field in dataclasses.fields(kind)], get_type_hints(kind, include_extras=True)
    else:
        names = list(inspect.signature(kind).parameters)
        hints = get_type_hints(kind.__init__, include_extras=True)
    found = {name: range_of(hints[name]) for name in names if name in hints}
    return {name: (wanted, _whole(hints[name])) for name, wanted in found.items() if wanted is not None}


def _whole(hint: Any) -> bool:
    """Whether the numbers of an annotation are whole ones."""
    return int in _parts(hint) and float not in _parts(hint)


def _parts(hint: Any) -> set[Any]:
    """The types that an annotation is made of."""
    return {hint} if not get_args(hint) else {part for inner in get_args(hint) for part in _parts(inner)}


def range_of(hint: Any) -> Between | None:
    """The range in an annotation, also inside `… | None` and `tuple[…, ...]`; None where there is none.

    Example:
        >>> str(range_of(Share | None))
        '[0, 1]'
    """
    if get_origin(hint) is Annotated:
        found = [extra for extra in get_args(hint)[1:] if isinstance(extra, Between)]
        return found[0] if found else range_of(get_args(hint)[0])
    inner = [range_of(part) for part in get_args(hint)]
    return next((one for one in inner if one is not None), None)


def check_ordered(component: Any, *names: str) -> None:
    """Check that some numbers of an object, or those of a pair that it keeps, run from lower to higher.

    Raises:
        ValueError: naming them, if they do not.

    Example:
        >>> @dataclass(frozen=True)
        ... class Band:
        ...     low: float = 2.0
        ...     high: float = 1.0
        >>> check_ordered(Band(), "low", "high")
        Traceback (most recent call last):
        ...
        ValueError: Band: low and high must run from lower to higher, got 2.0 and 1.0
    """
    values = [getattr(component, name) for name in names]
    numbers = [number for value in values for number in (value if isinstance(value, tuple | list) else (value,))]
    if any(low > high for low, high in pairwise(numbers)):
        got = " and ".join(map(str, numbers))
        owner = type(component).__name__
        raise ValueError(f"{owner}: {' and '.join(names)} must run from lower to higher, got {got}")
