"""Channels of an open file, whatever its form, and what the user says of files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

Values = Float[np.ndarray, "time channels"]
MOST = 1 << 16
"""Channels of one series: more are an array that is something else."""


@final
@dataclass(frozen=True)
class How:
    """What the user says of files that they do not say themselves; see the arguments of the modality."""

    time: str | None = None
    columns: tuple[str, ...] = ()
    rate: float | None = None
    fill: str = "refuse"
    irregular: bool = False
    dataset: str | None = None
    encoding: str | None = None


@final
@dataclass(frozen=True)
class Channels:
    """Channels of one rate in an open file; `stretch(first, count)` gives time × channels."""

    rate: float
    samples: int
    names: tuple[str, ...]
    stretch: Callable[[int, int], Any]

    def chosen(self, columns: Sequence[str]) -> tuple[str, ...]:
        """The names of those that are asked for, all if none is.

        Raises:
            ValueError: if there is one that the file has not.
        """
        missing = [name for name in columns if name not in self.names]
        if missing:
            raise ValueError(f"has no channel {missing[0]!r}, it has {', '.join(map(repr, self.names))}; name others")
        return tuple(columns) or self.names

    def read(self, first: int, count: int, names: Sequence[str]) -> Values:
        """Samples `first` … `first + count` of some channels."""
        with np.errstate(invalid="ignore", over="ignore"):  # what is no number is told by the reader
            values = np.array(self.stretch(first, count), dtype=np.float64)
        return values[:, [self.names.index(name) for name in names]]


def numbered(channels: int) -> tuple[str, ...]:
    """Names of channels that have none."""
    return tuple(f"channel {number + 1}" for number in range(channels))


def array_channels(values: Any, rate: float, names: tuple[str, ...] = ()) -> Channels:
    """An array whose longer axis is time; one axis is one channel."""
    if values.ndim not in (1, 2) or values.dtype.kind not in "iuf" or not values.size:
        raise ValueError(f"holds {values.dtype} of shape {tuple(values.shape)}, expected numbers: time × channels")
    if min(values.shape) > MOST and values.ndim == 2:
        raise ValueError(f"has the shape {tuple(values.shape)}: at most {MOST} channels are read, the shorter axis")
    turned = values.ndim == 2 and values.shape[0] < values.shape[1]
    channels = 1 if values.ndim == 1 else min(values.shape)

    def stretch(first: int, count: int) -> Any:
        part = np.asarray(values[:, first : first + count]).T if turned else np.asarray(values[first : first + count])
        return part[:, None] if values.ndim == 1 else part

    return Channels(rate, max(values.shape), names or numbered(channels), stretch)
