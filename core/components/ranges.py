"""Which numbers make sense, said once beside each option and checked before anything is read."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Annotated, Any, final, get_args, get_origin, get_type_hints


@final
@dataclass(frozen=True)
class Between:
    """A number from `least` to `most`, both included unless `open_below` or `open_above`; never NaN or infinite."""

    least: int | float
    most: int | float = 1e9
    open_below: bool = False
    open_above: bool = False

    def holds(self, value: int | float) -> bool:
        """Whether a number lies within."""
        above = value > self.least if self.open_below else value >= self.least
        below = value < self.most if self.open_above else value <= self.most
        return math.isfinite(value) and above and below

    def __str__(self) -> str:
        return f"{'(' if self.open_below else '['}{self.least:g}, {self.most:g}{')' if self.open_above else ']'}"


Count = Annotated[int, Between(1, 1e9)]
"""At least one of something."""
CountOrNone = Annotated[int, Between(0, 1e9)]
"""Any number of something, none included."""
Width = Annotated[int, Between(1, 65536)]
"""The width of a layer."""
Positive = Annotated[float, Between(0.0, 1e6, open_below=True)]
"""A number above zero."""
Weight = Annotated[float, Between(0.0, 1e6)]
"""A number of at least zero."""
Share = Annotated[float, Between(0.0, 1.0)]
"""A share from 0 to 1."""
PositiveShare = Annotated[float, Between(0.0, 1.0, open_below=True)]
"""A share above 0, at most 1."""


def check_ranges(options: Any) -> None:
    """Check every number of a dataclass against the `Between` of its annotation.

    Raises:
        ValueError: naming the first option that lies outside, what was expected and what was got.

    Example:
        >>> @dataclass(frozen=True)
        ... class Options:
        ...     steps: Count = 10
        >>> check_ranges(Options(steps=0))
        Traceback (most recent call last):
        ...
        ValueError: steps (--steps) must lie in [1, 1e+09], got 0
    """
    hints = get_type_hints(type(options), include_extras=True)
    for field in dataclasses.fields(options):
        wanted, value = range_of(hints[field.name]), getattr(options, field.name)
        values = value if isinstance(value, tuple | list) else (value,)
        for one in values:
            is_number = isinstance(one, int | float) and not isinstance(one, bool)
            if wanted is not None and is_number and not wanted.holds(one):
                flag = field.name.replace("_", "-")
                raise ValueError(f"{field.name} (--{flag}) must lie in {wanted}, got {one}")


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
