"""What a modality may offer to say how its objects are found, beyond `optional`: a method that it simply has."""

from typing import Protocol, runtime_checkable

from ..discovery.finder import ObjectFinder
from ..networks.encoder import AbstractEncoder


@runtime_checkable
class FindsObjects(Protocol):
    """How objects are found where nobody says otherwise; without it, by the axes on which elements lie."""

    def finder(self, raw: AbstractEncoder, objects: int) -> ObjectFinder:
        """The finder.

        Args:
            raw: plain features of these data.
            objects: most objects of an item.
        """
        ...
