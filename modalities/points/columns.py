"""Columns of points: what they are called, and rows of numbers as text."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from gestalt.core.tables.numbers import plain_float

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
        return ("x", "y", "z", *(("nx", "ny", "nz") if are_normals(table[:, 3:]) else ("red", "green", "blue"))), table
    if count not in BY_COUNT:
        raise ValueError(
            f"has {count} columns without names, expected x, y, z, then intensity, or a colour or normal of three; "
            "name the columns in the first line (x y z red green blue intensity nx ny nz)"
        )
    return BY_COUNT[count], table


def are_normals(triples: Float[np.ndarray, "rows 3"]) -> bool:
    """Whether some numbers are below 0, as of no colour, or all triples have the length 1, but for those of zeros.

    Example: the floor and a wall of a room, and colours from 0 to 1.

        >>> are_normals(np.eye(3)), are_normals(np.array([[0.5, 0.25, 0.5], [0.1, 0.1, 0.1]]))
        (True, False)
    """
    with np.errstate(over="ignore", invalid="ignore"):  # numbers beyond any measure are named by their row
        lengths = np.linalg.norm(triples, axis=1)
    known = lengths[lengths > 0]
    return bool((triples < 0).any()) or (len(known) > 0 and bool((np.abs(known - 1) < 0.01).all()))


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
        if any("_" in line for line in lines):  # which Python takes for a part of a number
            raise ValueError
        return np.array(cells, dtype=np.float64).reshape(-1, width)
    except ValueError:
        for row, own in enumerate(cells, start=first + 1):
            wrong = [cell for cell in own if not is_number(cell)]
            if wrong:
                raise ValueError(f"has {wrong[0][:40]!r} in row {row}, expected a number") from None
        raise


def is_number(cell: str) -> bool:
    try:
        plain_float(cell)
    except ValueError:
        return False
    return True
