"""Folders that the package itself wrote: what lies in them is no data, unless the user names them."""

from pathlib import Path

from .names_of_runs import CONFIG, METRICS, OPTIONS, WEIGHTS

MARKER = ".gestalt-output.json"
"""In a folder that `discover` or `embed` wrote: the files that it wrote there."""
INDEX = "gestalt-index.json"
"""In a folder that `index` wrote: what the index is of, and its segments."""

SIGNS = (
    frozenset({MARKER}),
    frozenset({INDEX}),
    frozenset({CONFIG, WEIGHTS}),  # a finished run
    frozenset({OPTIONS, METRICS}),  # one that is not finished
    frozenset({OPTIONS, "checkpoint.pt"}),
    frozenset({"table.json", "table.md", "seed-0"}),  # a table over several seeds
)
"""A folder that holds all names of one of these is one of ours."""


def is_own(folder: Path) -> bool:
    """Whether the package wrote a folder: an output, or a run."""
    return any(all((folder / name).exists() for name in sign) for sign in SIGNS)
