"""The folder for what is known of a user's files and can be made again: their own folders are never written to."""

import hashlib
import os
from pathlib import Path

VARIABLE = "GESTALT_CACHE"


def cache_folder() -> Path:
    """`GESTALT_CACHE`, or the folder of this program where the system keeps such files (on Linux, `~/.cache/gestalt`).

    It is not made here.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("gestalt", appauthor=False)


def cached_for(path: Path, ending: str) -> Path:
    """Where what is known of a file or folder is kept: by its whole path, so that another of its name has its own."""
    whole = os.path.realpath(path)
    return cache_folder() / f"{hashlib.sha256(os.fsencode(whole)).hexdigest()[:32]}{ending}"
