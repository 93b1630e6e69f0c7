"""What the numbers of index masks are called: `names.json` beside the folders of masks."""

import json
from collections.abc import Mapping
from pathlib import Path

from ..storage.damage import json_of, read_or_name
from ..storage.text_file import open_text

NAMES = "names.json"

MaskNames = Mapping[str, Mapping[int, str]]
"""By the name of a folder of masks, what its numbers are called."""


def write_mask_names(folder: Path, names: MaskNames) -> None:
    """Write what the numbers in each folder of masks are called, where they are called anything."""
    named = {of: {str(number): name for number, name in sorted(own.items())} for of, own in names.items() if own}
    if named:
        with open_text(folder / NAMES) as file:
            file.write(json.dumps(named, indent=1, ensure_ascii=False) + "\n")


def mask_names(folder: Path) -> MaskNames:
    """What the numbers of the masks in the folders below are called; nothing where nobody says it.

    Raises:
        ValueError: if the file is damaged.
    """
    path = folder / NAMES
    if not path.is_file():
        return {}
    return read_or_name(
        path, _read, 'it maps folders to numbers to names, {"clip": {"1": "owl"}}; correct or remove it'
    )


def _read(path: Path) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for of, names in json_of(path).items():
        found[str(of)] = {int(number): str(name) for number, name in names.items()}
    return found
