"""Labels of windows by what their files themselves say of their time."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from ..data.items import AbstractItems
from .label_table import Kind, labels_from
from .labels import Labels


@runtime_checkable
class Annotated(Protocol):
    """Numbered items whose files say what they are: annotations of a signal in its own file."""

    def annotations(self) -> Sequence[str | None]:
        """What the files say of every item; None where they say nothing.

        Raises:
            BadItemError: if a file cannot be read.
        """
        ...


def annotation_labels(items: AbstractItems[Any], kind: Kind = "class") -> Labels:
    """What the files of the items say of them.

    Raises:
        ValueError: if they say nothing.
    """
    if not isinstance(items, Annotated):
        raise ValueError("--labels annotations are those in the data's own files, and these have none: EDF+ has them")
    texts = items.annotations()
    if not any(texts):
        raise ValueError(
            f"no annotation covers more than half of any of {len(texts)} items: --labels annotations needs EDF+ files "
            "with annotations that last"
        )
    return labels_from(texts, kind, "annotations", items.name)
