"""Studies by name; only the modality of the one that is asked for is imported."""

from typing import Literal

from ..study import Study

Name = Literal["image", "audio", "graph"]


def load(name: Name) -> Study:
    """The study of a name."""
    match name:
        case "image":
            from .image import pictures

            return pictures()
        case "audio":
            from .audio import sounds

            return sounds()
        case "graph":
            from .graph import molecules

            return molecules()
