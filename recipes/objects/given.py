"""What `gestalt.train` is given as objects instead of by name, and what a run's folder says of it."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from gestalt.core.components.settings import settings_of
from gestalt.core.modality.base import AbstractModality, Reading
from gestalt.core.modality.transform import Chain, Views
from gestalt.core.training.folder import plain
from gestalt.core.training.labels import Labels


@final
@dataclass(frozen=True)
class Given:
    """Objects in place of names and paths; None for what is named.

    Attributes:
        modality: of the items.
        reading: the items.
        views: which views of them are compared.
        labels: what is known of them.
    """

    modality: AbstractModality[Any] | None = None
    reading: Reading[Any] | None = None
    views: Views[Any] | None = None
    labels: Labels | None = None

    def described(self) -> dict[str, Any]:
        """What of it a run may not change when it goes on, as JSON; items by their number, not by their content."""
        found: dict[str, Any] = {}
        if self.reading is not None:
            found["items"] = f"{len(self.reading.items)} items from Python ({type(self.reading.items).__name__})"
        if self.views is not None:
            found["views"] = {
                "source": structure(self.views.source),
                "views": [structure(view) for view in self.views.views],
            }
        if self.labels is not None:
            checksum = zlib.crc32(self.labels.known.contiguous().numpy().tobytes())
            found["labels"] = {"target": plain(self.labels.target), "checksum": checksum}
        return found


NOTHING = Given()


def structure(value: Any) -> Any:
    """A transform with its settings as JSON that is the same in every process; functions and arrays by name alone.

    Example:
        >>> from gestalt.modalities.text.views import Crop, chain
        >>> structure(chain((0.5, Crop(0.7, 1.0, shortest=6))))
        [[0.5, {'type': 'Crop', 'least': 0.7, 'most': 1.0, 'shortest': 6}]]
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Chain):
        return [[chance, structure(step)] for chance, step in value.steps]
    if isinstance(value, Mapping):
        return {str(name): structure(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [structure(part) for part in value]
    name = getattr(value, "__qualname__", type(value).__qualname__)
    try:
        settings = {} if hasattr(value, "__qualname__") else settings_of(value)  # functions and classes have none
    except (TypeError, ValueError):  # it keeps its settings elsewhere, or is built in C
        settings = {}
    return {"type": name} | {key: structure(part) for key, part in settings.items()}
