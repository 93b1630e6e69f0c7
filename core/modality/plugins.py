"""Modalities by name: installed ones, or `package.module:OBJECT` that the user names."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..components.names import choose
from ..components.registry import MODALITIES, import_failure, load_point
from .base import AbstractModality
from .joint.modality import JointModality


def installed_modality(name: str) -> AbstractModality[Any]:
    """The installed modality of that name, or with that entry point (`package.module:OBJECT`).

    Safe for names that come out of a file: what is not installed is never imported.

    Raises:
        ValueError: if there is none, with the nearest name and what is installed, or if it is no modality.
        ImportError: if its libraries are missing, with what to install.
    """
    if "+" in name:
        return JointModality(_by_name([installed_modality(part) for part in name.split("+")]))
    points = MODALITIES.points()
    by_value = {point.value: point for point in points.values()}
    point = by_value.get(name) or points[choose("modality", name, list(points))]
    return _checked(point.value, load_point("modality", point))


def load_modality(name: str) -> AbstractModality[Any]:
    """The modality that the user named: an installed one, `package.module:OBJECT`, or several with + in between.

    The module is looked for as Python does, and in the working directory. It is imported, so only a name that the user
    gave may come here; for names that come out of a file there is `installed_modality`.

    Raises:
        ValueError: if there is none, with the nearest name and what is installed, or if the object is no modality.
        ImportError: if the module or its libraries are missing, or its code has a mistake.
    """
    if "+" in name:
        return JointModality(_by_name([load_modality(part) for part in name.split("+")]))
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
    except Exception as error:
        if isinstance(error, ValueError) and not all(part.isidentifier() for part in path.split(".")):
            raise ImportError(f"{path!r} is no name of a module; write package.module:OBJECT") from error
        raise ImportError(import_failure(path, error)) from error
    if not hasattr(module, attribute):
        there = [key for key, value in vars(module).items() if isinstance(value, AbstractModality)]
        raise ImportError(f"{path} holds no {attribute!r}; its modalities are: {', '.join(there) or 'none'}")
    return _checked(name, getattr(module, attribute))


def _by_name(parts: Sequence[AbstractModality[Any]]) -> dict[str, AbstractModality[Any]]:
    """The parts of a joint modality, each called as its modality."""
    names = [part.name for part in parts]
    if len(set(names)) < len(names):
        raise ValueError(
            f"every part of a joint modality is of another modality here, got {'+'.join(names)}; in Python, "
            "gestalt.joint(left=…, right=…) gives them names"
        )
    return dict(zip(names, parts, strict=True))


def _checked(value: str, modality: object) -> AbstractModality[Any]:
    if not isinstance(modality, AbstractModality):
        raise ValueError(f"{value!r} must name an instance of AbstractModality, got {type(modality).__name__}")
    return modality
