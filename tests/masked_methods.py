"""Masked prediction, built small: every installed method, and compositions that they do not use."""

import functools
from collections.abc import Callable
from typing import Any

from gestalt.core.components.registry import METHODS
from gestalt.core.methods.compared import Compared
from gestalt.core.methods.hiding_learner import HidingLearner
from gestalt.core.methods.masked.hiding import HiddenObjects, Spans
from gestalt.core.methods.masked.learner import MaskedLearner
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.step import AbstractLearner
from gestalt.core.networks.encoder import AbstractEncoder
from tests.implementations import DATA, EVERY_LEARNER, small
from tests.kinds_of_learners import built_by

MASKING = [name for name in METHODS.names() if built_by(name) is MaskedLearner]
"""Methods and presets of masked prediction."""
HIDING = (MaskedLearner, HidingLearner)
"""Learners that hide elements between the two steps of an encoder."""
IN_TWO_STEPS = [name for name in METHODS.names() if built_by(name) in HIDING]
"""Methods that need an encoder in two steps."""


def masked(name: str, encoder: AbstractEncoder, data: DataInfo = DATA, **changes: Any) -> MaskedLearner:
    """A learner of masked prediction, built small."""
    built = small(name, **changes).build(encoder, data)
    assert isinstance(built, MaskedLearner)
    return built


MASKED: dict[str, Callable[[AbstractEncoder], MaskedLearner]] = {
    **{name: functools.partial(masked, name) for name in MASKING},
    "mae of views": functools.partial(masked, "mae", sees="views"),
    "mae of whole objects": functools.partial(masked, "mae", hiding=HiddenObjects()),
    "bert of discovered objects": functools.partial(masked, "bert", hiding=HiddenObjects(0.3, "discovered")),
    "graphmae of spans": functools.partial(masked, "graphmae", hiding=Spans(0.4, 2)),
}
"""Every installed method of masked prediction, and compositions that they do not use."""


def hiding(name: str, encoder: AbstractEncoder, data: DataInfo = DATA, **changes: Any) -> HidingLearner:
    """A learner of self-distillation with hidden elements, built small."""
    built = small(name, **changes).build(encoder, data)
    assert isinstance(built, HidingLearner)
    return built


DISTILLED: dict[str, Callable[[AbstractEncoder], HidingLearner]] = {
    "ibot": functools.partial(hiding, "ibot"),
    "ibot with sinkhorn": functools.partial(hiding, "ibot", balance="sinkhorn", chance=1.0),
}
"""Self-distillation with hidden elements."""


ALL_LEARNERS: dict[str, Callable[[AbstractEncoder], AbstractLearner[Compared]]] = {
    **EVERY_LEARNER,
    **MASKED,
    **DISTILLED,
}
"""Everything that trains."""
