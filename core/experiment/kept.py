"""What was measured of one cell of a table, kept in its folder, so that it is not made again."""

import json
from collections.abc import Mapping
from pathlib import Path

from ..storage.atomic import write_text
from ..storage.damage import read_or_name

RESULT = "measured.json"


def kept(folder: Path) -> Mapping[str, float] | None:
    """What was measured in a folder; None where nothing was.

    Raises:
        ValueError: naming the file, if it is damaged.
    """
    path = folder / RESULT
    if not path.is_file():
        return None
    advice = "remove the file, and its cell is made again"
    return read_or_name(path, lambda _: _metrics(path.read_text(encoding="utf-8")), advice)


def _metrics(text: str) -> dict[str, float]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"it holds {type(found).__name__} in place of metrics by name")
    return {str(name): float(value) for name, value in found.items()}


def keep(folder: Path, metrics: Mapping[str, float]) -> None:
    """Write down what was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / RESULT, json.dumps(metrics, indent=2) + "\n")
