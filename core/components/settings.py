"""The settings of an object, read off the signature that builds it."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any


def accepted(build: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings that are arguments of `build`.

    Example:
        >>> from gestalt.core.discovery.groupers import KMeans
        >>> accepted(KMeans, {"objects": 3, "channels": 5})
        {'objects': 3}
    """
    arguments = inspect.signature(build).parameters
    return {name: value for name, value in settings.items() if name in arguments}


def settings_of(value: Any, build: Callable[..., Any] | None = None) -> dict[str, Any]:
    """The arguments that build `value` again: names from the signature of `build`, values from attributes of that name.

    Args:
        value: an object that keeps every argument of its constructor in an attribute of the same name.
        build: what it was built by, its class by default: a function or a `functools.partial` of the class may fix
            some of the arguments.

    Raises:
        TypeError: if an attribute is missing, or `build` takes arguments that a signature does not name.

    Example:
        >>> from gestalt.core.discovery.groupers import KMeans
        >>> settings_of(KMeans(objects=3))
        {'objects': 3, 'iterations': 10, 'spherical': True, 'position': 0.0}
    """
    build = type(value) if build is None else build
    settings = {}
    for name, parameter in inspect.signature(build).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"{build} takes {parameter}: write every argument out, so that it can be saved")
        if not hasattr(value, name):
            raise TypeError(
                f"{type(value).__name__} keeps no attribute {name!r}, an argument of "
                f"{getattr(build, '__name__', build)}: keep every argument under its own name, so that "
                "the object can be saved and built again"
            )
        settings[name] = getattr(value, name)
    return settings
