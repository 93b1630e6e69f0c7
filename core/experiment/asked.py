"""What a kept number was made with, noted beside it, so that no number is taken for one of other options."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..storage.atomic import write_text
from ..storage.damage import json_of, read_or_name
from ..training.folder import flat, plain
from .kept import RESULT

ASKED = "asked.json"
RUN = "run"
FREE = frozenset(
    {
        "running",
        "workers",
        "threads",
        "devices",
        "num_nodes",
        "strategy",
        "logger",
        "log_every",
        "checkpoint_every",
    }
)
"""Names of options, or groups of them, on which no number depends but for rounding."""


def claim(folder: Path, of: Mapping[str, Any]) -> None:
    """Note what the numbers of a folder are made with, before they are; refuse a folder that others were made in.

    What was measured before such notes were taken is left as it is: nobody knows of what.

    Args:
        folder: of a cell; it may hold `measured.json`, or a stopped run in `run`.
        of: options and components by name, for all that decides the numbers and is not in the folder's name.

    Raises:
        ValueError: naming the options that differ; or the file, if the note is damaged.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> claim(folder, {"lr": 0.1, "threads": 1})
        >>> (folder / RUN).mkdir()
        >>> claim(folder, {"lr": 0.1, "threads": 2})
        >>> claim(folder, {"lr": 0.5})
        Traceback (most recent call last):
        ValueError: ... other options: lr was 0.1 and is now 0.5. ...
    """
    path, made = folder / ASKED, (folder / RESULT).is_file()
    now = _deciding(json.loads(json.dumps(plain(dict(of)))))
    if path.is_file() and (made or (folder / RUN).exists()):
        advice = "remove the folder, and its cell is made again"
        before = read_or_name(path, lambda _: _deciding(json_of(path)), advice)
        changed = [name for name in sorted(before | now) if before.get(name) != now.get(name)]
        if changed:
            lines = ", ".join(f"{name} was {before.get(name)!r} and is now {now.get(name)!r}" for name in changed)
            raise ValueError(
                f"{folder} was {'measured' if made else 'begun'} with other options: {lines}. "
                "Choose another folder (--out), or remove this one, and it is made again"
            )
    elif not made:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(now, indent=2, ensure_ascii=False) + "\n")


def _deciding(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flat(options).items() if FREE.isdisjoint(name.split("."))}
