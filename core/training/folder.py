"""The folder of a run: begun once, gone on with under the same options."""

import dataclasses
import json
from collections.abc import Set
from pathlib import Path
from typing import Any

from ..storage.atomic import write_text
from .checkpoint import CHECKPOINT

OPTIONS = "options.json"


def open_folder(folder: Path, options: Any, resume: bool, free: Set[str] = frozenset()) -> None:
    """Begin or go on with a run in `folder`; its typed configuration is kept in `options.json`.

    Args:
        folder: created if it is missing.
        options: a dataclass, the whole configuration of the run.
        resume: go on with what is there; begin if nothing is.
        free: dotted names of options that may differ when a run goes on, since its numbers do not depend on them.

    Raises:
        FileExistsError: if the folder holds a run and `resume` is False.
        ValueError: if the run was begun with other options.
    """
    fields = plain(options)
    path = folder / OPTIONS
    if path.is_file() and not resume:
        raise FileExistsError(
            f"{folder} already holds a run; go on with it by --resume, or choose another folder by --out"
        )
    if path.is_file() and (folder / CHECKPOINT).is_file():
        before, now = _flat(json.loads(path.read_text())), _flat(fields)
        changed = [name for name in sorted(before | now) if name not in free and before.get(name) != now.get(name)]
        if changed:
            lines = ", ".join(f"{name} was {before.get(name)!r} and is now {now.get(name)!r}" for name in changed)
            raise ValueError(
                f"the run in {folder} was begun with other options: {lines}. "
                "Resume with the options it was begun with, or start a new run in another folder"
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(fields, indent=2, ensure_ascii=False) + "\n")


def plain(value: Any) -> Any:
    """A dataclass as JSON: nested dictionaries, lists, numbers, text.

    Example:
        >>> from gestalt.core.optimization.progress import Progress
        >>> plain({"at": Progress(1, 2, 3), "in": Path("runs")})
        {'at': {'step': 1, 'steps': 2, 'steps_per_epoch': 3}, 'in': 'runs'}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return str(value) if isinstance(value, Path) else value


def _flat(fields: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
