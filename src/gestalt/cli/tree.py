"""Options as a tree: leaves that are typed values, branches that are classes with options of their own."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, make_dataclass, replace
from typing import Any, final

from gestalt.core.components.description import build as built_from_json
from gestalt.core.components.description import encoder_name
from gestalt.core.components.names import choose
from gestalt.core.components.ranges import check_ranges
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.presets import Preset

from .fields import MISSING, Field, fields_of

Encoders = Mapping[str, Callable[..., Any]]

FLAT_NAMES = ("running", "training", "labelling", "how")
"""Groups whose options need no prefix: --steps rather than --training.steps."""


@final
@dataclass(frozen=True)
class Branch:
    """A class (or function) with the values and branches of its options, by name.

    `build` is None for None and for a word such as "teacher": then `word` is the value.
    """

    build: Callable[..., Any] | None
    options: Mapping[str, "Branch | Any"]
    fields: Mapping[str, Field]
    word: Any = None

    def values(self, path: str = "") -> Any:
        """The object that the tree describes.

        Raises:
            ValueError: naming the option whose value makes no sense.
        """
        if self.build is None:
            return self.word
        found = {
            name: part.values(f"{path}{name}.") if isinstance(part, Branch) else part
            for name, part in self.options.items()
            if part is not MISSING
        }
        missing = [name for name, part in self.options.items() if part is MISSING]
        if missing:
            flag = f"--{path}{missing[0]}".replace("_", "-")
            field = self.fields[missing[0]]
            names = f": one of {', '.join(field.chosen.names())}" if field.chosen else ""
            raise ValueError(f"{flag} must be given{names}")
        try:
            return self.build(**found)
        except ValueError as error:
            place = f"--{path.rstrip('.')}: ".replace("_", "-") if path and path.rstrip(".") not in FLAT_NAMES else ""
            raise ValueError(f"{place}{error}") from error


def tree_of(build: Callable[..., Any], value: Any, encoders: Encoders) -> Branch:
    """The tree of a class with the values of an object, or with its defaults."""
    fields = {field.name: field for field in fields_of(build, value)}
    return Branch(build, {name: _part(field, encoders) for name, field in fields.items()}, fields)


def _part(field: Field, encoders: Encoders) -> Any:
    value = field.default
    if field.is_encoder:
        return encoder_branch(value, encoders)
    if field.holds_encoder and value is not MISSING and value is not None:
        name = encoder_name(value, encoders)
        return value if name is None else tree_of(encoders[name], value, encoders)
    if value is None or value is MISSING or not (field.chosen or field.structure):
        return value if not (field.chosen or field.structure) or value is MISSING else Branch(None, {}, {})
    if isinstance(value, str):
        return Branch(None, {}, {}, value)
    return tree_of(type(value), value, encoders)


def encoder_branch(choice: EncoderChoice, encoders: Encoders) -> Branch:
    """The settings of a named encoder; one whose name says "auto" has none."""
    if choice.name not in encoders:
        return Branch(lambda: choice, {}, {})
    build = encoders[choice.name]
    fields = {field.name: field for field in fields_of(build)}

    def chosen(**settings: Any) -> EncoderChoice:
        # The encoder is built when the data are known; numbers without sense are refused before these are read.
        check_ranges(make_dataclass(choice.name, [(name, fields[name].hint) for name in settings])(**settings))
        own = {name: value for name, value in settings.items() if value != fields[name].default}
        return EncoderChoice(choice.name, own)

    values = {name: choice.settings.get(name, field.default) for name, field in fields.items()}
    return Branch(chosen, values, fields)


def chosen_by_name(
    branch: Branch, arguments: Sequence[str], encoders: Encoders
) -> tuple[Branch, list[str], list[Preset]]:
    """The tree after every `--path NAME` that chooses an implementation, the arguments that are left, and presets.

    Raises:
        ValueError: for a name that is not installed, with the nearest one.
    """
    rest, presets = list(arguments), list[Preset]()
    changed = True
    while changed:
        changed = False
        for path in choosable(branch):
            word, rest = taken(f"--{path}".replace("_", "-"), rest)
            if word is not None:
                branch = _replaced(branch, path.split("."), word, encoders, presets)
                changed = True
                break
    return branch, rest, presets


def choosable(branch: Branch, prefix: str = "") -> Iterator[str]:
    """Dotted names of the options that are chosen by name, outer ones first."""
    for name, field in branch.fields.items():
        if field.chosen or field.is_encoder or field.structure_by_name or field.list_of_choices:
            yield f"{prefix}{name}"
    for name, part in branch.options.items():
        if isinstance(part, Branch):
            yield from choosable(part, f"{prefix}{name}.")


def choices_by_name(branch: Branch, encoders: Encoders, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    """The options that are chosen by name, with the names."""
    for name, field in branch.fields.items():
        registry = field.chosen
        if registry is not None and not field.list_of_choices:
            yield f"{prefix}{name}", [*registry.names(), *field.words]
        elif field.structure_by_name:
            yield f"{prefix}{name}", [*field.words, "default"]
        elif field.is_encoder:
            yield f"{prefix}{name}", list(encoders) or ["auto"]
    for name, part in branch.options.items():
        if isinstance(part, Branch):
            yield from choices_by_name(part, encoders, f"{prefix}{name}.")


def taken(flag: str, arguments: list[str]) -> tuple[str | None, list[str]]:
    """The value of the first `flag VALUE` or `flag=VALUE`, and the arguments without it."""
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name.replace("_", "-") != flag:
            continue
        if equals:
            return value, [*arguments[:place], *arguments[place + 1 :]]
        if place + 1 < len(arguments) and not arguments[place + 1].startswith("--"):
            return arguments[place + 1], [*arguments[:place], *arguments[place + 2 :]]
        raise ValueError(f"{flag} needs a value")
    return None, arguments


def _replaced(branch: Branch, path: Sequence[str], word: str, encoders: Encoders, presets: list[Preset]) -> Branch:
    first, *further = path
    if further:
        inner = branch.options[first]
        assert isinstance(inner, Branch)
        part: Any = _replaced(inner, further, word, encoders, presets)
    else:
        part = _named(branch.fields[first], word, encoders, presets)
    return replace(branch, options={**branch.options, first: part})


def _named(field: Field, word: str, encoders: Encoders, presets: list[Preset]) -> Any:
    """What a word on the command line stands for."""
    if field.list_of_choices:
        return _from_json(field.name, word, encoders)
    if field.is_encoder:
        if word == "auto":
            return encoder_branch(EncoderChoice(word), encoders)
        # Naming the encoder that is chosen anyway keeps the settings that the recipe gives it.
        same = isinstance(field.default, EncoderChoice) and field.default.name == word
        choice = field.default if same else EncoderChoice(choose("encoder", word, list(encoders)))
        return encoder_branch(choice, encoders)
    if word in field.words:
        return Branch(None, {}, {}, None if word == "none" else word)
    if field.chosen is None:
        assert field.structure is not None
        if word != "default":
            raise ValueError(f"{field.name} is chosen as {' or '.join((*field.words, 'default'))}, got {word!r}")
        return tree_of(field.structure, None, encoders)
    registry, interface = field.chosen, field.interface
    component = registry.load(choose(registry.word, word, [*registry.names(), *field.words]))
    if isinstance(component, Preset):
        presets.append(component)
        return tree_of(type(component.method), component.method, encoders)
    if interface is None or not (isinstance(component, type) and issubclass(component, interface)):
        raise ValueError(
            f"what is installed as the {registry.word} {word!r} must be a subclass of "
            f"{getattr(interface, '__name__', interface)}, got {component!r}; correct the entry point of its package"
        )
    return tree_of(component, None, encoders)


def _from_json(name: str, word: str, encoders: Encoders) -> Any:
    try:
        return built_from_json(json.loads(word), encoders)
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{name} takes a list of components as JSON, such as \'[{{"type": "grouper:k-means", "objects": 4}}]\', '
            f"got {word!r}: {error}"
        ) from error
