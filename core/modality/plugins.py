"""Modalities by name: entry points are listed without being imported, and only the one asked for is loaded."""

import difflib
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from .base import AbstractModality

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


def installed_modality(name: str) -> AbstractModality[Any]:
    """The installed modality of that name, or with that entry point (`package.module:OBJECT`).

    Safe for names that come out of a file: what is not installed is never imported.

    Raises:
        ValueError: if there is none, with the nearest name and what is installed, or if it is no modality.
        ImportError: if its libraries are missing, with what to install.
    """
    installed = modality_entry_points()
    by_value = {point.value: point for point in installed.values()}
    point = by_value.get(name) or installed[choose("modality", name, list(installed))]
    try:
        modality = point.load()
    except ModuleNotFoundError as error:
        ours = point.value.startswith("gestalt.")
        remedy = f"pip install 'gestalt-ssl[{name}]'" if ours else f"pip install {_distribution(point)}"
        raise ImportError(
            f"the modality {name!r} needs the library {error.name!r}; install it with: {remedy}"
        ) from error
    return _checked(point.value, modality)


def load_modality(name: str) -> AbstractModality[Any]:
    """The modality that the user named: an installed one, or `package.module:OBJECT`.

    The module is looked for as Python does, and in the working directory. It is imported, so only a name that the user
    gave may come here; for names that come out of a file there is `installed_modality`.

    Raises:
        ValueError: if there is none, with the nearest name and what is installed, or if the object is no modality.
        ImportError: if the module or its libraries are missing.
    """
    if ":" not in name:
        return installed_modality(name)
    path, _, attribute = name.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        module = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{path}.".startswith(f"{error.name}."):
            raise ImportError(f"{path} needs the library {error.name!r}, which is not installed") from error
        raise ImportError(
            f"there is no module {path!r} in {folder} or among the installed ones; go to the folder that holds it, or "
            "install it"
        ) from error
    except ValueError as error:
        raise ImportError(f"{path!r} is no name of a module; write package.module:OBJECT") from error
    if not hasattr(module, attribute):
        there = [key for key, value in vars(module).items() if isinstance(value, AbstractModality)]
        raise ImportError(f"{path} holds no {attribute!r}; its modalities are: {', '.join(there) or 'none'}")
    return _checked(name, getattr(module, attribute))


def _distribution(point: EntryPoint) -> str:
    return point.value.split(".")[0].split(":")[0] if point.dist is None else point.dist.name


def _checked(value: str, modality: object) -> AbstractModality[Any]:
    if not isinstance(modality, AbstractModality):
        raise ValueError(f"{value!r} must name an instance of AbstractModality, got {type(modality).__name__}")
    return modality
