"""Settings of a modality as a command line has them: name=value."""

import inspect
from collections.abc import Sequence
from typing import Any, get_args, get_type_hints

from ..components.names import choose
from ..modality.base import AbstractModality
from ..modality.optional import ComposesModalities
from ..runs.saving import modality_settings, with_settings

WORDS = {"true": True, "false": False, "none": None}


def with_named_settings(modality: AbstractModality[Any], pairs: Sequence[str]) -> AbstractModality[Any]:
    """The same modality with other settings.

    Args:
        modality: not one of several parts.
        pairs: `name=value` each; a value is of the type that the modality says, and several stand with commas between.

    Raises:
        ValueError: for a name that the modality has not, and a value that is of another type or out of its range.

    Example:
        >>> from gestalt.core.modality.plugins import load_modality
        >>> with_named_settings(load_modality("audio"), ["seconds=2.5"]).seconds
        2.5
    """
    if not pairs:
        return modality
    if isinstance(modality, ComposesModalities):
        raise ValueError(
            f"settings are for one modality, and {modality.name} has several: name them in Python, "
            "gestalt.joint(…), or train on one part"
        )
    own, found = modality_settings(modality), dict[str, Any]()
    hints = get_type_hints(type(modality).__init__)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"settings of {modality.name} are name=value, got {pair!r}")
        if not own:
            raise ValueError(f"the modality {modality.name} has no settings; leave {pair!r} out")
        known = choose(f"setting of {modality.name}", name, sorted(own))
        found[known] = _value(text, _types(hints.get(known, str)), f"{known} (--settings)")
    return with_settings(modality, {**own, **found})


def _types(hint: Any) -> set[Any]:
    """What an annotation is made of."""
    parts = {part for inner in get_args(hint) for part in _types(inner)}
    origin = getattr(hint, "__origin__", None)
    return (parts | {origin} if origin is not None else parts) or {hint}


def _value(text: str, types: set[Any], name: str) -> Any:
    if any(inspect.isclass(one) and issubclass(one, Sequence) and one is not str for one in types):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    word = text.strip().lower()
    if word in WORDS and (bool in types or (word == "none" and type(None) in types)):
        return WORDS[word]
    for number in (int, float):
        if number in types:
            try:
                return number(text)
            except ValueError:
                continue
    if str in types:
        return text
    expected = " or ".join(sorted(one.__name__ for one in types if inspect.isclass(one) and one is not type(None)))
    raise ValueError(f"{name} is {expected}, got {text!r}")
