"""Components as JSON and back: a finished run knows its heads, its finder and its method; no file names any code."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import FunctionType, MappingProxyType
from typing import Any, final

from torch import nn

from .names import choose
from .registry import REGISTRIES
from .settings import settings_of

Encoders = Mapping[str, Callable[..., Any]]
"""The encoders of a modality by name."""
NO_ENCODERS: Encoders = MappingProxyType({})


def describe(value: Any, encoders: Encoders = NO_ENCODERS) -> Any:
    """A component with its settings as JSON: `{"type": "grouper:k-means", "objects": 16, …}`.

    Args:
        value: an installed component, a number, a text, None, or a list or dictionary of these.
        encoders: those of the modality, for components that hold one.

    Raises:
        TypeError: for what is not installed under a name: a file must not decide what code is run.

    Example:
        >>> from gestalt.core.discovery.groupers import Contiguous, KMeans
        >>> describe(Contiguous(KMeans(3), objects=5))["grouper"]["type"]
        'grouper:k-means'
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, nn.ModuleList | list | tuple):
        return [describe(part, encoders) for part in value]
    if isinstance(value, Mapping):
        return {str(key): describe(part, encoders) for key, part in value.items()}
    encoder = encoder_name(value, encoders)
    if encoder is not None:
        return {"type": f"encoder:{encoder}"} | describe(settings_of(value, encoders[encoder]), encoders)
    for registry in REGISTRIES:
        name_there = registry.name_of(type(value))
        if name_there is not None:
            return {"type": f"{registry.word}:{name_there}"} | describe(settings_of(value), encoders)
    raise TypeError(
        f"{type(value).__module__}.{type(value).__qualname__} is not installed under a name, so it cannot be saved: "
        "give it an entry point in one of the groups "
        f"{', '.join(registry.group for registry in REGISTRIES)} (docs/extending.md)"
    )


def encoder_name(value: Any, encoders: Encoders) -> str | None:
    """The name of an encoder in its modality, None for what is none of them.

    Where a function makes the encoder, it is tried: what it makes from the same settings must be of the same class.
    """
    for name, make in encoders.items():
        source = make.func if isinstance(make, partial) else make
        if source is type(value):
            return name
        if isinstance(value, nn.Module) and isinstance(source, FunctionType):
            try:
                settings = settings_of(value, make)
            except TypeError:
                continue
            if type(make(**settings)) is type(value):
                return name
    return None


@final
class NotInstalledError(ValueError):
    """A component that is described is of no installed package."""


def build(description: Any, encoders: Encoders = NO_ENCODERS) -> Any:
    """What a description describes.

    Raises:
        NotInstalledError: if no component of that name is installed.
        ValueError: if its settings are not those of this version.

    Example:
        >>> build({"type": "grouper:k-means", "objects": 4}).objects
        4
    """
    if isinstance(description, list):
        return tuple(build(part, encoders) for part in description)
    if not isinstance(description, Mapping):
        return description
    settings = {name: build(value, encoders) for name, value in description.items() if name != "type"}
    if "type" not in description:
        return settings
    word, _, name = str(description["type"]).partition(":")
    if word == "encoder":
        return encoders[choose("encoder", name, list(encoders))](**settings)
    registries = {registry.word: registry for registry in REGISTRIES}
    try:
        kind = registries[choose("kind of component", word, list(registries))].load(name)
    except ValueError as error:
        raise NotInstalledError(f"{error}. Install the package that brings it") from error
    try:
        return kind(**settings)
    except TypeError as error:
        raise ValueError(
            f"the {word} {name!r} of this version does not take the settings {settings}: {error}; "
            "another version of the package wrote them"
        ) from error
