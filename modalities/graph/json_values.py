"""Values in JSON documents, checked for what they should be."""

import math
from collections.abc import Sequence
from typing import Any


def text_in(value: Any, what: str) -> str:
    """A name in a document as text: a text, or a number.

    Raises:
        ValueError: for anything else.

    Example:
        >>> text_in(7, "an id"), text_in("a", "an id")
        ('7', 'a')
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{what} must be a text or a number, got {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{what} is {value}, which is no number")
    return str(value).encode("utf-8", "replace").decode()


def list_in(document: Any, key: str) -> Sequence[Any]:
    """The list of that name in an object; empty where there is none.

    Raises:
        ValueError: if something else stands there.
    """
    value = document.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"{key!r} must be a list, got {type(value).__name__}")
    return value


def object_in(value: Any, what: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ValueError: if it is none.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be an object in braces, got {type(value).__name__}")
    return value
