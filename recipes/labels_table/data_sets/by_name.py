"""Data sets by name; only the modality of the one that is asked for is imported."""

from typing import Literal

from ..labelled_data import LabelledData

Name = Literal["image", "audio", "graph", "text", "spans"]


def load(name: Name, seed: int) -> LabelledData:
    """The data set of a name; where items are made, they follow from the seed."""
    match name:
        case "image":
            from .image import pictures

            return pictures()
        case "audio":
            from .audio import sounds

            return sounds(seed)
        case "graph":
            from .graph import molecules

            return molecules()
        case "text":
            from .text import words

            return words()
        case "spans":
            from .text import word_groups

            return word_groups()
