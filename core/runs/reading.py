"""How commands read an archive: at the resolution that their results are for."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from ..modality.base import AbstractModality, Reading
from ..modality.optional import ReadsFullResolution

ItemT = TypeVar("ItemT")


def reading_for(modality: AbstractModality[ItemT], paths: Sequence[Path], skip_bad: bool, full: bool) -> Reading[ItemT]:
    """The items under some paths, at the files' own resolution where that is wanted and the modality can.

    Raises:
        BadItemError: for the first file that cannot be used, unless `skip_bad`.
    """
    if full and isinstance(modality, ReadsFullResolution):
        return modality.read_full(paths, skip_bad)
    return modality.read(paths, skip_bad)
