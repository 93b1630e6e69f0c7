"""Objectives that find by likeness which objects belong together."""

from collections.abc import Callable

from gestalt.core.methods.objectives import AbstractObjective, MatchedObjects

ALIKE: dict[str, Callable[[int, int], AbstractObjective]] = {
    "matched objects": lambda _dim, _views: MatchedObjects(0.2),
    "matched objects, those of one view": lambda _dim, _views: MatchedObjects(0.3, asking=1, learned=False),
}
"""Those that find by likeness which objects belong together: none needs to be shared. Their laws: `test_matched`."""
