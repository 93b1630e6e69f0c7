"""The folder of a run: begun once, gone on with under the same options, by one process at a time."""

import dataclasses
import json
import os
import sys
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from lightning_fabric import Fabric
from torch import nn

from ..components.registry import REGISTRIES
from ..components.settings import settings_of
from ..storage.atomic import write_text
from ..storage.damage import json_of, read_or_name
from ..storage.listing import refuse_inputs_in
from ..storage.names_of_runs import OPTIONS, WRITTEN
from .checkpoint import CHECKPOINT
from .data_record import DataRecord
from .lock import locked

LOCK = "training.lock"


@final
class RunFolder:
    """The folder of a run, whose typed configuration is kept in `options.json`.

    Nothing is written before `claimed`: a run that fails while its options and data are checked leaves nothing behind.

    Args:
        folder: created when it is claimed.
        options: a dataclass, the whole configuration of the run.
        resume: go on with what is there; begin if nothing is.
        free: dotted names of options that may differ when a run goes on, since its numbers do not depend on them.
        inputs: what the run reads; none of it may lie in the folder.
    """

    def __init__(
        self, folder: Path, options: Any, resume: bool, free: Set[str] = frozenset(), inputs: Sequence[Path] = ()
    ) -> None:
        self.folder, self.resume, self.free, self.inputs = folder, resume, free, tuple(inputs)
        self.fields = plain(options)

    def check(self) -> None:
        """Refuse a folder that the run cannot use; a folder without a checkpoint holds no run.

        Raises:
            FileExistsError: if the folder holds a run and `resume` is False, or files that no run wrote and this one
                would replace.
            NotADirectoryError: if it is a file.
            PermissionError: if nothing can be written there.
            ValueError: if it holds an input, or if the run was begun with other options.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(f"{self.folder} is a file; choose a folder by --out")
        refuse_inputs_in(self.folder, self.inputs)
        place = next(path for path in (self.folder, *self.folder.absolute().parents) if path.exists())
        if not os.access(place, os.W_OK):
            raise PermissionError(f"{place} cannot be written to; choose another folder by --out")
        if not (self.folder / CHECKPOINT).is_file():
            foreign = [name for name in WRITTEN if (self.folder / name).exists()]
            if foreign and not (self.folder / OPTIONS).exists():
                raise FileExistsError(
                    f"{self.folder} holds {foreign[0]}, which no run wrote and this one would replace; choose an empty "
                    "folder or a new one by --out"
                )
            return
        if not self.resume:
            raise FileExistsError(
                f"{self.folder} already holds a run; go on with it by --resume, or choose another folder by --out"
            )
        path = self.folder / OPTIONS
        if not path.is_file():
            return
        advice = "remove it, and resume with the options that the run was begun with"
        before, now = read_or_name(path, lambda _: flat(json_of(path)), advice), flat(self.fields)
        names = [name for name in sorted(before | now) if not any(_within(name, free) for free in self.free)]
        changed = [name for name in names if before.get(name) != now.get(name)]
        if changed:
            lines = ", ".join(
                f"{' '.join(name.split())} was {before.get(name)!r} and is now {now.get(name)!r}" for name in changed
            )
            raise ValueError(
                f"the run in {self.folder} was begun with other options: {lines}. "
                "Resume with the options it was begun with, or start a new run in another folder"
            )

    @contextmanager
    def claimed(self, fabric: Fabric, data: DataRecord | None = None, changed: bool = False) -> Iterator[None]:
        """Within it, this run alone trains in the folder; its options are written, and what its data are.

        Args:
            fabric: of this process; the first one has the lock for all.
            data: what is trained on; None where nobody knows.
            changed: go on although the data are no longer those that the run was begun with.

        Raises:
            RuntimeError: if another process trains there.
            FileExistsError, PermissionError, ValueError: as `check`; or if the data are others, unless `changed`.
        """
        if not fabric.is_global_zero:
            fabric.barrier()
            yield
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        taken = f"another process is training in {self.folder}; wait until it ends, or choose another folder by --out"
        with locked(self.folder / LOCK, taken):
            self.check()
            if data is not None:
                self._compare(data, changed)
                data.write(self.folder)
            write_text(self.folder / OPTIONS, json.dumps(self.fields, indent=2, ensure_ascii=False) + "\n")
            fabric.barrier()
            yield

    def _compare(self, data: DataRecord, changed: bool) -> None:
        if not (self.folder / CHECKPOINT).is_file():
            return
        before = None if changed else DataRecord.read(self.folder)
        if before is None:
            said = (
                "whether its data changed is not looked at" if changed else "what data it was begun with is not known"
            )
            print(f"going on with the run in {self.folder}: {said}", file=sys.stderr)
            return
        found = before.changes(data)
        if found:
            raise ValueError(
                f"the data changed since the run in {self.folder} was begun: {', '.join(found)}. Go on all the same by "
                "--data-changed (in Python: data_changed=True), or start a new run in another folder"
            )
        if before.times != data.times:
            print("the files of the data are newer than the run; names, sizes and a sample agree", file=sys.stderr)


def plain(value: Any) -> Any:
    """Options as JSON: dataclasses and installed components with their settings, lists, numbers, text.

    Example:
        >>> from gestalt.core.optimization.progress import Progress
        >>> plain({"at": Progress(1, 2, 3), "in": Path("runs")})
        {'at': {'step': 1, 'steps': 2, 'steps_per_epoch': 3}, 'in': 'runs'}
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    kind = next((name for registry in REGISTRIES if (name := registry.name_of(type(value)))), None)
    head = {} if kind is None else {"type": kind}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return head | {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, nn.ModuleList | list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, nn.Module):
        return (head or {"type": type(value).__name__}) | {
            name: plain(entry) for name, entry in settings_of(value).items()
        }
    return str(value)


def _within(name: str, free: str) -> bool:
    return name == free or name.startswith(f"{free}.")


def flat(fields: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested options by dotted names.

    Example:
        >>> flat({"training": {"steps": 3}, "seed": 0})
        {'training.steps': 3, 'seed': 0}
    """
    found: dict[str, Any] = {}
    for name, value in fields.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found
