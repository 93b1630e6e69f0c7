"""Which methods are compared with which: those of a section train one and the same encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.presets import Preset, preset_named
from gestalt.core.modality.two_steps import encoders_in_two_steps

from .cells import CannotError, Trial


@final
@dataclass(frozen=True)
class Section:
    """Rows that may be compared with one another.

    Attributes:
        trial: the recipe with the encoder that all of them train.
        methods: by the name under which each is installed.
        cannot: why other methods are not there, by their names.
    """

    trial: Trial
    methods: Mapping[str, Preset]
    cannot: Mapping[str, str]

    @property
    def encoder(self) -> str:
        """The name of the encoder."""
        name: str = self.trial.options.encoder.name
        return name


def sections_of(trial: Trial, names: Sequence[str], beside: Sequence[str]) -> tuple[Section, ...]:
    """The recipe's own encoder with every method that can train it, then the first encoder in two steps with the rest.

    Args:
        trial: a recipe with its own encoder.
        names: of the methods.
        beside: further methods in the second section, to compare the others with.
    """
    methods = {name: preset_named(name) for name in names}
    refused = {name: reason for name, preset in methods.items() if (reason := refusal(trial, preset.method))}
    able = encoders_in_two_steps(trial.recipe.modality.encoders)
    if trial.options.encoder.name in able or not able:
        return (Section(trial, _without(methods, refused), refused),)
    other = trial.with_encoder(able[0])
    cannot = {name: reason for name in refused if (reason := refusal(other, methods[name].method))}
    first = Section(trial, _without(methods, refused), cannot)
    rest = {name: methods[name] for name in refused if name not in cannot}
    if not rest:
        return (first,)
    plain = {name: preset_named(name) for name in beside if name not in rest}
    there = {name: preset for name, preset in plain.items() if not refusal(other, preset.method)}
    return first, Section(other, {**there, **rest}, {})


def refusal(trial: Trial, method: AbstractMethod) -> str:
    """Why a method cannot learn there; nothing if it can."""
    try:
        trial.learner(method)
    except CannotError as error:
        return str(error)
    return ""


def _without(methods: Mapping[str, Preset], refused: Mapping[str, str]) -> dict[str, Preset]:
    return {name: preset for name, preset in methods.items() if name not in refused}
