"""Groupers as JSON and back, so that a finished run knows how its objects are found."""

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from torch import nn

from .base import AbstractGrouper


def describe(grouper: AbstractGrouper) -> dict[str, Any]:
    """The class and the arguments of a grouper, JSON-able.

    Raises:
        TypeError: for a grouper of one's own: a file must not decide what code is run.

    Example:
        >>> from gestalt.core.discovery.groupers import Contiguous, KMeans
        >>> describe(Contiguous(KMeans(3), objects=5))["grouper"]["objects"]
        3
    """
    kind = type(grouper)
    if _ours().get(kind.__name__) is not kind:
        raise TypeError(f"only the groupers of gestalt.core.grouper can be written down, got {kind.__name__}")
    names = [name for name in inspect.signature(kind.__init__).parameters if name != "self"]
    return {"kind": kind.__name__} | {name: _plain(getattr(grouper, name)) for name in names}


def grouper_from(description: Mapping[str, Any]) -> AbstractGrouper:
    """The grouper of a description.

    Raises:
        ValueError: if there is no such grouper.

    Example:
        >>> grouper_from({"kind": "KMeans", "objects": 4}).objects
        4
    """
    kinds, arguments = _ours(), dict(description)
    kind = kinds.get(str(arguments.pop("kind", None)))
    if kind is None:
        raise ValueError(f"there is no grouper {description.get('kind')!r}; there are {', '.join(sorted(kinds))}")
    built: AbstractGrouper = kind(**{name: _built(value) for name, value in arguments.items()})
    return built


def _ours() -> dict[str, type[AbstractGrouper]]:
    """The groupers that the package offers."""
    offered = vars(sys.modules[__package__ or ""])
    kinds = [kind for kind in offered.values() if inspect.isclass(kind) and issubclass(kind, AbstractGrouper)]
    return {kind.__name__: kind for kind in kinds if not inspect.isabstract(kind)}


def _plain(value: Any) -> Any:
    if isinstance(value, AbstractGrouper):
        return describe(value)
    if isinstance(value, nn.ModuleList | list | tuple):
        return [_plain(part) for part in value]
    return value


def _built(value: Any) -> Any:
    if isinstance(value, Mapping):
        return grouper_from(value)
    return [_built(part) for part in value] if isinstance(value, list) else value
