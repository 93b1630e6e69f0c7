"""By what name a service knows a run, so that one that is resumed goes on with its curves."""

import json
from pathlib import Path

from ...storage.atomic import write_text
from ...storage.damage import json_of, read_or_name

RUN_ID = "logger.json"


def known_as(folder: Path, logger: str, step: int) -> str | None:
    """The id that a run has there; None for a new run, and for one that had another logger.

    Args:
        folder: of the run.
        logger: the name of the logger.
        step: from which training goes on; 0 for a new run.

    Raises:
        ValueError: if the file that keeps it is damaged.
    """
    path = folder / RUN_ID
    if not step or not path.is_file():
        return None
    known = read_or_name(path, lambda _: dict(json_of(path)), "remove it, and its curves begin anew")
    return str(known[logger]) if logger in known else None


def remember(folder: Path, logger: str, run: str) -> None:
    """Keep the id that a run has there."""
    write_text(folder / RUN_ID, json.dumps({logger: run}) + "\n")
