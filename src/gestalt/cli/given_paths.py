"""What the paths of a command stand for: patterns, lists, standard input."""

from collections.abc import Sequence
from pathlib import Path


def meant(paths: Sequence[Path], run: Path, modality: str | None) -> tuple[Path, ...]:
    """The files and folders that paths stand for; whose lines standard input holds, the run says."""
    from gestalt.core.modality.named_paths import INPUT, named_paths
    from gestalt.core.runs.saving import modality_of

    return named_paths(paths, modality_of(run, modality) if Path(INPUT) in paths else None)
