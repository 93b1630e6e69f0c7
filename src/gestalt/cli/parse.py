"""Command lines to options: implementations are chosen by name first, then tyro reads every value."""

import difflib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field as dataclass_field
from dataclasses import make_dataclass, replace
from functools import reduce
from itertools import pairwise
from operator import or_
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import tyro

from gestalt.core.experiment.options import Labelling, Running
from gestalt.core.fitting.options import Fitting
from gestalt.core.methods.presets import Preset
from gestalt.core.runs.evaluation_options import Evaluating
from gestalt.core.runs.regrouping import Regrouping
from gestalt.core.search.options import Duplicating, Searching
from gestalt.core.training.options import Training

from .fields import MISSING, Field, parts_of
from .tree import Branch, choices_by_name, choosable, chosen_by_name, tree_of

FLAT = (Running, Training, Labelling, Evaluating, Fitting, Searching, Duplicating, Regrouping)
"""Groups whose options need no prefix: --steps rather than --training.steps."""


def parsed(
    options: Callable[..., Any],
    arguments: Sequence[str],
    command: str,
    default: Any = None,
    encoders: Mapping[str, Callable[..., Any]] = MappingProxyType({}),
) -> Any:
    """The options on a command line.

    Args:
        options: the class of the options.
        arguments: what stands behind the command.
        command: its words, for the usage line.
        default: an object with other defaults than the class.
        encoders: those of the modality, for options that choose one.

    Raises:
        ValueError: for a name that is not installed, a number that makes no sense, or an empty value.
        SystemExit: after --help (0), and for what tyro cannot read (2), with the nearest choice.
    """
    refuse_empty(arguments)
    branch, rest, presets = chosen_by_name(tree_of(options, default, encoders), arguments, encoders)
    for preset in presets:
        branch = _with_training(branch, preset, rest)
    rest = _as_tyro_reads(branch, rest)
    kind = _structure("Options", branch, options.__doc__)
    try:
        values: Any = tyro.cli(
            kind,
            args=rest,
            prog=f"gestalt {command}",
            description=described(options, branch, encoders),
            # Options are described by docstrings: looking for comments reads the source of every class again.
            config=(tyro.conf.HelptextFromCommentsOff,),
        )
    except SystemExit as stopped:
        if stopped.code == 2:
            print(*near_choices(branch, rest), sep="", end="", file=sys.stderr)
        raise
    return _filled(branch, values).values()


def refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse a value without a letter: as a path it would be the working directory, and a variable is empty, probably.

    Raises:
        ValueError: naming the option.
    """
    for before, word in pairwise(("", *arguments)):
        name, equals, value = word.partition("=")
        if not word.strip() or (equals and name.startswith("--") and not value.strip()):
            option = name if equals else before if before.startswith("--") else "the command"
            raise ValueError(f"{option} was given an empty value; is a variable of the shell empty?")


def described(options: Callable[..., Any], branch: Branch, encoders: Mapping[str, Any]) -> str:
    """What --help says first: what the command does, and which options choose an implementation by its name."""
    text = inspect.cleandoc(options.__doc__ or "")
    flags = {path.replace("_", "-"): names for path, names in choices_by_name(branch, encoders)}
    lines = [f"  --{flag} {{{','.join(names)}}}" for flag, names in flags.items()]
    if not lines:
        return text
    return f"{text}\n\nChosen by name; each brings options of its own, shown below for those that are chosen now:\n" + (
        "\n".join(lines)
    )


def _with_training(branch: Branch, preset: Preset, rest: Sequence[str]) -> Branch:
    """The training options that go with a preset, in place of the recipe's defaults.

    Raises:
        ValueError: if the preset, of another package perhaps, names an option that does not exist.
    """
    part = branch.options["training"]
    assert isinstance(part, Branch)
    batch, steps = (_given(rest, name, preset.training.get(name, part.options[name])) for name in ("batch", "steps"))
    own = preset.training_for(batch, steps)
    unknown = sorted(own.keys() - part.options.keys())
    if unknown:
        raise ValueError(
            f"the preset {preset.title!r} sets options of training that do not exist: {', '.join(unknown)}"
        )
    return replace(branch, options={**branch.options, "training": replace(part, options={**part.options, **own})})


def _given(rest: Sequence[str], name: str, default: int) -> int:
    """The number behind an option on the command line; what is no number, tyro refuses."""
    words = [word for argument in rest for word in argument.split("=", 1)]
    given = [words[i + 1] for i, word in enumerate(words[:-1]) if word == f"--{name}"]
    return int(given[-1]) if given and given[-1].isdecimal() else default


def _as_tyro_reads(branch: Branch, rest: Sequence[str]) -> list[str]:
    """The arguments with `None` for `none`, behind options that may be nothing.

    Raises:
        ValueError: for an option that takes several values, is empty unasked, and was given none.
    """
    flags = {f"--{path}".replace("_", "-"): (field, value) for path, field, value in _values(branch)}
    words = list(rest)
    for i, word in enumerate(rest):
        field, value = flags.get(word, (None, None))
        if field is None:
            continue
        following = rest[i + 1] if i + 1 < len(rest) else None
        if following == "none" and type(None) in parts_of(field.hint):
            words[i + 1] = "None"
        if value == () and (following is None or following.startswith("--")):
            raise ValueError(f"{word} was given no value; write one or more behind it, or leave it out")
    return words


def _values(branch: Branch, prefix: str = "") -> Iterator[tuple[str, Field, Any]]:
    """Every option that takes a value: its flag without the dashes, and its default."""
    for key, part in branch.options.items():
        field = branch.fields[key]
        if isinstance(part, Branch):
            yield from _values(part, prefix if field.structure in FLAT else f"{prefix}{key}.")
        elif readable(field):
            yield f"{prefix}{key}", field, part


def _structure(name: str, branch: Branch, text: str | None = None) -> type:
    """A dataclass that tyro reads: one field per option, nested for branches."""
    members = []
    for key, part in branch.options.items():
        field = branch.fields[key]
        if isinstance(part, Branch):
            if part.build is None or not part.options:
                continue
            inner = _structure(key, part)
            hint: Any = Annotated[inner, tyro.conf.OmitArgPrefixes] if field.structure in FLAT else inner
            members.append((key, hint, _default(inner)))
        elif readable(field):
            hint = Annotated[_readable_hint(field.hint), tyro.conf.arg(help=_help(field))]
            members.append((key, hint, _default_value(part)))
    made = make_dataclass(name, members, frozen=True, kw_only=True)
    made.__doc__ = text or ""
    # Every option brings its help. Of a class of another module tyro would read the whole source, for every field.
    made.__module__ = "builtins"
    return made


def _default(kind: type) -> Any:
    try:
        return dataclass_field(default=kind())
    except TypeError:  # an option of it must be given
        return dataclass_field()


def _default_value(value: Any) -> Any:
    if value is MISSING:
        return dataclass_field()
    return (
        dataclass_field(default_factory=lambda: value)
        if isinstance(value, list | dict)
        else dataclass_field(default=value)
    )


def readable(field: Field) -> bool:
    """Whether a value of the option can be written on a command line."""
    return not field.holds_encoder and not field.list_of_choices and _readable_hint(field.hint) is not None


def _readable_hint(hint: Any) -> Any:
    """The annotation as tyro reads it; None for what it cannot (mappings, arrays, functions).

    Example:
        >>> _readable_hint(float | Sequence[float])
        float | tuple[float, ...]
    """
    simple = (int, float, bool, str, type(None))
    for part in parts_of(hint):
        origin = get_origin(part)
        if part in simple or origin is Literal or getattr(part, "__name__", "") in ("Path", "PosixPath"):
            continue
        sequence = origin in (tuple, list, Sequence)
        if sequence and all(_readable_hint(inner) is not None for inner in get_args(part) if inner is not Ellipsis):
            continue
        return None
    return _with_tuples(hint)


def _with_tuples(hint: Any) -> Any:
    """The annotation with tuples for sequences: tyro takes a sequence for a list, of which no tuple is a default."""
    if get_origin(hint) is Annotated:
        inner, *extras = get_args(hint)
        return Annotated[(_with_tuples(inner), *extras)]
    if get_origin(hint) in (Union, UnionType):
        return reduce(or_, map(_with_tuples, get_args(hint)))
    # Built at run time, so nothing that a type checker could read.
    return tuple.__class_getitem__((get_args(hint)[0], ...)) if get_origin(hint) is Sequence else hint


def _help(field: Field) -> str:
    return field.help.replace("%", "%%")


def _filled(branch: Branch, values: Any) -> Branch:
    """The tree with what was read."""
    options = {}
    for key, part in branch.options.items():
        if isinstance(part, Branch):
            options[key] = _filled(part, getattr(values, key)) if hasattr(values, key) else part
        else:
            options[key] = getattr(values, key, part)
    return replace(branch, options=options)


def near_choices(branch: Branch, arguments: Sequence[str]) -> Iterator[str]:
    """For every value that is none of its option's choices, and every unknown option, the nearest one."""
    choices = dict(_choices(branch))
    known = [*choices, *(f"--{path}".replace("_", "-") for path in choosable(branch)), *_flags(branch)]
    option = ""
    for argument in arguments:
        if argument.startswith("--"):
            option, _, argument = argument.replace("_", "-").partition("=")
            if option not in known:
                for near in difflib.get_close_matches(option, known, n=1, cutoff=0.6):
                    yield f"there is no option {option}: did you mean {near}?\n"
        if argument and option in choices and argument not in choices[option]:
            for near in difflib.get_close_matches(argument, choices[option], n=1, cutoff=0.5):
                yield f"{option} {argument}: did you mean {near!r}?\n"


def _flags(branch: Branch, prefix: str = "") -> Iterator[str]:
    for key, part in branch.options.items():
        if isinstance(part, Branch):
            yield from _flags(part, "" if branch.fields[key].structure in FLAT else f"{prefix}{key}.")
        else:
            yield f"--{prefix}{key}".replace("_", "-")


def _choices(branch: Branch, prefix: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    for key, part in branch.options.items():
        if isinstance(part, Branch):
            yield from _choices(part, "" if branch.fields[key].structure in FLAT else f"{prefix}{key}.")
            continue
        for member in parts_of(branch.fields[key].hint):
            if get_origin(member) is Literal:
                yield f"--{prefix}{key}".replace("_", "-"), tuple(map(str, get_args(member)))
