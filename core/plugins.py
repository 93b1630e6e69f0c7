"""Modalities by name: entry points are listed without being imported, and only the one asked for is loaded."""

import difflib
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .modality import AbstractModality

GROUP = "gestalt.modalities"


def choose(kind: str, name: str, known: Sequence[str]) -> str:
    """`name` if it is known.

    Raises:
        ValueError: with the nearest known name otherwise.
    """
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"there is no {kind} {name!r}{hint} Known: {', '.join(known) or 'none'}")


def modality_entry_points() -> dict[str, EntryPoint]:
    """Installed modalities by name; nothing is imported.

    Raises:
        ValueError: if two installed distributions claim one name.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if point.name in found and found[point.name].value != point.value:
            raise ValueError(
                f"two installed packages offer a modality named {point.name!r}: {found[point.name].value} and "
                f"{point.value}; uninstall one of them"
            )
        found[point.name] = point
    return dict(sorted(found.items()))


def load_modality(name: str) -> AbstractModality[Any]:
    """The modality of that name.

    Raises:
        ValueError: if there is none, with the nearest name and what is installed.
        ImportError: if its libraries are missing, with the extra to install.
        TypeError: if the entry point is no modality.
    """
    installed = modality_entry_points()
    point = installed[choose("modality", name, list(installed))]
    try:
        modality = point.load()
    except ModuleNotFoundError as error:
        raise ImportError(
            f"the modality {name!r} needs the library {error.name!r}; "
            f"install it with: pip install 'gestalt-ssl[{name}]'"
        ) from error
    if not isinstance(modality, AbstractModality):
        raise TypeError(
            f"the entry point {point.value!r} must name an instance of AbstractModality, got {type(modality).__name__}"
        )
    return modality
