"""`gestalt pack PATH… --modality NAME --out FOLDER`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, final

import tyro


@final
@dataclass(frozen=True)
class Pack:
    """Write the files of a data set into tar archives with an index, which every command reads as they are."""

    paths: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files and folders; "*.wav" in quotes, @list.txt for the paths in a file."""
    modality: str
    """An installed modality, several with + between for joint items, or package.module:OBJECT."""
    out: Path
    """A new folder, or one in which the same command was stopped: it goes on there."""
    labels: Path | None = None
    """A table (name of a file, label), or the word folders: labels go into the archives, beside their files."""
    label_column: str | None = None
    """Column of that table; the one called label, or the only one that names no items."""
    label_kind: Literal["class", "value"] = "class"
    """Whether its labels are classes or values."""
    shard_size: float = 500.0
    """Most megabytes of an archive; a record that is larger has one of its own."""
    skip_bad: bool = False
    """Leave out files that cannot be used."""


def pack_command(arguments: Sequence[str]) -> int:
    """`gestalt pack PATH… --modality NAME --out FOLDER`."""
    from gestalt.core.modality.named_paths import named_paths
    from gestalt.core.modality.plugins import load_modality
    from gestalt.core.runs.pack import pack

    from .parse import parsed

    asked = parsed(Pack, arguments, "pack", None, {})
    modality = load_modality(asked.modality)
    print(
        pack(
            modality,
            named_paths(asked.paths, modality),
            asked.out,
            asked.labels,
            asked.label_column,
            asked.label_kind,
            asked.shard_size,
            asked.skip_bad,
        )
    )
    return 0
