"""Folders that the package itself wrote: what lies in them is no data, unless the user names them."""

import os
from pathlib import Path

MARKER = ".gestalt-output.json"
"""In a folder that `discover` or `embed` wrote: the files that it wrote there."""

SIGNS = (
    frozenset({MARKER}),
    frozenset({"config.json", "model.safetensors"}),  # a finished run
    frozenset({"options.json", "metrics.csv"}),  # one that is not finished
    frozenset({"options.json", "checkpoint.pt"}),
    frozenset({"table.json", "table.md", "seed-0"}),  # a table over several seeds
)
"""A folder that holds all names of one of these is one of ours."""


def below(folder: Path) -> list[Path]:
    """All files and folders in a tree, sorted, without the folders that the package wrote and what is in them.

    The folder itself is searched in any case: it is the one that was asked for.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "found").mkdir()
        >>> for name in ("photo.png", "found/photo.png", f"found/{MARKER}"):
        ...     (folder / name).touch()
        >>> [path.name for path in below(folder)], [path.name for path in below(folder / "found")]
        (['photo.png'], ['.gestalt-output.json', 'photo.png'])
    """
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_own(Path(parent, name))]
        found += [Path(parent, name) for name in (*folders, *files)]
    return sorted(found)


def is_own(folder: Path) -> bool:
    """Whether the package wrote a folder: an output, or a run."""
    return any(all((folder / name).exists() for name in sign) for sign in SIGNS)
