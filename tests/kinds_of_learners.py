"""Which learner a method builds, known before anything is built."""

from typing import Any, get_type_hints

from gestalt.core.components.registry import METHODS
from gestalt.core.methods.element_tasks import ElementLearner
from gestalt.core.methods.masked.decoder import DecoderSettings
from gestalt.core.methods.presets import preset_named

NARROW = DecoderSettings(8, 1, 2)
"""A decoder for tests."""


def built_by(name: str) -> Any:
    """The class of the learner that a method or preset builds."""
    return get_type_hints(type(preset_named(name).method).build)["return"]


ASKING = [name for name in METHODS.names() if built_by(name) is ElementLearner]
"""Methods that ask about elements."""
