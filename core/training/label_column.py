"""Which column of a table has the labels, and a line on it where its name does not say it."""

from pathlib import Path

from ..tables.layout import Layout

LABEL = "label"
LINES = ("line", "record")
"""Columns that number the lines or records of a file."""
FILES = ("file", "filename", "file_name", "path")
"""Columns that name files."""
NAMING = frozenset({*FILES, "name", "id", "item", *LINES})
"""Columns that may name items where the first one does not."""
STRETCHES = frozenset({"onset", "offset"})
"""Columns of tables of events, which are masks."""


def column_of_labels(path: Path, layout: Layout, asked: str | None, of_data: bool) -> tuple[int, str]:
    """The number of the column: the one that is asked for, or the one called `label`, or else the only one that names
    no items; and a line that says which was taken, nothing where that is clear.

    Args:
        path: of the table.
        layout: its columns, two at least.
        asked: by the user.
        of_data: the table is itself a file of the data, whose columns are what the data are made of.

    Raises:
        ValueError: if there is none such, or several could be meant.

    Example:
        >>> column_of_labels(Path("a.csv"), Layout(",", ("file", "species")), None, of_data=False)
        (1, "the labels in a.csv are its column 'species'")
    """
    names = layout.listed
    try:
        own = layout.column(LABEL if asked is None else asked)
    except ValueError as error:
        raise ValueError(f"{path} {error}") from error
    if own is not None:
        return own, ""
    if asked is not None:
        raise ValueError(f"{path} has no column {asked!r}; it has {names}")
    if of_data:
        raise ValueError(f"{path} is the data themselves; say by --label-column which column has the labels: {names}")
    if {name.lower() for name in layout.names} >= STRETCHES:
        raise ValueError(
            f"{path} holds stretches of time ({names}), which are masks with names: give it with --masks, or say by "
            "--label-column which column has labels of whole items"
        )
    others = [place for place, name in enumerate(layout.names) if place and name and name.lower() not in NAMING]
    if len(others) > 1:
        meant = ", ".join(repr(layout.names[place]) for place in others[:8]) + (", …" if len(others) > 8 else "")
        raise ValueError(
            f"{path} has no column {LABEL!r}, and the labels could be in {meant}; say in which by --label-column"
        )
    if not others:
        raise ValueError(
            f"{path} has no column {LABEL!r}, and its columns {', '.join(map(repr, layout.names))} name items or "
            "nothing; say by --label-column which has the labels"
        )
    place = others[0]
    return place, f"the labels in {path} are its column {layout.names[place]!r}"
