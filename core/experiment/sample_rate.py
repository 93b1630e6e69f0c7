"""Everything in the options of a run that depends on the sample rate."""

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from ..components.settings import settings_of
from ..networks.encoder import AbstractEncoder

ValueT = TypeVar("ValueT")


def at_rate(value: ValueT, sample_rate: float | int) -> ValueT:
    """The same options, whose encoders take recordings of another sample rate.

    Example:
        >>> from gestalt.recipes.audio_events.recipe import events_finder
        >>> at_rate(events_finder(), 48_000).background.salience.sample_rate
        48000
    """
    if isinstance(value, AbstractEncoder):
        settings = settings_of(value)
        if settings.get("sample_rate", sample_rate) == sample_rate:
            return value
        return type(value)(**{**settings, "sample_rate": sample_rate})
    if not is_dataclass(value) or isinstance(value, type):
        return value
    own: dict[str, Any] = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    changed = {name: at_rate(part, sample_rate) for name, part in own.items()}
    same = all(changed[name] is part for name, part in own.items())
    return value if same else replace(value, **changed)
