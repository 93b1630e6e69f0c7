"""Annotations are checked at every call; where they name no axis, the type checker alone does it, which costs less.

jaxtyping's import hook gives every call a memory, so that an axis has one size in all its arguments. That takes some
15 µs, and two calls of three name no axis.
"""

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any, Literal, TypeVar, get_args, get_origin

import jaxtyping
from beartype import BeartypeConf
from jaxtyping import TypeCheckError, _decorator

FULL = jaxtyping.jaxtyped
"""The decorator of jaxtyping itself."""
REFUSED = BeartypeConf(violation_type=TypeCheckError)
"""What is wrong is refused by the same error, whoever finds it."""


def jaxtyped(*given: Any, **settings: Any) -> Any:
    """jaxtyping's decorator, except for functions that name no axis."""
    check = settings.get("typechecker")
    if given and isinstance(given[0], types.FunctionType) and callable(check) and not names_axes(given[0]):
        return _light(given[0], check)
    return FULL(*given, **settings)


def _light(function: types.FunctionType, check: Callable[..., Any]) -> Any:
    checked = check(function, conf=REFUSED)
    if checked is function:  # there is nothing to check
        return function

    @functools.wraps(function)
    def light(*args: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        # As jaxtyping does: programs are exported without checks.
        return (function if jaxtyping.config.jaxtyping_disable else checked)(*args, **named)

    return light


def names_axes(function: types.FunctionType) -> bool:
    """Whether an annotation of a function has an array with axes anywhere in it, or cannot be read."""
    signature = inspect.signature(function)
    annotations = [one.annotation for one in signature.parameters.values()] + [signature.return_annotation]
    own = function.__qualname__.rpartition(".")[0]
    return any(_has_axes(one) for one in annotations if one != own)  # a method may name its own class in quotes


def _has_axes(annotation: Any) -> bool:
    if isinstance(annotation, list | tuple):  # the arguments of a Callable
        return any(map(_has_axes, annotation))
    if isinstance(annotation, TypeVar):
        return _has_axes((annotation.__bound__, *annotation.__constraints__))
    if get_origin(annotation) is Literal:
        return False
    if get_origin(annotation) is not None:
        return any(map(_has_axes, get_args(annotation)))
    if isinstance(annotation, type):
        return type(annotation).__module__.startswith("jaxtyping")
    return annotation not in (None, Any, ...)


def install() -> None:
    """For all modules that are imported from now on."""
    jaxtyping.jaxtyped = _decorator.jaxtyped = jaxtyped
