"""Which encoders of a modality are in two steps."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, get_type_hints

from ..networks.two_steps import InTwoSteps


def encoders_in_two_steps(encoders: Mapping[str, Callable[..., Any]]) -> tuple[str, ...]:
    """Their names. A function that makes an encoder says which by the type that it returns; none is made here.

    Example:
        >>> from gestalt.core.networks.encoder import Identity
        >>> encoders_in_two_steps({"raw": Identity})
        ()
    """
    return tuple(name for name, build in encoders.items() if _in_two_steps(build))


def _in_two_steps(build: Callable[..., Any]) -> bool:
    source: Any = build.func if isinstance(build, partial) else build
    kind = source if inspect.isclass(source) else get_type_hints(source).get("return")
    return inspect.isclass(kind) and issubclass(kind, InTwoSteps)
