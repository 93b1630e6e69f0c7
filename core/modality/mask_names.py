"""What the numbers of index masks are called: `names.json` beside them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..storage.damage import json_of, read_or_name
from ..storage.text_file import open_text

NAMES = "names.json"


def write_mask_names(folder: Path, names: Sequence[str]) -> None:
    """Write what the numbers from 1 on are called."""
    with open_text(folder / NAMES) as file:
        numbered = {str(number): name for number, name in enumerate(names, start=1)}
        file.write(json.dumps(numbered, indent=1, ensure_ascii=False) + "\n")


def mask_names(folder: Path) -> Mapping[int, str]:
    """What the numbers of the masks in a folder are called; nothing where nobody says it.

    Raises:
        ValueError: if the file is damaged.
    """
    path = folder / NAMES
    if not path.is_file():
        return {}
    return read_or_name(path, _read, 'it maps numbers to names, {"1": "owl"}; correct it, or remove it')


def _read(path: Path) -> dict[int, str]:
    return {int(number): str(name) for number, name in json_of(path).items()}
