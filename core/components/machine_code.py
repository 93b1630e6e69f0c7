"""Loops of plain numbers as machine code, where numba is installed."""

import functools
import importlib
import importlib.util
import inspect
from collections.abc import Callable
from typing import Any


@functools.cache
def machine_code(loop: Callable[..., Any]) -> Callable[..., Any]:
    """The function as numba compiles it, or as it is where numba is not installed; both compute the same numbers.

    For loops of which every turn depends on the one before, so that arrays cannot do it at once. It may call nothing
    of ours, and takes arrays and numbers. It is compiled once on a machine, for some seconds, and kept beside the
    source, or among the user's caches (`NUMBA_CACHE_DIR`).

    Example:
        >>> import numpy as np
        >>> def last_above(values, bound):
        ...     found = -1
        ...     for place in range(len(values)):
        ...         if values[place] > bound:
        ...             found = place
        ...     return found
        >>> machine_code(last_above)(np.array([1.0, 3.0, 2.0, 0.0]), 1.5)
        2
    """
    if importlib.util.find_spec("numba") is None:
        return loop
    numba: Any = importlib.import_module("numba")
    # Tests check annotations at every call by a wrapper, of which numba knows nothing.
    plain = inspect.unwrap(loop)
    try:
        compiled: Callable[..., Any] = numba.njit(cache=True, nogil=True)(plain)
    except RuntimeError:  # there is no folder that it may keep it in
        compiled = numba.njit(nogil=True)(plain)
    return compiled
