"""Columns of points: what they are called, and rows of numbers as text."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

Block = tuple[tuple[str, ...], Float[np.ndarray, "rows columns"]]
ROWS = 1 << 16
"""Rows of a block."""
NAMES: Mapping[str, str] = {
    **{name: name for name in ("x", "y", "z", "red", "green", "blue", "intensity", "nx", "ny", "nz")},
    **{"r": "red", "g": "green", "b": "blue", "diffuse_red": "red", "diffuse_green": "green", "diffuse_blue": "blue"},
    **{f"normal_{axis}": f"n{axis}" for axis in "xyz"},
    **{f"normal{axis}": f"n{axis}" for axis in "xyz"},
    **{"reflectance": "intensity", "scalar_intensity": "intensity", "i": "intensity"},
    **{"x_coordinate": "x", "y_coordinate": "y", "z_coordinate": "z"},
}
"""What columns are called in files, in small letters, and here."""
BY_COUNT: Mapping[int, tuple[str, ...]] = {3: ("x", "y", "z"), 4: ("x", "y", "z", "intensity")}


def known(names: Sequence[str], table: np.ndarray) -> Block:
    """The columns that are known here.

    Raises:
        ValueError: if x, y and z are not among them.
    """
    own = [NAMES.get(name.strip().lower(), "") for name in names]
    kept = [place for place, name in enumerate(own) if name and own.index(name) == place]
    missing = [axis for axis in "xyz" if axis not in own]
    if missing:
        raise ValueError(
            f"has no column {' and no '.join(missing)}; its columns are {', '.join(names)[:200] or 'none'}"
        )
    return tuple(own[place] for place in kept), table[:, kept]


def unnamed(table: np.ndarray) -> Block:
    """Columns without names, by how many there are and what stands in them."""
    count = table.shape[1]
    if count == 6:
        colours = bool((table[:, 3:] == np.floor(table[:, 3:])).all()) and table[:, 3:].min(initial=0) >= 0
        return ("x", "y", "z", *(("red", "green", "blue") if colours else ("nx", "ny", "nz"))), table
    if count not in BY_COUNT:
        raise ValueError(
            f"has {count} columns without names, expected x, y, z, then intensity, or a colour or normal of three; "
            "name the columns in the first line (x y z red green blue intensity nx ny nz)"
        )
    return BY_COUNT[count], table


def numbers(lines: Sequence[str], first: int, width: int) -> Float[np.ndarray, "rows columns"]:
    """Rows of numbers between spaces; `nan` is one.

    Raises:
        ValueError: naming the row that is none, from 1.
    """
    cells = [line.split() for line in lines]
    for row, own in enumerate(cells, start=first + 1):
        if len(own) != width:
            raise ValueError(f"has {len(own)} numbers in row {row}, expected {width}")
    try:
        return np.array(cells, dtype=np.float64).reshape(-1, width)
    except ValueError:
        for row, own in enumerate(cells, start=first + 1):
            wrong = [cell for cell in own if not is_number(cell)]
            if wrong:
                raise ValueError(f"has {wrong[0][:40]!r} in row {row}, expected a number") from None
        raise


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
