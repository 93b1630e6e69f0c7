"""The options of a class, read off its signature: names, types, defaults, and what its documentation says of each."""

import dataclasses
import functools
import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, Union, final, get_args, get_origin, get_type_hints

import docstring_parser

from gestalt.core.components.registry import (
    BACKGROUNDS,
    CLUSTERINGS,
    FITTERS,
    GROUPERS,
    HIDINGS,
    METHODS,
    OBJECTIVES,
    OVER_SEGMENTATIONS,
    RULES,
    Registry,
)
from gestalt.core.components.settings import settings_of
from gestalt.core.discovery.background import AbstractBackgroundRemover
from gestalt.core.discovery.groupers.base import AbstractGrouper
from gestalt.core.discovery.regions.base import AbstractOverSegmentation
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.fitting.fitters.base import AbstractFitter
from gestalt.core.methods.masked.hiding.base import AbstractHiding
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.objectives.base import AbstractObjective
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.follower import AbstractRule
from gestalt.core.runs.types.clusterings import AbstractClustering

CHOICES: Mapping[type, Registry] = {
    AbstractMethod: METHODS,
    AbstractGrouper: GROUPERS,
    AbstractOverSegmentation: OVER_SEGMENTATIONS,
    AbstractBackgroundRemover: BACKGROUNDS,
    AbstractRule: RULES,
    AbstractObjective: OBJECTIVES,
    AbstractHiding: HIDINGS,
    AbstractClustering: CLUSTERINGS,
    AbstractFitter: FITTERS,
}
"""Interfaces whose implementations are chosen by name."""

MISSING = inspect.Parameter.empty


@final
@dataclass(frozen=True)
class Field:
    """One option: its name, the type in its annotation, its default (`MISSING` where there is none), and its help."""

    name: str
    hint: Any
    default: Any
    help: str

    @property
    def interface(self) -> type | None:
        """The interface whose implementations are chosen by name, if it has one."""
        return next((part for part in parts_of(self.hint) if isinstance(part, type) and part in CHOICES), None)

    @property
    def chosen(self) -> Registry | None:
        """Where the implementations of its interface are, if it has one."""
        return None if self.interface is None else CHOICES[self.interface]

    @property
    def words(self) -> tuple[str, ...]:
        """Words that stand for a choice beside names: those of a `Literal`, and `none` where None is allowed."""
        words = [word for part in parts_of(self.hint) if get_origin(part) is Literal for word in get_args(part)]
        return (*map(str, words), *(("none",) if type(None) in parts_of(self.hint) else ()))

    @property
    def structure(self) -> type | None:
        """The class of nested options in its annotation, where it is one: a dataclass, of whatever package."""
        kinds = [part for part in parts_of(self.hint) if isinstance(part, type) and dataclasses.is_dataclass(part)]
        return next((kind for kind in kinds if kind not in CHOICES), None)

    @property
    def structure_by_name(self) -> bool:
        """Whether it holds nested options, or none of them: `none` and `default` choose."""
        return self.structure is not None and not self.is_encoder and type(None) in parts_of(self.hint)

    @property
    def list_of_choices(self) -> bool:
        """Whether it is a list of implementations, which are written as JSON."""
        inner = [member for part in parts_of(self.hint) for member in get_args(part)]
        return any(isinstance(member, type) and member in CHOICES for member in inner)

    @property
    def is_encoder(self) -> bool:
        """Whether it is an encoder of the modality, by name."""
        return EncoderChoice in parts_of(self.hint)

    @property
    def holds_encoder(self) -> bool:
        """Whether it is an encoder itself: the plain features of a finder."""
        return AbstractEncoder in parts_of(self.hint)


def fields_of(build: Callable[..., Any], value: Any = None) -> list[Field]:
    """The options of a class or function; defaults are those of `value`, where one is given."""
    own = {} if value is None else settings_of(value, build)
    source: Any = build.func if isinstance(build, partial) else build
    hints = get_type_hints(source.__init__ if _plain_class(source) else source, include_extras=True)
    helps = help_of(source)
    return [
        Field(name, hints.get(name, Any), own.get(name, default_of(source, name, parameter)), helps.get(name, ""))
        for name, parameter in inspect.signature(build).parameters.items()
    ]


def default_of(source: Any, name: str, parameter: inspect.Parameter) -> Any:
    """The default of an argument; a dataclass may make it anew every time."""
    if dataclasses.is_dataclass(source):
        field = next(field for field in dataclasses.fields(source) if field.name == name)
        if field.default_factory is not dataclasses.MISSING:
            return field.default_factory()
    return parameter.default


def _plain_class(source: Any) -> bool:
    return inspect.isclass(source) and not hasattr(source, "__dataclass_fields__")


@functools.cache  # a command line is read in several rounds, each of which asks for the same texts
def help_of(source: Any) -> dict[str, str]:
    """What the documentation says of each option: texts under a dataclass's fields, or the section `Args`."""
    parsed = docstring_parser.parse_from_object(source)
    return {param.arg_name: " ".join((param.description or "").split()) for param in parsed.params}


def parts_of(hint: Any) -> tuple[Any, ...]:
    """The members of a union, without their annotations.

    Example:
        >>> parts_of(Annotated[int, "help"] | None)
        (<class 'int'>, <class 'NoneType'>)
    """
    if get_origin(hint) is Annotated:
        return parts_of(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(part for member in get_args(hint) for part in parts_of(member))
    return (hint,)
