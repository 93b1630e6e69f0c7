"""Numbers of HDF5 that stand for others: attributes say a scale, an offset and a number for "missing", as in NetCDF."""

from typing import Any, final

import numpy as np

SCALE, OFFSET = "scale_factor", "add_offset"
MISSING = ("_FillValue", "missing_value")
"""Attributes whose numbers stand for no value."""


@final
class StoredNumbers:
    """A data set whose stored numbers are turned into those that they stand for: stored · scale + offset, NaN for none.

    What is stored as one of the numbers for "missing" is none; these are compared before anything is scaled.

    Args:
        data: the data set.
        scale: of its numbers.
        offset: in the unit of the values.
        missing: numbers that stand for no value.
    """

    def __init__(self, data: Any, scale: float, offset: float, missing: tuple[float, ...]) -> None:
        self.data = data
        self.scale, self.offset, self.missing = scale, offset, missing
        self.attrs, self.parent = data.attrs, data.parent
        self.shape, self.size, self.ndim, self.dtype = data.shape, data.size, data.ndim, np.dtype(np.float64)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, part: Any) -> Any:
        stored = np.asarray(self.data[part])
        with np.errstate(over="ignore", invalid="ignore"):  # what is too large is named by the reader
            values = stored.astype(np.float64) * self.scale + self.offset
        for number in self.missing:
            values[stored == number] = np.nan
        return values


def as_meant(name: str, data: Any) -> Any:
    """The data set, or one of the numbers for which its own stand, if its attributes say so.

    Raises:
        ValueError: if such an attribute is no number.
    """
    said = {own: _number(name, data, own) for own in (SCALE, OFFSET, *MISSING) if own in data.attrs}
    missing = tuple(said[own] for own in MISSING if own in said)
    return StoredNumbers(data, said.get(SCALE, 1.0), said.get(OFFSET, 0.0), missing) if said else data


def _number(name: str, data: Any, attribute: str) -> float:
    kind = data.attrs.get_id(attribute).dtype
    numbers = np.ravel(data.attrs[attribute]).tolist() if kind.kind in "iuf" else []
    if len(numbers) != 1:
        raise ValueError(
            f"has an attribute {attribute!r} of {name!r} that is not one number: what its numbers stand for is not "
            "known; correct the attribute, or remove it"
        )
    return float(numbers[0])
