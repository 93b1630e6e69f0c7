"""The network of a finished run that a method learns from."""

from typing import Any

from ..methods.method import AbstractMethod, LearnsFromRun, all_of
from ..modality.base import AbstractModality
from ..networks.encoder import Network
from ..runs.config import RunConfig
from ..runs.saving import load


def teacher_of(method: AbstractMethod, modality: AbstractModality[Any]) -> Network | None:
    """The network of the run that a method names; None where it names none.

    Raises:
        FileNotFoundError: if the folder is no finished run.
        ValueError: if it is damaged, or of another modality.
    """
    folders = [one.run for one in all_of(method) if isinstance(one, LearnsFromRun) and one.run is not None]
    if not folders:
        return None
    folder = folders[0]
    taught = str(RunConfig.read(folder).modality["name"])
    if ":" not in taught and taught != modality.name:  # of what is not installed, the encoder decides
        raise ValueError(
            f"{folder} is a run of the modality {taught!r}, and these items are of {modality.name!r}: a network learns "
            "from one that sees the same items"
        )
    return load(folder, modality=modality).network
