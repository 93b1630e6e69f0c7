"""Names that the user gives, and the nearest known one for a mistaken one."""

import difflib
from collections.abc import Sequence


def choose(word: str, name: str, known: Sequence[str]) -> str:
    """`name` if it is among `known`.

    Args:
        word: what is named ("encoder").
        name: what the user wrote.
        known: all names there are.

    Raises:
        ValueError: with the nearest known name otherwise.

    Example:
        >>> choose("encoder", "conw", ["raw", "conv"])
        Traceback (most recent call last):
        ...
        ValueError: there is no encoder 'conw'; did you mean 'conv'? Known: raw, conv
    """
    if name in known:
        return name
    parts = [one for one in known if name and name.lower() in one.lower()]  # audio → audio-events
    near = difflib.get_close_matches(name, known, n=1) or (parts if len(parts) == 1 else [])
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"there is no {word} {name!r}{hint} Known: {', '.join(known) or 'none'}")
